package import TearoffCore
import TearoffEngine
package import TearoffLog
package import TearoffStorage

/// Makes a data directory of a snapshot.
package struct Restore {
    private let source: RestoreSource
    private let burning: Burning
    private let givenBelow: [UploadID: UInt64]
    private let now: Timestamp
    private let key: OperatorKey?
    private let progress: @Sendable (VerificationProgress) -> Void

    /// - Parameters:
    ///   - givenBelow: as ``LogSince/givenBelow``; empty where nothing is known.
    ///   - now: the wall clock's time.
    ///   - key: encrypts what is made; nil: that is not encrypted.
    package init(
        _ source: RestoreSource, burning: Burning, givenBelow: [UploadID: UInt64] = [:], now: Timestamp,
        key: OperatorKey? = nil,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) {
        self.source = source
        self.burning = burning
        self.givenBelow = givenBelow
        self.now = now
        self.key = key
        self.progress = progress
    }

    /// What was made.
    package struct Report: Sendable {
        package let identity: DirectoryID
        /// As a start serves them.
        package let lists: [(name: String, ledger: Ledger)]
        /// Codes that were free, and are burned.
        package let codesBurned: UInt64
        /// Holds that were open and have ended, and their codes with them.
        package let holdsEnded: Int
    }

    /// The snapshot is read through before anything is made, and what was made before it counts.
    ///
    /// - Parameter origin: who asks.
    /// - Throws: ``RecoveryError`` for the first fault of the snapshot, `DataDirectoryError` or `StorageError` for the
    ///   directory.
    package func run(into path: String, by origin: Origin) throws -> Report {
        let manifest = source.manifest
        try checkBlobs()
        let state = try Recovery.read(manifest, from: recovery(source.blobs, of: manifest.directory))
        let id = DirectoryID(bytes: (0..<DirectoryID.byteCount).map { _ in UInt8.random(in: 0...255) })
        return try DataDirectory.restore(
            path: path, id: id, shardCount: source.shardCount, timeMilliseconds: now.milliseconds,
            key: key
        ) { blobs in
            var copied: UInt64 = 0
            for blob in manifest.blobs {
                copied += try blobs.copy(blob, from: source.blobs)
                progress(.init(stage: .copy, done: copied, total: source.byteCount))
            }
            let outcome = try Restoration(manifest, state, burning: burning, givenBelow: givenBelow, now: now)
                .write(to: blobs, as: id, by: origin, source: source.name) { SHA256Hasher() }
            // As the next start will: it must find all that the snapshot has, and the ledgers must hold.
            let restored = try Recovery.read(outcome.manifest, from: recovery(blobs, of: id))
            try check(restored, against: state, outcome)
            return Report(
                identity: id, lists: restored.presentLedgers,
                codesBurned: outcome.burned.reduce(0, +), holdsEnded: outcome.holdsEnded)
        }
    }

    private func recovery(_ blobs: any BlobStore, of directory: DirectoryID) -> RecoverySource {
        RecoverySource(
            directory: directory, shardCount: source.shardCount, log: source.log, blobs: blobs,
            makeHasher: { SHA256Hasher() }, seed: .random(in: 0...UInt64.max), progress: { _ in })
    }

    /// Every blob is what its name says.
    private func checkBlobs() throws(RecoveryError) {
        var check = BlobCheck(source.blobs)
        var read: UInt64 = 0
        for blob in source.manifest.blobs.sorted(by: { $0.description < $1.description }) {
            do throws(RecoveryError) {
                read += try check.look(at: blob, .content).get()
            } catch {
                throw RecoveryError(
                    error.kind, file: error.file, problem: error.problem, advice: source.advice)
            }
            progress(.init(stage: .blobs, done: read, total: source.byteCount))
        }
    }

    /// Nothing may have come out otherwise than it was planned.
    private func check(
        _ restored: RecoveredState, against state: RecoveredState, _ outcome: Restoration.Outcome
    ) throws(RecoveryError) {
        for (index, ledger) in restored.ledgers.enumerated() {
            let before = state.ledgers[index]
            let burned = outcome.burned[index]
            guard ledger.uploaded == before.uploaded, ledger.given == before.given,
                ledger.free + burned == before.free, ledger.withdrawn == before.withdrawn
            else {
                throw RecoveryError(
                    .contradictory, file: "snapshots",
                    problem:
                        "list \(restored.catalog.lists[index].name) came out as \(ledger), from \(before)",
                    advice: "What was made is no data directory: remove it. What it was made of is as it was.")
            }
        }
    }
}
