/// One allocation in the history of a shard: 48 bytes, never changed once written, but for the link to the one before
/// when that is imported later. What becomes of a hold stands in the ``HoldStore``.
package struct Row: Sendable {
    let low: UInt64
    /// The upper half of the user, or for a long user where its bytes stand in the arena.
    let high: UInt64
    fileprivate var stamp: RowStamp
    package let code: CodeID
    package let campaign: CampaignID
    /// 1 + row of the earlier allocation of this user in this campaign; 0 when there is none.
    private var previousPlusOne: UInt32
    /// Where the marketing user id stands in the arena.
    let userID: ArenaReference

    init(
        user: UserKey, userBytes: ArenaReference, givenAt: Timestamp, code: CodeID, campaign: CampaignID,
        previous: RowNumber?, userID: ArenaReference
    ) {
        low = user.low
        high = user.isLong ? UInt64(userBytes.rawValue) : user.high
        stamp = RowStamp(givenAt: givenAt, form: user.form)
        self.code = code
        self.campaign = campaign
        previousPlusOne = Self.plusOne(previous)
        self.userID = userID
    }

    /// When the code was given, or held.
    package var givenAt: Timestamp { stamp.givenAt }
    var form: UInt8 { stamp.form }
    /// Whether its user is a UUID, in hexadecimal digits and hyphens.
    package var hasUUID: Bool { form == UserKey.lowercaseUUID || form == UserKey.uppercaseUUID }
    package var isHold: Bool { stamp.isHold }
    fileprivate mutating func markAsHold() { stamp.markAsHold() }
    package var previous: RowNumber? {
        previousPlusOne == 0 ? nil : RowNumber(rawValue: previousPlusOne - 1)
    }
    fileprivate mutating func setPrevious(_ row: RowNumber) { previousPlusOne = Self.plusOne(row) }

    private static func plusOne(_ row: RowNumber?) -> UInt32 { row.map { $0.rawValue + 1 } ?? 0 }
}

/// What is mostly asked of a row, in one word: 48 bits of time below, the form of the user above, and in the highest
/// bit whether it is a hold.
struct RowStamp: Sendable {
    private static let holdBit: UInt64 = 1 << 63
    private var word: UInt64

    fileprivate init(givenAt: Timestamp, form: UInt8) {
        word = givenAt.milliseconds | UInt64(form) << 48
    }

    var givenAt: Timestamp { Timestamp(milliseconds: word & Timestamp.maximumMilliseconds) }
    fileprivate var form: UInt8 { UInt8(truncatingIfNeeded: word >> 48) }
    var isHold: Bool { word & Self.holdBit != 0 }
    fileprivate mutating func markAsHold() { word |= Self.holdBit }
}

/// The rows of a shard in chunks, of which only the last one changes, so that a snapshot shares all others.
package struct RowStore: Sendable {
    /// 4,096 rows of 48 bytes: copying the last chunk, which a cut causes at the next append, takes some 20
    /// µs.
    package static let chunkRows = 4_096

    private var chunks: [ContiguousArray<Row>] = []
    package private(set) var count = 0

    @inline(__always)
    package subscript(_ row: RowNumber) -> Row {
        chunks[Int(row.rawValue) / Self.chunkRows][Int(row.rawValue) % Self.chunkRows]
    }

    /// Of a row, without a copy of all of it.
    @inline(__always)
    func stamp(of row: RowNumber) -> RowStamp {
        chunks[Int(row.rawValue) / Self.chunkRows][Int(row.rawValue) % Self.chunkRows].stamp
    }

    /// Where a row begins and where its last byte is: hints for the processor, never to be read through.
    func addressesToPrefetch(of row: RowNumber) -> (first: UInt, last: UInt) {
        // SAFETY: the address leaves as a number.
        unsafe chunks[Int(row.rawValue) / Self.chunkRows].withUnsafeBufferPointer { rows in
            let offset = Int(row.rawValue) % Self.chunkRows * MemoryLayout<Row>.stride
            let first = UInt(bitPattern: rows.baseAddress) &+ UInt(offset)
            return (first, first &+ UInt(MemoryLayout<Row>.size) &- 1)
        }
    }

    mutating func markAsHold(_ row: RowNumber) {
        chunks[Int(row.rawValue) / Self.chunkRows][Int(row.rawValue) % Self.chunkRows].markAsHold()
    }

    /// Puts an imported row behind the one that was given next.
    mutating func setPrevious(_ previous: RowNumber, of row: RowNumber) {
        chunks[Int(row.rawValue) / Self.chunkRows][Int(row.rawValue) % Self.chunkRows].setPrevious(previous)
    }

    mutating func append(_ row: Row) {
        if count % Self.chunkRows == 0 {
            var chunk = ContiguousArray<Row>()
            chunk.reserveCapacity(Self.chunkRows)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].append(row)
        count += 1
    }
}
