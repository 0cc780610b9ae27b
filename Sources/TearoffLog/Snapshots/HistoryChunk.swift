package import TearoffCore

/// A run of rows of one shard as columns: what a snapshot stores of the history, before compression.
///
/// Once a shard has ``rowsMaximum`` rows more, their chunk never changes again: later snapshots name the same
/// blob.
package enum HistoryChunk {
    /// 65,536 rows take about 1.5 MiB: few files for many rows, and a short tail to write anew each time.
    package static let rowsMaximum = 65_536
    /// Bytes that any chunk can take: a row has at most 2 * 256 bytes of ids and 50 of numbers.
    package static let bytesMaximum = rowsMaximum * 600
    private static let magic: UInt32 = 0x3148_4F54  // "TOH1"

    /// - Parameter range: row numbers, at most ``rowsMaximum``.
    /// - Source: bytes in `docs/FORMAT.md`, "History chunks".
    package static func encode(_ range: Range<Int>, of cut: ShardCut) -> [UInt8] {
        precondition(range.count <= rowsMaximum, "\(range.count) rows in a chunk")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count * 32)
        bytes.appendLittleEndian(magic)
        bytes.appendVarint(UInt64(cut.id.rawValue))
        bytes.appendVarint(UInt64(range.lowerBound))
        bytes.appendVarint(UInt64(range.count))
        let rows = range.map { cut.rows[RowNumber(rawValue: UInt32($0))] }
        // Column by column: equal and slowly growing values stand together, which zstd turns to little.
        for row in rows { bytes.appendVarint(UInt64(row.campaign.rawValue)) }
        for row in rows { bytes.appendVarint(UInt64(row.code.upload.rawValue)) }
        var time: UInt64 = 0
        for row in rows {
            bytes.appendZigzag(Int64(bitPattern: row.givenAt.milliseconds &- time))
            time = row.givenAt.milliseconds
        }
        var ordinal: Int64 = 0
        for row in rows {
            bytes.appendZigzag(Int64(row.code.ordinal) - ordinal)
            ordinal = Int64(row.code.ordinal)
        }
        for row in rows {
            let userID = cut.userID(of: row)
            bytes.append(UInt8(userID.count))
            bytes.append(contentsOf: userID)
        }
        for row in rows {
            let (key, text) = cut.user(of: row)
            bytes.appendUser(key, text: text.span)
        }
        return bytes
    }

    /// Reads a chunk back as records, whose sequence numbers are row number + 1: rows keep no sequence.
    ///
    /// - Parameter body: called for each row in order, with the bytes of a long user and of the user id.
    package static func decode(
        _ bytes: Span<UInt8>, shard: ShardID,
        _ body: (ShardRecord, Span<UInt8>, Span<UInt8>) -> Void
    ) throws(RecordError) {
        var reader = ByteReader()
        guard try reader.littleEndian(bytes) as UInt32 == magic else { throw .badField("magic", offset: 0) }
        guard try reader.varint(bytes) == UInt64(shard.rawValue) else {
            throw .badField("shard", offset: 4)
        }
        let first: UInt32 = try reader.narrow(bytes)
        let count: Int = try reader.narrow(bytes)
        guard count <= rowsMaximum else { throw .badField("row count", offset: 4) }
        var columns = try Columns(bytes, reader, count: count)
        for row in 0..<count {
            let time = try columns.nextTime(bytes)
            let campaign = CampaignID(rawValue: try columns.campaigns.narrow(bytes))
            let code = CodeID(
                upload: UploadID(rawValue: try columns.uploads.narrow(bytes)),
                ordinal: try columns.nextOrdinal(bytes))
            let userID = try columns.userIDs.shortString(bytes)
            let (user, text) = try columns.users.user(bytes)
            let record = AllocationRecord(
                shard: shard, sequence: SequenceNumber(rawValue: UInt64(first) + UInt64(row) + 1),
                givenAt: time, campaign: campaign, code: code, user: user)
            body(.allocation(record), bytes.extracting(text), bytes.extracting(userID))
        }
        guard columns.users.isAtEnd(bytes) else {
            throw .badField("length", offset: columns.users.position)
        }
    }
}

/// A reader for each column, all of which move on by one row together: nothing of a chunk is kept.
private struct Columns {
    var campaigns: ByteReader
    var uploads: ByteReader
    private var times: ByteReader
    private var ordinals: ByteReader
    var userIDs: ByteReader
    var users: ByteReader
    private var time: UInt64 = 0
    private var ordinal: Int64 = 0

    /// - Parameter start: where the first column begins.
    init(_ bytes: Span<UInt8>, _ start: ByteReader, count: Int) throws(RecordError) {
        campaigns = start
        uploads = campaigns
        try uploads.skipVarints(count, bytes)
        times = uploads
        try times.skipVarints(count, bytes)
        ordinals = times
        try ordinals.skipVarints(count, bytes)
        userIDs = ordinals
        try userIDs.skipVarints(count, bytes)
        users = userIDs
        for _ in 0..<count { _ = try users.shortString(bytes) }
    }

    @inline(__always)
    mutating func nextTime(_ bytes: Span<UInt8>) throws(RecordError) -> Timestamp {
        time = time &+ UInt64(bitPattern: try times.zigzag(bytes))
        guard time <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: times.position) }
        return Timestamp(milliseconds: time)
    }

    @inline(__always)
    mutating func nextOrdinal(_ bytes: Span<UInt8>) throws(RecordError) -> Ordinal {
        ordinal = ordinal &+ (try ordinals.zigzag(bytes))
        guard let narrowed = Ordinal(exactly: ordinal) else {
            throw .badField("ordinal", offset: ordinals.position)
        }
        return narrowed
    }
}

extension ByteReader {
    /// Where the bytes behind a length byte stand.
    @inline(__always)
    fileprivate mutating func shortString(_ bytes: Span<UInt8>) throws(RecordError) -> Range<Int> {
        try range(Int(try byte(bytes)), bytes)
    }
}
