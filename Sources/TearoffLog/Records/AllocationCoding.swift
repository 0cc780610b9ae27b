package import TearoffCore

/// What the differences in a frame's allocations count from. Each frame starts anew, so it can be read alone.
struct AllocationBase {
    private var time: UInt64 = 0
    private var ordinal: Int64 = 0
    private var sequences: [UInt64]

    init(shardCount: UInt16) {
        sequences = [UInt64](repeating: 0, count: Int(shardCount))
    }

    mutating func reset() {
        time = 0
        ordinal = 0
        for index in sequences.indices { sequences[index] = 0 }
    }
}

extension AllocationBase {
    mutating func timeDifference(_ value: UInt64) -> Int64 {
        defer { time = value }
        return Int64(bitPattern: value &- time)
    }

    mutating func ordinalDifference(_ value: Ordinal) -> Int64 {
        defer { ordinal = Int64(value) }
        return Int64(value) &- ordinal
    }

    mutating func sequenceDifference(_ value: UInt64, of shard: Int) -> UInt64 {
        defer { sequences[shard] = value }
        return value &- sequences[shard]
    }

    mutating func time(adding difference: Int64) -> UInt64 {
        time = time &+ UInt64(bitPattern: difference)
        return time
    }

    mutating func ordinal(adding difference: Int64) -> Int64 {
        ordinal = ordinal &+ difference
        return ordinal
    }

    mutating func sequence(adding difference: UInt64, of shard: Int) -> UInt64 {
        sequences[shard] &+= difference
        return sequences[shard]
    }

    var shardCount: Int { sequences.count }
}

/// Writes a shard's records into a lane's open batch: an allocation is about 24 bytes for a UUID user, 8 + its text
/// for a short one.
package struct AllocationEncoder {
    private var base: AllocationBase

    package init(shardCount: UInt16) {
        base = AllocationBase(shardCount: shardCount)
    }

    /// To be called whenever the batch was cut into a frame.
    package mutating func startFrame() { base.reset() }

    /// - Parameters:
    ///   - userBytes: the user's text; used when it is long.
    ///   - userID: the marketing user id, up to 255 bytes; empty when there is none.
    package mutating func encode(
        _ record: AllocationRecord, userBytes: Span<UInt8>, userID: Span<UInt8>, into batch: inout [UInt8]
    ) {
        let shard = Int(record.shard.rawValue)
        let sequence = base.sequenceDifference(record.sequence.rawValue, of: shard)
        let time = base.timeDifference(record.givenAt.milliseconds)
        let ordinal = base.ordinalDifference(record.code.ordinal)
        // Room once, not at each byte.
        batch.append(addingCapacity: Self.bytesMax + userBytes.count + userID.count) { batch in
            let deadline = record.holdUntil
            batch.append(RecordTag.allocation(hasUserID: !userID.isEmpty, isHold: deadline != nil))
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(UInt64(record.campaign.rawValue))
            batch.appendVarint(UInt64(record.code.upload.rawValue))
            batch.appendZigzag(ordinal)
            batch.appendUser(record.user, text: userBytes)
            if !userID.isEmpty {
                batch.append(UInt8(userID.count))
                batch.append(copying: userID)
            }
            guard let deadline else { return }
            batch.appendVarint(deadline.millisecondsSince(record.givenAt))
        }
    }

    /// - Parameter userBytes: as for an allocation.
    package mutating func encode(_ record: ImportRecord, userBytes: Span<UInt8>, into batch: inout [UInt8]) {
        let allocation = record.allocation
        let shard = Int(allocation.shard.rawValue)
        let sequence = base.sequenceDifference(allocation.sequence.rawValue, of: shard)
        let time = base.timeDifference(record.at.milliseconds)
        let ordinal = base.ordinalDifference(allocation.code.ordinal)
        batch.append(addingCapacity: Self.bytesMax + userBytes.count) { batch in
            batch.append(RecordTag.imported)
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(UInt64(allocation.campaign.rawValue))
            batch.appendVarint(UInt64(allocation.code.upload.rawValue))
            batch.appendZigzag(ordinal)
            batch.appendUser(allocation.user, text: userBytes)
            batch.appendVarint(record.at.millisecondsSince(allocation.givenAt))
        }
    }

    package mutating func encode(_ record: HoldEndRecord, into batch: inout [UInt8]) {
        let shard = Int(record.shard.rawValue)
        let sequence = base.sequenceDifference(record.sequence.rawValue, of: shard)
        let time = base.timeDifference(record.end.at.milliseconds)
        batch.append(addingCapacity: Self.bytesMax) { batch in
            batch.append(RecordTag.holdEnd)
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(record.sequence.rawValue - record.hold.rawValue)
            batch.append(record.end.code)
        }
    }

    /// - Parameters:
    ///   - userBytes: as for an allocation.
    ///   - text: the key, and behind it the marketing user id.
    package mutating func encode(
        _ record: KeyRecord, userBytes: Span<UInt8>, text: Span<UInt8>, into batch: inout [UInt8]
    ) {
        let shard = Int(record.shard.rawValue)
        let sequence = base.sequenceDifference(record.sequence.rawValue, of: shard)
        let time = base.timeDifference(record.answer.usedAt.milliseconds)
        batch.append(addingCapacity: Self.keyBytesMax + userBytes.count + text.count) { batch in
            batch.append(RecordTag.key)
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(UInt64(record.campaign.rawValue))
            batch.appendUser(record.user, text: userBytes)
            batch.append(record.answer)
            batch.append(record.keyByteCount)
            batch.append(UInt8(text.count - Int(record.keyByteCount)))
            batch.append(copying: text)
        }
    }

    /// - Parameters: as for an allocation.
    package mutating func encode(
        _ record: RepeatRecord, userBytes: Span<UInt8>, userID: Span<UInt8>, into batch: inout [UInt8]
    ) {
        let shard = Int(record.shard.rawValue)
        let sequence = base.sequenceDifference(record.behind.rawValue, of: shard)
        let time = base.timeDifference(record.at.milliseconds)
        let ordinal = base.ordinalDifference(record.code.ordinal)
        batch.append(addingCapacity: Self.bytesMax + userBytes.count + userID.count) { batch in
            let isPlain = userID.isEmpty && record.holdUntil == nil
            batch.append(isPlain ? RecordTag.repeated : RecordTag.repeatedWithMore)
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(UInt64(record.campaign.rawValue))
            batch.appendVarint(UInt64(record.code.upload.rawValue))
            batch.appendZigzag(ordinal)
            batch.appendUser(record.user, text: userBytes)
            if isPlain { return }
            batch.append(UInt8(userID.count))
            batch.append(copying: userID)
            batch.appendDeadline(record.holdUntil, after: record.at)
        }
    }

    /// Of a record beside the texts: tag, form and two lengths, seven varints, and a UUID.
    private static let bytesMax = 4 + 7 * 10 + 16

    /// The same of a key: a status and one length more.
    private static let keyBytesMax = bytesMax + 2

    /// What any allocation takes in the log at most: two ids of 255 bytes and the numbers.
    package static let recordBytesMax = bytesMax + 2 * 255
}

