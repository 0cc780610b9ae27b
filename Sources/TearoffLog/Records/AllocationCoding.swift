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

/// Writes allocations into a lane's open batch: about 24 bytes for a UUID user, 8 + its text for a short one.
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
            batch.append(userID.isEmpty ? RecordTag.allocation : RecordTag.allocationWithUserID)
            batch.appendVarint(UInt64(shard))
            batch.appendVarint(sequence)
            batch.appendZigzag(time)
            batch.appendVarint(UInt64(record.campaign.rawValue))
            batch.appendVarint(UInt64(record.code.upload.rawValue))
            batch.appendZigzag(ordinal)
            batch.appendUser(record.user, text: userBytes)
            guard !userID.isEmpty else { return }
            batch.append(UInt8(userID.count))
            batch.append(copying: userID)
        }
    }

    /// Of a record beside the texts: tag, form and two lengths, six varints, and a UUID.
    private static let bytesMax = 4 + 6 * 10 + 16

    /// What any allocation takes in the log at most: two ids of 255 bytes and the numbers.
    package static let recordBytesMax = bytesMax + 2 * 255
}

/// The first byte of every record.
enum RecordTag {
    static let allocation: UInt8 = 0x10
    static let allocationWithUserID: UInt8 = 0x11
    static let control: UInt8 = 0x20
    static let lifeStarted: UInt8 = 0x30
}

/// Reads the allocations of one frame back.
package enum AllocationDecoder {
    /// - Parameter body: called for each record in order, with the bytes of a long user and of the user id.
    /// - Throws: records before the fault were delivered.
    package static func decode(
        _ payload: Span<UInt8>, shardCount: UInt16,
        _ body: (AllocationRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        var base = AllocationBase(shardCount: shardCount)
        var reader = ByteReader()
        while !reader.isAtEnd(payload) {
            let tagOffset = reader.position
            let tag = try reader.byte(payload)
            guard tag == RecordTag.allocation || tag == RecordTag.allocationWithUserID else {
                throw .unknownTag(tag, offset: tagOffset)
            }
            let (record, text) = try decodeFields(payload, &reader, &base)
            var userID = 0..<0
            if tag == RecordTag.allocationWithUserID {
                userID = try reader.range(Int(try reader.byte(payload)), payload)
                guard !userID.isEmpty else { throw .badField("empty user id", offset: tagOffset) }
            }
            body(record, payload.extracting(text), payload.extracting(userID))
        }
    }

    @inline(__always)
    private static func decodeFields(
        _ payload: Span<UInt8>, _ reader: inout ByteReader, _ base: inout AllocationBase
    ) throws(RecordError) -> (AllocationRecord, userText: Range<Int>) {
        let start = reader.position
        let shard: UInt16 = try reader.narrow(payload)
        guard Int(shard) < base.shardCount else { throw .badField("shard \(shard)", offset: start) }
        let sequence = base.sequence(adding: try reader.varint(payload), of: Int(shard))
        let time = base.time(adding: try reader.zigzag(payload))
        let campaign: UInt32 = try reader.narrow(payload)
        let upload: UInt32 = try reader.narrow(payload)
        guard let ordinal = Ordinal(exactly: base.ordinal(adding: try reader.zigzag(payload))) else {
            throw .badField("ordinal", offset: start)
        }
        guard time <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        let (user, text) = try reader.user(payload)
        let record = AllocationRecord(
            shard: ShardID(rawValue: shard), sequence: SequenceNumber(rawValue: sequence),
            givenAt: Timestamp(milliseconds: time), campaign: CampaignID(rawValue: campaign),
            code: CodeID(upload: UploadID(rawValue: upload), ordinal: ordinal), user: user)
        return (record, text)
    }
}
