import TearoffCore
import TearoffLog

/// Which events of the feed, and which acts, somebody sees who is limited to some lists and campaigns.
extension Sight {
    func sees(_ event: FeedEvent, in catalog: Catalog) -> Bool {
        guard reach != nil else { return true }
        switch event.kind {
        case .allocation(let allocation, _): return sees(catalog[allocation.campaign], in: catalog)
        case .warning(let list, _): return sees(catalog[list])
        case .gap: return true
        case .change(let change): return sees(change.subject(in: catalog), in: catalog)
        }
    }

    private func sees(_ subject: ChangeSubject?, in catalog: Catalog) -> Bool {
        switch subject {
        case .list(let id): sees(catalog[id])
        case .campaign(let id): sees(catalog[id], in: catalog)
        case nil: false
        }
    }

    /// By the name that the list or campaign had then. Acts on the server itself are everybody's who may look at the
    /// trail, and acts on accounts those of whoever is not limited.
    func sees(_ act: Act, in catalog: Catalog) -> Bool {
        guard let reach, !act.object.isEmpty else { return true }
        switch act.command {
        case .listCreate, .listLoad, .listImport, .listSet, .listUndo, .listArchive, .listReturn, .listDelete,
            .listRecipient, .exportBegin, .restore:
            return reach.reaches(list: act.object)
        case .campaignCreate, .campaignSet, .campaignFinish, .campaignResume:
            // One that is not there any more drew from a list that nobody knows.
            guard let campaign = catalog.campaign(named: act.object) else {
                return reach.lists.isEmpty && reach.reaches(campaign: act.object, of: nil)
            }
            return reach.reaches(campaign, in: catalog)
        case .snapshot, .backup, .shutdown, .deliveryRetry: return true
        case .accountCreate, .accountSet, .accountDelete: return false
        }
    }
}

/// What a change of the catalog is a change of.
private enum ChangeSubject {
    case list(ListID)
    case campaign(CampaignID)
}

extension ControlRecord.Change {
    /// nil for a change of an account.
    fileprivate func subject(in catalog: Catalog) -> ChangeSubject? {
        switch self {
        case .listCreated(let id, _, _, _, _), .fixedCodeSet(let id, _), .fixedCodeChanged(let id, _, _, _, _),
            .listExpirySet(let id, _), .listWarningSet(let id, _), .listRenamed(let id, _), .listSettingsSet(let id, _),
            .listArchived(let id), .listReturned(let id), .listDeleted(let id, _), .listWarningsSet(let id, _),
            .recipientAdded(let id, _), .recipientRemoved(let id, _):
            .list(id)
        case .uploadCommitted(let upload): .list(upload.list)
        case .uploadWithdrawn(let id), .codesBurned(let id, _): .list(catalog[id].list)
        case .campaignCreated(let id, _, _, _), .campaignFinished(let id, _), .campaignResumed(let id),
            .campaignReturnsSet(let id, _), .campaignRuleSet(let id, _), .campaignSettingsSet(let id, _):
            .campaign(id)
        case .accountSet, .accountDeleted: nil
        }
    }
}
