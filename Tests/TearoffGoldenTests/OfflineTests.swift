import Foundation
import Synchronization
import TearoffCore
import TearoffLog
import TearoffOffline
import TearoffStorage
import Testing

extension GoldenDirectory {
    func read(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: url.appending(path: file))) }

    func write(_ file: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: url.appending(path: file))
    }

    func flip(_ file: String, at offset: Int) throws {
        var bytes = try read(file)
        bytes[offset] ^= 0x10
        try write(file, bytes)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(at: url.appending(path: file)) }

    /// Every file with its bytes.
    func contents() throws -> [String: [UInt8]] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: url.path)
        return try names.reduce(into: [:]) { contents, name in
            let isDirectory = ["wal", "blobs", "snapshots", "feed"].contains(name)
            contents[name] = isDirectory ? [] : try read(name)
        }
    }

    /// Checks it, and that nothing in it was changed by that.
    func verify() throws -> Verification {
        let before = try contents()
        let found = Verifier(try look(locks: true), progress: { _ in }).run()
        #expect(try contents() == before, "a check changes nothing")
        return found
    }

    func dump(_ selection: LogDump.Selection = .init()) throws -> (items: [LogDump.Item], isWhole: Bool) {
        var items: [LogDump.Item] = []
        let isWhole = try LogDump(try look(locks: false), selection).run {
            items.append($0)
        }
        return (items, isWhole)
    }
}

extension Verification {
    fileprivate var starts: Bool {
        if case .serves = start { true } else { false }
    }

    fileprivate func part(_ name: String) throws -> Part { try #require(parts.first { $0.name == name }) }
}

@Suite(
    "A check of a data directory finds all damage, says what a start would make of it, and changes nothing")
struct VerifyTests {
    private static let laterSegment = "wal/00000-0000000000000002.wal"
    private static let coveredSegment = "wal/00000-0000000000000001.wal"
    private static let manifest = "snapshots/manifest-0000000000000001"
    /// Codes of the list `summer`.
    private static let upload = "blobs/8c019063544ba645f7e71c7fcbc0b0c1d84feb40fc0ee38306c951e74c903fc9"
    /// A history chunk of the second version's snapshot.
    private static let chunk = "blobs/11ea6b05194c9543d2044a9954dce892948b99743717f2294e90a08abb2a3fc6"

    /// Goal: what every version wrote is whole, also where a snapshot covers it. Method: each golden directory.
    @Test(arguments: GoldenVersion.allCases)
    func everyVersionIsWhole(version: GoldenVersion) throws {
        let found = try GoldenDirectory(version).verify()
        #expect(found.isWhole && found.starts && found.tails.isEmpty)
        #expect(found.parts.map(\.name) == ["identity", "snapshots", "blobs", "lane 00000", "lane control"])
        #expect(found.parts.allSatisfy { $0.isWhole })
        let lane = try found.part("lane 00000")
        let (frames, records, free): (UInt64, UInt64, [UInt64]) =
            switch version {
            case .v1: (12, 12, [35, 995])
            case .v2, .v2k: (24, 24, [29, 1_495])
            case .v2Whole: (14, 15, [30, 1_491, 2, 2])
            }
        #expect(lane.files == 3 && lane.frames == frames && lane.records == records)
        guard case .serves(let state) = found.start else { return }
        #expect(state.lists.map(\.ledger.free) == free)
        #expect(state.lists.allSatisfy { $0.ledger.holds })
    }

    /// Goal: damage to what was acknowledged is named as a start would name it. Method: a frame of the segment behind
    /// the snapshot.
    @Test func aDamagedFrameIsRefusedAndNamed() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip(Self.laterSegment, at: 4_608 + 64)
        let found = try golden.verify()
        #expect(!found.starts)
        let problem = try #require(found.damage.first)
        #expect(found.damage.count == 1, "the same damage is told once")
        #expect(problem.file == Self.laterSegment)
        #expect(problem.offset?.rawValue == 4_608 && problem.frame?.rawValue == 16)
        #expect(try !found.part("lane 00000").isWhole)
    }

