import Foundation
import Glibc
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("Every way of writing keeps the same promises")
struct LaneMechanismTests {
    /// One way to write a lane.
    struct Way: Sendable, CustomTestStringConvertible {
        let mechanism: LogStorageSettings.Mechanism
        var writeBytesMax: Int?
        var delayMicroseconds: UInt32 = 0
        var parent = NSTemporaryDirectory()

        var testDescription: String {
            let pieces = writeBytesMax.map { "\($0)" } ?? "all"
            return "\(mechanism), at most \(pieces) bytes, delay \(delayMicroseconds), \(parent)"
        }

        var settings: LogStorageSettings {
            var settings = LogStorageSettings()
            settings.mechanism = mechanism
            settings.writeBytesMax = writeBytesMax
            settings.flushDelayMicroseconds = delayMicroseconds
            return settings
        }
    }

    /// io_uring may be forbidden where the tests run; pwritev2 is always there.
    static let mechanisms: [LogStorageSettings.Mechanism] =
        UringLane.isAvailable ? [.ioUring, .pwritev2] : [.pwritev2]

    static let ways: [Way] = mechanisms.flatMap { mechanism in
        [
            Way(mechanism: mechanism), Way(mechanism: mechanism, writeBytesMax: 4096),
            Way(mechanism: mechanism, delayMicroseconds: 300),
            Way(mechanism: mechanism, writeBytesMax: 4096, delayMicroseconds: 300),
        ]
    }

    static let memoryWays: [Way] =
        unsafe access("/dev/shm", W_OK) == 0
        ? mechanisms.map { Way(mechanism: $0, parent: "/dev/shm") } : []

    @Test("Frames come back over several segments and two lives", arguments: ways + memoryWays)
    func roundTrip(way: Way) throws {
        // Goal: the real files behave as the simulated ones. Method: a lane of 64 KiB segments, waited for
        // and not.
        let scratch = try Scratch(in: way.parent)
        let data = try scratch.open()
        let storage = try data.makeLogStorage(way.settings)
        #expect(SegmentHeader.isBlockSize(storage.blockBytes))
        var expected: [[UInt8]] = []
        for completion in [LaneSettings.Completion.inline, .asynchronous, .measured] {
            let catalog = try LaneCatalog(of: storage, directoryID: someID)
            let reader = try LaneReader(.control, from: .start, in: catalog, storage: storage)
            var found: [[UInt8]] = []
            let end = try reader.read { _, payload in found.append(payload) }
            #expect(found == expected)
            var settings = LaneSettings()
            settings.completion = completion
            let supply = SegmentSupply(
                storage: storage, directoryID: someID, segmentBytes: 64 << 10, background: { $0() })
            let writer = try LaneWriter(
                lane: .control, supply: supply, start: end.start, settings: settings, timeMilliseconds: 1)
            #expect(writer.mechanism.hasPrefix(way.mechanism == .ioUring ? "io_uring" : "pwritev2"))
            for number in UInt64(0)..<12 {
                let payload = noise(number == 5 ? 40_000 : 3000, seed: number)
                writer.batch.bytes.append(contentsOf: payload)
                writer.batch.recordCount += 1
                var progress = try writer.commit(timeMilliseconds: 2)
                while progress == .inFlight {
                    #expect(isReadable(writer.completionDescriptor), "a completion signals")
                    progress = try writer.poll()
                }
                #expect(progress == .durable)
                expected.append(payload)
            }
            #expect(writer.durableFrame.rawValue == UInt64(expected.count))
            #expect(writer.counters.flushNanoseconds > UInt64(way.delayMicroseconds) * 1000)
        }
        #expect(try storage.list().segments.count > 3)
    }

    @Test("A write tells its end by the descriptor only when asked", arguments: ways)
    func notification(way: Way) throws {
        // Goal: no spurious and no missing wake. Method: one write of each kind, looking at the descriptor.
        let scratch = try Scratch()
        let storage = try scratch.open().makeLogStorage(way.settings)
        let lane = try Self.openLane(storage)
        let block = noise(8192, seed: 1)
        try lane.begin(block.span, at: ByteOffset(rawValue: 4096), notify: false)
        try lane.wait()
        #expect(!isReadable(lane.completionDescriptor, milliseconds: 0))
        #expect(lane.lastWriteNanoseconds > UInt64(way.delayMicroseconds) * 1000)
        for round in 0..<20 {
            try lane.begin(block.span, at: ByteOffset(rawValue: 4096), notify: true)
            var isDone = false
            while !isDone {
                #expect(isReadable(lane.completionDescriptor), "round \(round)")
                isDone = try lane.poll()
            }
        }
        try lane.begin(block.span, at: ByteOffset(rawValue: 12_288), notify: true)
        try lane.wait()
        #expect(!isReadable(lane.completionDescriptor, milliseconds: 0), "whoever waited needs no wake")
        var read: [UInt8] = []
        try storage.read(Self.segment, from: ByteOffset(rawValue: 4096), count: 16_384, into: &read)
        #expect(read == block + block)
    }

