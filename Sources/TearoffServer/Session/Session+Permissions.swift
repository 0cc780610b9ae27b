import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// The lists and campaigns that a command names.
private struct NamedObjects {
    var lists: [String] = []
    var campaigns: [String] = []

    static let none = NamedObjects()
    static func list(_ name: String) -> NamedObjects { NamedObjects(lists: [name]) }
    static func campaign(_ name: String) -> NamedObjects { NamedObjects(campaigns: [name]) }
}

extension Command {
    /// An exhaustive switch, so that a new command that nobody thought of does not compile. Those of the burst are
    /// looked at with their campaign (``Session/terms(ofCampaign:_:_:)``); of those that tell of many lists or campaigns,
    /// what is told is left out where it is written (``Sight``).
    fileprivate var named: NamedObjects {
        switch self {
        case .listCreate(let name, _, _, _), .listImport(let name, _), .listLoadBegin(let name, _),
            .listLoadChunk(let name, _, _), .listLoadCommit(let name, _, _, _, _), .listLoadAbort(let name, _),
            .listLoadErrors(let name, _, _, _), .listInfo(let name), .listUploads(let name, _, _),
            .listUndo(let name, _), .listArchive(let name), .listReturn(let name), .listDelete(let name),
            .listSetExpires(let name, _), .listSetWarning(let name, _), .listEdit(let name, _),
            .listWarn(let name, _), .recipientAdd(let name, _), .recipientRemove(let name, _),
            .recipientTest(let name), .listRecipients(let name), .listSetFixed(let name, _, _):
            .list(name)
        case .listRename(let name, let newName): NamedObjects(lists: [name, newName])
        case .campaignCreate(let name, let list, _, _, let edits):
            NamedObjects(lists: [list] + edits.flatMap(\.lists), campaigns: [name])
        case .campaignSet(let name, _, _, let edits):
            NamedObjects(lists: edits.flatMap(\.lists), campaigns: [name])
        case .campaignInfo(let name), .campaignFinish(let name), .campaignResume(let name): .campaign(name)
        case .exportBegin(let arguments):
            NamedObjects(lists: [arguments.list], campaigns: arguments.campaign.map { [$0] } ?? [])
        case .alloc, .allocMany, .hold, .confirm, .release, .preview, .listAll, .campaignAll, .userHistory, .codeFind,
            .exportRead, .exportEnd, .auditRead, .auditCheck, .feedRead, .feedInfo, .deliveryInfo, .deliveryList,
            .deliveryRetry, .accountCreate, .accountSet, .accountDelete, .accountList, .accountShow, .snapshot,
            .backup, .info, .shutdown, .configGet, .ping, .echo, .hello, .auth, .whoAmI, .select, .reset, .quit,
            .clientID,
            .clientGetName, .clientSetName, .clientSetInfo, .clientInfo, .clientList, .clientNoEvict, .clientNoTouch,
            .commandAll, .commandCount, .commandList, .commandInfo, .commandDocs, .commandGetKeys:
            .none
        }
    }
}

extension CampaignEditArgument {
    /// Those that the campaign is to overflow to.
    fileprivate var lists: [String] {
        if case .overflow(let names) = self { names } else { [] }
    }
}

extension Session {
    /// Whether whoever is logged in may send the command. - Returns: false when an error was written.
    func isAllowed(
        _ command: Command, _ identity: Identity, _ engine: LoopEngine?, _ writer: inout ReplyWriter
    ) -> Bool {
        let need = CommandTable.need(of: command.id)
        guard identity.may(need) else {
            if engine == nil {
                loading(&writer)
            } else {
                writer.error(
                    .noPermission,
                    "'\(command.id.rawValue)' needs the role \(need.words), which \(who(identity)) has not")
            }
            return false
        }
        guard let reach = identity.reach, let engine else { return true }
        if let refusal = refusal(of: command, identity, reach, engine.catalog) {
            writer.error(.noPermission, refusal)
            return false
        }
        return true
    }

    /// Why an account that is limited to some lists and campaigns may not send it; nil: it may.
    private func refusal(
        of command: Command, _ identity: Identity, _ reach: Reach, _ catalog: Catalog
    ) -> String? {
        let named = command.named
        if let list = named.lists.first(where: { !reach.reaches(list: $0) }) {
            return "\(who(identity)) may not use list '\(list)'"
        }
        for name in named.campaigns {
            let list = catalog.campaign(named: name).map { catalog[$0.list].name }
            guard reach.reaches(campaign: name, of: list) else { return Self.refusal(ofCampaign: name, identity) }
        }
        switch command {
        case .listImport where !reach.campaigns.isEmpty:
            return "\(who(identity)) is limited to some campaigns, and the rows of an import may name any"
        case .listImport:
            let lists = command.named.lists.compactMap { catalog.list(named: $0)?.id }
            return catalog.presentCampaigns
                .first { !Set(catalog.chain(of: $0)).isDisjoint(with: lists) && !reach.reaches($0, in: catalog) }
                .map { Self.refusal(ofCampaign: $0.name, identity) + ", which the rows of an import may name" }
        case .listDelete(let name):
            let campaigns = catalog.list(named: name).map { catalog.campaigns(of: $0.id) } ?? []
            return campaigns.first { !reach.reaches($0, in: catalog) }
                .map { Self.refusal(ofCampaign: $0.name, identity) }
        case .exportBegin(let arguments)
        where arguments.campaign == nil && arguments.selection != .free && !reach.campaigns.isEmpty:
            return "\(who(identity)) is limited to some campaigns: name one of them with CAMPAIGN"
        case .deliveryRetry(let number): return refusal(ofRetrying: number, identity, reach, catalog)
        default: return nil
        }
    }

    private func refusal(
        ofRetrying number: UInt64?, _ identity: Identity, _ reach: Reach, _ catalog: Catalog
    ) -> String? {
        guard let number else { return "\(who(identity)) is limited to some lists: name one delivery" }
        let dead = server.deliveries?.info.dead.first { $0.number == number }
        guard let dead, !reach.reaches(catalog[dead.list]) else { return nil }
        return "\(who(identity)) may not use list '\(catalog[dead.list].name)'"
    }

    static func refusal(ofCampaign name: String, _ identity: Identity) -> String {
        "account '\(identity.name)' may not use campaign '\(name)'"
    }

    private func who(_ identity: Identity) -> String { "account '\(identity.name)'" }
}

extension RoleNeed {
    /// As an error tells it.
    fileprivate var words: String { text.replacing("`", with: "'") }
}
