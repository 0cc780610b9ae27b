import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("Damage is never served as truth")
struct DamageTests {
    /// Six frames in segment 1, the fourth of two blocks; sealed at the end on request.
    private static func sixFrames(sealed: Bool, lane: LaneID = .data, seed: UInt64 = 0) throws -> Rig {
        let rig = Rig()
        let writer = try rig.writer(lane)
        for number in UInt64(1)...6 { try writer.write(noise(number == 4 ? 700 : 100, seed: seed + number)) }
        if sealed { _ = try writer.seal(timeMilliseconds: 1) }
        return rig
    }

    private func refusal(_ rig: Rig, _ lane: LaneID = .data) -> RecoveryError.Kind? {
        do throws(RecoveryError) {
            _ = try rig.recover(lane)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("Every flipped byte of a log leads to all frames or to a refusal", arguments: [true, false], 0..<4)
    func everyByte(sealed: Bool, quarter: Int) throws {
        // Goal: DURABILITY rows 13 to 15. Method: each byte of header and frames, one flip; then some beyond.
        // Without a seal nothing vouches for the last frame: that one alone may be cut, and is then reported.
        let rig = try Self.sixFrames(sealed: sealed)
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        let expected = try rig.recover().payloads
        let frames = try rig.frames(of: .data(1))
        let last = try #require(frames.last { $0.header.kind == .records })
        let end = try #require(frames.last).offset + 512
        // Padding is not covered by a checksum, and need not be: a byte of it now and then.
        let covered = frames.flatMap { Array($0.offset..<($0.offset + $0.header.unpaddedBytes)) }
        let places =
            Array(0..<64) + covered + Array(stride(from: 4096, to: end, by: 61))
            + Array(stride(from: end, to: whole.count, by: 4999))
        var random = SplitMix64(seed: 5)
        for place in places where place % 4 == quarter {
            var damaged = whole
            damaged[place] ^= UInt8.random(in: 1...255, using: &random)
            rig.storage.replace(.data(1), with: damaged)
            do throws(RecoveryError) {
                let found = try rig.recover()
                if found.payloads != expected {
                    #expect(!sealed && place >= last.offset, "byte \(place) cost acknowledged frames")
                    #expect(found.payloads == expected.dropLast())
                    #expect(found.end.tornTails.count == 1, "byte \(place) is cut without a word")
                }
            } catch {
                #expect(error.file == "wal/00000-0000000000000001.wal")
                #expect(!error.advice.isEmpty)
            }
        }
    }

    @Test("Frames in each other's places, or of another lane, segment, directory or history, are refused")
    func misplacedFrames() throws {
        // Goal: DURABILITY rows 17 and 18. Method: copy whole frames, with valid checksums, to where they are
        // not due.
        let rig = try Self.sixFrames(sealed: true)
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        let offsets = try rig.frames(of: .data(1)).map(\.offset)
        let otherHistory = try Self.sixFrames(sealed: true, seed: 100)
        let otherLane = try Self.sixFrames(sealed: true, lane: .other)
        let stranger = try #require(otherHistory.storage.bytes(of: .data(1)))
        let neighbour = try #require(
            otherLane.storage.bytes(of: SegmentID(lane: .other, number: .first)))
        for (name, source) in [("itself", whole), ("another history", stranger), ("another lane", neighbour)] {
            for (to, from) in [(0, 1), (1, 2), (2, 1), (4, 5), (5, 4), (1, 1), (5, 5)] {
                if name == "itself" && to == from { continue }
                var mixed = whole
                let (target, start) = (offsets[to], offsets[from])
                mixed.replaceSubrange(target..<(target + 512), with: source[start..<(start + 512)])
                rig.storage.replace(.data(1), with: mixed)
                let kind = refusal(rig)
                #expect(kind == .misplaced || kind == .damaged, "frame \(from + 1) of \(name) at \(to + 1)")
            }
        }
        rig.storage.replace(.data(1), with: whole)
        #expect(refusal(rig) == nil)
    }

    @Test("A last frame of another place is refused, though nothing follows that contradicts it")
    func lastFrameOfElsewhere() throws {
        // Goal: each of what ties a frame to its place is checked for itself. Method: the last of six frames says one
        // thing else, with a checksum that is right.
        let changes: [(String, (inout FrameHeader) -> Void)] = [
            ("of another segment", { $0.segment = .data(9) }),
            ("of a later number", { $0.frame = $0.frame.next }),
            ("behind another frame", { $0.previousHeaderCRC32C ^= 1 }),
        ]
        for (what, change) in changes {
            let rig = try Self.sixFrames(sealed: false)
            var last = try #require(try rig.frames(of: .data(1)).last)
            change(&last.header)
            try rig.damage(.data(1)) { bytes in
                var header = Array(bytes[last.offset..<(last.offset + FrameHeader.byteCount)])
                _ = last.header.store(in: &header, directoryCRC32C: CRC32C.checksum(rig.directory.bytes.span))
                bytes.replaceSubrange(last.offset..<(last.offset + FrameHeader.byteCount), with: header)
            }
            #expect(refusal(rig) == .misplaced, "\(what)")
        }
    }

    @Test("A segment of another lane, number or directory is refused")
    func misplacedSegments() throws {
        // Goal: an old or foreign copy put back is noticed. Method: put each under this segment's name.
        let rig = try Self.sixFrames(sealed: true)
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        let blank = try #require(rig.storage.bytes(of: .data(2)))
        rig.storage.replace(.data(3), with: blank)
        #expect(refusal(rig) == .misplaced, "without a frame, under another number")
        rig.storage.replace(.data(3), with: nil)
        rig.storage.replace(.data(2), with: whole)
        #expect(refusal(rig) == .misplaced, "under another number")
        rig.storage.replace(.data(2), with: nil)
        rig.storage.replace(SegmentID(lane: .other, number: .first), with: whole)
        #expect(refusal(rig, .other) == .misplaced, "under another lane")
        var foreign = rig
        foreign.directory = DirectoryID(bytes: [UInt8](repeating: 9, count: 16))
        #expect(refusal(foreign) == .misplaced, "in another directory")
        #expect(refusal(rig) == nil)
    }

    @Test("A missing segment is noticed wherever it was")
    func missingSegments() throws {
        // Goal: DURABILITY row 19. Method: five segments, each taken away in turn; the last is vouched for by
        // a close frame only when a later one exists.
        let rig = Rig()
        let writer = try rig.writer()
        while writer.position.segment.rawValue < 5 { try writer.write(noise(9000, seed: 1)) }
        for number in UInt64(1)...4 {
            let bytes = rig.storage.bytes(of: .data(number))
            rig.storage.replace(.data(number), with: nil)
            #expect(refusal(rig) == .missing, "segment \(number)")
            rig.storage.replace(.data(number), with: bytes)
        }
        // Without segment 5 and the prepared one behind it, the close frame of segment 4 still tells.
        let last = rig.storage.bytes(of: .data(5))
        rig.storage.replace(.data(6), with: nil)
        rig.storage.replace(.data(5), with: nil)
        #expect(refusal(rig) == .missing)
        rig.storage.replace(.data(5), with: last)
        #expect(refusal(rig) == nil)
    }

    @Test("A file that is shorter or longer than it was made is refused")
    func sizes() throws {
        // Goal: a truncated file is damage even when only zeros are gone. Method: every block length, and one
        // more.
        let rig = try Self.sixFrames(sealed: true)
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        for count in stride(from: 0, to: whole.count, by: 512) {
            rig.storage.replace(.data(1), with: Array(whole[..<count]))
            #expect(refusal(rig) == .damaged, "\(count) bytes")
        }
        rig.storage.replace(.data(1), with: whole + [UInt8](repeating: 0, count: 4096))
        #expect(refusal(rig) == .damaged)
    }

    @Test("A frame that is lost at the end of an earlier life is vouched for by the next life")
    func lostBetweenLives() throws {
        // Goal: the next segment's first frame says where this one ended. Method: zero the last frame of
        // segment 1.
        let rig = try Self.sixFrames(sealed: false)
        let last = try #require(try rig.frames(of: .data(1)).last)
        try rig.writer().write([7])
        try rig.damage(.data(1)) { bytes in
            for index in last.offset..<(last.offset + 512) { bytes[index] = 0 }
        }
        let failure = #expect(throws: RecoveryError.self) { try rig.recover() }
        #expect(failure?.kind == .damaged && failure?.file == "wal/00000-0000000000000001.wal")
        #expect(failure?.offset?.rawValue == UInt64(last.offset) && failure?.frame == last.header.frame)
    }

    @Test("The only frame of a segment between two others is named where it stands")
    func onlyFrameOfASegment() throws {
        // Goal: an operator is led to the file that is damaged, not to the one before. Method: three lives of a segment
        // each, and one that was made ready; a byte of header or payload of the second one's only frame.
        for byte in [4_096, 4_100, 4_096 + 70] {
            let rig = try Self.sixFrames(sealed: false)
            try rig.writer().write(noise(100, seed: 7))
            try rig.writer().write([8])
            try rig.damage(.data(3)) { $0[byte] ^= 1 }
            let failure = #expect(throws: RecoveryError.self) { try rig.recover() }
            #expect(failure?.kind == .damaged && failure?.file == "wal/00000-0000000000000003.wal", "byte \(byte)")
            #expect(failure?.offset?.rawValue == 4_096 && failure?.frame?.rawValue == 7, "byte \(byte)")
        }
    }

    @Test("An unknown version is refused by name, before anything else is read")
    func version() throws {
        // Goal: DURABILITY row 38. Method: version 2 in the segment header.
        let rig = try Self.sixFrames(sealed: true)
        try rig.damage(.data(1)) { $0[4] = 2 }
        let failure = #expect(throws: RecoveryError.self) { try rig.recover() }
        #expect(failure?.kind == .unsupportedVersion)
        #expect(failure?.problem == "it has format version 2, and this program reads version 1")
    }

    @Test("A payload that decompresses to another size than its header says is refused, in bounded memory")
    func bombs() throws {
        // Goal: DURABILITY row 16. Method: well-formed frames around zstd content of another size, and around
        // no zstd.
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var compressed = [UInt8](repeating: 0, count: 4096)
        let count = ZstdCompressor(level: 3).compress(zeros.span, into: &compressed, at: 0, countMax: 4096)
        let bomb = Array(compressed[..<(try #require(count))])
        for (stored, payloadBytes) in [
            (bomb, 1000), (bomb, 1 << 21), (noise(200, seed: 1), 1000), (bomb, 1 << 20),
        ] {
            let rig = Rig()
            let directory = testDirectory.bytes
            let directoryCRC32C = CRC32C.checksum(directory.span)
            _ = try rig.writer()
            try rig.damage(.data(1)) { bytes in
                var frame = [UInt8](repeating: 0, count: 64) + stored
                let header = FrameHeader(
                    kind: .records, compression: .zstd, segment: .data(1), frame: .first,
                    durableThrough: .none,
                    timeMilliseconds: 1, storedBytes: stored.count, payloadBytes: payloadBytes,
                    recordCount: 1,
                    payloadCRC32C: CRC32C.checksum(stored.span), previousHeaderCRC32C: 0)
                _ = header.store(in: &frame, directoryCRC32C: directoryCRC32C)
                bytes.replaceSubrange(4096..<(4096 + frame.count), with: frame)
            }
            if payloadBytes == 1 << 20 {
                #expect(try rig.recover().payloads == [zeros])
            } else {
                #expect(refusal(rig) == .damaged, "\(payloadBytes) bytes from \(stored.count)")
            }
        }
    }

    @Test("Whoever chooses payload bytes cannot make a frame of them")
    func frameInPayload() throws {
        // Goal: a torn frame is cut although its payload holds a whole frame. Method: a frame made without
        // knowing the directory's id, block-aligned inside a payload that is torn.
        let rig = Rig()
        let writer = try rig.writer(.data, .asynchronous)
        try writer.write([1])
        var forged = [UInt8](repeating: 0, count: 64)
        let header = FrameHeader(
            kind: .seal, compression: .raw, segment: .data(1), frame: FrameNumber(rawValue: 9),
            durableThrough: .none,
            timeMilliseconds: 1, storedBytes: 0, payloadBytes: 0, recordCount: 0, payloadCRC32C: 0,
            previousHeaderCRC32C: 0)
        _ = header.store(in: &forged, directoryCRC32C: 0)
        rig.storage.setCompletion(.manual)
        try writer.write(noise(512 - 64, seed: 1) + forged + noise(1500, seed: 2))
        rig.storage.crash { $0 == 1 || $0 == 2 }
        #expect(try rig.recover().payloads == [[1]])
    }

    @Test("Strangers among the segments are named and not touched")
    func strangers() throws {
        // Goal: junk does not stop a start. Method: a foreign name in the listing.
        let rig = try Self.sixFrames(sealed: true)
        rig.storage.addForeignName("notes.txt")
        let catalog = try LaneCatalog(of: rig.storage, directoryID: testDirectory)
        #expect(catalog.foreignNames == ["notes.txt"])
        #expect(catalog.lanes == [.data])
        #expect(catalog.byteCount(of: .data, from: .start) == 2 * Rig.segmentBytes)
        #expect(try rig.recover().payloads.count == 6)
    }
}
