import Synchronization
import TearoffCore
import TearoffLog

/// One shard's part of a recovery: applies what was read back, in the order of the sequence numbers,
/// whichever lanes the records stood in.
///
/// Lanes are read at about the same pace, so few records wait for an earlier one from another lane. After a
/// crash an earlier one may never come: nobody was told of it.
struct ShardReplay {
    private struct Waiting {
        let record: ShardRecord
        let user: [UInt8]
        let beside: [UInt8]
        let frame: FrameInfo?
    }

    private let cell: ShardCell
    private let catalog: Catalog
    /// What the snapshot holds: such records are passed over. Nil without a snapshot.
    private let covered: SequenceNumber?
    /// Records behind a gap, by their sequence numbers.
    private var waiting: [UInt64: Waiting] = [:]
    /// The upload of the record before: nearly always that of the next one, too.
    private var upload: Upload?

    /// What ``replay(_:)`` applies next.
    var batch = AllocationBatch()
    /// Sequence numbers that no record has.
    private(set) var gaps: UInt64 = 0
    private(set) var rowCount: UInt64 = 0
    /// Of the log, in the order of their sequence numbers.
    private(set) var keys: [KeyUse] = []
    /// The latest time of any record applied.
    private(set) var at = Timestamp.zero
    /// The first thing that cannot be true. Nothing is applied after it.
    private(set) var problem: RecoveryError?

    init(_ cell: ShardCell, catalog: Catalog, covered: SequenceNumber?) {
        self.cell = cell
        self.catalog = catalog
        self.covered = covered
    }
}

/// A shard's replay, to be entered by one worker at a time.
final class ReplayCell: Sendable {
    let state: Mutex<ShardReplay>

    init(_ replay: ShardReplay) {
        state = Mutex(replay)
    }
}

// MARK: - From the log

extension ShardReplay {
    /// Applies the batch and empties it.
    ///
    /// - Parameter portion: what the batch is of. When it ends a life, what is missing by now was taken by a crash, and
    ///   will not come.
    mutating func replay(_ portion: LaneFeed.Portion) {
        guard problem == nil else { return }
        let cell = cell
        let batch = batch
        do throws(RecoveryError) {
            try cell.state.withLock { state throws(RecoveryError) in
                let text = batch.text.span
                for entry in batch.entries {
                    try add(
                        entry.record, user: text.extracting(entry.user),
                        beside: text.extracting(entry.beside), in: portion.frame, to: &state.shard)
                }
                if portion.endsLife { try flush(into: &state.shard) }
            }
        } catch {
            problem = error
        }
    }

    /// Applies the record when it is the next of its shard, and those that waited for it; else keeps it.
    private mutating func add(
        _ record: ShardRecord, user: Span<UInt8>, beside: Span<UInt8>, in frame: FrameInfo?, to shard: inout Shard
    ) throws(RecoveryError) {
        if let covered, record.sequence <= covered { return }
        if record.sequence == shard.lastSequence.next {
            try apply(record, user: user, beside: beside, in: frame, to: &shard)
            if waiting.isEmpty { return }
            while let next = waiting.removeValue(forKey: shard.lastSequence.next.rawValue) {
                try apply(next, to: &shard)
            }
            return
        }
        guard record.sequence > shard.lastSequence, waiting[record.sequence.rawValue] == nil else {
            throw RecoveryError(
                contradiction: "record \(record.sequence.rawValue) of shard \(record.shard.rawValue) stands twice "
                    + "in the log", in: frame)
        }
        waiting[record.sequence.rawValue] = Waiting(
            record: record, user: user.copy, beside: beside.copy, frame: frame)
    }

    /// Applies all that wait, over the gaps.
    private mutating func flush(into shard: inout Shard) throws(RecoveryError) {
        let records = waiting.values.sorted { $0.record.sequence < $1.record.sequence }
        waiting = [:]
        for next in records {
            gaps += next.record.sequence.rawValue - shard.lastSequence.rawValue - 1
            try apply(next, to: &shard)
        }
    }

    private mutating func apply(_ next: Waiting, to shard: inout Shard) throws(RecoveryError) {
        try apply(
            next.record, user: next.user.span, beside: next.beside.span, in: next.frame, to: &shard)
    }

    private mutating func apply(
        _ record: ShardRecord, user: Span<UInt8>, beside: Span<UInt8>, in frame: FrameInfo?, to shard: inout Shard
    ) throws(RecoveryError) {
        do throws(ApplyError) {
            try enter(record, user: user, beside: beside, into: &shard)
        } catch {
            throw RecoveryError(contradiction: "a record contradicts the others: \(error)", in: frame)
        }
        at = max(at, record.at)
    }
}

// MARK: - From a snapshot

extension ShardReplay {
    /// Applies the rows of a history chunk as they stand.
    mutating func restore(_ batch: AllocationBatch) throws(ApplyError) {
        let cell = cell
        try cell.state.withLock { state throws(ApplyError) in
            let text = batch.text.span
            for entry in batch.entries {
                try enter(
                    entry.record, user: text.extracting(entry.user), beside: text.extracting(entry.beside),
                    into: &state.shard)
            }
        }
    }

    /// Puts the holds of a snapshot back, once all rows are there.
    mutating func restore(_ holds: [Hold]) throws(ApplyError) {
        let (cell, catalog) = (cell, catalog)
        try cell.state.withLock { state throws(ApplyError) in
            for hold in holds { try state.shard.restore(hold, position: catalog.position(of:)) }
        }
    }

    private mutating func enter(
        _ record: ShardRecord, user: Span<UInt8>, beside: Span<UInt8>, into shard: inout Shard
    ) throws(ApplyError) {
        switch record {
        case .holdEnd(let record): try shard.apply(record, position: catalog.position(of:))
        case .key(let record):
            keys.append(try shard.apply(record, userBytes: user, text: beside))
        case .imported(let record):
            guard catalog.hasCampaign(record.allocation.campaign) else {
                throw .unknownCampaign(record.allocation.campaign)
            }
            let upload = try upload(of: record.allocation)
            guard upload.isImport else { throw .noImport(record.allocation.code) }
            _ = try shard.apply(record.allocation, userBytes: user, userID: beside, upload: upload)
            rowCount += 1
        case .allocation(let record):
            guard catalog.hasCampaign(record.campaign) else { throw .unknownCampaign(record.campaign) }
            let upload = try upload(of: record)
            _ = try shard.apply(record, userBytes: user, userID: beside, upload: upload)
            rowCount += 1
        }
    }

    private mutating func upload(of record: AllocationRecord) throws(ApplyError) -> Upload {
        if let upload, upload.id == record.code.upload { return upload }
        guard catalog.hasUpload(record.code.upload) else { throw .unknownUpload(record.code.upload) }
        let found = catalog[record.code.upload]
        upload = found
        return found
    }
}