extension AllocationEncoder {
    /// What allocations of one moment take at most, when they come one after the other and no marketing user id is
    /// kept: most of their numbers are differences then. The confirmation of a hold takes less, and a repeat no more.
    ///
    /// - Parameters:
    ///   - userBytes: what the users take in all, as ``bytes(of:)`` counts each.
    ///   - shardCount: shards that they are of.
    package static func bytesMax(ofTogether count: Int, userBytes: Int, shardCount: Int) -> Int {
        // The first one of each shard has its sequence number whole, and the first of all its time.
        bytesMax + shardCount * 10 + count * numbersBytesMaxTogether + userBytes
    }

    /// Tag 1, shard 2 (below 2^14), sequence 5 (2^35 records of a shard would have to come in between), time 1,
    /// campaign 3 and upload 3 (below 2^21), ordinal 5 (below 2^30 in fixed lists, with its sign).
    package static let numbersBytesMaxTogether = 20

    /// What a user takes in a record.
    package static func bytes(of user: UserKey, text: Span<UInt8>) -> Int {
        1 + (user.isLong ? 1 + text.count : min(Int(user.form), 16))
    }
}

/// The first byte of every record.
enum RecordTag {
    static let allocation: UInt8 = 0x10
    static let allocationWithUserID: UInt8 = 0x11
    static let hold: UInt8 = 0x12
    static let holdWithUserID: UInt8 = 0x13
    static let key: UInt8 = 0x14
    static let imported: UInt8 = 0x15
    static let repeated: UInt8 = 0x16
    static let holdEnd: UInt8 = 0x18
    static let repeatedWithMore: UInt8 = 0x19
    static let control: UInt8 = 0x20
    static let audit: UInt8 = 0x28
    static let lifeStarted: UInt8 = 0x30

