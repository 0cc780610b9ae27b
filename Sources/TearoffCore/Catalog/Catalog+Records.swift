extension Catalog {
    /// What a snapshot keeps of the catalog: records that build it anew, and what no record tells.
    package struct Condensed: Equatable, Sendable {
        package let records: [ControlRecord]
        package let lapses: [Lapse]

        package init(records: [ControlRecord], lapses: [Lapse]) {
            self.records = records
            self.lapses = lapses
        }
    }

    /// The last expiry of a list that passed before a new one was set.
    package struct Lapse: Equatable, Sendable {
        package let list: ListID
        package let at: Timestamp

        package init(list: ListID, at: Timestamp) {
            self.list = list
            self.at = at
        }
    }

    /// The shortest records that lead to this catalog: lists, uploads and campaigns each in the order of
    /// their ids, then which lists are away, and the accounts.
    package var condensed: Condensed {
        let listRecords = lists.flatMap { list in
            let created = ControlRecord(
                .listCreated(
                    id: list.id, name: list.name, kind: list.firstKind, expiresAt: list.expiresAt,
                    warnAt: list.warnAt),
                at: list.createdAt)
            return [created] + list.settingsRecords
        }
        let receipts = lists.flatMap { list in list.uploads.map { (list, $0) } }.sorted {
            $0.1.id < $1.1.id
        }
        let uploadRecords = receipts.flatMap { list, receipt -> [ControlRecord] in
            var records = [ControlRecord(receipt.change(list), at: receipt.committedAt)]
            if receipt.burnedBelow > 0 {
                let burned = ControlRecord.Change.codesBurned(upload: receipt.id, below: receipt.burnedBelow)
                records.append(ControlRecord(burned, at: receipt.committedAt))
            }
            if let withdrawnAt = receipt.withdrawnAt {
                records.append(ControlRecord(.uploadWithdrawn(id: receipt.id), at: withdrawnAt))
            }
            return records
        }
        let campaignRecords = campaigns.flatMap { campaign -> [ControlRecord] in
            var records = [
                ControlRecord(
                    .campaignCreated(
                        id: campaign.id, name: campaign.name, list: campaign.list, rule: campaign.rule),
                    at: campaign.createdAt)
            ]
            if campaign.returns != .standard {
                let set = ControlRecord.Change.campaignReturnsSet(id: campaign.id, rule: campaign.returns)
                records.append(ControlRecord(set, at: campaign.createdAt))
            }
            records += settingsRecords(of: campaign)
            if case .finished(let reason, let at) = campaign.state {
                records.append(ControlRecord(.campaignFinished(id: campaign.id, reason: reason), at: at))
            }
            return records
        }
        let endRecords = lists.flatMap { list -> [ControlRecord] in
            var records: [ControlRecord] = []
            if let at = list.archivedAt { records.append(ControlRecord(.listArchived(list.id), at: at)) }
            if let deletion = list.deletion {
                let deleted = ControlRecord.Change.listDeleted(list.id, ledger: deletion.ledger)
                records.append(ControlRecord(deleted, at: deletion.at))
            }
            return records
        }
        let lapses = lists.compactMap { list in list.lapsedAt.map { Lapse(list: list.id, at: $0) } }
        return Condensed(
            records: listRecords + uploadRecords + campaignRecords + endRecords + accountRecords, lapses: lapses)
    }
}

/// The settings as they are now; how long codes are good also as it was, at its times.
private func settingsRecords(of campaign: Campaign) -> [ControlRecord] {
    func record(_ settings: CampaignSettings, at time: Timestamp) -> ControlRecord {
        ControlRecord(.campaignSettingsSet(id: campaign.id, settings: settings), at: time)
    }
    if campaign.validity.steps.isEmpty {
        return campaign.settings == CampaignSettings() ? [] : [record(campaign.settings, at: campaign.createdAt)]
    }
    return campaign.validity.steps.map { step in
        var settings = campaign.settings
        settings.validityDays = step.days
        return record(settings, at: step.since)
    }
}

extension List {
    /// All that is set of it beside what it was created with.
    fileprivate var settingsRecords: [ControlRecord] {
        var changes: [ControlRecord.Change] = []
        if settings != ListSettings() { changes.append(.listSettingsSet(list: id, settings: settings)) }
        if warnings != ListWarnings() { changes.append(.listWarningsSet(list: id, warnings: warnings)) }
        changes += recipients.map { .recipientAdded(list: id, recipient: $0) }
        return changes.map { ControlRecord($0, at: createdAt) }
    }

    /// What it was created as.
    fileprivate var firstKind: Kind { uploads.first?.kind ?? kind }
}

extension UploadReceipt {
    fileprivate func change(_ list: List) -> ControlRecord.Change {
        guard let blob, let fileHash else {
            guard case .fixed(let code, let limit) = kind, id != list.uploads.first?.id else {
                return .fixedCodeSet(list: list.id, upload: id)
            }
            return .fixedCodeChanged(
                list: list.id, upload: id, code: code, limit: limit, count: UInt32(count))
        }
        return .uploadCommitted(
            CommittedUpload(
                id: id, list: list.id, count: count, blob: blob, fileHash: fileHash, fileName: fileName,
                report: report, isImport: isImport))
    }
}
