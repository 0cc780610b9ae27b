import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("Headers and names on disk are exact")
struct HeaderTests {
    @Test("CRC32C is the one of RFC 3720, in one piece and in several")
    func checksumVectors() {
        // Goal: the checksum is the standard's. Method: RFC 3720's vectors, and every split of one.
        let text = bytes("123456789")
        #expect(CRC32C.checksum(text.span) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32).span) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32).span) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Array(UInt8(0)..<32).span) == 0x46DD_794E)
        for split in 0...text.count {
            let first = CRC32C.checksum(text.span.extracting(0..<split))
            #expect(
                CRC32C.checksum(text.span.extracting(split..<text.count), continuing: first) == 0xE306_9283)
        }
    }

    private static let segment = SegmentHeader(
        directoryID: testDirectory, id: .data(0x1234), blockBytes: 512, segmentBytes: 64 << 10,
        createdMilliseconds: 99)

    @Test("A segment header reads back, and every flipped bit of it is noticed")
    func segmentHeader() throws {
        // Goal: no field is believed when the header is damaged. Method: each bit of its 64 bytes.
        let encoded = Self.segment.encoded()
        #expect(encoded.count == 4096)
        #expect(try SegmentHeader(parsing: encoded.span) == Self.segment)
        #expect(Array(encoded[0..<8]) == [0x54, 0x4F, 0x53, 0x31, 1, 0, 0, 0])
        for bit in 0..<(SegmentHeader.byteCount * 8) {
            var damaged = encoded
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SegmentHeaderError.self) { try SegmentHeader(parsing: damaged.span) }
        }
        #expect(throws: SegmentHeaderError.truncated) {
            try SegmentHeader(parsing: encoded.span.extracting(0..<63))
        }
    }

    @Test("A frame header reads back, and every flipped bit of it is noticed")
    func frameHeader() throws {
        // Goal: a damaged length or number is never used. Method: each bit of its 64 bytes; and a foreign id.
        let header = FrameHeader(
            kind: .records, compression: .raw, segment: .data(7), frame: FrameNumber(rawValue: 12),
            durableThrough: FrameNumber(rawValue: 11), timeMilliseconds: 5, storedBytes: 100,
            payloadBytes: 100,
            recordCount: 3, payloadCRC32C: 0xABCD_EF01, previousHeaderCRC32C: 0x1234_5678)
        var encoded = [UInt8](repeating: 0, count: 64)
        let checksum = header.store(in: &encoded, directoryCRC32C: 17)
        #expect(encoded.span.littleEndian(UInt32.self, at: 60) == checksum)
        #expect(Array(encoded[0..<8]) == [0x54, 0x4F, 0x46, 0x31, 1, 0, 0, 0])
        #expect(try FrameHeader(parsing: encoded.span, directoryCRC32C: 17) == header)
        #expect(throws: FrameHeaderError.checksum) {
            try FrameHeader(parsing: encoded.span, directoryCRC32C: 18)
        }
        for bit in 0..<(64 * 8) {
            var damaged = encoded
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: FrameHeaderError.self) {
                try FrameHeader(parsing: damaged.span, directoryCRC32C: 17)
            }
        }
    }

    @Test("A header whose checksum matches but whose fields contradict each other is impossible")
    func impossibleFrames() {
        // Goal: sizes are capped whatever the checksum says. Method: fields set by hand, checksum made anew.
        let changes: [(name: String, offset: Int, value: UInt32)] = [
            ("kind", 4, 9), ("payload over 4 MiB", 44, 5 << 20), ("stored over payload", 40, 101),
            ("raw of another size", 40, 99), ("segment 0", 8, 0), ("vouches for itself", 24, 12),
            ("no records", 48, 0),
        ]
        for change in changes {
            let header = FrameHeader(
                kind: .records, compression: .raw, segment: .data(7), frame: FrameNumber(rawValue: 12),
                durableThrough: .none, timeMilliseconds: 5, storedBytes: 100, payloadBytes: 100,
                recordCount: 3,
                payloadCRC32C: 0, previousHeaderCRC32C: 0)
            var encoded = [UInt8](repeating: 0, count: 64)
            _ = header.store(in: &encoded, directoryCRC32C: 0)
            if change.offset == 4 {
                encoded[4] = UInt8(change.value)
            } else {
                encoded.storeLittleEndian(change.value, at: change.offset)
            }
            encoded.storeLittleEndian(CRC32C.checksum(encoded.span.extracting(0..<60)), at: 60)
            #expect(throws: FrameHeaderError.impossible, "\(change.name)") {
                try FrameHeader(parsing: encoded.span, directoryCRC32C: 0)
            }
        }
    }

    @Test("Segment names read back exactly, and nothing else is a segment's name")
    func names() {
        // Goal: no stray file is taken for a segment. Method: written names, then near misses.
        for lane in [LaneID.control, .data, LaneID(rawValue: 65_534)] {
            for number in [UInt64(1), 0xABC, .max] {
                let id = SegmentID(lane: lane, number: SegmentNumber(rawValue: number))
                #expect(SegmentID(fileName: id.fileName) == id)
            }
        }
        #expect(SegmentID.data(26).fileName == "00000-000000000000001a.wal")
        #expect(SegmentID(lane: .control, number: .first).fileName == "control-0000000000000001.wal")
        let strangers = [
            "", ".wal", "00000-000000000000001a", "00000-000000000000001A.wal", "0-000000000000001a.wal",
            "00000-000000000000001a.wal.tmp", "00000-0000000000000000.wal", "65535-0000000000000001.wal",
            "+0001-0000000000000001.wal", "control-1.wal", "99999-0000000000000001.wal",
        ]
        for name in strangers { #expect(SegmentID(fileName: name) == nil, "\(name)") }
    }

    @Test("Hex text is lower-case, of even length, and nothing else")
    func hex() {
        // Goal: names have one spelling. Method: round trip and near misses.
        #expect(Hex.encode([0x00, 0xFF, 0x1a]) == "00ff1a")
        #expect(Hex.decode("00ff1a") == [0x00, 0xFF, 0x1a])
        for text in ["0", "0G", "FF", " 0", "é0"] { #expect(Hex.decode(text) == nil, "\(text)") }
        #expect(DirectoryID(hex: testDirectory.description) == testDirectory)
        #expect(DirectoryID(hex: "00") == nil)
        #expect(BlobID(hex: String(repeating: "a", count: 63)) == nil)
    }
}
