import Foundation
import Glibc
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("A data directory is recognised, locked, and never mistaken for another")
struct DataDirectoryTests {
    @Test("A missing or empty directory is made, for its owner alone, and opened the next time")
    func creation() throws {
        // Goal: first start and second start. Method: both, looking at the files.
        let scratch = try Scratch()
        var data: DataDirectory? = try scratch.open(shardCount: 8)
        #expect(data?.origin == .created)
        #expect(try scratch.names("data") == ["IDENTITY", "LOCK", "blobs", "feed", "snapshots", "wal"])
        #expect(try scratch.permissions("data") == 0o700)
        #expect(try scratch.permissions("data/wal") == 0o700)
        #expect(try scratch.permissions("data/IDENTITY") == 0o600)
        data = nil
        let other = DirectoryID(bytes: [UInt8](repeating: 1, count: 16))
        data = try scratch.open(expectData: true, shardCount: 2, newID: other)
        #expect(data?.origin == .opened)
        #expect(data?.identity.id == someID)
        #expect(data?.identity.shardCount == 8)
        #expect(data?.identity.createdMilliseconds == 77)
        try scratch.makeDirectory("empty")
        #expect(try scratch.open("empty").origin == .created)
    }

    @Test("When data is expected, a missing or empty directory is refused and nothing is made")
    func expectedData() throws {
        // Goal: a missing mount is no fresh start. Method: both, then look that nothing was left.
        let scratch = try Scratch()
        #expect(throws: DataDirectoryError.expectedData) { try scratch.open(expectData: true) }
        #expect(try scratch.names().isEmpty)
        try scratch.makeDirectory("data")
        #expect(throws: DataDirectoryError.expectedData) { try scratch.open(expectData: true) }
        #expect(try scratch.names("data").isEmpty)
    }

    @Test("A directory that cannot be read itself is named in the refusal")
    func unreadableDirectory() throws {
        // Goal: whoever reads the message knows what could not be read. Method: a file in the directory's place.
        let scratch = try Scratch()
        try scratch.write("data", bytes("no directory"))
        do throws(DataDirectoryError) {
            _ = try scratch.open()
            Issue.record("opened")
        } catch {
            guard case .storage(let problem) = error else { throw error }
            #expect(problem.file == "." && problem.operation == .list)
        }
    }

    @Test("A directory that holds something else is refused and stays as it was")
    func strangers() throws {
        // Goal: no foreign directory is taken over. Method: a stranger's file, a log without identity.
        let scratch = try Scratch()
        try scratch.makeDirectory("data")
        try scratch.write("data/photo.jpg", [1])
        #expect(throws: DataDirectoryError.notOurs("photo.jpg")) { try scratch.open() }
        #expect(try scratch.names("data") == ["photo.jpg"])
        try scratch.makeDirectory("log/wal")
        try scratch.write("log/wal/00000-0000000000000001.wal", [1])
        let failure = #expect(throws: DataDirectoryError.self) { try scratch.open("log") }
        let segment = "wal/00000-0000000000000001.wal"
        #expect(failure == .damagedIdentity("the file is missing, though there is \(segment)"))
        #expect(try scratch.names("log") == ["wal"])
        try scratch.write("file", [1])
        #expect(throws: DataDirectoryError.self) { try scratch.open("file") }
    }

