import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

extension Life {
    func askForBackup(
        to place: SimulatedBlobStore
    ) -> Reply<Result<BackupReceipt, ControlError>> {
        let reply = Reply<Result<BackupReceipt, ControlError>>()
        control.asked(by: Self.origin).backup("monday", to: { place }, version: "0") { reply.set($0) }
        return reply
    }

    /// A backup that must succeed.
    @discardableResult
    func backUp(to place: SimulatedBlobStore) throws -> BackupReceipt {
        let reply = askForBackup(to: place)
        settle()
        return try #require(reply.value).get()
    }
}

extension SimulatedBlobStore {
    func label() throws -> BackupLabel { try BackupLabel(decoding: try readNamed(BackupLabel.file)) }

    func manifest() throws -> Manifest {
        let label = try label()
        let bytes = try readNamed(SnapshotDesk.name(of: label.snapshot))
        return try Manifest(decoding: bytes.span, directory: label.directory)
    }
}

extension World {
    static let restoredDirectory = DirectoryID(bytes: [UInt8](repeating: 0xD2, count: DirectoryID.byteCount))

    /// Makes a directory of a backup, as `tearoffctl restore` does.
    static func restored(
        from place: SimulatedBlobStore, burning: Burning, at milliseconds: UInt64 = firstMilliseconds
    ) throws -> (world: World, outcome: Restoration.Outcome) {
        let manifest = try place.manifest()
        let backup = World(directory: manifest.directory, blobs: place)
        let state = try Recovery.read(manifest, from: backup.source)
        let blobs = SimulatedBlobStore()
        for blob in manifest.blobs { _ = try blobs.copy(blob, from: place) }
        let outcome = try Restoration(
            manifest, state, burning: burning, now: Timestamp(milliseconds: milliseconds)
        ).write(to: blobs, as: restoredDirectory, by: Life.origin, backup: "monday") { FakeHasher() }
        let world = World(directory: restoredDirectory, blobs: blobs)
        world.clock.milliseconds = milliseconds
        return (world, outcome)
    }
}
