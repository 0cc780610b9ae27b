package import TearoffCore

/// The events of a frame that is being gathered, encoded.
package struct FeedBatch {
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// By shard: the last place so far, to see whether anything must be put in order. 0, or none: there was no event.
    private var latest: [UInt64] = []
    private var isOutOfOrder = false
    /// What the times of events count from.
    private var base: Timestamp?

    private struct Entry {
        let start: Int
        /// Of a shard's record; nil for other events.
        let order: Order?
    }

    /// Where an event stands among those of its shard.
    private struct Order {
        let shard: ShardID
        let place: UInt64

        init(_ shard: ShardID, _ sequence: SequenceNumber) {
            self.shard = shard
            place = sequence.rawValue * 2
        }

        /// A repeat has no number of its own.
        init(_ shard: ShardID, behind sequence: SequenceNumber) {
            self.shard = shard
            place = sequence.rawValue * 2 + 1
        }
    }

    package init() {}

    package var count: Int { entries.count }
    package var byteCount: Int { bytes.count }
    package var isEmpty: Bool { entries.isEmpty }
    /// No more than the events of the present millisecond should follow.
    package var isFull: Bool { count >= FeedLimits.eventsPerFrame || byteCount >= FeedLimits.payloadBytes }
    /// Nothing may follow.
    package var isFullForGood: Bool {
        count >= FeedLimits.eventsPerFrameMax || byteCount >= FeedLimits.eventBytesMax
    }

    /// - Parameters:
    ///   - text: the user's, when it is long.
    ///   - userID: empty when there is none.
    package mutating func append(_ record: AllocationRecord, text: Span<UInt8>, userID: Span<UInt8>) {
        begin(
            record.holdUntil == nil ? FeedTag.given : FeedTag.held, at: record.givenAt,
            Order(record.shard, record.sequence))
        append(record.campaign, record.code, record.user, text: text, userID: userID)
        if let deadline = record.holdUntil { bytes.appendVarint(deadline.millisecondsSince(record.givenAt)) }
    }

    /// - Parameters: as for an allocation.
    package mutating func append(_ record: RepeatRecord, text: Span<UInt8>, userID: Span<UInt8>) {
        begin(FeedTag.repeated, at: record.at, Order(record.shard, behind: record.behind))
        append(record.campaign, record.code, record.user, text: text, userID: userID)
        bytes.append(addingCapacity: 10) { $0.appendDeadline(record.holdUntil, after: record.at) }
    }

    /// - Parameter row: the hold's.
    package mutating func append(_ record: HoldEndRecord, of row: FeedAllocation) {
        begin(FeedTag.holdEnd, at: record.end.at, Order(record.shard, record.sequence))
        let user = UserKey(row.user.span)
        append(row.campaign, row.code, user, text: row.user.span, userID: row.userID.span)
        bytes.append(record.end.code)
    }

    package mutating func append(_ record: ControlRecord) {
        begin(FeedTag.change, at: record.at, nil)
        ControlEntry.change(record, revision: 0).encode(into: &bytes)
    }

    package mutating func append(_ warning: FeedWarning, of list: ListID, at: Timestamp) {
        begin(FeedTag.warning, at: at, nil)
        bytes.appendVarint(UInt64(list.rawValue))
        warning.encode(into: &bytes)
    }

    package mutating func appendGap(at: Timestamp) { begin(FeedTag.gap, at: at, nil) }

    private mutating func begin(
        _ tag: UInt8, at: Timestamp, _ order: Order?
    ) {
        if let order { note(order) }
        entries.append(Entry(start: bytes.count, order: order))
        let base = base ?? at
        self.base = base
        bytes.append(addingCapacity: 11) { output in
            output.append(tag)
            output.appendZigzag(Int64(at.milliseconds) - Int64(base.milliseconds))
        }
    }

    private mutating func note(_ order: Order) {
        let shard = Int(order.shard.rawValue)
        while latest.count <= shard { latest.append(0) }
        if order.place < latest[shard] {
            isOutOfOrder = true
        } else {
            latest[shard] = order.place
        }
    }

    private mutating func append(
        _ campaign: CampaignID, _ code: CodeID, _ user: UserKey, text: Span<UInt8>, userID: Span<UInt8>
    ) {
        // One look at the memory for all of it: three numbers, the user, and a length.
        bytes.append(addingCapacity: 3 * 10 + 18 + text.count + 1 + userID.count) { output in
            output.appendVarint(UInt64(campaign.rawValue))
            output.appendVarint(UInt64(code.upload.rawValue))
            output.appendVarint(UInt64(code.ordinal))
            output.appendUser(user, text: text)
            output.append(UInt8(userID.count))
            output.append(copying: userID)
        }
    }

    /// Appends the events, those of each shard in the order of their places.
    ///
    /// Frames of one millisecond come from several lanes in any order. What one user does depends on what the user did
    /// before, and has a higher number in the same shard.
    package consuming func encode(into payload: inout [UInt8]) {
        payload.appendVarint(base?.milliseconds ?? 0)
        guard isOutOfOrder else {
            payload.append(contentsOf: bytes)
            return
        }
        var queues: [ShardID: [Int]] = [:]
        for (index, entry) in entries.enumerated() {
            if let order = entry.order { queues[order.shard, default: []].append(index) }
        }
        // Last first, so that the next one is taken from the end.
        for shard in queues.keys {
            queues[shard]?.sort { (entries[$0].order?.place ?? 0) > (entries[$1].order?.place ?? 0) }
        }
        for (index, entry) in entries.enumerated() {
            let next = entry.order.flatMap { queues[$0.shard]?.popLast() } ?? index
            let end = next + 1 < entries.count ? entries[next + 1].start : bytes.count
            payload.append(contentsOf: bytes[entries[next].start..<end])
        }
    }
}

