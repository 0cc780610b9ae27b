import Synchronization
package import TearoffCore
package import TearoffEngine
package import TearoffLog

/// Everything that a recovered state holds and that must be the same at the next recovery.
package struct Digest: Equatable {
    package var shards: [[UInt8]] = []
    package var holds: [[UInt8]] = []
    package var keys: [KeyUse]
    package var lastSequences: [UInt64] = []
    package var catalog: Catalog.Condensed
    package var revision: UInt64
    package var trail: AuditTrail
    package var at: Timestamp
    package var laneStarts: [LaneID: LaneStart]
    package var supplies: [PoolCounts]

    package init(_ state: RecoveredState) {
        keys = state.keys
        catalog = state.catalog.condensed
        revision = state.revision
        trail = state.trail
        at = state.at
        laneStarts = state.laneStarts
        supplies = state.catalog.lists.map(\.pool.counts)
        for cell in state.shards {
            let cut = cell.state.withLock { $0.shard.cut() }
            precondition(cut.rows.count <= HistoryChunk.rowsMaximum, "a test with too many rows")
            shards.append(HistoryChunk.encode(0..<cut.rows.count, of: cut))
            holds.append(HoldChunk.encode(0..<cut.holds.count, of: cut))
            lastSequences.append(cut.lastSequence.rawValue)
        }
    }

    /// What a client or an operator could ask after and that is not the same: not where the lanes go on, nor the time,
    /// which a snapshot knows of that no record tells, nor keys that are not kept any more by then.
    func differences(from other: Digest) -> [String] {
        let now = max(at, other.at)
        let keptKeys = { (digest: Digest) in digest.keys.filter { $0.answer.isKept(at: now) } }
        let parts = [
            ("shards", shards == other.shards), ("holds", holds == other.holds),
            ("sequences", lastSequences == other.lastSequences), ("keys", keptKeys(self) == keptKeys(other)),
            ("catalog", catalog == other.catalog), ("revision", revision == other.revision),
            ("audit trail", trail == other.trail), ("free codes", supplies == other.supplies),
        ]
        return parts.filter { !$0.1 }.map(\.0)
    }

    /// For a trace.
    var checksum: UInt32 {
        (shards + holds).reduce(UInt32(truncatingIfNeeded: revision)) { sum, chunk in
            CRC32C.checksum(chunk.span, continuing: sum)
        }
    }
}
