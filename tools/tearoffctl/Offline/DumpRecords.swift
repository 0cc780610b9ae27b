import TearoffCore
import TearoffLog
import TearoffOffline

extension Record {
    /// Begins with the item's type, and for frames and records goes on with its kind.
    init(_ item: LogDump.Item) {
        switch item {
        case .segment(let header):
            self.init([
                "type": .text("segment"), "file": .text("\(header.id)"), "bytes": Cell(header.segmentBytes),
                "block-bytes": .integer(header.blockBytes),
                "made-at": Cell(Timestamp(milliseconds: header.createdMilliseconds)),
            ])
        case .frame(let frame): self.init(frame)
        case .record(.allocation(let record, let user, let userID)):
            self.init(record, user: user, userID: userID)
        case .record(.holdEnd(let record)): self.init(record)
        case .record(.key(let record, let user, let key, let userID)):
            self.init(record, user: user, key: key, userID: userID)
        case .record(.imported(let record, let user)): self.init(record, user: user)
        case .record(.repeated(let record, let user, let userID)):
            self.init(record, user: user, userID: userID)
        case .record(.control(let entry)): self.init(entry)
        case .damage(let problem):
            self.init([
                "type": .text("damage"), "file": .text(problem.file),
                "offset": Cell(problem.offset?.rawValue),
                "frame": Cell(problem.frame?.rawValue), "problem": .text(problem.problem),
                "advice": .text(problem.advice),
            ])
        }
    }

    private init(_ frame: SegmentScan.Frame) {
        let header = frame.header
        self.init([
            "type": .text("frame"), "kind": .text("\(header.kind)"), "frame": Cell(header.frame.rawValue),
            "offset": Cell(frame.offset.rawValue), "durable-through": Cell(header.durableThrough.rawValue),
            "form": .text("\(header.compression)"), "stored": .integer(header.storedBytes),
            "payload": .integer(header.payloadBytes), "records": .integer(header.recordCount),
            "at": Cell(Timestamp(milliseconds: header.timeMilliseconds)),
            "checks": .text(frame.problem ?? "ok"),
        ])
    }

    private init(_ record: AllocationRecord, user: [UInt8], userID: [UInt8]) {
        self.init([
            "type": .text("record"), "kind": .text(record.holdUntil == nil ? "allocation" : "hold"),
            "shard": .integer(Int(record.shard.rawValue)), "sequence": Cell(record.sequence.rawValue),
            "at": Cell(record.givenAt), "campaign": .integer(Int(record.campaign.rawValue)),
            "upload": .integer(Int(record.code.upload.rawValue)),
            "ordinal": .integer(Int(record.code.ordinal)),
            "user": .text(String(decoding: user, as: UTF8.self)),
            "user-id": userID.isEmpty ? .none : .text(String(decoding: userID, as: UTF8.self)),
            "hold-until": Cell(record.holdUntil),
        ])
    }

    private init(_ record: RepeatRecord, user: [UInt8], userID: [UInt8]) {
        self.init([
            "type": .text("record"), "kind": .text("repeat"), "shard": .integer(Int(record.shard.rawValue)),
            "behind": Cell(record.behind.rawValue), "at": Cell(record.at),
            "campaign": .integer(Int(record.campaign.rawValue)),
            "upload": .integer(Int(record.code.upload.rawValue)),
            "ordinal": .integer(Int(record.code.ordinal)),
            "user": .text(String(decoding: user, as: UTF8.self)),
            "user-id": userID.isEmpty ? .none : .text(String(decoding: userID, as: UTF8.self)),
            "hold-until": Cell(record.holdUntil),
        ])
    }

    private init(_ record: ImportRecord, user: [UInt8]) {
        let allocation = record.allocation
        self.init([
            "type": .text("record"), "kind": .text("imported"), "shard": .integer(Int(allocation.shard.rawValue)),
            "sequence": Cell(allocation.sequence.rawValue), "at": Cell(record.at),
            "campaign": .integer(Int(allocation.campaign.rawValue)),
            "upload": .integer(Int(allocation.code.upload.rawValue)),
            "ordinal": .integer(Int(allocation.code.ordinal)),
            "user": .text(String(decoding: user, as: UTF8.self)), "given-at": Cell(allocation.givenAt),
        ])
    }

    private init(_ record: HoldEndRecord) {
        self.init([
            "type": .text("record"), "kind": .text("hold-end"), "shard": .integer(Int(record.shard.rawValue)),
            "sequence": Cell(record.sequence.rawValue), "at": Cell(record.end.at),
            "hold": Cell(record.hold.rawValue), "how": .text("\(record.end.reason)"),
            "code-is-free": .boolean(record.end.codeIsFree),
        ])
    }

