import TearoffCore
import TearoffLog

/// What a loop's decisions leave behind until the tick ends. One value, so that a decision opens it once.
package struct Tick: ~Copyable {
    var counters = LoopCounters()
    private var batch = FrameBatch()
    private var encoder: AllocationEncoder
    /// Lists whose last code went into the frame; told to the control plane once it is durable.
    private var drained: [(frame: FrameNumber, list: ListID)] = []
    /// Lists that came down to their warning; reported after the tick, not under a shard's mutex.
    private var low: [LowList] = []
    /// The earliest deadline of the holds that were made since it was asked for.
    private var nextHoldEnd: Timestamp?
    /// Codes that are free again once the frame is durable.
    private var returned: [(frame: FrameNumber, code: ReturnedCode)] = []

    struct LowList {
        let listName: String
        let remaining: UInt64
    }

    init(shardCount: UInt16) {
        encoder = AllocationEncoder(shardCount: shardCount)
    }

    var isEmpty: Bool { batch.isEmpty }
    var byteCount: Int { batch.bytes.count }

    /// Notes a new allocation, which goes into `frame`.
    mutating func add(
        _ due: borrowing DueAllocation, terms: CampaignTerms, frame: FrameNumber, userBytes: Span<UInt8>,
        userID: Span<UInt8>
    ) {
        encoder.encode(due.record, userBytes: userBytes, userID: userID, into: &batch.bytes)
        batch.recordCount += 1
        if let deadline = due.record.holdUntil {
            counters.held += 1
            nextHoldEnd = min(nextHoldEnd ?? deadline, deadline)
        } else {
            counters.given += 1
        }
        let remaining = due.claim.remaining
        if remaining == 0 { drained.append((frame, terms.list(of: due.claim.code))) }
        if remaining == terms.warnAt(of: due.claim.code) {
            low.append(LowList(listName: terms.listName(of: due.claim.code), remaining: remaining))
        }
    }

    /// Notes the end of a hold, which goes into `frame`.
    ///
    /// - Parameter list: where its code came from.
    mutating func add(_ record: HoldEndRecord, list: ListID, pool: Pool, frame: FrameNumber) {
        encoder.encode(record, into: &batch.bytes)
        batch.recordCount += 1
        counters.note(record.end.reason)
        // Codes that were held may have been all that a list had left.
        if !record.end.codeIsFree, pool.totalFree == 0 { drained.append((frame, list)) }
    }

    /// Notes a code that another system gave.
    mutating func add(_ record: ImportRecord, userBytes: Span<UInt8>) {
        encoder.encode(record, userBytes: userBytes, into: &batch.bytes)
        batch.recordCount += 1
    }

    /// Notes a key, right behind what was answered under it.
    ///
    /// - Parameter text: the key, and behind it the marketing user id.
    mutating func add(_ record: KeyRecord, userBytes: Span<UInt8>, text: Span<UInt8>) {
        encoder.encode(record, userBytes: userBytes, text: text, into: &batch.bytes)
        batch.recordCount += 1
    }

    /// Notes that a user was told a code again. Nobody waits for it.
    mutating func add(_ record: RepeatRecord, userBytes: Span<UInt8>, userID: Span<UInt8>) {
        encoder.encode(record, userBytes: userBytes, userID: userID, into: &batch.bytes)
        batch.recordCount += 1
    }

    /// Notes that a code goes back to its pool once `frame` is durable.
    mutating func add(_ code: ReturnedCode, frame: FrameNumber) { returned.append((frame, code)) }

    mutating func takeNextHoldEnd() -> Timestamp? {
        defer { nextHoldEnd = nil }
        return nextHoldEnd
    }

    /// Codes that are to go back now that their frames are durable.
    mutating func takeReturned(through durable: FrameNumber) -> [ReturnedCode] {
        if returned.isEmpty { return [] }
        defer { returned.removeAll { $0.frame <= durable } }
        return returned.filter { $0.frame <= durable }.map(\.code)
    }

    /// Moves the records into the writer's batch, which is empty, and begins a new frame.
    mutating func hand(over batch: inout FrameBatch) {
        swap(&self.batch, &batch)
        encoder.startFrame()
    }

    mutating func takeLow() -> [LowList] {
        defer { if !low.isEmpty { low = [] } }
        return low
    }

    /// Lists whose last code is durable by now.
    mutating func takeDrained(through durable: FrameNumber) -> [ListID] {
        if drained.isEmpty { return [] }
        defer { drained.removeAll { $0.frame <= durable } }
        return drained.filter { $0.frame <= durable }.map(\.list)
    }
}

/// What a loop did since the start.
package struct LoopCounters: Sendable {
    package var given: UInt64 = 0
    package var repeated: UInt64 = 0
    /// Answers that were told again, under their idempotency keys.
    package var replayed: UInt64 = 0
    package var refused: UInt64 = 0
    /// Commands that met a row in flight in another lane.
    package var parked: UInt64 = 0
    /// Of holds: how many were made, and how they ended.
    package var held: UInt64 = 0
    package var confirmed: UInt64 = 0
    package var released: UInt64 = 0
    package var lapsed: UInt64 = 0

    package init() {}

    /// Users that a command was answered for.
    package var answered: UInt64 { given + repeated + replayed + refused + held + confirmed + released }

    mutating func note(_ reason: HoldEnd.Reason) {
        switch reason {
        case .confirmed: confirmed += 1
        case .released: released += 1
        case .expired: lapsed += 1
        }
    }
}

/// A code that was held and goes back to its pool.
struct ReturnedCode: Sendable {
    let place: CodePosition
    let owner: CodeOwner
    let pool: Pool

    /// From here on anybody may be given it.
    func putBack() {
        place.strip.removeOwner(owner, at: place.position)
        pool.putBack(place)
    }
}
