import Foundation
import Glibc
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("A directory that is only looked at is never changed, and by nobody else meanwhile")
struct ReadOnlyDirectoryTests {
    /// Whether the call is refused because its door is for reading only.
    private func isReadOnly(_ call: () throws -> Void) -> Bool {
        do {
            try call()
        } catch let error as StorageError {
            if case .system(code: EROFS, _) = error.problem { return true }
        } catch {
            return false
        }
        return false
    }

    @Test("Every writing call of its doors is refused")
    func writingIsRefused() throws {
        // Goal: no way to write through a reading door. Method: each call that would, then the files.
        let scratch = try Scratch()
        _ = try scratch.open()
        let before = try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted()
        let directory = try ReadOnlyDirectory(path: scratch.file("data"), locks: true)
        let (log, blobs) = (directory.log, directory.blobs)
        let blob = BlobID(bytes: [UInt8](repeating: 1, count: BlobID.byteCount))
        let calls: [() throws -> Void] = [
            { try log.prepareSegment(LaneMechanismTests.header) },
            { _ = try log.makeLane(LaneID(rawValue: 0)) },
            { try log.remove(LaneMechanismTests.segment) },
            { try log.syncDirectory() },
            { _ = try blobs.makeWriter() },
            { try blobs.remove(blob) },
            { try blobs.writeNamed("manifest-1", [1]) },
            { try blobs.removeNamed("manifest-1") },
            { try blobs.setAside("manifest-1") },
        ]
        for (number, call) in calls.enumerated() { #expect(isReadOnly(call), "call \(number)") }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted() == before)
    }

    @Test("A server and a check exclude each other; two checks do not")
    func locks() throws {
        // Goal: what is checked does not change meanwhile. Method: each pair, and a look without the lock.
        let scratch = try Scratch()
        var server: DataDirectory? = try scratch.open()
        let path = scratch.file("data")
        #expect(throws: DataDirectoryError.locked) { try ReadOnlyDirectory(path: path, locks: true) }
        _ = try ReadOnlyDirectory(path: path, locks: false)
        #expect(server != nil)
        server = nil
        var checks: [ReadOnlyDirectory] = []
        for _ in 0..<2 { checks.append(try ReadOnlyDirectory(path: path, locks: true)) }
        #expect(throws: DataDirectoryError.locked) { try scratch.open() }
        #expect(checks.count == 2)
        checks = []
        _ = try scratch.open()
    }

    @Test("A copy without LOCK is read, and gets none")
    func copyWithoutLock() throws {
        // Goal: backups may leave the lock out. Method: remove it.
        let scratch = try Scratch()
        _ = try scratch.open()
        try FileManager.default.removeItem(atPath: scratch.file("data/LOCK"))
        let directory = try ReadOnlyDirectory(path: scratch.file("data"), locks: true)
        #expect(directory.identity.id == someID)
        #expect(try !scratch.names("data").contains("LOCK"))
    }

    @Test("What is no data directory is refused as at a start, and nothing is made")
    func strangers() throws {
        // Goal: a wrong path is told. Method: none, an empty one, somebody else's.
        let scratch = try Scratch()
        for name in ["none", "empty"] {
            if name == "empty" { try scratch.makeDirectory(name) }
            #expect(throws: DataDirectoryError.expectedData) {
                try ReadOnlyDirectory(path: scratch.file(name), locks: true)
            }
        }
        try scratch.makeDirectory("other")
        try scratch.write("other/photo.jpg", [1])
        #expect(throws: DataDirectoryError.notOurs("photo.jpg")) {
            try ReadOnlyDirectory(path: scratch.file("other"), locks: true)
        }
        #expect(try scratch.names() == ["empty", "other"])
        #expect(try scratch.names("empty").isEmpty)
    }

    @Test("The disk is tried with a file that is gone afterwards")
    func diskProbe() throws {
        // Goal: figures, bounded and sorted, and nothing left. Method: one probe of a scratch directory.
        let scratch = try Scratch()
        let probe = try DiskProbe(directory: scratch.path)
        #expect((1...DiskProbe.writesMax).contains(probe.writeNanoseconds.count))
        #expect(probe.writeNanoseconds == probe.writeNanoseconds.sorted())
        #expect(probe.writeNanoseconds(atShare: 0) == probe.writeNanoseconds.first)
        #expect(probe.writeNanoseconds(atShare: 1) == probe.writeNanoseconds.last)
        #expect(try scratch.names().isEmpty)
        let system = try FileSystem(directory: scratch.path)
        #expect(system.freeBytes <= system.totalBytes && system.totalBytes > 0)
        #expect(throws: StorageError.self) { try DiskProbe(directory: scratch.file("none")) }
    }
}
