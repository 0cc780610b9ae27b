import TearoffCore

/// The byte after a control record's time: which change it is.
private enum ChangeTag {
    static let listCreated: UInt8 = 1
    static let fixedCodeSet: UInt8 = 2
    static let uploadCommitted: UInt8 = 3
    static let listExpirySet: UInt8 = 4
    static let campaignCreated: UInt8 = 5
    static let campaignFinished: UInt8 = 6
    static let campaignResumed: UInt8 = 7
    static let campaignReturnsSet: UInt8 = 8
    static let listWarningSet: UInt8 = 9
    static let listRenamed: UInt8 = 10
    static let campaignRuleSet: UInt8 = 11
    static let uploadWithdrawn: UInt8 = 12
    static let campaignSettingsSet: UInt8 = 13
    static let listSettingsSet: UInt8 = 14
    static let uploads: Set = [uploadCommitted, uploadReported, givenImported]
    static let fixedCodeChanged: UInt8 = 20
    static let codesBurned: UInt8 = 30
    static let listArchived: UInt8 = 31
    static let listReturned: UInt8 = 32
    static let listDeleted: UInt8 = 33
    /// As ``listSettingsSet``, of a list that refuses codes of others.
    static let listSettingsSetRefusing: UInt8 = 40
    /// As ``uploadCommitted``, with its report.
    static let uploadReported: UInt8 = 41
    /// The same of codes that were given elsewhere.
    static let givenImported: UInt8 = 42
    static let listWarningsSet: UInt8 = 50
    static let recipientAdded: UInt8 = 51
    static let recipientRemoved: UInt8 = 52
    static let accountSet: UInt8 = 60
    static let accountDeleted: UInt8 = 61
}

extension ChangeTag {
    static func of(_ upload: CommittedUpload) -> UInt8 {
        guard upload.report != nil else {
            precondition(!upload.isImport, "an import that nobody reported")
            return uploadCommitted
        }
        return upload.isImport ? givenImported : uploadReported
    }
}

