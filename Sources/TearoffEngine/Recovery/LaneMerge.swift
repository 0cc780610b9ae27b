import TearoffCore
import TearoffLog

/// Puts the records of several lanes into the order of each shard's sequence.
///
/// Lanes are read at about the same pace, so few records wait for an earlier one from another lane. After a
/// crash an earlier one may never come: nobody was told of it.
struct LaneMerge {
    private struct Waiting {
        let record: AllocationRecord
        let user: [UInt8]
        let userID: [UInt8]
    }

    typealias Apply = (AllocationRecord, Span<UInt8>, Span<UInt8>) throws(RecoveryError) -> Void

    /// By shard: the last record applied, and those behind a gap.
    private var last: [SequenceNumber]
    private var waiting: [[UInt64: Waiting]]
    /// Sequence numbers that no record has.
    private(set) var gaps: UInt64 = 0

    init(shards last: [SequenceNumber]) {
        self.last = last
        waiting = last.map { _ in [:] }
    }

    /// Applies the record when it is the next of its shard, and those that waited for it; else keeps it.
    mutating func add(
        _ record: AllocationRecord, user: Span<UInt8>, userID: Span<UInt8>, apply: Apply
    ) throws(RecoveryError) {
        let shard = Int(record.shard.rawValue)
        guard record.sequence > last[shard], waiting[shard][record.sequence.rawValue] == nil else {
            throw RecoveryError(
                .misplaced, file: "wal",
                problem: "record \(record.sequence.rawValue) of shard \(shard) stands twice in the log")
        }
        guard record.sequence == last[shard].next else {
            waiting[shard][record.sequence.rawValue] = Waiting(
                record: record, user: user.copy, userID: userID.copy)
            return
        }
        try apply(record, user, userID)
        last[shard] = record.sequence
        while let next = waiting[shard].removeValue(forKey: last[shard].next.rawValue) {
            try self.apply(next, with: apply)
        }
    }

    /// Applies all that wait, over the gaps.
    mutating func flush(apply: Apply) throws(RecoveryError) {
        for shard in waiting.indices {
            let records = waiting[shard].values.sorted { $0.record.sequence < $1.record.sequence }
            waiting[shard] = [:]
            for next in records {
                gaps += next.record.sequence.rawValue - last[shard].rawValue - 1
                try self.apply(next, with: apply)
            }
        }
    }

    private mutating func apply(_ next: Waiting, with apply: Apply) throws(RecoveryError) {
        try apply(next.record, next.user.span, next.userID.span)
        last[Int(next.record.shard.rawValue)] = next.record.sequence
    }
}