    @Test("A lane may go while its write is in flight, and the write is whole", arguments: ways)
    func droppedInFlight(way: Way) throws {
        // Goal: the buffer outlives the write. Method: drop the lane at once, fifty times, then look at the
        // bytes.
        let scratch = try Scratch()
        let storage = try scratch.open().makeLogStorage(way.settings)
        try storage.prepareSegment(Self.header)
        for round in UInt64(0)..<50 {
            let block = noise(8192, seed: round)
            do {
                let lane = try storage.makeLane(.control)
                try lane.open(segment: .first)
                try lane.begin(block.span, at: ByteOffset(rawValue: 4096), notify: true)
            }
            // A write in pieces stops with its lane: only the whole one is promised.
            guard way.writeBytesMax == nil else { continue }
            var read: [UInt8] = []
            try storage.read(Self.segment, from: ByteOffset(rawValue: 4096), count: 8192, into: &read)
            #expect(read == block, "round \(round)")
        }
    }

    @Test("A start does not read a log into which a write is under way", arguments: mechanisms)
    func startWaitsForWriters(mechanism: LogStorageSettings.Mechanism) throws {
        // Goal: what a killed process has given to its ring lands before the next start reads, or that start is refused.
        // Method: no process here has a write under way for long enough, so a lane that has the segment open stands for
        // one: the kernel frees the lock of both when the last use of the file is over.
        let scratch = try Scratch()
        let data = try scratch.open()
        var settings = Way(mechanism: mechanism).settings
        settings.writeUnderWayMilliseconds = 0
        let storage = try data.makeLogStorage(settings)
        var lane: (any LaneStorage)? = try Self.openLane(storage)
        let inUse = StorageError(.lock, file: "wal/\(Self.segment.fileName)", problem: .inUse)
        #expect(throws: inUse) { try storage.settle() }
        try lane?.begin(noise(4096, seed: 1).span, at: ByteOffset(rawValue: 4096), notify: true)
        #expect(throws: inUse) { try storage.settle() }
        #expect(throws: inUse, "nor do two write it") { try storage.makeLane(.control).open(segment: .first) }
        lane = nil
        // The ring's last use of the file ends a moment behind the ring itself.
        try data.makeLogStorage(Way(mechanism: mechanism).settings).settle()
    }

    @Test("After a failed write nothing succeeds any more", arguments: mechanisms, [false, true])
    func poison(mechanism: LogStorageSettings.Mechanism, notify: Bool) throws {
        // Goal: the first error is the last word. Method: a write past the largest possible file fails with
        // EFBIG or EINVAL; then a good one is tried.
        for delay in [UInt32(0), 200] {
            let scratch = try Scratch()
            let way = Way(mechanism: mechanism, delayMicroseconds: delay)
            let storage = try scratch.open().makeLogStorage(way.settings)
            let lane = try Self.openLane(storage)
            let block = noise(4096, seed: 1)
            let impossible = ByteOffset(rawValue: UInt64(Int64.max) & ~4095)
            let failure = #expect(throws: StorageError.self) {
                try lane.begin(block.span, at: impossible, notify: notify)
                try lane.wait()
            }
            #expect(failure?.operation == .write)
            #expect(failure?.offset == impossible)
            let poisoned = StorageError(.write, file: "lane control", problem: .poisoned)
            #expect(throws: poisoned) {
                try lane.begin(block.span, at: ByteOffset(rawValue: 4096), notify: notify)
            }
            #expect(throws: poisoned) { try lane.wait() }
            #expect(throws: poisoned) { _ = try lane.poll() }
            #expect(throws: poisoned) { try lane.open(segment: .first) }
        }
    }

    @Test("A missing segment poisons the lane too", arguments: mechanisms)
    func missingSegment(mechanism: LogStorageSettings.Mechanism) throws {
        // Goal: no write goes to the segment before. Method: open one that was never made.
        let scratch = try Scratch()
        let lane = try Self.openLane(scratch.open().makeLogStorage(Way(mechanism: mechanism).settings))
        let failure = #expect(throws: StorageError.self) {
            try lane.open(segment: SegmentNumber(rawValue: 2))
        }
        #expect(failure?.problem == .missing)
        let block = noise(4096, seed: 1)
        #expect(throws: StorageError.self) {
            try lane.begin(block.span, at: ByteOffset(rawValue: 4096), notify: false)
        }
    }

    // MARK: - Help

    static let segment = SegmentID(lane: .control, number: .first)
    static let header = SegmentHeader(
        directoryID: someID, id: segment, blockBytes: 512, segmentBytes: 64 << 10, createdMilliseconds: 1)

    static func openLane(_ storage: DirectoryLogStorage) throws -> any LaneStorage {
        try storage.prepareSegment(header)
        let lane = try storage.makeLane(.control)
        try lane.open(segment: .first)
        return lane
    }
}

