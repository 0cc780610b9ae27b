package import TearoffCore

/// What the control lane holds: changes of the catalog, the audit trail, and the starts of the server.
package enum ControlEntry: Equatable, Sendable {
    /// `revision` counts the changes from 1 without a gap.
    case change(ControlRecord, revision: UInt64)
    /// Stands in the frame of the changes that it tells of, if there are any.
    case audit(AuditRecord)
    case lifeStarted(LifeStart)
}

/// A start of the server: how far it found each lane, and which segments its lanes began. So a missing
/// segment is noticed, and damage to the last frame of a lane that nobody writes any more.
package struct LifeStart: Equatable, Sendable {
    package struct Lane: Equatable, Sendable {
        package let lane: LaneID
        /// The segment that this life began; nil for a lane that it does not write.
        package let segment: SegmentNumber?
        /// The frames before this one were found.
        package let nextFrame: FrameNumber

        package init(lane: LaneID, segment: SegmentNumber?, nextFrame: FrameNumber) {
            self.lane = lane
            self.segment = segment
            self.nextFrame = nextFrame
        }
    }

    package let at: Timestamp
    package let lanes: [Lane]

    package init(at: Timestamp, lanes: [Lane]) {
        self.at = at
        self.lanes = lanes
    }
}

extension ControlEntry {
    /// - Source: bytes in `docs/FORMAT.md`, "Control records".
    package func encode(into batch: inout [UInt8]) {
        switch self {
        case .change(let record, let revision):
            batch.append(RecordTag.control)
            batch.appendVarint(revision)
            batch.appendVarint(record.at.milliseconds)
            record.change.encode(into: &batch)
        case .audit(let record): record.encode(into: &batch)
        case .lifeStarted(let start):
            batch.append(RecordTag.lifeStarted)
            batch.appendVarint(start.at.milliseconds)
            batch.appendVarint(UInt64(start.lanes.count))
            for lane in start.lanes {
                batch.appendVarint(UInt64(lane.lane.rawValue))
                batch.appendVarint(lane.segment?.rawValue ?? 0)
                batch.appendVarint(lane.nextFrame.rawValue)
            }
        }
    }

    /// Reads all entries of a frame or manifest.
    package static func decodeAll(_ payload: Span<UInt8>) throws(RecordError) -> [ControlEntry] {
        var reader = ByteReader()
        var entries: [ControlEntry] = []
        while !reader.isAtEnd(payload) { entries.append(try decode(payload, &reader)) }
        return entries
    }

    static func decode(
        _ payload: Span<UInt8>, _ reader: inout ByteReader
    ) throws(RecordError) -> ControlEntry {
        let offset = reader.position
        switch try reader.byte(payload) {
        case RecordTag.control:
            let revision = try reader.varint(payload)
            let at = try reader.timestamp(payload)
            return .change(ControlRecord(try .init(payload, &reader), at: at), revision: revision)
        case RecordTag.audit: return .audit(try AuditRecord(payload, &reader))
        case RecordTag.lifeStarted:
            let at = try reader.timestamp(payload)
            var lanes: [LifeStart.Lane] = []
            for _ in 0..<(try reader.varint(payload)) {
                let lane = LaneID(rawValue: try reader.narrow(payload))
                let segment = try reader.varint(payload)
                let nextFrame = FrameNumber(rawValue: try reader.varint(payload))
                lanes.append(
                    .init(
                        lane: lane, segment: segment == 0 ? nil : SegmentNumber(rawValue: segment),
                        nextFrame: nextFrame))
            }
            return .lifeStarted(LifeStart(at: at, lanes: lanes))
        case let tag:
            throw .unknownTag(tag, offset: offset)
        }
    }
}

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
    static let fixedCodeChanged: UInt8 = 20
    static let codesBurned: UInt8 = 30
}

extension ControlRecord.Change {
    fileprivate func encode(into batch: inout [UInt8]) {
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
        case .uploadCommitted(let id, let list, let count, let blob, let fileHash, let fileName):
            batch.append(ChangeTag.uploadCommitted)
            batch.appendVarint(UInt64(id.rawValue))
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendVarint(count)
            batch.append(contentsOf: blob.bytes)
            batch.append(contentsOf: fileHash.bytes)
            batch.appendString(fileName.utf8)
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
            batch.append(ChangeTag.listSettingsSet)
            batch.appendVarint(UInt64(list.rawValue))
            batch.appendOptional(settings.codesPerUser.map(UInt64.init))
            batch.appendOptional(settings.daysKeptBeforeExpiry.map(UInt64.init))
        }
    }

    fileprivate init(_ payload: Span<UInt8>, _ reader: inout ByteReader) throws(RecordError) {
        let offset = reader.position
        switch try reader.byte(payload) {
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
        case ChangeTag.uploadCommitted:
            self = .uploadCommitted(
                id: UploadID(rawValue: try reader.narrow(payload)),
                list: ListID(rawValue: try reader.narrow(payload)), count: try reader.varint(payload),
                blob: try reader.contentHash(payload), fileHash: try reader.contentHash(payload),
                fileName: try reader.text(payload, maximum: 255))
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
        case ChangeTag.listSettingsSet:
            let list = ListID(rawValue: try reader.narrow(payload))
            let codesPerUser: UInt32? = try reader.optionalNarrow(payload)
            let days: UInt32? = try reader.optionalNarrow(payload)
            self = .listSettingsSet(
                list: list, settings: ListSettings(codesPerUser: codesPerUser, daysKeptBeforeExpiry: days))
        case let tag:
            throw .unknownTag(tag, offset: offset)
        }
    }
}

extension [UInt8] {
    /// 0 for nil, else the value + 1.
    mutating func appendOptional(_ value: UInt64?) {
        appendVarint(value.map { $0 + 1 } ?? 0)
    }

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
    mutating func timestamp(_ bytes: Span<UInt8>) throws(RecordError) -> Timestamp {
        let start = position
        let milliseconds = try varint(bytes)
        guard milliseconds <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        return Timestamp(milliseconds: milliseconds)
    }

    mutating func optionalTimestamp(_ bytes: Span<UInt8>) throws(RecordError) -> Timestamp? {
        let start = position
        guard let milliseconds = try optional(bytes) else { return nil }
        guard milliseconds <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        return Timestamp(milliseconds: milliseconds)
    }

    mutating func optional(_ bytes: Span<UInt8>) throws(RecordError) -> UInt64? {
        let value = try varint(bytes)
        return value == 0 ? nil : value - 1
    }

    mutating func contentHash(_ bytes: Span<UInt8>) throws(RecordError) -> ContentHash {
        ContentHash(bytes: try copy(ContentHash.byteCount, bytes))
    }

    mutating func text(_ bytes: Span<UInt8>, maximum: Int) throws(RecordError) -> String {
        let start = position
        let raw = try string(bytes, maximum: maximum)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .badField("text is no UTF-8", offset: start)
        }
        return text
    }

    fileprivate mutating func optionalNarrow(_ bytes: Span<UInt8>) throws(RecordError) -> UInt32? {
        let start = position
        guard let value = try optional(bytes) else { return nil }
        guard let narrow = UInt32(exactly: value) else { throw .badField("number", offset: start) }
        return narrow
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
