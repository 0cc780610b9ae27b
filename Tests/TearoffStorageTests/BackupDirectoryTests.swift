import Foundation
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("Backups and restores on the disk: written in a new place only, and never served as they are")
struct BackupDirectoryTests {
    private static func open(_ path: String) throws(DataDirectoryError) -> DataDirectory {
        try DataDirectory.open(
            path: path, expectData: false, shardCount: 4,
            newID: someID, timeMilliseconds: 0)
    }

    private static func blob(_ text: String, in store: any BlobStore) throws -> BlobID {
        let writer = try store.makeWriter()
        try writer.append(Array(text.utf8).span)
        return try writer.finish()
    }

    private static func label(_ manifest: [UInt8]) -> BackupLabel {
        let hasher = SHA256Hasher()
        hasher.update(manifest.span)
        return BackupLabel(
            directory: someID, shardCount: 4,
            snapshot: 1, manifest: hasher.finish(), at: .zero, blobCount: 0, byteCount: 1, serverVersion: "0")
    }

    /// Goal: nothing is ever written into what is there, and a missing disk is noticed. Method: a name twice, and a
    /// shelf that does not exist.
    @Test func aPlaceIsNew() throws {
        let scratch = try Scratch()
        let path = scratch.path
        let shelf = BackupShelf(path: path)
        _ = try shelf.make("monday")
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/monday")
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        #expect(throws: BackupShelf.Refusal.exists) { _ = try shelf.make("monday") }
        #expect(throws: BackupShelf.Refusal.missing) {
            _ = try BackupShelf(path: path + "/none").make("monday")
        }
        extendLifetime(scratch)
    }

    /// Goal: a shelf in the data directory is noticed, also behind a link. Method: paths.
    @Test func aShelfInTheDataDirectoryIsNoticed() throws {
        let scratch = try Scratch()
        let path = scratch.path
        for name in ["data/backups", "data-2", "other"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            atPath: path + "/link", withDestinationPath: path + "/data/backups")
        let data = path + "/data"
        for inside in ["data", "data/backups", "link", "other/../data"] {
            #expect(BackupShelf(path: "\(path)/\(inside)").isInside(data), "\(inside)")
        }
        for outside in ["data-2", "other", "none"] {
            #expect(!BackupShelf(path: "\(path)/\(outside)").isInside(data), "\(outside)")
        }
        extendLifetime(scratch)
    }

    /// Goal: on one file system a blob's bytes are shared, and stay when the data directory's go. Method: a link, then
    /// the first name is removed; a blob that is not there.
    @Test func blobsAreLinked() throws {
        let scratch = try Scratch()
        let path = scratch.path
        let data = try Self.open(path + "/data").makeBlobStore()
        let id = try Self.blob("content", in: data)
        let place = try BackupShelf(path: path).make("monday")
        #expect(try place.link(id, from: data))
        try data.remove(id)
        var bytes: [UInt8] = []
        try place.readAll(id, into: &bytes)
        #expect(bytes == Array("content".utf8))
        #expect(throws: StorageError.self) { _ = try place.link(id, from: data) }
        extendLifetime(scratch)
    }

    /// Goal: a server never starts on a backup, whole or cut short, and says why. Method: a start on each.
    @Test func aBackupIsNotServed() throws {
        let scratch = try Scratch()
        let path = scratch.path
        let place = try BackupShelf(path: path).make("monday")
        _ = try Self.blob("content", in: place)
        #expect(throws: DataDirectoryError.self) { _ = try Self.open(path + "/monday") }
        try place.writeNamed(BackupLabel.file, Self.label([1]).encoded)
        #expect(throws: DataDirectoryError.isBackup) { _ = try Self.open(path + "/monday") }
        extendLifetime(scratch)
    }

    /// Goal: a backup without a label that can be believed is none. Method: none, and a damaged one.
    @Test func aBackupNeedsItsLabel() throws {
        let scratch = try Scratch()
        let path = scratch.path
        let place = try BackupShelf(path: path).make("monday")
        #expect(throws: RecoveryError.self) { _ = try BackupDirectory(path: path + "/monday") }
        try place.writeNamed(BackupLabel.file, Array("tearoff-backup 1\n".utf8))
        #expect(throws: RecoveryError.self) { _ = try BackupDirectory(path: path + "/monday") }
        let label = Self.label([1])
        try place.writeNamed(BackupLabel.file, label.encoded)
        #expect(try BackupDirectory(path: path + "/monday").label == label)
        extendLifetime(scratch)
    }

    /// Goal: a restore that is cut short leaves nothing that a server starts on, and one that is whole needs its
    /// snapshot. Method: a filling that throws; one that does not, with and without the manifest.
    @Test func aRestoreIsWholeOrRefused() throws {
        struct CutShort: Error {}
        let scratch = try Scratch()
        let path = scratch.path
        let id = DirectoryID(bytes: [UInt8](repeating: 2, count: DirectoryID.byteCount))
        func restore(_ name: String, _ fill: (any BlobStore) throws -> Void) throws {
            try DataDirectory.restore(
                path: path + name, id: id, shardCount: 8, timeMilliseconds: 5, fill)
        }
        #expect(throws: CutShort.self) {
            try restore("/cut") { blobs in
                _ = try Self.blob("content", in: blobs)
                throw CutShort()
            }
        }
        #expect(throws: DataDirectoryError.self) { _ = try Self.open(path + "/cut") }
        #expect(throws: DataDirectoryError.notEmpty("LOCK")) {
            try restore("/cut") { _ in Issue.record("filled") }
        }
        try restore("/whole") { try $0.writeNamed("manifest-0000000000000001", [1]) }
        let identity = try Self.open(path + "/whole").identity
        #expect(identity.id == id && identity.shardCount == 8 && identity.isRestored && !identity.hasBegun)
        #expect(throws: DataDirectoryError.notEmpty("IDENTITY")) {
            try restore("/whole") { _ in Issue.record("filled") }
        }
        try FileManager.default.removeItem(atPath: path + "/whole/snapshots/manifest-0000000000000001")
        #expect(throws: DataDirectoryError.snapshotMissing) { _ = try Self.open(path + "/whole") }
        extendLifetime(scratch)
    }
}
