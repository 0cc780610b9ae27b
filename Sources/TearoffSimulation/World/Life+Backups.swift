package import TearoffCore
package import TearoffEngine
package import TearoffLog

extension Life {
    package func askForBackup(
        to place: SimulatedBlobStore
    ) -> Reply<Result<BackupReceipt, ControlError>> {
        let reply = Reply<Result<BackupReceipt, ControlError>>()
        control.asked(by: Self.origin).backup("monday", to: { place }, version: "0") { reply.set($0) }
        return reply
    }

    /// A backup that must succeed.
    @discardableResult
    package func backUp(to place: SimulatedBlobStore) throws -> BackupReceipt {
        let reply = askForBackup(to: place)
        settle()
        return try required(reply.value).get()
    }
}

extension SimulatedBlobStore {
    package func label() throws -> BackupLabel { try BackupLabel(decoding: try readNamed(BackupLabel.file)) }

    package func manifest() throws -> Manifest {
        let label = try label()
        let bytes = try readNamed(SnapshotDesk.name(of: label.snapshot))
        return try Manifest(decoding: bytes.span, directory: label.directory)
    }
}

extension World {
    package static let restoredDirectory = DirectoryID(bytes: [UInt8](repeating: 0xD2, count: DirectoryID.byteCount))

    /// Makes a directory of a backup, as `tearoffctl restore` does, and of a snapshot whose log tells what was given
    /// since.
    package static func restored(
        from place: SimulatedBlobStore, burning: Burning, givenBelow: [UploadID: UInt64] = [:],
        at milliseconds: UInt64 = firstMilliseconds
    ) throws -> (world: World, outcome: Restoration.Outcome) {
        let manifest = try place.manifest()
        let backup = World(directory: manifest.directory, blobs: place)
        let state = try Recovery.read(manifest, from: backup.source)
        let blobs = SimulatedBlobStore()
        for blob in manifest.blobs { _ = try blobs.copy(blob, from: place) }
        let outcome = try Restoration(
            manifest, state, burning: burning, givenBelow: givenBelow, now: Timestamp(milliseconds: milliseconds)
        ).write(to: blobs, as: restoredDirectory, by: Life.origin, source: "backup=\"monday\"") { FakeHasher() }
        let world = World(directory: restoredDirectory, blobs: blobs)
        world.clock.milliseconds = milliseconds
        return (world, outcome)
    }
}
