import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// The replies of `FEED READ` and `FEED INFO`: `docs/PROTOCOL.md` lists their keys.
extension ReplyWriter {
    mutating func feed(_ info: FeedInfo, _ settings: FeedSettings) {
        map(7)
        pair("oldest", optional: info.oldest)
        pair("newest", optional: info.newest)
        pair("bytes", info.byteCount)
        pair("files", UInt64(info.fileCount))
        pair("max-bytes", settings.bytesMaximum)
        pair("max-hours", settings.ageMillisecondsMaximum / 3_600_000)
        pair("problem", info.fault?.text)
    }

    mutating func feed(_ page: FeedPage, in catalog: Catalog, seenBy sight: Sight) {
        let events = page.events.enumerated().filter { sight.sees($0.element, in: catalog) }
        map(3)
        key("events")
        array(events.count)
        for (index, event) in events {
            feed(event, number: page.first + UInt64(index), in: catalog, seenBy: sight)
        }
        pair("next", page.next)
        pair("missed", page.missed)
    }

    private mutating func feed(_ event: FeedEvent, number: UInt64, in catalog: Catalog, seenBy sight: Sight) {
        switch event.kind {
        case .allocation(let allocation, let step):
            head(9, number, event, step.word)
            let upload = catalog[allocation.code.upload]
            pair("campaign", catalog[allocation.campaign].name)
            pair("list", catalog[upload.list].name)
            pair("user", text: allocation.user.span)
            pair("user-id", text: allocation.userID.span)
            key("code")
            if upload.codes.isAway || catalog[upload.list].isDeleted {
                null()
            } else {
                upload.codes.withCode(at: allocation.code.ordinal) { code($0, seenBy: sight) }
            }
            switch step {
            case .given: pair("hold-until", Timestamp?.none)
            case .repeated(let deadline): pair("hold-until", deadline)
            case .held(let deadline): pair("hold-until", deadline)
            case .ended(.confirmed, _): pair("hold-until", Timestamp?.none)
            case .ended(_, let codeIsFree): pair("returned", codeIsFree)
            }
        case .warning(let list, let warning): feed(warning, of: catalog[list], number: number, event)
        case .gap: head(3, number, event, "gap")
        case .change(let change): feed(change, number: number, event, in: catalog)
        }
    }

    private mutating func feed(
        _ warning: FeedWarning, of list: List, number: UInt64, _ event: FeedEvent
    ) {
        let fieldCount =
            switch warning {
            case .empty, .expired: 4
            case .low: 5
            case .share, .forecast, .expiring: 6
            }
        head(fieldCount, number, event, warning.word)
        pair("list", list.name)
        switch warning {
        case .low(let remaining): pair("remaining", remaining)
        case .share(let remaining, let percent):
            pair("remaining", remaining)
            pair("percent", UInt64(percent))
        case .forecast(let remaining, let hours):
            pair("remaining", remaining)
            pair("hours", UInt64(hours))
        case .expiring(let days):
            pair("days", UInt64(days))
            pair("expires-at", list.expiresAt)
        case .empty, .expired: break
        }
    }

    private mutating func feed(
        _ change: ControlRecord.Change, number: UInt64, _ event: FeedEvent, in catalog: Catalog
    ) {
        switch change {
        case .uploadCommitted(let upload):
            head(7, number, event, upload.isImport ? "imported" : "uploaded")
            pair("list", catalog[upload.list].name)
            pair("upload", UInt64(upload.id.rawValue))
            pair("codes", upload.count)
            pair("file", upload.fileName.isEmpty ? nil : upload.fileName)
        case .uploadWithdrawn(let id):
            head(5, number, event, "withdrawn")
            pair("list", catalog[catalog[id].list].name)
            pair("upload", UInt64(id.rawValue))
        case .campaignFinished(let id, let reason):
            head(6, number, event, "finished")
            campaign(id, in: catalog)
            pair("reason", reason.text)
        case .campaignResumed(let id):
            head(5, number, event, "resumed")
            campaign(id, in: catalog)
        case .listCreated(let id, _, _, _, _), .fixedCodeSet(let id, _):
            head(4, number, event, "created")
            pair("list", catalog[id].name)
        case .campaignCreated(let id, _, _, _):
            head(5, number, event, "created")
            campaign(id, in: catalog)
        case .listExpirySet(let list, _): edited(list, "expires", number, event, catalog)
        case .listWarningSet(let list, _): edited(list, "warn", number, event, catalog)
        case .listRenamed(let list, _): edited(list, "name", number, event, catalog)
        case .listSettingsSet(let list, _): edited(list, "settings", number, event, catalog)
        case .listWarningsSet(let list, _): edited(list, "warnings", number, event, catalog)
        case .recipientAdded(let list, _), .recipientRemoved(let list, _):
            edited(list, "recipients", number, event, catalog)
        case .fixedCodeChanged(let list, _, _, _, _): edited(list, "code", number, event, catalog)
        // A restore's, which stands in no log as yet.
        case .codesBurned(let upload, _): edited(catalog[upload].list, "burned", number, event, catalog)
        case .listArchived(let list): told("archived", of: list, number, event, catalog)
        case .listReturned(let list): told("returned", of: list, number, event, catalog)
        case .listDeleted(let list, _): told("deleted", of: list, number, event, catalog)
        case .campaignReturnsSet(let id, _): edited(id, "returns", number, event, catalog)
        case .campaignRuleSet(let id, _): edited(id, "retrigger", number, event, catalog)
        case .campaignSettingsSet(let id, _): edited(id, "settings", number, event, catalog)
        case .accountSet, .accountDeleted: preconditionFailure("the feed tells nothing of accounts")
        }
    }

    private mutating func told(
        _ word: String, of list: ListID, _ number: UInt64, _ event: FeedEvent, _ catalog: Catalog
    ) {
        head(4, number, event, word)
        pair("list", catalog[list].name)
    }

    private mutating func edited(
        _ list: ListID, _ setting: String, _ number: UInt64, _ event: FeedEvent, _ catalog: Catalog
    ) {
        head(5, number, event, "edited")
        pair("list", catalog[list].name)
        pair("setting", setting)
    }

    private mutating func edited(
        _ id: CampaignID, _ setting: String, _ number: UInt64, _ event: FeedEvent, _ catalog: Catalog
    ) {
        head(6, number, event, "edited")
        campaign(id, in: catalog)
        pair("setting", setting)
    }

    private mutating func campaign(_ id: CampaignID, in catalog: Catalog) {
        pair("campaign", catalog[id].name)
        pair("list", catalog[catalog[id].list].name)
    }

    /// What every event has, in a map of so many fields.
    private mutating func head(_ fieldCount: Int, _ number: UInt64, _ event: FeedEvent, _ word: String) {
        map(fieldCount)
        pair("sequence", number)
        pair("at", event.at)
        pair("event", word)
    }
}

extension FeedStep {
    fileprivate var word: String {
        switch self {
        case .given: "given"
        case .repeated: "repeated"
        case .held: "held"
        case .ended(.confirmed, _): "confirmed"
        case .ended(.released, _): "released"
        case .ended(.expired, _): "lapsed"
        }
    }
}

extension FeedFault {
    fileprivate var text: String {
        switch self {
        case .log(let error): "\(error)"
        case .feed(let error): "\(error)"
        }
    }
}