extension FeedWarning {
    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .low(let remaining):
            bytes.append(FeedTag.low)
            bytes.appendVarint(remaining)
        case .empty: bytes.append(FeedTag.empty)
        case .expiring(let days):
            bytes.append(FeedTag.expiring)
            bytes.appendVarint(UInt64(days))
        case .expired: bytes.append(FeedTag.expired)
        case .share(let remaining, let percent):
            bytes.append(FeedTag.share)
            bytes.appendVarint(remaining)
            bytes.appendVarint(UInt64(percent))
        case .forecast(let remaining, let hours):
            bytes.append(FeedTag.forecast)
            bytes.appendVarint(remaining)
            bytes.appendVarint(UInt64(hours))
        }
    }
}

/// The first byte of an event, and of a warning.
private enum FeedTag {
    static let given: UInt8 = 1
    static let held: UInt8 = 2
    static let holdEnd: UInt8 = 3
    static let change: UInt8 = 4
    static let warning: UInt8 = 5
    static let gap: UInt8 = 6
    static let repeated: UInt8 = 7

    static let low: UInt8 = 1
    static let empty: UInt8 = 2
    static let expiring: UInt8 = 3
    static let expired: UInt8 = 4
    static let share: UInt8 = 10
    static let forecast: UInt8 = 11
}

extension ByteReader {
    /// The events of a frame's payload, from the reader's place to the end.
    mutating func feedEvents(_ payload: Span<UInt8>) throws(RecordError) -> [FeedEvent] {
        let base = try timestamp(payload)
        var events: [FeedEvent] = []
        while !isAtEnd(payload) { events.append(try feedEvent(payload, base: base)) }
        return events
    }

    private mutating func feedEvent(_ payload: Span<UInt8>, base: Timestamp) throws(RecordError) -> FeedEvent {
        let start = position
        let tag = try byte(payload)
        let time = UInt64(bitPattern: Int64(base.milliseconds) &+ (try zigzag(payload)))
        guard time <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        let at = Timestamp(milliseconds: time)
        switch tag {
        case FeedTag.given: return FeedEvent(.allocation(try feedAllocation(payload), .given), at: at)
        case FeedTag.repeated:
            let allocation = try feedAllocation(payload)
            let holdUntil = try deadlineOrNone(after: at, payload)
            return FeedEvent(.allocation(allocation, .repeated(holdUntil: holdUntil)), at: at)
        case FeedTag.held:
            let allocation = try feedAllocation(payload)
            return FeedEvent(.allocation(allocation, .held(until: try deadline(after: at, payload))), at: at)
        case FeedTag.holdEnd:
            let allocation = try feedAllocation(payload)
            guard let end = HoldEnd(code: try byte(payload), at: at) else {
                throw .badField("end of a hold", offset: start)
            }
            return FeedEvent(.allocation(allocation, .ended(end.reason, codeIsFree: end.codeIsFree)), at: at)
        case FeedTag.change:
            guard case .change(let record, _) = try ControlEntry.decode(payload, &self), !record.change.isOfAccounts
            else { throw .badField("change", offset: start) }
            return FeedEvent(.change(record.change), at: at)
        case FeedTag.warning:
            let list = ListID(rawValue: try narrow(payload))
            return FeedEvent(.warning(list, try feedWarning(payload)), at: at)
        case FeedTag.gap: return FeedEvent(.gap, at: at)
        default: throw .unknownTag(tag, offset: start)
        }
    }

    private mutating func feedAllocation(_ payload: Span<UInt8>) throws(RecordError) -> FeedAllocation {
        let campaign = CampaignID(rawValue: try narrow(payload))
        let upload = UploadID(rawValue: try narrow(payload))
        let ordinal: Ordinal = try narrow(payload)
        let (key, text) = try user(payload)
        var user: [UInt8] = []
        if key.isLong { user = payload.extracting(text).copy } else { key.appendText(to: &user) }
        return FeedAllocation(
            campaign: campaign, code: CodeID(upload: upload, ordinal: ordinal), user: user,
            userID: try copy(Int(try byte(payload)), payload))
    }

    mutating func feedWarning(_ payload: Span<UInt8>) throws(RecordError) -> FeedWarning {
        let start = position
        switch try byte(payload) {
        case FeedTag.low: return .low(remaining: try varint(payload))
        case FeedTag.empty: return .empty
        case FeedTag.expiring: return .expiring(days: try narrow(payload))
        case FeedTag.expired: return .expired
        case FeedTag.share: return .share(remaining: try varint(payload), percent: try narrow(payload))
        case FeedTag.forecast: return .forecast(remaining: try varint(payload), hours: try narrow(payload))
        case let tag: throw .unknownTag(tag, offset: start)
        }
    }
}
