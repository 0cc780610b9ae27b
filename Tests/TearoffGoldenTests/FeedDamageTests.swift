import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import TearoffStorage
import Testing

@Suite("Damage to the feed is told as damage, and what it tells beside that is what it told before")
struct FeedDamageTests {
    /// Goal: no damaged frame is believed, and no whole one is lost with it. Method: every byte of a file, and every
    /// length, against its frames as the format says that they stand.
    @Test func everyByteAndEveryLength() throws {
        let golden = try GoldenDirectory(.v2Whole)
        let directory = try ReadOnlyDirectory(path: golden.url.path, locks: false).identity.id
        let name = try #require(try golden.files().first { $0.hasPrefix("feed/feed-") })
        let first = try #require(FeedFile.first(ofName: String(name.dropFirst(5))))
        let bytes = try golden.read(name)
        let frames = Self.frames(in: bytes)
        let whole = try Self.read(bytes, first, directory)
        #expect(whole.frames.count == frames.count && whole.frames.count > 3 && whole.damages == 0)
        var faults: [Int] = []
        for offset in bytes.indices {
            var damaged = bytes
            damaged[offset] ^= UInt8(1 << (offset % 8))
            let hit = try #require(frames.firstIndex { $0.contains(offset) })
            var right = whole.frames
            right.remove(at: hit)
            let found = try Self.read(damaged, first, directory)
            // Behind the last one nothing vouches for it: it may have been cut off by a crash.
            let isLast = hit == frames.count - 1
            if found.frames != right || found.damages != (isLast ? 0 : 1) { faults.append(offset) }
        }
        for length in bytes.indices {
            let found = try Self.read(Array(bytes[..<length]), first, directory)
            let right = frames.count { $0.upperBound <= length }
            if found.frames != Array(whole.frames.prefix(right)) || found.damages > 0 { faults.append(length) }
        }
        #expect(faults.isEmpty)
    }

    /// Goal: what is still to be sent is believed whole or not at all. Method: every byte of its file, and every
    /// length.
    @Test func noDamagedDeliveriesAreBelieved() throws {
        let golden = try GoldenDirectory(.v2Whole)
        let directory = try ReadOnlyDirectory(path: golden.url.path, locks: false).identity.id
        let bytes = try golden.read("feed/deliveries")
        let book = try DeliveryBook(decoding: bytes.span, directory: directory)
        #expect(!book.dead.isEmpty)
        for offset in bytes.indices {
            var damaged = bytes
            damaged[offset] ^= UInt8(1 << (offset % 8))
            #expect(throws: (any Error).self) { _ = try DeliveryBook(decoding: damaged.span, directory: directory) }
            let cut = Array(bytes[..<offset])
            #expect(throws: (any Error).self) { _ = try DeliveryBook(decoding: cut.span, directory: directory) }
        }
    }

    /// Where the frames stand, read without the code that is tested.
    private static func frames(in bytes: [UInt8]) -> [Range<Int>] {
        var frames: [Range<Int>] = []
        while (frames.last?.upperBound ?? 0) < bytes.count {
            let start = frames.last?.upperBound ?? 0
            let stored = (0..<4).reduce(0) { $0 | Int(bytes[start + 4 + $1]) << (8 * $1) }
            frames.append(start..<start + 40 + stored)
        }
        return frames
    }

    private static func read(
        _ bytes: [UInt8], _ first: FeedSequence, _ directory: DirectoryID
    ) throws -> (frames: [String], damages: Int) {
        let storage = SimulatedFeedStorage()
        storage.replace(first, with: bytes)
        var reader = FeedFileReader(
            first, from: 0, to: UInt64(bytes.count), storage: storage, directoryID: directory)
        var (frames, damages): ([String], Int) = ([], 0)
        while true {
            switch try reader.next() {
            case .frame(let header): frames.append("\(header) \(try reader.decode(header).events)")
            case .damage: damages += 1
            case .end: return (frames, damages)
            }
        }
    }
}