    /// Goal: also what a start would not read is read. Method: a frame that the snapshot covers.
    @Test func damageThatASnapshotCoversIsFound() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip(Self.coveredSegment, at: 5_120 + 20)
        let found = try golden.verify()
        #expect(found.starts && !found.isWhole)
        let problem = try #require(found.damage.first)
        #expect(problem.file == Self.coveredSegment && problem.offset?.rawValue == 5_120)
        #expect(problem.frame?.rawValue == 3)
    }

    /// Goal: codes are checked as the log is. Method: a byte of an upload's blob, which every start needs.
    @Test func aDamagedUploadIsRefused() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip(Self.upload, at: 100)
        let found = try golden.verify()
        #expect(!found.starts)
        #expect(found.damage.map(\.file).contains(Self.upload))
        #expect(try !found.part("blobs").isWhole)
    }

    /// Goal: a snapshot that a start would pass over is said to be set aside, and is not. Method: a byte of its
    /// manifest, and of one of its chunks; the log reaches back to the beginning.
    @Test(arguments: [manifest, chunk])
    func aDamagedSnapshotWouldBeSetAside(file: String) throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip(file, at: 50)
        let found = try golden.verify()
        #expect(found.damage.map(\.file) == [file])
        guard case .serves(let state) = found.start else { return #expect(found.starts) }
        #expect(state.setsAside == [1])
        #expect(try golden.contents()[Self.manifest] != nil)
    }

    /// Goal: nothing that is missing is passed over. Method: a segment, an upload and a chunk gone.
    @Test(arguments: [laterSegment, upload, chunk])
    func aMissingFileIsNamed(file: String) throws {
        let golden = try GoldenDirectory(.v2)
        try golden.remove(file)
        let found = try golden.verify()
        #expect(found.damage.contains { $0.file == file })
        #expect(found.starts == (file == Self.chunk), "without the snapshot the log alone does")
    }

    /// Goal: what a crash tore is no damage, and its size is told. Method: the beginning of a frame behind the last
    /// one.
    @Test func aTornTailIsToldAndIsNoDamage() throws {
        let golden = try GoldenDirectory(.v2)
        var bytes = try golden.read("wal/00000-0000000000000003.wal")
        let frame = try golden.read(Self.coveredSegment)[4_096..<4_096 + 45]
        bytes.replaceSubrange(4_096..<4_096 + 45, with: frame)
        try golden.write("wal/00000-0000000000000003.wal", bytes)
        let found = try golden.verify()
        #expect(found.isWhole && found.starts)
        let tail = try #require(found.tails.first)
        #expect(tail.tail.segment.description == "wal/00000-0000000000000003.wal")
        #expect(tail.tail.offset.rawValue == 4_096 && tail.tail.frame.rawValue == 25)
        #expect(tail.byteCount == 45, "up to the last byte that is not zero")
    }

    /// Goal: segments that were removed because a snapshot covers them are not missed. Method: remove one of them.
    @Test func aRemovedCoveredSegmentIsNoDamage() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.remove(Self.coveredSegment)
        let found = try golden.verify()
        #expect(found.isWhole && found.starts)
        #expect(try found.part("lane 00000").frames == 10)
    }

    /// Goal: a frame that says another number of records than it has is no good one, though a start would take it.
    /// Method: the lane's last frame, with a checksum that matches, and without the seal that follows on it.
    @Test func aWrongCountOfRecordsIsDamage() throws {
        let golden = try GoldenDirectory(.v2)
        var bytes = try golden.read(Self.laterSegment)
        bytes[9_216 + 48] = 2
        let directory = try golden.look(locks: false).identity.id
        let checksum = CRC32C.checksum(
            bytes.span.extracting(9_216..<9_276), continuing: CRC32C.checksum(directory.bytes.span))
        for index in 0..<4 { bytes[9_276 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
        bytes.replaceSubrange(9_728..<9_792, with: repeatElement(0, count: 64))
        try golden.write(Self.laterSegment, bytes)
        let found = try golden.verify()
        #expect(found.starts && !found.isWhole)
        #expect(found.damage.first?.offset?.rawValue == 9_216 && found.damage.first?.frame?.rawValue == 24)
    }

    /// Goal: what a start would remove or report is told. Method: a half-written segment, and a stranger's file.
    @Test func leftoversAndStrangersAreTold() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.write("wal/00000-0000000000000004.wal.tmp", [1])
        try golden.write("wal/notes.txt", [1])
        let found = try golden.verify()
        #expect(found.isWhole)
        #expect(found.leftovers == ["wal/00000-0000000000000004.wal.tmp"])
        #expect(found.foreignFiles == ["notes.txt"])
    }

    /// Goal: progress ends where it said it would. Method: the steps of each stage.
    @Test func progressReachesItsTotal() throws {
        let golden = try GoldenDirectory(.v2)
        let steps = Steps()
        _ = Verifier(try golden.look(locks: true), progress: steps.note).run()
        for stage in [VerificationProgress.Stage.blobs, .log] {
            let told = steps.all.filter { $0.stage == stage }
            #expect(told.allSatisfy { $0.done <= $0.total })
            #expect(told.map(\.done) == told.map(\.done).sorted())
        }
        #expect(steps.all.last { $0.stage == .blobs }.map { $0.done == $0.total } == true)
        #expect(steps.all.last { $0.stage == .log }?.records == 75)
    }
}

/// What a check told on its way.
private final class Steps: Sendable {
    private let steps = Mutex<[VerificationProgress]>([])

    var all: [VerificationProgress] { steps.withLock { $0 } }

    func note(_ step: VerificationProgress) { steps.withLock { $0.append(step) } }
}

