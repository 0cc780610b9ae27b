import Foundation
import TearoffEngine
import TearoffLog
import TearoffSimulation
import TearoffStorage
import Testing

/// Every byte and every length when asked; else samples, since each is a whole recovery. (TearoffLogTests
/// tries every byte of a lane, at the level of its reader.)
private let isExhaustive = ProcessInfo.processInfo.environment["TEAROFF_EXHAUSTIVE"] != nil

@Suite("Damage to a log ends in the whole acknowledged state or in a named refusal")
struct DamageTests {
    /// A segment of one of the directories.
    struct Place: Sendable, CustomStringConvertible {
        let version: GoldenVersion
        let segment: SegmentID
        var description: String { "\(version.rawValue)/\(segment)" }
    }

    static let places: [Place] = GoldenVersion.allCases.flatMap { version in
        [LaneID(rawValue: 0), .control].flatMap { lane in
            (1...3).map {
                Place(version: version, segment: SegmentID(lane: lane, number: SegmentNumber(rawValue: $0)))
            }
        }
    }

    /// What a recovery of a damaged log came to.
    private enum Outcome: Equatable {
        case whole
        case refused
        case silentLoss([String])
    }

    private func outcome(_ source: RecoverySource, _ version: GoldenVersion) -> Outcome {
        do throws(RecoveryError) {
            let summary = try Recovery.run(source).summary
            return summary == version.expectedSummary ? .whole : .silentLoss(summary)
        } catch {
            #expect(!error.file.isEmpty && !error.problem.isEmpty, "a refusal names the file and the fault")
            return .refused
        }
    }

    /// Goal: no flipped byte is taken for the end of the log, or believed. Method: flip one byte, with and
    /// without the snapshot, recover, put it back. All lanes were sealed, so every record in them was
    /// acknowledged.
    @Test(arguments: places, [true, false])
    func everyFlippedByteIsHarmlessOrRefused(place: Place, withSnapshot: Bool) throws {
        let segment = place.segment
        let golden = try GoldenDirectory(place.version)
        if !withSnapshot { try golden.removeSnapshots() }
        let directory = try golden.open()
        let log = try directory.logInMemory()
        let source = try directory.source(log: log)
        let bytes = try #require(log.bytes(of: segment))
        #expect(outcome(source, place.version) == .whole)
        var refusals = 0
        for offset in Self.offsets(in: bytes) {
            var damaged = bytes
            damaged[offset] ^= UInt8(1 << (offset % 8))
            log.replace(segment, with: damaged)
            let found = outcome(source, place.version)
            #expect(found == .whole || found == .refused, "byte \(offset): \(found)")
            if found == .refused { refusals += 1 }
        }
        // The header of a segment that is read is believed or refused as a whole.
        if !withSnapshot { #expect(refusals > 0) }
    }

    /// Goal: a segment that lost its end is not taken for a shorter log. Method: cut it at every length.
    @Test(arguments: places)
    func everyTruncationIsRefused(place: Place) throws {
        let segment = place.segment
        let golden = try GoldenDirectory(place.version)
        try golden.removeSnapshots()
        let directory = try golden.open()
        let log = try directory.logInMemory()
        let source = try directory.source(log: log)
        let bytes = try #require(log.bytes(of: segment))
        for length in stride(from: 0, to: bytes.count, by: isExhaustive ? 1 : 4_093) {
            log.replace(segment, with: Array(bytes.prefix(length)))
            #expect(outcome(source, place.version) == .refused, "\(length) bytes")
        }
        log.replace(segment, with: nil)
        let isPrepared = segment.number.rawValue == 3
        #expect(outcome(source, place.version) == (isPrepared ? .whole : .refused), "the whole file gone")
    }

    /// Goal: there is no length at all at which a cut segment is believed. Method: its lane is read from it, at
    /// every one.
    @Test(arguments: places)
    func noLengthOfACutSegmentIsBelieved(place: Place) throws {
        let segment = place.segment
        let golden = try GoldenDirectory(place.version)
        let directory = try golden.open()
        let log = try directory.logInMemory()
        let bytes = try #require(log.bytes(of: segment))
        let position = LanePosition(segment: segment.number, frame: .first, previousHeaderCRC32C: 0)
        var believed: [Int] = []
        for length in 0..<bytes.count {
            log.replace(segment, with: Array(bytes[..<length]))
            do throws(RecoveryError) {
                let lane = try LaneReader(
                    segment.lane, from: position,
                    in: LaneCatalog(of: log, directoryID: directory.identity.id), storage: log)
                _ = try lane.next()
                believed.append(length)
            } catch {
                if error.kind != .damaged { believed.append(length) }
            }
        }
        #expect(believed.isEmpty)
    }

    /// Of blocks that hold something every 31st byte, of the others, which come in runs, a few.
    private static func offsets(in bytes: [UInt8]) -> [Int] {
        if isExhaustive { return Array(bytes.indices) }
        return stride(from: 0, to: bytes.count, by: 512).flatMap { start -> [Int] in
            let isBlank = bytes[start..<start + 512].allSatisfy { $0 == 0 }
            if isBlank { return start % (512 * 16) == 0 ? [start + 100] : [] }
            return Array(stride(from: start, to: start + 512, by: 31))
        }
    }
}
