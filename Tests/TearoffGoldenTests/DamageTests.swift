import Foundation
import TearoffEngine
import TearoffLog
import TearoffSimulation
import TearoffStorage
import Testing

/// Every byte and every length when asked (`./tools/exhaustive-damage`); else samples that a seed chooses, since each
/// is a whole recovery. (TearoffLogTests tries every byte of a lane, at the level of its reader.)
private let isExhaustive = ProcessInfo.processInfo.environment["TEAROFF_EXHAUSTIVE"] != nil

private let seed = ProcessInfo.processInfo.environment["TEAROFF_FIRST_SEED"].flatMap(UInt64.init) ?? 1

@Suite("Damage to a directory ends in the whole acknowledged state or in a refusal that names the place")
struct DamageTests {
    /// A file of one of the directories, and who meets it damaged.
    struct Place: Sendable, CustomStringConvertible {
        let version: GoldenVersion
        let file: String
        let reader: DamageWalk.Reader
        var keepsSnapshots = true

        var description: String {
            "\(version.rawValue)\(keepsSnapshots ? "" : " without snapshots")/\(file), \(reader.rawValue)"
        }
    }

    static let places: [Place] = GoldenVersion.allCases.flatMap { version in
        // The blobs of an encrypted one have names that are not their ids; BlobStoreTests damages those.
        let files = ((try? GoldenDirectory.files(of: version)) ?? []).filter {
            version != .v2k || !$0.hasPrefix("blobs/")
        }
        let all = DamageWalk.Reader.allCases.flatMap { reader in
            files.map { Place(version: version, file: $0, reader: reader) }
        }
        // A start that has no snapshot reads what else it would not.
        let log = version.logSaysAll ? files.filter { $0.hasPrefix("wal/") } : []
        return all + log.map { Place(version: version, file: $0, reader: .start, keepsSnapshots: false) }
    }

    /// Goal: whichever byte of whichever file has changed, and at whatever length it is cut, a start comes to the state
    /// that the directory holds or to a refusal that names the place; a check names it too, whether or not a start
    /// needs it; and bytes that nothing reads hinder neither. Method: one damage after the other, against a map of what
    /// is right.
    @Test(arguments: places)
    func everyByteAndEveryLength(place: Place) throws {
        let walk = try DamageWalk(place.version, keepsSnapshots: place.keepsSnapshots)
        let bytes = try #require(walk.files[place.file])
        for offset in Self.offsets(in: bytes) { try walk.take(.byte(offset), of: place.file, for: place.reader) }
        for length in Self.lengths(of: bytes) { try walk.take(.cut(length), of: place.file, for: place.reader) }
        #expect(walk.faults.isEmpty, "SEED=\(seed): \(walk.faults.joined(separator: "\n"))")
        if isExhaustive { print("\(place): \(walk.count) damages") }
    }

    /// Goal: the map and the walk see what they should. Method: each outcome is right of some place, and a directory
    /// that is whole passes.
    @Test(arguments: GoldenVersion.allCases)
    func theMapHasEveryOutcome(version: GoldenVersion) throws {
        let walk = try DamageWalk(version, keepsSnapshots: true)
        let rights = walk.files.flatMap { file, bytes in
            stride(from: 0, to: bytes.count, by: 64).map { walk.map.right(ofByte: $0, in: file) }
        }
        #expect(rights.contains(.passes))
        #expect(rights.contains { if case .refused(let place) = $0.start { place.offset ?? 0 > 0 } else { false } })
        #expect(rights.contains { if case .serves(let unusable) = $0.start { !unusable.isEmpty } else { false } })
        #expect(rights.contains { $0.start == .serves() && $0.named != nil }, "damage that a start does not meet")
    }

    /// Goal: a segment that is gone is not taken for a shorter log. Method: each of them; one that was prepared and
    /// never begun is not missed.
    @Test(arguments: places.filter { $0.file.hasPrefix("wal/") && !$0.keepsSnapshots })
    func everyMissingSegmentIsRefused(place: Place) throws {
        let golden = try GoldenDirectory(place.version)
        try golden.removeSnapshots()
        let directory = try golden.open()
        let log = try directory.logInMemory()
        let segment = try #require(SegmentID(fileName: String(place.file.dropFirst(4))))
        log.replace(segment, with: nil)
        let isPrepared = segment.number.rawValue == 3
        let source = try directory.source(log: log)
        do throws(RecoveryError) {
            let state = try Recovery.read(source)
            #expect(isPrepared && state.summary == place.version.expectedSummary)
        } catch {
            #expect(!isPrepared && error.file == place.file && error.kind == .missing, "\(error)")
        }
    }

    /// Goal: there is no length at all at which a cut segment is believed. Method: its lane is read from it, at
    /// every one.
    @Test(arguments: places.filter { $0.file.hasPrefix("wal/") && !$0.keepsSnapshots })
    func noLengthOfACutSegmentIsBelieved(place: Place) throws {
        let golden = try GoldenDirectory(place.version)
        let directory = try golden.open()
        let log = try directory.logInMemory()
        let segment = try #require(SegmentID(fileName: String(place.file.dropFirst(4))))
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

    /// All; or of blocks that hold something some bytes, of the others, which come in runs, a few.
    private static func offsets(in bytes: [UInt8]) -> [Int] {
        if isExhaustive { return Array(bytes.indices) }
        var dice = SplitMix64(seed: seed)
        return stride(from: 0, to: bytes.count, by: 512).flatMap { start -> [Int] in
            let end = min(start + 512, bytes.count)
            let isBlank = bytes[start..<end].allSatisfy { $0 == 0 }
            if isBlank && Int.random(in: 0..<16, using: &dice) > 0 { return [] }
            return (0..<(isBlank ? 1 : 3)).map { _ in Int.random(in: start..<end, using: &dice) }
        }
    }

    private static func lengths(of bytes: [UInt8]) -> [Int] {
        if isExhaustive { return Array(bytes.indices) }
        var dice = SplitMix64(seed: seed)
        if bytes.isEmpty { return [] }
        return [0, bytes.count - 1] + (0..<4).map { _ in Int.random(in: bytes.indices, using: &dice) }
    }
}