    /// Of any of the four.
    @inline(__always)
    static func allocation(hasUserID: Bool, isHold: Bool) -> UInt8 {
        (isHold ? hold : allocation) | (hasUserID ? 1 : 0)
    }
}

extension HoldEnd {
    /// The reason, and in the upper half whether the code is free again.
    var code: UInt8 { reason.rawValue | (codeIsFree ? 0x10 : 0) }

    init?(code: UInt8, at: Timestamp) {
        guard let reason = Reason(rawValue: code & 0x0F), code & 0xE0 == 0 else { return nil }
        let codeIsFree = code & 0x10 != 0
        if reason == .confirmed, codeIsFree { return nil }
        self.init(reason, codeIsFree: codeIsFree, at: at)
    }
}

/// Reads the records of one frame back.
package enum AllocationDecoder {
    /// - Parameters:
    ///   - repeats: called for each repeat, in the order of all records, with the bytes of a long user, and of the user
    ///     id. Only the feed and people want to know of them.
    ///   - body: called for each record of a shard in order, with the bytes of a long user, and of the user id or, of a
    ///     key, its text.
    /// - Throws: records before the fault were delivered.
    package static func decode(
        _ payload: Span<UInt8>, shardCount: UInt16,
        repeats: (RepeatRecord, Span<UInt8>, Span<UInt8>) -> Void = { _, _, _ in },
        _ body: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        var base = AllocationBase(shardCount: shardCount)
        var reader = ByteReader()
        while !reader.isAtEnd(payload) {
            let tagOffset = reader.position
            let tag = try reader.byte(payload)
            switch tag {
            case RecordTag.allocation, RecordTag.allocationWithUserID, RecordTag.hold,
                RecordTag.holdWithUserID:
                try decodeAllocation(tag, payload, &reader, &base, body)
            case RecordTag.holdEnd:
                let nothing = payload.extracting(0..<0)
                body(.holdEnd(try decodeHoldEnd(payload, &reader, &base)), nothing, nothing)
            case RecordTag.key: try decodeKey(payload, &reader, &base, body)
            case RecordTag.imported: try decodeImported(payload, &reader, &base, body)
            case RecordTag.repeated, RecordTag.repeatedWithMore:
                try decodeRepeat(tag, payload, &reader, &base, repeats)
            default: throw .unknownTag(tag, offset: tagOffset)
            }
        }
    }

    /// What every record of a shard begins with.
    private struct Head {
        let shard: ShardID
        let sequence: SequenceNumber
        let time: Timestamp
    }

    @inline(__always)
    private static func decodeHead(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase
    ) throws(RecordError) -> Head {
        let start = reader.position
        let shard: UInt16 = try reader.narrow(payload)
        guard Int(shard) < base.shardCount else { throw .badField("shard \(shard)", offset: start) }
        let sequence = base.sequence(adding: try reader.varint(payload), of: Int(shard))
        let time = base.time(adding: try reader.zigzag(payload))
        guard time <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        return Head(
            shard: ShardID(rawValue: shard), sequence: SequenceNumber(rawValue: sequence),
            time: Timestamp(milliseconds: time))
    }

    /// What stands behind the head of a record that names a code of a user.
    private struct Naming {
        let campaign: CampaignID
        let code: CodeID
        let user: UserKey
        /// Where the bytes of a long user stand.
        let text: Range<Int>
    }

    /// - Parameter start: where the record's head stands.
    @inline(__always)
    private static func decodeNaming(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase, from start: Int
    ) throws(RecordError) -> Naming {
        let campaign = CampaignID(rawValue: try reader.narrow(payload))
        let upload = UploadID(rawValue: try reader.narrow(payload))
        guard let ordinal = Ordinal(exactly: base.ordinal(adding: try reader.zigzag(payload))) else {
            throw .badField("ordinal", offset: start)
        }
        let (user, text) = try reader.user(payload)
        return Naming(campaign: campaign, code: CodeID(upload: upload, ordinal: ordinal), user: user, text: text)
    }

    @inline(__always)
    private static func decodeAllocation(
        _ tag: UInt8, _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase,
        _ body: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        let start = reader.position
        let head = try decodeHead(payload, &reader, &base)
        let named = try decodeNaming(payload, &reader, &base, from: start)
        var userID = 0..<0
        if tag == RecordTag.allocationWithUserID || tag == RecordTag.holdWithUserID {
            userID = try reader.range(Int(try reader.byte(payload)), payload)
            guard !userID.isEmpty else { throw .badField("empty user id", offset: start) }
        }
        var deadline: Timestamp?
        if tag == RecordTag.hold || tag == RecordTag.holdWithUserID {
            deadline = try reader.deadline(after: head.time, payload)
        }
        let record = AllocationRecord(
            shard: head.shard, sequence: head.sequence, givenAt: head.time, campaign: named.campaign,
            code: named.code, user: named.user, holdUntil: deadline)
        body(.allocation(record), payload.extracting(named.text), payload.extracting(userID))
    }

    private static func decodeImported(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase,
        _ body: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        let start = reader.position
        let head = try decodeHead(payload, &reader, &base)
        let named = try decodeNaming(payload, &reader, &base, from: start)
        let age = try reader.varint(payload)
        guard age <= head.time.milliseconds else { throw .badField("given at", offset: start) }
        let allocation = AllocationRecord(
            shard: head.shard, sequence: head.sequence,
            givenAt: Timestamp(milliseconds: head.time.milliseconds - age), campaign: named.campaign,
            code: named.code, user: named.user)
        body(
            .imported(ImportRecord(allocation: allocation, at: head.time)), payload.extracting(named.text),
            payload.extracting(0..<0))
    }

    private static func decodeKey(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase,
        _ body: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        let head = try decodeHead(payload, &reader, &base)
        let campaign = CampaignID(rawValue: try reader.narrow(payload))
        let (user, userText) = try reader.user(payload)
        let answer = try reader.keyAnswer(usedAt: head.time, payload)
        let (keyByteCount, text) = try reader.keyText(payload)
        let record = KeyRecord(
            shard: head.shard, sequence: head.sequence, campaign: campaign, user: user, answer: answer,
            keyByteCount: keyByteCount)
        body(.key(record), payload.extracting(userText), payload.extracting(text))
    }

    private static func decodeRepeat(
        _ tag: UInt8, _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase,
        _ body: (RepeatRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        let start = reader.position
        let head = try decodeHead(payload, &reader, &base)
        let named = try decodeNaming(payload, &reader, &base, from: start)
        var userID = 0..<0
        var holdUntil: Timestamp?
        if tag == RecordTag.repeatedWithMore {
            userID = try reader.range(Int(try reader.byte(payload)), payload)
            holdUntil = try reader.deadlineOrNone(after: head.time, payload)
        }
        let record = RepeatRecord(
            shard: head.shard, behind: head.sequence, at: head.time, campaign: named.campaign,
            code: named.code, user: named.user, holdUntil: holdUntil)
        body(record, payload.extracting(named.text), payload.extracting(userID))
    }

    private static func decodeHoldEnd(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase
    ) throws(RecordError) -> HoldEndRecord {
        let start = reader.position
        let head = try decodeHead(payload, &reader, &base)
        let distance = try reader.varint(payload)
        guard distance > 0, distance < head.sequence.rawValue else { throw .badField("hold", offset: start) }
        guard let end = HoldEnd(code: try reader.byte(payload), at: head.time) else {
            throw .badField("end of a hold", offset: start)
        }
        return HoldEndRecord(
            shard: head.shard, sequence: head.sequence,
            hold: SequenceNumber(rawValue: head.sequence.rawValue - distance), end: end)
    }
}

extension ByteReader {
    /// A time as a varint of milliseconds behind another one.
    mutating func deadline(after start: Timestamp, _ bytes: Span<UInt8>) throws(RecordError) -> Timestamp {
        let offset = position
        let distance = try varint(bytes)
        guard distance <= Timestamp.maximumMilliseconds - start.milliseconds else {
            throw .badField("deadline", offset: offset)
        }
        return Timestamp(milliseconds: start.milliseconds + distance)
    }

    /// The same plus one; 0: none.
    mutating func deadlineOrNone(after start: Timestamp, _ bytes: Span<UInt8>) throws(RecordError) -> Timestamp? {
        let offset = position
        let distance = try varint(bytes)
        if distance == 0 { return nil }
        guard distance - 1 <= Timestamp.maximumMilliseconds - start.milliseconds else {
            throw .badField("deadline", offset: offset)
        }
        return Timestamp(milliseconds: start.milliseconds + distance - 1)
    }
}