/// Whether a descriptor becomes readable; without a timeout it waits long enough for any disk.
func isReadable(_ descriptor: CInt, milliseconds: CInt = 30_000) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry of our own, for the time of the call.
    return unsafe poll(&entry, 1, milliseconds) == 1
}

@Suite("Segments are made whole and read from the medium")
struct LogStorageTests {
    @Test("A prepared segment is a header and zeros, of full size, for its owner alone")
    func prepare() throws {
        // Goal: a commit moves no metadata. Method: look at the file, byte by byte.
        let scratch = try Scratch()
        let storage = try scratch.open().makeLogStorage()
        try storage.prepareSegment(LaneMechanismTests.header)
        let name = LaneMechanismTests.segment.fileName
        let bytes = try scratch.read("data/wal/\(name)")
        #expect(Array(bytes[..<4096]) == LaneMechanismTests.header.encoded())
        #expect(bytes[4096...].allSatisfy { $0 == 0 })
        #expect(bytes.count == 64 << 10)
        #expect(try scratch.permissions("data/wal/\(name)") == 0o600)
        #expect(try scratch.names("data/wal") == [name], "no temporary file is left")
    }

    @Test("A segment is never made over another")
    func noReplacement() throws {
        // Goal: acknowledged frames cannot be replaced by zeros. Method: make the same segment twice.
        let scratch = try Scratch()
        let storage = try scratch.open().makeLogStorage()
        try storage.prepareSegment(LaneMechanismTests.header)
        let failure = #expect(throws: StorageError.self) {
            try storage.prepareSegment(LaneMechanismTests.header)
        }
        guard case .system(code: EEXIST, _) = failure?.problem else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test("Listing tells segments from strangers; removing and reading say what is missing")
    func listing() throws {
        // Goal: strangers are reported and not touched, and a segment that goes while it is listed hinders nobody. Method:
        // one segment among other files; a name that leads nowhere stands for one whose file has just been removed.
        let scratch = try Scratch()
        let storage = try scratch.open().makeLogStorage()
        try storage.prepareSegment(LaneMechanismTests.header)
        try scratch.write("data/wal/notes.txt", [1])
        try storage.settle()
        let gone = SegmentID(lane: .control, number: SegmentNumber(rawValue: 2)).fileName
        try FileManager.default.createSymbolicLink(
            atPath: scratch.file("data/wal/\(gone)"), withDestinationPath: scratch.file("nowhere"))
        let listing = try storage.list()
        #expect(listing.segments == [SegmentFile(id: LaneMechanismTests.segment, byteCount: 64 << 10)])
        #expect(listing.foreignNames == ["notes.txt"])
        var bytes: [UInt8] = []
        let end = ByteOffset(rawValue: 60 << 10)
        try storage.read(LaneMechanismTests.segment, from: end, count: 4096, into: &bytes)
        #expect(bytes == [UInt8](repeating: 0, count: 4096))
        let short = #expect(throws: StorageError.self) {
            try storage.read(LaneMechanismTests.segment, from: end, count: 8192, into: &bytes)
        }
        #expect(short?.problem == .truncated(expected: 8192, got: 4096))
        try storage.remove(LaneMechanismTests.segment)
        try storage.syncDirectory()
        let missing = #expect(throws: StorageError.self) {
            try storage.read(LaneMechanismTests.segment, from: .zero, count: 4096, into: &bytes)
        }
        #expect(missing?.problem == .missing)
        #expect(missing?.file == "wal/control-0000000000000001.wal", "errors name no path of the machine")
    }
}