    private init(_ record: KeyRecord, user: [UInt8], key: [UInt8], userID: [UInt8]) {
        self.init([
            "type": .text("record"), "kind": .text("key"), "shard": .integer(Int(record.shard.rawValue)),
            "sequence": Cell(record.sequence.rawValue), "at": Cell(record.answer.usedAt),
            "campaign": .integer(Int(record.campaign.rawValue)),
            "user": .text(String(decoding: user, as: UTF8.self)),
            "user-id": userID.isEmpty ? .none : .text(String(decoding: userID, as: UTF8.self)),
            "key": .text(String(decoding: key, as: UTF8.self)),
            "hold-milliseconds": .integer(Int(record.answer.holdMilliseconds)),
            "status": .text(record.answer.isRepeat ? "repeat" : "new"),
            "given-at": Cell(record.answer.times.givenAt), "hold-until": Cell(record.answer.times.holdUntil),
        ])
    }

    private init(_ entry: ControlEntry) {
        switch entry {
        case .change(let record, let revision):
            let (kind, fields) = record.change.shown
            let head: KeyValuePairs<String, Cell> = [
                "type": .text("record"), "kind": .text(kind), "revision": Cell(revision),
                "at": Cell(record.at),
            ]
            self.init(head: head, fields)
        case .audit(let record):
            self.init([
                "type": .text("record"), "kind": .text("audit"), "number": Cell(record.number),
                "at": Cell(record.at), "user": .text(record.origin.user),
                "client": Self.optional(record.origin.client), "address": Self.optional(record.origin.address),
                "act": .text(record.act.command.rawValue), "object": Self.optional(record.act.object),
                "before": Self.optional(record.act.before), "after": Self.optional(record.act.after),
                "previous": .text("\(record.previous)"),
            ])
        case .lifeStarted(let start):
            let lanes = start.lanes.map { lane in
                "\(lane.lane): segment \(lane.segment.map { "\($0)" } ?? "-") from frame \(lane.nextFrame)"
            }
            self.init([
                "type": .text("record"), "kind": .text("start"), "at": Cell(start.at),
                "lanes": .text(lanes.joined(separator: ", ")),
            ])
        }
    }

    private static func optional(_ text: String) -> Cell { text.isEmpty ? .none : .text(text) }
}

