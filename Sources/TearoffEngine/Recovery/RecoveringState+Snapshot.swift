import Synchronization
import TearoffCore
import TearoffLog

/// The history of a snapshot: each shard's chunks are read, unpacked and applied by one worker, shards side by
/// side.
extension RecoveringState {
    mutating func readHistory() throws(SnapshotFault) {
        guard let manifest else { return }
        let total = UInt64(manifest.shards.reduce(0) { $0 + $1.chunks.count })
        let progress = SharedProgress(.snapshot, total: total, source.progress)
        let replays = shards.map { ReplayCell(ShardReplay($0, catalog: catalog, covered: nil)) }
        let faults = Mutex([SnapshotFault?](repeating: nil, count: shards.count))
        let source = source
        source.workers.run(pieces: shards.count) { shard in
            do throws(SnapshotFault) {
                try replays[shard].state.withLock { replay throws(SnapshotFault) in
                    for chunk in manifest.shards[shard].chunks {
                        try Self.restore(chunk, ShardID(rawValue: UInt16(shard)), source.blobs, &replay)
                        progress.add(1)
                    }
                }
            } catch {
                faults.withLock { $0[shard] = error }
            }
        }
        if let fault = faults.withLock({ $0.lazy.compactMap { $0 }.first }) { throw fault }
        for (shard, history) in manifest.shards.enumerated() { try settle(history, of: shard) }
    }

    private static func restore(
        _ chunk: BlobID, _ shard: ShardID, _ blobs: any BlobStore, _ replay: inout ShardReplay
    ) throws(SnapshotFault) {
        do {
            let packed = try blobs.readAll(chunk)
            guard let bytes = PackedBlob.unpack(packed.span, countMax: HistoryChunk.bytesMaximum) else {
                throw SnapshotFault.unusable("chunk \(chunk) does not decompress")
            }
            replay.batch.removeAll()
            try HistoryChunk.decode(bytes.span, shard: shard) { record, user, userID in
                replay.batch.append(record, user: user, userID: userID)
            }
            try replay.restore()
        } catch {
            throw .unusable("chunk \(chunk): \(error)")
        }
    }

    private mutating func settle(_ history: Manifest.ShardHistory, of shard: Int) throws(SnapshotFault) {
        let rows = shards[shard].state.withLock { state in
            state.shard.advance(to: history.lastSequence)
            return UInt64(state.shard.rows.count)
        }
        guard rows == history.rowCount else {
            throw .unusable("shard \(shard) has \(rows) rows instead of \(history.rowCount)")
        }
        counters.rowsFromSnapshot += rows
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
