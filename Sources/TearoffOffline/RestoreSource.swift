import TearoffEngine
package import TearoffLog
package import TearoffStorage

/// The snapshot that a data directory is made of: a backup is one, and a data directory has some.
package struct RestoreSource {
    /// It is what its name, and of a backup the label, say; its blobs are still to be looked at.
    package let manifest: Manifest
    let shardCount: UInt16
    let log: any LogStorage
    let blobs: any BlobStore
    /// How the audit trail tells where it was.
    let name: String
    /// Of manifest and blobs.
    let byteCount: UInt64
    let advice: String

    /// - Parameter path: of the backup, as the audit trail tells it.
    /// - Throws: ``RecoveryError`` when the manifest is missing, or not the one that the label names.
    package init(_ backup: BackupDirectory, path: String) throws(RecoveryError) {
        let label = backup.label
        advice = "Nothing was made. Take another backup."
        let file = SnapshotDesk.name(of: label.snapshot)
        let bytes = try Self.read(file, as: file, from: backup.blobs, advice)
        let hasher = SHA256Hasher()
        hasher.update(bytes.span)
        guard backup.blobs.publicHash(of: hasher.finish()) == label.manifest else {
            throw RecoveryError(
                .damaged, file: file, problem: "it is not the manifest that \(BackupLabel.file) names",
                advice: advice)
        }
        manifest = try Self.decode(bytes, of: label.directory, file, advice)
        shardCount = label.shardCount
        log = backup.log
        blobs = backup.blobs
        name = "backup=\"\(path)\""
        byteCount = label.byteCount
    }

    /// - Parameters:
    ///   - snapshot: its number.
    ///   - directory: no server may have it meanwhile.
    ///   - path: of the directory, as the audit trail tells it.
    /// - Throws: ``RecoveryError``, of the kind `missing` when there is no such snapshot.
    package init(
        snapshot: UInt64, of directory: ReadOnlyDirectory, path: String
    ) throws(RecoveryError) {
        advice = "Nothing was made. tearoffctl snapshot list --check shows which snapshots are whole."
        let file = SnapshotDesk.name(of: snapshot)
        let bytes = try Self.read(file, as: "snapshots/\(file)", from: directory.blobs, advice)
        manifest = try Self.decode(bytes, of: directory.identity.id, "snapshots/\(file)", advice)
        shardCount = directory.identity.shardCount
        log = directory.log
        blobs = directory.blobs
        name = "data=\"\(path)\""
        var byteCount = UInt64(bytes.count)
        // Only how far a display goes: what is missing is told when it is read.
        for blob in manifest.blobs { byteCount += (try? directory.blobs.byteCount(blob)) ?? 0 }
        self.byteCount = byteCount
    }

    private static func read(
        _ name: String, as file: String, from blobs: some BlobStore, _ advice: String
    ) throws(RecoveryError) -> [UInt8] {
        do throws(StorageError) {
            return try blobs.readNamed(name)
        } catch {
            guard error.problem == .missing else { throw .unreadable(error) }
            throw RecoveryError(.missing, file: file, problem: "this manifest is missing", advice: advice)
        }
    }

    private static func decode(
        _ bytes: [UInt8], of directory: DirectoryID, _ file: String, _ advice: String
    ) throws(RecoveryError) -> Manifest {
        do throws(ManifestError) {
            return try Manifest(decoding: bytes.span, directory: directory)
        } catch {
            throw RecoveryError(.damaged, file: file, problem: "\(error)", advice: advice)
        }
    }
}