extension ControlRecord.Change {
    /// The kind, and what it says beside revision and time. A fixed list's code is never among it.
    fileprivate var shown: (kind: String, fields: KeyValuePairs<String, Cell>) {
        switch self {
        case .listCreated(let id, let name, let kind, let expiresAt, let warnAt):
            var limit = Cell.none
            if case .fixed(_, let count) = kind { limit = .integer(Int(count)) }
            return (
                "list-created",
                [
                    "list": Cell(id), "name": .text(name), "code": limit == .none ? .none : .text("(masked)"),
                    "limit": limit, "expires-at": Cell(expiresAt), "warn-at": Cell(warnAt),
                ]
            )
        case .fixedCodeSet(let list, let upload):
            return ("fixed-code-set", ["list": Cell(list), "upload": .integer(Int(upload.rawValue))])
        case .fixedCodeChanged(let list, let upload, _, let limit, let count):
            return (
                "fixed-code-changed",
                [
                    "list": Cell(list), "upload": .integer(Int(upload.rawValue)), "code": .text("(masked)"),
                    "limit": .integer(Int(limit)), "codes": Cell(UInt64(count)),
                ]
            )
        case .uploadCommitted(let upload):
            let origin = upload.report?.origin
            return (
                upload.isImport ? "given-imported" : "upload-committed",
                [
                    "upload": .integer(Int(upload.id.rawValue)), "list": Cell(upload.list),
                    "codes": Cell(upload.count),
                    "file-name": upload.fileName.isEmpty ? .none : .text(upload.fileName),
                    "file-hash": .text("\(upload.fileHash)"),
                    "blob": .text("\(upload.blob)"),
                    "user": Cell(origin?.user), "client": Cell(origin?.client), "address": Cell(origin?.address),
                    "blank": Cell(upload.report?.lines.blank), "bad": Cell(upload.report?.lines.bad),
                ]
            )
        case .codesBurned(let upload, let below):
            return (
                "codes-burned", ["upload": .integer(Int(upload.rawValue)), "below": .integer(Int(below))]
            )
        case .uploadWithdrawn(let id): return ("upload-withdrawn", ["upload": .integer(Int(id.rawValue))])
        case .listExpirySet(let list, let expiresAt):
            return ("list-expiry-set", ["list": Cell(list), "expires-at": Cell(expiresAt)])
        case .listWarningSet(let list, let warnAt):
            return ("list-warning-set", ["list": Cell(list), "warn-at": Cell(warnAt)])
        case .listArchived(let list): return ("list-archived", ["list": Cell(list)])
        case .listReturned(let list): return ("list-returned", ["list": Cell(list)])
        case .listDeleted(let list, let ledger):
            return (
                "list-deleted",
                [
                    "list": Cell(list), "uploaded": Cell(ledger.uploaded), "free": Cell(ledger.free),
                    "given": Cell(ledger.given), "withdrawn": Cell(ledger.withdrawn), "burned": Cell(ledger.burned),
                ]
            )
        case .listRenamed(let list, let name):
            return ("list-renamed", ["list": Cell(list), "name": .text(name)])
        case .campaignCreated(let id, let name, let list, let rule):
            return (
                "campaign-created",
                [
                    "campaign": Cell(id), "name": .text(name), "list": Cell(list),
                    "retrigger": .text(rule.text),
                ]
            )
        case .campaignFinished(let id, let reason):
            return ("campaign-finished", ["campaign": Cell(id), "reason": .text(reason.text)])
        case .campaignResumed(let id): return ("campaign-resumed", ["campaign": Cell(id)])
        case .campaignReturnsSet(let id, let rule):
            return ("campaign-returns-set", ["campaign": Cell(id), "returns": .text(rule.text)])
        case .campaignRuleSet(let id, let rule):
            return ("campaign-rule-set", ["campaign": Cell(id), "retrigger": .text(rule.text)])
        case .campaignSettingsSet(let id, let settings):
            let overflow = settings.overflow.map { "\($0.rawValue)" }.joined(separator: ",")
            return (
                "campaign-settings-set",
                [
                    "campaign": Cell(id), "starts-at": Cell(settings.opensAt), "ends-at": Cell(settings.closesAt),
                    "validity-days": Cell(settings.validityDays.map(UInt64.init)), "quota": Cell(settings.quota),
                    "day-quota": Cell(settings.quotaPerDay),
                    "rate": Cell(settings.ratePerSecond), "overflow": overflow.isEmpty ? .none : .text(overflow),
                    "test": .boolean(settings.sample != nil),
                ]
            )
        case .listSettingsSet(let list, let settings):
            return (
                "list-settings-set",
                [
                    "list": Cell(list), "per-user": Cell(settings.codesPerUser.map(UInt64.init)),
                    "stop-days": Cell(settings.daysKeptBeforeExpiry.map(UInt64.init)),
                    "other-lists": settings.refusesCodesOfOthers ? .text(settings.otherListsText) : .none,
                ]
            )
        case .listWarningsSet(let list, let warnings):
            return (
                "list-warnings-set",
                [
                    "list": Cell(list), "warn-percent": Cell(warnings.percent.map(UInt64.init)),
                    "warn-hours": Cell(warnings.hoursLeft.map(UInt64.init)),
                    "warn-days": Cell(warnings.expiryDays?.map(String.init).joined(separator: ",")),
                ]
            )
        case .recipientAdded(let list, let recipient):
            return ("recipient-added", ["list": Cell(list), "recipient": .text(recipient.shown)])
        case .recipientRemoved(let list, let address):
            return ("recipient-removed", ["list": Cell(list), "recipient": .text(Recipient.shown(address))])
        case .accountSet(let account):
            let parameters = account.password.parameters
            return (
                "account-set",
                [
                    "account": .text(account.name), "roles": .text(account.roles.text),
                    "lists": .text(account.reach.lists.joined(separator: ",")),
                    "campaigns": .text(account.reach.campaigns.joined(separator: ",")),
                    "password": .text("\(account.password)"),
                    "scrypt": .text("2^\(parameters.costExponent),\(parameters.blockSize),\(parameters.parallelism)"),
                ]
            )
        case .accountDeleted(let name): return ("account-deleted", ["account": .text(name)])
        }
    }
}

extension Cell {
    fileprivate init(_ list: ListID) { self = .integer(Int(list.rawValue)) }
    fileprivate init(_ campaign: CampaignID) { self = .integer(Int(campaign.rawValue)) }
}
