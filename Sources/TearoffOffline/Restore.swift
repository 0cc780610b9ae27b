package import TearoffCore
import TearoffEngine
package import TearoffLog
package import TearoffStorage

/// Makes a data directory of a backup.
package struct Restore {
    private let backup: BackupDirectory
    private let burning: Burning
    private let now: Timestamp
    private let progress: @Sendable (VerificationProgress) -> Void

    /// - Parameter now: the wall clock's time.
    package init(
        _ backup: BackupDirectory, burning: Burning, now: Timestamp,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) {
        self.backup = backup
        self.burning = burning
        self.now = now
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

    /// The backup is read through before anything is made, and what was made before it counts.
    ///
    /// - Parameters:
    ///   - name: of the backup, for the audit trail.
    ///   - origin: who asks.
    /// - Throws: ``RecoveryError`` for the first fault of the backup, `DataDirectoryError` or `StorageError` for the
    ///   directory.
    package func run(into path: String, name: String, by origin: Origin) throws -> Report {
        let manifest = try checkedManifest()
        let state = try Recovery.read(manifest, from: source(backup.blobs, of: backup.label.directory))
        let id = DirectoryID(bytes: (0..<DirectoryID.byteCount).map { _ in UInt8.random(in: 0...255) })
        return try DataDirectory.restore(
            path: path, id: id, shardCount: backup.label.shardCount, timeMilliseconds: now.milliseconds
        ) { blobs in
            var copied: UInt64 = 0
            for blob in manifest.blobs {
                copied += try blobs.copy(blob, from: backup.blobs)
                progress(.init(stage: .copy, done: copied, total: backup.label.byteCount))
            }
            let outcome = try Restoration(manifest, state, burning: burning, now: now)
                .write(to: blobs, as: id, by: origin, backup: name) { SHA256Hasher() }
            // As the next start will: it must find all that the backup has, and the ledgers must hold.
            let restored = try Recovery.read(outcome.manifest, from: source(blobs, of: id))
            try check(restored, against: state, outcome)
            return Report(
                identity: id, lists: zip(restored.catalog.lists, restored.ledgers).map { ($0.name, $1) },
                codesBurned: outcome.burned.reduce(0, +), holdsEnded: outcome.holdsEnded)
        }
    }

    private func source(_ blobs: any BlobStore, of directory: DirectoryID) -> RecoverySource {
        RecoverySource(
            directory: directory, shardCount: backup.label.shardCount, log: backup.log, blobs: blobs,
            makeHasher: { SHA256Hasher() }, seed: .random(in: 0...UInt64.max), progress: { _ in })
    }

    /// Every file of the backup is what the label and its name say.
    private func checkedManifest() throws(RecoveryError) -> Manifest {
        let name = SnapshotDesk.name(of: backup.label.snapshot)
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try backup.blobs.readNamed(name)
        } catch {
            guard error.problem == .missing else { throw .unreadable(error) }
            throw RecoveryError(
                .missing, file: name, problem: "this manifest is missing", advice: Self.advice)
        }
        let hasher = SHA256Hasher()
        hasher.update(bytes.span)
        guard hasher.finish() == backup.label.manifest else {
            throw Self.damaged(name, "it is not the manifest that \(BackupLabel.file) names")
        }
        let manifest: Manifest
        do throws(ManifestError) {
            manifest = try Manifest(decoding: bytes.span, directory: backup.label.directory)
        } catch {
            throw Self.damaged(name, "\(error)")
        }
        var check = BlobCheck(backup.blobs)
        var read = UInt64(bytes.count)
        for blob in manifest.blobs.sorted(by: { $0.description < $1.description }) {
            do throws(RecoveryError) {
                read += try check.look(at: blob, .content).get()
            } catch {
                throw RecoveryError(
                    error.kind, file: error.file, problem: error.problem, advice: Self.advice)
            }
            progress(.init(stage: .blobs, done: read, total: backup.label.byteCount))
        }
        return manifest
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
                    .misplaced, file: "snapshots",
                    problem:
                        "list \(restored.catalog.lists[index].name) came out as \(ledger), from \(before)",
                    advice: "What was made is no data directory: remove it. The backup is as it was.")
            }
        }
    }

    private static let advice = "Nothing was made. Take another backup."

    private static func damaged(_ file: String, _ problem: String) -> RecoveryError {
        RecoveryError(.damaged, file: file, problem: problem, advice: advice)
    }
}
