package import TearoffCore
package import TearoffLog

/// The state that a directory held, ready to be served.
package struct RecoveredState: Sendable {
    package let catalog: Catalog
    /// Of each of the catalog's lists, in their order; all of them hold.
    package let ledgers: [Ledger]
    package let revision: UInt64
    package let trail: AuditTrail
    package let shards: [ShardCell]
    /// The latest time in any record.
    package let at: Timestamp
    /// Where each lane that was ever written goes on.
    package let laneStarts: [LaneID: LaneStart]
    /// Number of the newest snapshot file; 0 when there is none.
    package let snapshotNumber: UInt64
    /// By shard: blobs of full history chunks.
    package let fullChunks: [[BlobID]]
    /// Idempotency keys that are kept, in the order in which they were used.
    package let keys: [KeyUse]
    package let notices: [RecoveryNotice]
    package let counters: Counters

    /// Of the lists that were not deleted.
    package var presentLedgers: [(name: String, ledger: Ledger)] {
        zip(catalog.lists, ledgers).filter { !$0.0.isDeleted }.map { ($0.0.name, $0.1) }
    }

    package struct Counters: Equatable, Sendable {
        package var rowsFromSnapshot: UInt64 = 0
        package var rowsFromLog: UInt64 = 0
        package var framesRead: UInt64 = 0
        /// Bytes of the segment files that the snapshot does not cover, whatever is in them.
        package var logFileBytes: UInt64 = 0
    }
}
