import Synchronization
import TearoffCore
import TearoffLog

/// The history of a snapshot: each shard's chunks are read, unpacked and applied by one worker, shards side
/// by side.
extension RecoveringState {
    mutating func readHistory() throws(SnapshotFault) {
        guard let manifest else { return }
        let total = UInt64(manifest.shards.reduce(0) { $0 + $1.chunks.count + $1.holdChunks.count })
        let progress = SharedProgress(.snapshot, total: total, source.progress)
        let faults = Mutex([SnapshotFault?](repeating: nil, count: shards.count))
        // One for each worker: as many as are in use at once.
        let idle = Mutex<[ChunkReader]>([])
        let (shards, catalog, blobs) = (shards, catalog, source.blobs)
        source.workers.run(pieces: shards.count) { shard in
            var reader = idle.withLock { $0.popLast() } ?? ChunkReader(blobs)
            var replay = ShardReplay(shards[shard], catalog: catalog, covered: nil)
            do throws(SnapshotFault) {
                let id = ShardID(rawValue: UInt16(shard))
                for chunk in manifest.shards[shard].chunks {
                    try reader.read(chunk, of: id, into: &replay)
                    progress.add(1)
                }
                for (index, chunk) in manifest.shards[shard].holdChunks.enumerated() {
                    try reader.readHolds(chunk, index: index, of: id, into: &replay)
                    progress.add(1)
                }
            } catch {
                faults.withLock { $0[shard] = error }
            }
            idle.withLock { $0.append(reader) }
        }
        if let fault = faults.withLock({ $0.lazy.compactMap { $0 }.first }) { throw fault }
        for (shard, history) in manifest.shards.enumerated() { try settle(history, of: shard) }
        var reader = ChunkReader(source.blobs)
        for chunk in manifest.keyChunks { keys += try reader.readKeys(chunk, shardCount: source.shardCount) }
    }

    private mutating func settle(_ history: Manifest.ShardHistory, of shard: Int) throws(SnapshotFault) {
        let (rows, holds) = shards[shard].state.withLock { state in
            state.shard.advance(to: history.lastSequence)
            return (UInt64(state.shard.rows.count), UInt64(state.shard.holds.count))
        }
        guard rows == history.rowCount else {
            throw .unusable("shard \(shard) has \(rows) rows instead of \(history.rowCount)")
        }
        guard holds == history.holdCount else {
            throw .unusable("shard \(shard) has \(holds) holds instead of \(history.holdCount)")
        }
        counters.rowsFromSnapshot += rows
    }
}

/// Reads history chunks, one after the other; its memory is used again for the next.
private struct ChunkReader {
    private let blobs: any BlobStore
    private var packed: [UInt8] = []
    private var content: [UInt8] = []
    private var batch = AllocationBatch()

    init(_ blobs: any BlobStore) {
        self.blobs = blobs
    }

    mutating func read(
        _ chunk: BlobID, of shard: ShardID, into replay: inout ShardReplay
    ) throws(SnapshotFault) {
        do {
            let content = try content(of: chunk, countMax: HistoryChunk.bytesMaximum)
            batch.removeAll()
            try HistoryChunk.decode(content.span, shard: shard) { record, user, userID in
                batch.append(record, user: user, beside: userID)
            }
            try replay.restore(batch)
        } catch {
            throw .unusable("chunk \(chunk): \(error)")
        }
    }

    /// - Parameter index: of the chunk among those of its shard.
    mutating func readHolds(
        _ chunk: BlobID, index: Int, of shard: ShardID, into replay: inout ShardReplay
    ) throws(SnapshotFault) {
        do {
            let content = try content(of: chunk, countMax: HoldChunk.bytesMaximum)
            let first = index * HoldChunk.holdsMaximum
            try replay.restore(try HoldChunk.decode(content.span, shard: shard, first: first))
        } catch {
            throw .unusable("chunk \(chunk): \(error)")
        }
    }

    mutating func readKeys(_ chunk: BlobID, shardCount: UInt16) throws(SnapshotFault) -> [KeyUse] {
        do {
            let content = try content(of: chunk, countMax: KeyChunk.bytesMaximum)
            return try KeyChunk.decode(content.span, shardCount: shardCount)
        } catch {
            throw .unusable("chunk \(chunk): \(error)")
        }
    }

    private mutating func content(of chunk: BlobID, countMax: Int) throws -> [UInt8] {
        try blobs.readPacked(chunk, countMax: countMax, packed: &packed, into: &content)
        return content
    }
}

/// Progress that several workers make.
private final class SharedProgress: Sendable {
    private let stage: RecoveryProgress.Stage
    private let total: UInt64
    private let tell: @Sendable (RecoveryProgress) -> Void
    private let done = Mutex<UInt64>(0)

    init(
        _ stage: RecoveryProgress.Stage, total: UInt64, _ tell: @escaping @Sendable (RecoveryProgress) -> Void
    ) {
        self.stage = stage
        self.total = total
        self.tell = tell
    }

    func add(_ count: UInt64) {
        // Told under the lock, so that nobody hears of less after more.
        done.withLock { done in
            done += count
            tell(.init(stage: stage, done: done, total: total))
        }
    }
}
