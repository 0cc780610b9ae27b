import TearoffClient

extension Record {
    init(_ list: TearoffClient.ListInfo) {
        self.init([
            "name": .text(list.name), "kind": .text(list.isFixed ? "fixed" : "unique"),
            "uploaded": .integer(list.uploaded), "free": .integer(list.free), "held": .integer(list.held),
            "given": .integer(list.given), "withdrawn": .integer(list.withdrawn),
            "burned": .integer(list.burned), "expires-at": Cell(list.expiresAt),
            "expired": .boolean(list.isExpired),
            "archived-at": Cell(list.archivedAt), "warn-at": Cell(list.warnAt), "low": .boolean(list.isLow),
            "warn-percent": Cell(list.warnPercent), "warn-hours": Cell(list.warnHours),
            "warn-days": .text(list.warnDays), "recipients": .integer(list.recipients),
            "stop-days": Cell(list.stopDays), "per-user": Cell(list.codesPerUser),
            "other-lists": .text(list.refusesCodesOfOthers ? "refuse" : "allow"),
            "uploads": .integer(list.uploads), "campaigns": .integer(list.campaigns),
        ])
    }

    init(_ upload: TearoffClient.ListUpload) {
        self = Record([
            "upload": .integer(upload.upload), "file": Cell(upload.file), "hash": Cell(upload.hash),
            "codes": .integer(upload.codes), "free": .integer(upload.free), "held": .integer(upload.held),
            "given": .integer(upload.given), "withdrawn": .integer(upload.withdrawn),
            "burned": .integer(upload.burned), "committed-at": .time(upload.committedAt),
            "withdrawn-at": Cell(upload.withdrawnAt), "imported": .boolean(upload.isImport),
            "user": Cell(upload.user), "client": Cell(upload.client),
            "address": Cell(upload.address), "blank": Cell(upload.blank), "bad": Cell(upload.bad),
        ]).adding(upload.badByKind, isImport: upload.isImport, isUnknown: upload.user == nil)
    }

    init(_ campaign: TearoffClient.CampaignInfo) {
        var state = "active"
        var reason = Cell.none
        var finishedAt = Cell.none
        if case .finished(let why, let time) = campaign.state {
            (state, reason, finishedAt) = ("finished", .text(why.rawValue), .time(time))
        }
        self.init([
            "name": .text(campaign.name), "list": .text(campaign.list),
            "retrigger": .text(campaign.retrigger.description), "returns": .text(campaign.returns.rawValue),
            "state": .text(state), "reason": reason,
            "finished-at": finishedAt, "created-at": .time(campaign.createdAt),
            "starts-at": Cell(campaign.startsAt), "ends-at": Cell(campaign.endsAt),
            "validity-days": Cell(campaign.validityDays), "quota": Cell(campaign.quota),
            "day-quota": Cell(campaign.dayQuota), "rate": Cell(campaign.rate),
            "overflow": campaign.overflow.isEmpty ? .none : .text(campaign.overflow.joined(separator: ",")),
            "test": Cell(campaign.test),
        ])
    }

    init(_ allocation: TearoffClient.Allocation) {
        self.init(
            head: [
                "code": .text(allocation.code), "status": .text(allocation.status),
                "given-at": .time(allocation.givenAt), "expires-at": Cell(allocation.expiresAt),
                "list": .text(allocation.list), "ordinal": Cell(allocation.ordinal),
            ], allocation.replayField)
    }

    init(_ hold: TearoffClient.Hold) {
        let allocation = hold.allocation
        self.init(
            head: [
                "code": .text(allocation.code), "status": .text(allocation.status),
                "hold-until": Cell(hold.until), "given-at": .time(allocation.givenAt),
                "expires-at": Cell(allocation.expiresAt), "list": .text(allocation.list),
                "ordinal": Cell(allocation.ordinal),
            ], allocation.replayField)
    }

    init(_ preview: TearoffClient.Preview) {
        let (status, code, givenAt, reason): (String, Cell, Cell, Cell) =
            switch preview.outcome {
            case .new(let code): ("new", .text(code), .none, .none)
            case .again(let code, let time): ("repeat", .text(code), .time(time), .none)
            case .test(let text): ("test", .text(text), .none, .none)
            case .refused(let error): ("refused", .none, .none, .text("\(error.code.name) \(error.message)"))
            }
        self.init([
            "status": .text(status), "code": code, "given-at": givenAt,
            "expires-at": Cell(preview.expiresAt), "list": .text(preview.list), "reason": reason,
            "next-code": Cell(preview.nextCode),
        ])
    }

    init(_ entry: TearoffClient.HistoryEntry) {
        self.init([
            "given-at": .time(entry.givenAt), "campaign": .text(entry.campaign), "list": .text(entry.list),
            "code": .text(entry.code), "ordinal": .integer(entry.ordinal), "user-id": Cell(entry.userID),
            "status": .text(entry.status.rawValue), "hold-until": Cell(entry.holdUntil),
            "returned-at": Cell(entry.returnedAt), "expires-at": Cell(entry.expiresAt),
        ])
    }

    init(_ place: TearoffClient.CodePlace) {
        self.init([
            "state": .text(place.state.rawValue), "list": .text(place.list),
            "upload": .integer(place.upload), "ordinal": .integer(place.ordinal),
            "user": Cell(place.owner?.user), "user-id": Cell(place.owner?.userID),
            "campaign": Cell(place.owner?.campaign), "given-at": Cell(place.owner?.givenAt),
            "hold-until": Cell(place.owner?.holdUntil), "expires-at": Cell(place.owner?.expiresAt),
        ])
    }