    @Test(
        "A directory that lost IDENTITY and its log is no new one while a blob or a manifest is left",
        arguments: [
            "blobs/" + String(repeating: "ab", count: 32), "snapshots/manifest-0000000000000001",
            "snapshots/manifest-0000000000000001.aside",
        ])
    func lostIdentity(file: String) throws {
        // Goal: what was served once is never begun anew. Method: one file that only a served directory has.
        let scratch = try Scratch()
        for name in ["wal", "blobs", "snapshots"] { try scratch.makeDirectory("data/\(name)") }
        try scratch.write("data/\(file)", [1])
        #expect(throws: DataDirectoryError.damagedIdentity("the file is missing, though there is \(file)")) {
            try scratch.open()
        }
        #expect(try scratch.names("data") == ["blobs", "snapshots", "wal"], "nothing was made")
    }

    @Test("A crash while a directory was made leaves one that can be made again")
    func halfMade() throws {
        // Goal: no manual repair after a crash at the first start. Method: everything but IDENTITY.
        let scratch = try Scratch()
        try scratch.makeDirectory("data/wal")
        try scratch.makeDirectory("data/blobs")
        try scratch.write("data/LOCK", [])
        try scratch.write("data/IDENTITY.tmp", [1, 2, 3])
        #expect(try scratch.open().origin == .created)
        #expect(try scratch.names("data") == ["IDENTITY", "LOCK", "blobs", "feed", "snapshots", "wal"])
    }

    @Test("Two servers never have the same directory")
    func lock() throws {
        // Goal: one writer. Method: open twice, also while it is being made, then again after the first has
        // gone.
        let scratch = try Scratch()
        var first: DataDirectory? = try scratch.open()
        #expect(throws: DataDirectoryError.locked) { try scratch.open() }
        #expect(first != nil)
        first = nil
        _ = try scratch.open()
    }

    @Test("Of several that make a directory at once, one identity stays")
    func race() async throws {
        // Goal: nobody's log is disowned. Method: four open the same missing directory at the same time.
        let scratch = try Scratch()
        let found = await withTaskGroup(of: DirectoryID?.self) { group in
            for number in UInt8(1)...4 {
                group.addTask {
                    let id = DirectoryID(bytes: [UInt8](repeating: number, count: 16))
                    return try? scratch.open(newID: id).identity.id
                }
            }
            return await group.reduce(into: Set<DirectoryID>()) { if let id = $1 { $0.insert(id) } }
        }
        #expect(found.count == 1, "all who had it saw one identity")
        #expect(try found.contains(scratch.open().identity.id))
    }

    @Test("A directory that was served and has lost its log is refused")
    func lostLog() throws {
        // Goal: acknowledged codes are not given again. Method: mark it begun, with and without a control
        // segment.
        let scratch = try Scratch()
        do {
            let data = try scratch.open()
            try data.makeLogStorage().prepareSegment(LaneMechanismTests.header)
            try data.markBegun()
        }
        do {
            let data = try scratch.open()
            #expect(data.identity.hasBegun)
            try data.makeLogStorage().remove(LaneMechanismTests.segment)
        }
        #expect(throws: DataDirectoryError.logMissing) { try scratch.open() }
    }

    @Test("Half-written files of ours are removed and counted; others are left alone")
    func leftovers() throws {
        // Goal: no debris, and no loss of what is not ours. Method: each temporary name beside a stranger's.
        let scratch = try Scratch()
        _ = try scratch.open()
        let ours = [
            "IDENTITY.tmp", "wal/00000-0000000000000001.wal.tmp", "wal/probe.tmp",
            "blobs/00112233445566ff.tmp",
            "snapshots/manifest-0000000000000001.tmp",
        ]
        let strangers = ["wal/mine.tmp", "blobs/mine.tmp", "snapshots/.mine.tmp", "mine.tmp"]
        for name in ours + strangers { try scratch.write("data/\(name)", [1]) }
        let data = try scratch.open()
        #expect(data.temporaryFilesRemoved == ours.count)
        for name in ours {
            #expect(!FileManager.default.fileExists(atPath: scratch.file("data/\(name)")), "\(name)")
        }
        for name in strangers {
            #expect(FileManager.default.fileExists(atPath: scratch.file("data/\(name)")), "\(name)")
        }
    }

    @Test("No descriptor of the directory is inherited by a child")
    func closeOnExec() throws {
        // Goal: a child never holds the lock. Method: the flag of every descriptor that points into the
        // directory.
        let scratch = try Scratch()
        let data = try scratch.open()
        let storage = try data.makeLogStorage()
        let lane = try LaneMechanismTests.openLane(storage)
        let real = URL(fileURLWithPath: scratch.path).resolvingSymlinksInPath().path
        var seen = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            guard let number = CInt(name),
                let target = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\(name)"),
                target.hasPrefix(real)
            else { continue }
            seen += 1
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0, "\(target)")
        }
        #expect(seen >= 2, "the lock and the segment")
        #expect(fcntl(lane.completionDescriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(data.origin == .created)
    }
}

@Suite("IDENTITY is believed only when it is whole")
struct DataIdentityTests {
    private static let identity = DataIdentity(
        id: someID, shardCount: 16, createdMilliseconds: 1_700_000_000_000, hasBegun: true)

    @Test("It reads back, and is these six lines")
    func roundTrip() throws {
        // Goal: the text of docs/FORMAT.md. Method: compare lines; read back both states.
        let lines = String(decoding: Self.identity.encoded, as: UTF8.self).split(separator: "\n")
        #expect(
            lines.dropLast() == [
                "tearoff 2", "id a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", "shards 16", "created 1700000000000",
                "begun yes",
            ])
        #expect(lines.last?.hasPrefix("crc32c 00000000") == true)
        #expect(try DataIdentity(decoding: Self.identity.encoded) == Self.identity)
        let fresh = DataIdentity(id: someID, shardCount: 1, createdMilliseconds: 0, hasBegun: false)
        #expect(try DataIdentity(decoding: fresh.encoded) == fresh)
        #expect(fresh.begun.hasBegun)
    }

    @Test("Every flipped bit and every truncation is refused")
    func damage() {
        // Goal: no damaged identity is used. Method: each bit, each length.
        let whole = Self.identity.encoded
        for bit in 0..<(whole.count * 8) {
            var damaged = whole
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: DataDirectoryError.self) { try DataIdentity(decoding: damaged) }
        }
        for count in 0..<whole.count {
            #expect(throws: DataDirectoryError.self) { try DataIdentity(decoding: Array(whole[..<count])) }
        }
    }

    @Test("Another version is named, whatever the rest says")
    func version() {
        // Goal: the operator learns which program to start. Method: version 3 with lines unknown here.
        #expect(throws: DataDirectoryError.unsupportedVersion(found: "3")) {
            try DataIdentity(decoding: bytes("tearoff 3\nanything\n"))
        }
    }

    @Test("Shard counts that cannot be are refused although the checksum matches", arguments: [0, 3, 512])
    func shardCounts(count: UInt16) {
        // Goal: routing never sees a count that it cannot use. Method: such an identity, well encoded.
        let identity = DataIdentity(id: someID, shardCount: count, createdMilliseconds: 1, hasBegun: false)
        #expect(throws: DataDirectoryError.damagedIdentity("a line cannot be read")) {
            try DataIdentity(decoding: identity.encoded)
        }
    }
}
