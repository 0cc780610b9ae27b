import Synchronization
import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

let testDirectory = DirectoryID(bytes: Array(1...16))

extension LaneID {
    static let data = LaneID(rawValue: 0)
    static let other = LaneID(rawValue: 1)
}

extension SegmentID {
    static func data(_ number: UInt64) -> SegmentID {
        SegmentID(lane: .data, number: SegmentNumber(rawValue: number))
    }
}

/// Bytes that do not compress, so that a frame's size is known.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

/// What a recovery made of one lane.
struct Recovered: Equatable {
    var payloads: [[UInt8]] = []
    var end: LaneEnd
}

/// One log directory over which writers and recoveries follow each other as lives of a server do.
struct Rig {
    static let segmentBytes: UInt64 = 64 << 10

    let storage: SimulatedLogStorage
    var directory = testDirectory

    init(seed: UInt64 = 1, blockBytes: Int = 512, cipher: SimulatedCipher? = nil) {
        storage = SimulatedLogStorage(seed: seed, blockBytes: blockBytes, cipher: cipher)
    }

    func recover(_ lane: LaneID = .data) throws(RecoveryError) -> Recovered {
        let catalog = try LaneCatalog(of: storage, directoryID: directory)
        let reader = try LaneReader(lane, from: .start, in: catalog, storage: storage)
        var payloads: [[UInt8]] = []
        let end = try reader.read { info, payload in
            #expect(info.frame.rawValue == UInt64(payloads.count + 1))
            payloads.append(payload)
        }
        return Recovered(payloads: payloads, end: end)
    }

    /// A new life's writer, behind what the recovery finds.
    func writer(
        _ lane: LaneID = .data, _ completion: LaneSettings.Completion = .inline,
        background: @escaping SegmentSupply.Background = { $0() }
    ) throws -> LaneWriter {
        let start = try recover(lane).end.start
        return try writer(lane, completion, start: start, background: background)
    }

    func writer(
        _ lane: LaneID = .data, _ completion: LaneSettings.Completion = .inline, start: LaneStart,
        background: @escaping SegmentSupply.Background = { $0() }
    ) throws(LogFailure) -> LaneWriter {
        let supply = SegmentSupply(
            storage: storage, directoryID: directory, segmentBytes: Self.segmentBytes, background: background)
        var settings = LaneSettings()
        settings.completion = completion
        return try LaneWriter(
            lane: lane, supply: supply, start: start, settings: settings, timeMilliseconds: 1)
    }

    /// Changes a segment's bytes behind everybody's back.
    func damage(_ segment: SegmentID, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try #require(storage.bytes(of: segment))
        change(&bytes)
        storage.replace(segment, with: bytes)
    }

    /// Where each frame of a segment begins, with its kind.
    func frames(of segment: SegmentID) throws -> [(offset: Int, header: FrameHeader)] {
        let bytes = try #require(storage.bytes(of: segment))
        let seed = CRC32C.checksum(directory.bytes.span)
        var found: [(offset: Int, header: FrameHeader)] = []
        var offset = LogLimits.segmentHeaderBytes
        while offset < bytes.count {
            do throws(FrameHeaderError) {
                let header = try FrameHeader(
                    parsing: bytes.span.extracting(offset..<bytes.count), directoryCRC32C: seed)
                found.append((offset, header))
                offset += LogLimits.round(header.unpaddedBytes, upTo: storage.blockBytes)
            } catch {
                break
            }
        }
        return found
    }
}

extension LaneWriter {
    /// Puts one payload into the open batch and commits it.
    @discardableResult
    func write(_ payload: [UInt8]) throws(LogFailure) -> CommitProgress {
        batch.bytes.append(contentsOf: payload)
        batch.recordCount += 1
        return try commit(timeMilliseconds: 7)
    }
}

/// Background work that is done when the test says so.
final class HeldWork: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])

    var background: SegmentSupply.Background {
        { job in self.jobs.withLock { $0.append(job) } }
    }

    func run() {
        let held = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in held { job() }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func bytes(of span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

extension BlobStore {
    /// A whole blob, checked.
    func readAll(_ id: BlobID) throws(StorageError) -> [UInt8] {
        var bytes: [UInt8] = [1, 2, 3]
        try readAll(id, into: &bytes)
        return bytes
    }
}
