package import TearoffLog

/// Where a recovery reads from, and whom it tells how far it is.
package struct RecoverySource: Sendable {
    package let directory: DirectoryID
    package let shardCount: UInt16
    package let log: any LogStorage
    package let blobs: any BlobStore
    /// SHA-256.
    package let makeHasher: @Sendable () -> any ContentHasher
    /// Makes tables in memory unpredictable to those who choose user ids; from the system's random numbers.
    package let seed: UInt64
    package var workers = RecoveryWorkers.one
    /// Records of the log that are read before they are applied, while the next ones are read: some 20 MiB,
    /// twice. With many at once a shard's index stays in the cache for longer.
    package var portionRecords = 1 << 18
    /// Called from one thread at a time. What is done never shrinks within a stage and ends at the total; each
    /// upload, and each further snapshot that is tried, begins anew.
    package let progress: @Sendable (RecoveryProgress) -> Void

    package init(
        directory: DirectoryID, shardCount: UInt16, log: any LogStorage, blobs: any BlobStore,
        makeHasher: @escaping @Sendable () -> any ContentHasher, seed: UInt64,
        progress: @escaping @Sendable (RecoveryProgress) -> Void
    ) {
        self.directory = directory
        self.shardCount = shardCount
        self.log = log
        self.blobs = blobs
        self.makeHasher = makeHasher
        self.seed = seed
        self.progress = progress
    }

    /// The same, read on one thread and frame by frame.
    var inOrder: RecoverySource {
        var source = self
        source.workers = .one
        source.portionRecords = 1
        return source
    }
}

/// How far a recovery is. Told several times a second.
package struct RecoveryProgress: Equatable, Sendable {
    package enum Stage: String, Sendable {
        case uploads, snapshot, log
    }

    package let stage: Stage
    package let done: UInt64
    /// An upper bound.
    package let total: UInt64
}

/// What a recovery met that an operator should know; the server starts all the same.
package enum RecoveryNotice: Equatable, Sendable {
    case tornTail(FramePlace)
    case foreignFile(String)
    /// A snapshot could not be used; an older one and its log were.
    case snapshotUnusable(number: UInt64, problem: String)
    /// Records that a crash took before anyone was told of them: their codes are free again.
    case sequenceGaps(count: UInt64)
}