@Suite("A dump of the log goes on behind damage, and never shows a code")
struct LogDumpTests {
    private static let segment = "wal/00000-0000000000000001.wal"
    private static let lane = LogDump.Selection(
        lane: LaneID(rawValue: 0), segment: SegmentNumber(rawValue: 1))

    private func frames(_ items: [LogDump.Item]) -> [SegmentScan.Frame] {
        items.compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    /// Goal: damage hides one frame, not those behind it. Method: a byte of a header, and of a payload.
    @Test func itGoesOnBehindDamage() throws {
        let golden = try GoldenDirectory(.v2)
        let whole = try golden.dump(Self.lane)
        #expect(whole.isWhole && frames(whole.items).count == 15)
        try golden.flip(Self.segment, at: 5_120 + 20)
        try golden.flip(Self.segment, at: 6_144 + 64)
        let damaged = try golden.dump(Self.lane)
        #expect(!damaged.isWhole)
        let left = frames(damaged.items)
        #expect(left.map(\.offset) == frames(whole.items).map(\.offset).filter { $0.rawValue != 5_120 })
        #expect(left.filter { $0.problem != nil }.map(\.offset.rawValue) == [6_144])
        let problems = damaged.items.compactMap { if case .damage(let problem) = $0 { problem } else { nil } }
        #expect(problems.count == 1)
        #expect(problems.first?.offset?.rawValue == 5_120 && problems.first?.file == Self.segment)
    }

    /// Goal: a whole frame in a wrong place is not taken for a good one. Method: two frames changed over.
    @Test func aFrameInTheWrongPlaceIsTold() throws {
        let golden = try GoldenDirectory(.v2)
        var bytes = try golden.read(Self.segment)
        let (second, third) = (Array(bytes[4_608..<5_120]), Array(bytes[5_120..<5_632]))
        bytes.replaceSubrange(4_608..<5_632, with: third + second)
        try golden.write(Self.segment, bytes)
        let problems = frames(try golden.dump(Self.lane).items).prefix(4).map(\.problem)
        let why = "it does not follow on the frame before it"
        #expect(problems == [nil, why, why, why])
    }

    /// Goal: a segment whose header cannot be believed does not end the dump. Method: a byte of the first one's.
    @Test func aDamagedSegmentHeaderIsTold() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip(Self.segment, at: 9)
        let dump = try golden.dump(.init(lane: LaneID(rawValue: 0)))
        #expect(!dump.isWhole)
        guard case .damage(let problem)? = dump.items.first else {
            return #expect(Bool(false), "no damage told")
        }
        #expect(problem.file == Self.segment)
        #expect(frames(dump.items).count == 12)
    }

    /// Goal: the selection is kept to. Method: frames from the twentieth on.
    @Test func onlyTheWantedFramesAreTold() throws {
        let dump = try GoldenDirectory(.v2).dump(
            .init(lane: LaneID(rawValue: 0), fromFrame: FrameNumber(rawValue: 20)))
        #expect(frames(dump.items).map(\.header.frame.rawValue) == [20, 21, 22, 23, 24, 24])
        let records = dump.items.count { if case .record = $0 { true } else { false } }
        #expect(records == 5)
    }
}

@Suite("A list of snapshots says whether each could be used")
struct SnapshotSurveyTests {
    private static let chunk = "blobs/11ea6b05194c9543d2044a9954dce892948b99743717f2294e90a08abb2a3fc6"

    private func survey(_ golden: GoldenDirectory, checksBlobs: Bool) throws -> SnapshotSurvey {
        let all = try SnapshotSurvey.all(
            in: try golden.look(locks: false), checksBlobs: checksBlobs)
        return try #require(all.first)
    }

    /// Goal: missing and damaged blobs are told, damaged ones when asked for. Method: one of each.
    @Test func blobsAreLookedFor() throws {
        let golden = try GoldenDirectory(.v2)
        let whole = try survey(golden, checksBlobs: true)
        #expect(whole.problem == nil)
        #expect(whole.contents.map { [$0.rows, $0.holds, UInt64($0.blobs)] } == [11, 5, 9])
        try golden.flip(Self.chunk, at: 50)
        #expect(try survey(golden, checksBlobs: false).problem == nil)
        #expect(try survey(golden, checksBlobs: true).problem?.file == Self.chunk)
        try golden.remove(Self.chunk)
        let missing = try survey(golden, checksBlobs: false)
        #expect(missing.problem?.kind == .missing && missing.contents?.blobsMissing == 1)
    }

    /// Goal: a manifest that cannot be read has its row. Method: a byte of it.
    @Test func aDamagedManifestIsTold() throws {
        let golden = try GoldenDirectory(.v2)
        try golden.flip("snapshots/manifest-0000000000000001", at: 30)
        let found = try survey(golden, checksBlobs: false)
        #expect(found.contents == nil && found.problem?.file == "snapshots/manifest-0000000000000001")
    }
}