extension ControlRecord.Change {
    func encode(into batch: inout [UInt8]) {
        switch self {
        case .listCreated(let id, let name, let kind, let expiresAt, let warnAt):
            batch.append(ChangeTag.listCreated)
            batch.appendVarint(UInt64(id.rawValue))
            batch.appendString(name.utf8)
            if case .fixed(let code, let limit) = kind {
                batch.appendVarint(UInt64(limit))
                batch.appendString(code)
            } else {
                batch.appendVarint(0)
            }
            batch.appendOptional(expiresAt?.milliseconds)
            batch.appendOptional(warnAt)
        case .fixedCodeSet(let list, let upload):
            batch.append(ChangeTag.fixedCodeSet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendVarint(UInt64(upload.rawValue))
        case .fixedCodeChanged(let list, let upload, let code, let limit, let count):
            batch.append(ChangeTag.fixedCodeChanged)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendVarint(UInt64(upload.rawValue))
            batch.appendString(code)
            batch.appendVarint(UInt64(limit))
            batch.appendVarint(UInt64(count))
        case .uploadCommitted(let upload):
            batch.append(ChangeTag.of(upload))
            batch.append(upload)
        case .uploadWithdrawn(let id):
            batch.append(ChangeTag.uploadWithdrawn)
            batch.appendVarint(UInt64(id.rawValue))
        case .codesBurned(let upload, let below):
            batch.append(ChangeTag.codesBurned)
            batch.appendVarint(UInt64(upload.rawValue))
            batch.appendVarint(UInt64(below))
        case .listExpirySet(let list, let expiresAt):
            batch.append(ChangeTag.listExpirySet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendOptional(expiresAt?.milliseconds)
        case .campaignCreated(let id, let name, let list, let rule):
            batch.append(ChangeTag.campaignCreated)
            batch.appendVarint(UInt64(id.rawValue))
            batch.appendString(name.utf8)
            batch.appendVarint(UInt64(list.rawValue))
            batch.append(rule)
        case .campaignFinished(let id, let reason):
            batch.append(ChangeTag.campaignFinished)
            batch.appendVarint(UInt64(id.rawValue))
            batch.append(reason.rawValue)
        case .campaignResumed(let id):
            batch.append(ChangeTag.campaignResumed)
            batch.appendVarint(UInt64(id.rawValue))
        case .campaignReturnsSet(let id, let rule):
            batch.append(ChangeTag.campaignReturnsSet)
            batch.appendVarint(UInt64(id.rawValue))
            batch.append(rule.rawValue)
        case .listWarningSet(let list, let warnAt):
            batch.append(ChangeTag.listWarningSet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendOptional(warnAt)
        case .listRenamed(let list, let name):
            batch.append(ChangeTag.listRenamed)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendString(name.utf8)
        case .campaignRuleSet(let id, let rule):
            batch.append(ChangeTag.campaignRuleSet)
            batch.appendVarint(UInt64(id.rawValue))
            batch.append(rule)
        case .campaignSettingsSet(let id, let settings):
            batch.append(ChangeTag.campaignSettingsSet)
            batch.appendVarint(UInt64(id.rawValue))
            batch.append(settings)
        case .listSettingsSet(let list, let settings):
            batch.append(
                settings.refusesCodesOfOthers ? ChangeTag.listSettingsSetRefusing : ChangeTag.listSettingsSet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendOptional(settings.codesPerUser.map(UInt64.init))
            batch.appendOptional(settings.daysKeptBeforeExpiry.map(UInt64.init))
        case .listArchived(let list):
            batch.append(ChangeTag.listArchived)
            batch.appendVarint(UInt64(list.rawValue))
        case .listReturned(let list):
            batch.append(ChangeTag.listReturned)
            batch.appendVarint(UInt64(list.rawValue))
        case .listDeleted(let list, let ledger):
            batch.append(ChangeTag.listDeleted)
            batch.appendVarint(UInt64(list.rawValue))
            for count in [ledger.uploaded, ledger.free, ledger.given, ledger.withdrawn, ledger.burned] {
                batch.appendVarint(count)
            }
        case .listWarningsSet(let list, let warnings):
            batch.append(ChangeTag.listWarningsSet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendOptional(warnings.percent.map(UInt64.init))
            batch.appendOptional(warnings.hoursLeft.map(UInt64.init))
            batch.appendOptional(warnings.expiryDays.map { UInt64($0.count) })
            for days in warnings.expiryDays ?? [] { batch.appendVarint(UInt64(days)) }
        case .recipientAdded(let list, let recipient):
            batch.append(ChangeTag.recipientAdded)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendString(recipient.address.utf8)
            // The empty secret stands for an e-mail address, which has none.
            batch.appendString(recipient.secret ?? [])
        case .recipientRemoved(let list, let address):
            batch.append(ChangeTag.recipientRemoved)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendString(address.utf8)
        case .accountSet(let account):
            batch.append(ChangeTag.accountSet)
            batch.append(account)
        case .accountDeleted(let name):
            batch.append(ChangeTag.accountDeleted)
            batch.appendString(name.utf8)
        }
    }

    init(_ payload: Span<UInt8>, _ reader: inout ByteReader) throws(RecordError) {
        let offset = reader.position
        switch try reader.byte(payload) {
        case let tag where ChangeTag.uploads.contains(tag):
            self = .uploadCommitted(try reader.committedUpload(payload, tag))
        case ChangeTag.listCreated:
            let id = ListID(rawValue: try reader.narrow(payload))
            let name = try reader.text(payload, maximum: Limits.nameBytes)
            let limit: UInt32 = try reader.narrow(payload)
            let kind: List.Kind =
                limit == 0
                ? .unique
                : .fixed(code: try reader.string(payload, maximum: Limits.codeBytes), limit: limit)
            let expiresAt = try reader.optionalTimestamp(payload)
            let warnAt = try reader.optional(payload)
            self = .listCreated(id: id, name: name, kind: kind, expiresAt: expiresAt, warnAt: warnAt)
        case ChangeTag.fixedCodeSet:
            let list = ListID(rawValue: try reader.narrow(payload))
            self = .fixedCodeSet(list: list, upload: UploadID(rawValue: try reader.narrow(payload)))
        case ChangeTag.fixedCodeChanged:
            self = .fixedCodeChanged(
                list: ListID(rawValue: try reader.narrow(payload)),
                upload: UploadID(rawValue: try reader.narrow(payload)),
                code: try reader.string(payload, maximum: Limits.codeBytes),
                limit: try reader.narrow(payload), count: try reader.narrow(payload))
        case ChangeTag.uploadWithdrawn:
            self = .uploadWithdrawn(id: UploadID(rawValue: try reader.narrow(payload)))
        case ChangeTag.codesBurned:
            let upload = UploadID(rawValue: try reader.narrow(payload))
            self = .codesBurned(upload: upload, below: try reader.narrow(payload))
        case ChangeTag.listExpirySet:
            let list = ListID(rawValue: try reader.narrow(payload))
            let expiresAt = try reader.optionalTimestamp(payload)
            self = .listExpirySet(list: list, expiresAt: expiresAt)
        case ChangeTag.campaignCreated:
            self = .campaignCreated(
                id: CampaignID(rawValue: try reader.narrow(payload)),
                name: try reader.text(payload, maximum: Limits.nameBytes),
                list: ListID(rawValue: try reader.narrow(payload)), rule: try reader.rule(payload))
        case ChangeTag.campaignFinished:
            let id = CampaignID(rawValue: try reader.narrow(payload))
            guard let reason = FinishReason(rawValue: try reader.byte(payload)) else {
                throw .badField("finish reason", offset: offset)
            }
            self = .campaignFinished(id: id, reason: reason)
        case ChangeTag.campaignResumed:
            self = .campaignResumed(id: CampaignID(rawValue: try reader.narrow(payload)))
        case ChangeTag.campaignReturnsSet:
            let id = CampaignID(rawValue: try reader.narrow(payload))
            guard let rule = ReturnRule(rawValue: try reader.byte(payload)) else {
                throw .badField("return rule", offset: offset)
            }
            self = .campaignReturnsSet(id: id, rule: rule)
        case ChangeTag.listWarningSet:
            let list = ListID(rawValue: try reader.narrow(payload))
            self = .listWarningSet(list: list, warnAt: try reader.optional(payload))
        case ChangeTag.listRenamed:
            let list = ListID(rawValue: try reader.narrow(payload))
            self = .listRenamed(list: list, name: try reader.text(payload, maximum: Limits.nameBytes))
        case ChangeTag.campaignRuleSet:
            let id = CampaignID(rawValue: try reader.narrow(payload))
            self = .campaignRuleSet(id: id, rule: try reader.rule(payload))
        case ChangeTag.campaignSettingsSet:
            let id = CampaignID(rawValue: try reader.narrow(payload))
            self = .campaignSettingsSet(id: id, settings: try reader.settings(payload))
        case let tag where tag == ChangeTag.listSettingsSet || tag == ChangeTag.listSettingsSetRefusing:
            let list = ListID(rawValue: try reader.narrow(payload))
            let codesPerUser: UInt32? = try reader.optionalNarrow(payload)
            let days: UInt32? = try reader.optionalNarrow(payload)
            self = .listSettingsSet(
                list: list,
                settings: ListSettings(
                    codesPerUser: codesPerUser, daysKeptBeforeExpiry: days,
                    refusesCodesOfOthers: tag == ChangeTag.listSettingsSetRefusing))
        case ChangeTag.listArchived: self = .listArchived(ListID(rawValue: try reader.narrow(payload)))
        case ChangeTag.listReturned: self = .listReturned(ListID(rawValue: try reader.narrow(payload)))
        case ChangeTag.listDeleted:
            let list = ListID(rawValue: try reader.narrow(payload))
            var ledger = Ledger(
                uploaded: try reader.varint(payload), free: try reader.varint(payload),
                given: try reader.varint(payload))
            ledger.withdrawn = try reader.varint(payload)
            ledger.burned = try reader.varint(payload)
            self = .listDeleted(list, ledger: ledger)
        case ChangeTag.listWarningsSet:
            let list = ListID(rawValue: try reader.narrow(payload))
            self = .listWarningsSet(list: list, warnings: try reader.warnings(payload))
        case ChangeTag.recipientAdded:
            let list = ListID(rawValue: try reader.narrow(payload))
            let address = try reader.text(payload, maximum: Limits.webhookBytes)
            let secret = try reader.string(payload, maximum: Limits.webhookSecretBytes.upperBound)
            let recipient = secret.isEmpty ? Recipient.email(address) : .webhook(address, secret: secret)
            guard let recipient else { throw .badField("recipient", offset: offset) }
            self = .recipientAdded(list: list, recipient: recipient)
        case ChangeTag.recipientRemoved:
            let list = ListID(rawValue: try reader.narrow(payload))
            self = .recipientRemoved(list: list, address: try reader.text(payload, maximum: Limits.webhookBytes))
        case ChangeTag.accountSet: self = .accountSet(try reader.account(payload))
        case ChangeTag.accountDeleted:
            self = .accountDeleted(name: try reader.text(payload, maximum: Limits.nameBytes))
        case let tag:
            throw .unknownTag(tag, offset: offset)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ rule: RetriggerRule) {
        switch rule {
        case .window(let milliseconds):
            append(1)
            appendVarint(milliseconds)
        case .once: append(2)
        case .always: append(3)
        case .untilExpiry: append(4)
        }
    }

    fileprivate mutating func append(_ upload: CommittedUpload) {
        appendVarint(UInt64(upload.id.rawValue))
        appendVarint(UInt64(upload.list.rawValue))
        appendVarint(upload.count)
        append(contentsOf: upload.blob.bytes)
        append(contentsOf: upload.fileHash.bytes)
        appendString(upload.fileName.utf8)
        guard let report = upload.report else { return }
        appendString(report.origin.user.utf8)
        appendString(report.origin.client.utf8)
        appendString(report.origin.address.utf8)
        appendVarint(report.lines.blank)
        let faults = LineFault.allCases.filter { report.lines[$0] > 0 }
        appendVarint(UInt64(faults.count))
        for fault in faults {
            append(fault.rawValue)
            appendVarint(report.lines[fault])
        }
    }

    fileprivate mutating func append(_ settings: CampaignSettings) {
        // The empty text stands for none, since a sample has at least one byte.
        appendString(settings.sample ?? [])
        appendOptional(settings.quota)
        appendOptional(settings.quotaPerDay)
        appendOptional(settings.ratePerSecond)
        appendOptional(settings.opensAt?.milliseconds)
        appendOptional(settings.closesAt?.milliseconds)
        appendOptional(settings.validityDays.map(UInt64.init))
        appendVarint(UInt64(settings.overflow.count))
        for list in settings.overflow { appendVarint(UInt64(list.rawValue)) }
    }
}

extension ByteReader {
    /// - Source: bytes in `docs/FORMAT.md`, "Control lane".
    fileprivate mutating func committedUpload(
        _ bytes: Span<UInt8>, _ tag: UInt8
    ) throws(RecordError) -> CommittedUpload {
        CommittedUpload(
            id: UploadID(rawValue: try narrow(bytes)), list: ListID(rawValue: try narrow(bytes)),
            count: try varint(bytes), blob: try contentHash(bytes), fileHash: try contentHash(bytes),
            fileName: try text(bytes, maximum: 255), report: tag == ChangeTag.uploadCommitted ? nil : try report(bytes),
            isImport: tag == ChangeTag.givenImported)
    }

    private mutating func report(_ bytes: Span<UInt8>) throws(RecordError) -> UploadReport {
        let origin = Origin(
            user: try text(bytes, maximum: Limits.auditOriginBytes),
            client: try text(bytes, maximum: Limits.auditOriginBytes),
            address: try text(bytes, maximum: Limits.auditOriginBytes))
        var lines = LinesLeftOut()
        lines.blank = try varint(bytes)
        for _ in 0..<(try varint(bytes)) {
            let start = position
            guard let fault = LineFault(rawValue: try byte(bytes)) else {
                throw .badField("kind of bad line", offset: start)
            }
            lines[fault] = try varint(bytes)
        }
        return UploadReport(origin: origin, lines: lines)
    }

    fileprivate mutating func optionalNarrow(_ bytes: Span<UInt8>) throws(RecordError) -> UInt32? {
        let start = position
        guard let value = try optional(bytes) else { return nil }
        guard let narrow = UInt32(exactly: value) else { throw .badField("number", offset: start) }
        return narrow
    }

    fileprivate mutating func warnings(_ bytes: Span<UInt8>) throws(RecordError) -> ListWarnings {
        let percent: UInt32? = try optionalNarrow(bytes)
        let hoursLeft: UInt32? = try optionalNarrow(bytes)
        let start = position
        guard let count = try optional(bytes) else {
            return ListWarnings(percent: percent, hoursLeft: hoursLeft)
        }
        guard count <= UInt64(Limits.expiryWarnings) else { throw .badField("days", offset: start) }
        var days: [UInt32] = []
        for _ in 0..<count { days.append(try narrow(bytes)) }
        return ListWarnings(percent: percent, hoursLeft: hoursLeft, expiryDays: days)
    }

    fileprivate mutating func settings(_ bytes: Span<UInt8>) throws(RecordError) -> CampaignSettings {
        let sample = try string(bytes, maximum: Limits.codeBytes)
        let quota = try optional(bytes)
        let quotaPerDay = try optional(bytes)
        let ratePerSecond = try optional(bytes)
        let opensAt = try optionalTimestamp(bytes)
        let closesAt = try optionalTimestamp(bytes)
        let validityDays: UInt32? = try optionalNarrow(bytes)
        let start = position
        let count = try varint(bytes)
        guard count <= UInt64(Limits.overflowLists) else { throw .badField("overflow lists", offset: start) }
        var overflow: [ListID] = []
        for _ in 0..<count { overflow.append(ListID(rawValue: try narrow(bytes))) }
        return CampaignSettings(
            sample: sample.isEmpty ? nil : sample, quota: quota, quotaPerDay: quotaPerDay,
            ratePerSecond: ratePerSecond, opensAt: opensAt, closesAt: closesAt, validityDays: validityDays,
            overflow: overflow)
    }

    fileprivate mutating func rule(_ bytes: Span<UInt8>) throws(RecordError) -> RetriggerRule {
        let start = position
        switch try byte(bytes) {
        case 1: return .window(milliseconds: try varint(bytes))
        case 2: return .once
        case 3: return .always
        case 4: return .untilExpiry
        default: throw .badField("re-trigger rule", offset: start)
        }
    }
}