    init(_ report: TearoffClient.UploadReport) {
        let record = Record([
            "status": .text(report.status.rawValue), "codes": .integer(report.codes),
            "blank": .integer(report.blank), "bad": .integer(report.bad),
        ]).adding(report.badByKind, isImport: report.given != nil).adding("upload", Cell(report.upload))
        let withdrawn = report.withdrawn.map { record.adding("withdrawn", .integer($0)) } ?? record
        guard let given = report.given else {
            self = withdrawn
            return
        }
        self = withdrawn.adding("given", .integer(given)).adding("already", Cell(report.already))
    }

    /// The same for a person, who looks for what is wrong: of the kinds of bad lines only those that there were.
    func brief(_ badByKind: [TearoffClient.BadLineKind: Int]) -> Record {
        let met = Set(badByKind.filter { $0.value > 0 }.map(\.key.rawValue))
        return without(Set(TearoffClient.BadLineKind.allCases.map(\.rawValue)).subtracting(met))
    }

    init(_ entry: TearoffClient.AuditEntry) {
        self.init([
            "number": .integer(entry.number), "at": .time(entry.at), "user": .text(entry.user),
            "client": Cell(entry.client), "address": Cell(entry.address), "act": .text(entry.act),
            "object": Cell(entry.object), "before": Cell(entry.before), "after": Cell(entry.after),
            "previous": .text(entry.previous), "hash": .text(entry.hash),
        ])
    }

    init(_ event: TearoffClient.FeedEvent) {
        var returned = Cell.none
        if let isReturned = event.isReturned { returned = .boolean(isReturned) }
        self.init(present: [
            "sequence": .integer(event.sequence), "at": .time(event.at), "event": .text(event.event),
            "campaign": Cell(event.campaign), "list": Cell(event.list), "user": Cell(event.user),
            "user-id": Cell(event.userID), "code": Cell(event.code), "hold-until": Cell(event.holdUntil),
            "returned": returned, "upload": Cell(event.upload),
            "codes": Cell(event.codes), "file": Cell(event.file), "reason": Cell(event.reason),
            "setting": Cell(event.setting), "remaining": Cell(event.remaining), "percent": Cell(event.percent),
            "hours": Cell(event.hours), "days": Cell(event.days),
            "expires-at": Cell(event.expiresAt),
        ])
    }

    init(_ recipient: TearoffClient.Recipient) {
        let record = Record([
            "kind": .text(recipient.kind), "address": .text(recipient.address), "problem": Cell(recipient.problem),
        ])
        self = recipient.secret.map { record.adding("secret", .text($0)) } ?? record
    }

    init(_ test: TearoffClient.RecipientTest) {
        self.init([
            "kind": .text(test.kind), "address": .text(test.address), "delivered": .boolean(test.isDelivered),
            "problem": Cell(test.problem),
        ])
    }

    init(_ delivery: TearoffClient.Delivery) {
        self.init([
            "delivery": .integer(delivery.number), "state": .text(delivery.isDead ? "dead" : "open"),
            "sequence": .integer(delivery.sequence), "at": .time(delivery.at), "event": .text(delivery.event),
            "list": .text(delivery.list), "address": .text(delivery.address),
            "attempts": .integer(delivery.attempts), "next-try": Cell(delivery.nextTry),
            "problem": Cell(delivery.problem),
        ])
    }

    init(_ info: TearoffClient.DeliveryInfo) {
        self.init([
            "open": .integer(info.open), "dead": .integer(info.dead), "dropped": .integer(info.dropped),
            "missed": .integer(info.missed), "sent": .integer(info.sent), "mail": Cell(info.mailProblem),
            "problem": Cell(info.problem),
        ])
    }

    init(_ verdict: TearoffClient.AuditVerdict) {
        self.init([
            "records": .integer(verdict.records), "intact": .boolean(verdict.fault == nil),
            "broken-at": Cell(verdict.fault?.number), "problem": Cell(verdict.fault?.problem),
            "hash": .text(verdict.hash),
        ])
    }

    init(_ snapshot: TearoffClient.Snapshot) {
        self.init([
            "snapshot": .integer(snapshot.number), "bytes-written": .integer(snapshot.bytesWritten),
            "milliseconds": .integer(snapshot.milliseconds),
        ])
    }

    init(_ backup: TearoffClient.Backup) {
        self.init([
            "backup": .text(backup.name), "snapshot": .integer(backup.snapshot), "at": Cell(backup.at),
            "blobs": .integer(backup.blobs), "linked": .integer(backup.linked),
            "bytes": .integer(backup.bytes),
            "milliseconds": .integer(backup.milliseconds),
        ])
    }
}

extension Record {
    /// Lines that were bad, of every kind that there can be.
    ///
    /// - Parameter isUnknown: whether nobody counted them.
    fileprivate func adding(
        _ lines: [TearoffClient.BadLineKind: Int], isImport: Bool, isUnknown: Bool = false
    ) -> Record {
        TearoffClient.BadLineKind.all(isImport: isImport).reduce(self) { record, kind in
            record.adding(kind.rawValue, isUnknown ? .none : .integer(lines[kind] ?? 0))
        }
    }
}

extension TearoffClient.Allocation {
    /// Whether it is a replay, when a key was sent.
    fileprivate var replayField: KeyValuePairs<String, Cell> {
        isReplayed.map { ["replayed": .boolean($0)] } ?? [:]
    }

    /// How a sentence about it begins.
    var heading: String { isReplayed == true ? "A replay" : isRepeat ? "A repeat" : "New" }
}
