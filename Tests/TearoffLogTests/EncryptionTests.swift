import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("An encrypted log is read as any other, and what was changed without the key is told from damage")
struct EncryptionTests {
    private func refusal(_ rig: Rig) -> RecoveryError? {
        do throws(RecoveryError) {
            _ = try rig.recover()
            return nil
        } catch {
            return error
        }
    }

    /// Three frames and a seal: raw, zstd and raw again.
    private func threeFrames(_ cipher: SimulatedCipher = SimulatedCipher(seed: 1)) throws -> Rig {
        let rig = Rig(cipher: cipher)
        let writer = try rig.writer()
        try writer.write(bytes("SECRET-1"))
        try writer.write([UInt8](repeating: 7, count: 3000) + bytes("SECRET-2"))
        try writer.write(noise(100, seed: 3))
        _ = try writer.seal(timeMilliseconds: 2)
        return rig
    }

    /// Puts right the checksums of the frame at an offset, as somebody would who knows the format and not the key.
    private func mend(_ bytes: inout [UInt8], at offset: Int) {
        let stored = Int(bytes.span.littleEndian(UInt32.self, at: offset + 40))
        let end = min(offset + 64 + stored, bytes.count)
        bytes.storeLittleEndian(checksum(of: bytes, offset + 64..<end), at: offset + 52)
        let directory = testDirectory.bytes
        let seed = CRC32C.checksum(directory.span)
        bytes.storeLittleEndian(checksum(of: bytes, offset..<offset + 60, seed), at: offset + 60)
    }

    private func checksum(of bytes: [UInt8], _ range: Range<Int>, _ seed: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(bytes.span.extracting(range), continuing: seed)
    }

    @Test("Frames come back, raw and compressed, over segments and lives, and under several data keys")
    func roundTrip() throws {
        // Goal: a round trip. Method: payloads of all sizes over many segments, with a new data key in each life.
        let cipher = SimulatedCipher(seed: 4)
        let rig = Rig(cipher: cipher)
        var expected: [[UInt8]] = []
        for life in UInt64(1)...3 {
            let writer = try rig.writer()
            for number in UInt64(0)..<40 {
                let size = Int(number) * 211 + 1
                let payload =
                    number.isMultiple(of: 2) ? noise(size, seed: life << 8 | number) : .init(repeating: 5, count: size)
                try writer.write(payload)
                expected.append(payload)
            }
            cipher.rotate()
        }
        #expect(try rig.recover().payloads == expected)
        #expect(cipher.dataKey == 4)
    }

    @Test("The largest payload fits, with its tag")
    func largestPayload() throws {
        // Goal: the bound that a tick keeps to counts the tag, too. Method: a batch of exactly that size.
        let rig = Rig(cipher: SimulatedCipher(seed: 1))
        let writer = try rig.writer()
        let payload = noise(writer.payloadBytesMax, seed: 1)
        try writer.write(payload)
        #expect(try rig.recover().payloads == [payload])
        #expect(writer.payloadBytesMax == (try Rig().writer()).payloadBytesMax - 16)
    }

    @Test("Nothing of a payload stands in the segment")
    func nothingInClear() throws {
        // Goal: what the name promises. Method: the words of a raw and of a compressed frame, looked for in all bytes.
        let rig = try threeFrames()
        let stored = try #require(rig.storage.bytes(of: .data(1)))
        #expect(!stored.contains(bytes("SECRET")))
        let plain = Rig()
        try plain.writer().write(bytes("SECRET-1"))
        #expect(try #require(plain.storage.bytes(of: .data(1))).contains(bytes("SECRET")), "the search finds it")
    }

    @Test("Every byte that is flipped and mended is refused as altered or misplaced, and never served")
    func alteration() throws {
        // Goal: a tag vouches for payload and header. Method: each byte of each frame, with both checksums put right.
        let rig = try threeFrames()
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        let frames = try rig.frames(of: .data(1))
        #expect(frames.map(\.header.compression) == [.encryptedRaw, .encryptedZstd, .encryptedRaw, .encryptedRaw])
        var kinds: [RecoveryError.Kind: Int] = [:]
        for (offset, header) in frames {
            for place in offset..<offset + header.unpaddedBytes where !(52..<56).contains(place - offset) {
                guard !(60..<64).contains(place - offset), !(0..<4).contains(place - offset) else { continue }
                var changed = whole
                changed[place] ^= 0x01
                mend(&changed, at: offset)
                rig.storage.replace(.data(1), with: changed)
                let error = try #require(refusal(rig), "byte \(place - offset) of the frame at \(offset)")
                kinds[error.kind, default: 0] += 1
                if place - offset >= 64 { #expect(error.kind == .altered, "byte \(place - offset)") }
            }
        }
        #expect(kinds[.altered, default: 0] > 150)
        #expect(kinds[.damaged, default: 0] + kinds[.misplaced, default: 0] > 0)
    }

    @Test("Every byte that is only flipped leads to what it leads to in a log that is not encrypted")
    func damage() throws {
        // Goal: an accident is judged as ever, and is no alteration. Method: each byte of the frames.
        let rig = try threeFrames()
        let whole = try #require(rig.storage.bytes(of: .data(1)))
        let expected = try rig.recover().payloads
        for (offset, header) in try rig.frames(of: .data(1)) {
            for place in offset..<offset + header.unpaddedBytes {
                var changed = whole
                changed[place] ^= 0x10
                rig.storage.replace(.data(1), with: changed)
                if let error = refusal(rig) {
                    #expect(error.kind == .damaged, "byte \(place - offset) of the frame at \(offset): \(error)")
                } else {
                    // The seal is the last frame, and nothing vouches for it.
                    #expect(header.kind == .seal)
                    #expect(try rig.recover().payloads == expected)
                }
            }
        }
    }

    @Test("A frame that is not encrypted is none of an encrypted segment, and the other way about")
    func mixtures() throws {
        // Goal: nobody gets a frame in who has not the key. Method: a plain frame with right checksums in an encrypted
        // segment; a plain segment in an encrypted directory; an encrypted one in a plain directory.
        let rig = try threeFrames()
        let plain = Rig()
        try plain.writer().write(bytes("SECRET-1"))
        let forged = try #require(plain.storage.bytes(of: .data(1)))
        var mixed = try #require(rig.storage.bytes(of: .data(1)))
        mixed.replaceSubrange(4096..<4608, with: forged[4096..<4608])
        rig.storage.replace(.data(1), with: mixed)
        #expect(refusal(rig)?.kind == .misplaced)
        rig.storage.replace(.data(1), with: forged)
        #expect(refusal(rig)?.kind == .altered)
        plain.storage.replace(.data(1), with: try threeFrames().storage.bytes(of: .data(1)))
        #expect(refusal(plain)?.kind == .altered)
    }

    @Test("A frame of another place, segment or salt does not open")
    func movedFrames() throws {
        // Goal: what was written in one place is nothing in another. Method: the segment's salt, changed and mended.
        let rig = try threeFrames()
        try rig.damage(.data(1)) { bytes in
            bytes[70] ^= 1
            bytes.storeLittleEndian(checksum(of: bytes, 64..<96), at: 96)
        }
        #expect(refusal(rig)?.kind == .altered)
        let damaged = try threeFrames()
        try damaged.damage(.data(1)) { $0[70] ^= 1 }
        #expect(refusal(damaged)?.kind == .damaged)
        let unknown = try threeFrames()
        try unknown.damage(.data(1)) { bytes in
            bytes.storeLittleEndian(UInt32(9), at: 12)
            bytes.storeLittleEndian(checksum(of: bytes, 0..<60), at: 60)
        }
        #expect(refusal(unknown)?.kind == .missing)
    }

    @Test("No key meets a nonce twice, over torn tails, crashes and an older image that was brought back")
    func noncesAreUnique() throws {
        // Goal: what AES-GCM rests on. Method: lives from seeds, some on an image of an earlier moment; the simulated
        // cipher ends the process at the first pair that comes again with another content.
        for seed in UInt64(1)...6 {
            let cipher = SimulatedCipher(seed: seed)
            let rig = Rig(seed: seed, cipher: cipher)
            var random = SplitMix64(seed: seed)
            var image: [SegmentID: [UInt8]] = [:]
            for life in 0..<8 {
                rig.storage.setCompletion(.immediate)
                let files = try rig.storage.list().segments.map(\.id)
                if life == 3 { for id in files { image[id] = rig.storage.bytes(of: id) } }
                if life == 6 {
                    for id in files { rig.storage.replace(id, with: nil) }
                    for (id, bytes) in image { rig.storage.replace(id, with: bytes) }
                }
                let before = try rig.recover().payloads
                let writer = try rig.writer(.data, .asynchronous)
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    try writer.write(noise(Int.random(in: 1...3000, using: &random), seed: random.next()))
                    _ = try writer.drain()
                    if Bool.random(using: &random) { _ = try writer.seal(timeMilliseconds: 1) }
                }
                rig.storage.setCompletion(.manual)
                try writer.write(noise(Int.random(in: 1...3000, using: &random), seed: random.next()))
                rig.storage.crash()
                #expect(try rig.recover().payloads.starts(with: before), "SEED=\(seed) life \(life)")
            }
            #expect(cipher.useCount > 20)
        }
    }
}

@Suite("Encrypted files: whole, or refused with why")
struct EncryptedFileTests {
    private let cipher = SimulatedCipher(seed: 1)

    private func failure(_ file: [UInt8], _ purpose: CipherPurpose = .blob) -> EncryptedFileError? {
        do throws(EncryptedFileError) {
            _ = try EncryptedFile.decrypt(file, with: cipher, for: purpose)
            return nil
        } catch {
            return error
        }
    }

    @Test("Contents of all sizes come back, and a file's size tells its content's")
    func roundTrip() throws {
        // Goal: a round trip, and no size that is taken for another. Method: sizes around a block.
        let block = EncryptedFile.blockBytes
        for count in [0, 1, 15, 16, 17, block - 1, block, block + 1, 3 * block, 3 * block + 5] {
            let content = noise(count, seed: UInt64(count))
            let file = EncryptedFile.encrypt(content, with: cipher, for: .blob)
            #expect(EncryptedFile.contentBytes(ofFile: UInt64(file.count)) == UInt64(count))
            #expect(try EncryptedFile.decrypt(file, with: cipher, for: .blob) == content)
            #expect(file != EncryptedFile.encrypt(content, with: cipher, for: .blob), "other bytes each time")
        }
        for size in [0, 63, 83, 84 + 65_536 + 1, 64 + 65_556 + 20] {
            #expect(EncryptedFile.contentBytes(ofFile: UInt64(size)) == nil, "\(size)")
        }
    }

    @Test("Every flipped byte is damage; mended it is an alteration, and so is a block in another's place")
    func changes() throws {
        // Goal: each error has its name. Method: each byte of a small file; whole blocks moved and cut off.
        let content = noise(200, seed: 1)
        let file = EncryptedFile.encrypt(content, with: cipher, for: .blob)
        for place in file.indices {
            var changed = file
            changed[place] ^= 1
            #expect(failure(changed) == (place < 4 ? .notEncrypted : .damaged), "byte \(place)")
            if place >= 64 && place < file.count - 4 {
                changed.storeLittleEndian(
                    CRC32C.checksum(changed.span.extracting(64..<changed.count - 4)), at: changed.count - 4)
                #expect(failure(changed) == .altered, "byte \(place)")
            }
        }
        #expect(failure(file, .deliveries) == .altered)
        #expect(failure(file, .named("manifest-1")) == .altered)
        #expect(failure([]) == .damaged)
        let (header, block) = (EncryptedFile.headerBytes, EncryptedFile.storedBlockBytes)
        let large = EncryptedFile.encrypt(noise(3 * EncryptedFile.blockBytes, seed: 2), with: cipher, for: .blob)
        #expect(failure(Array(large[..<(header + 2 * block)])) == .altered, "cut between two blocks")
        #expect(failure(Array(large[..<(header + 2 * block + 100)])) == .damaged, "cut in a block")
        let swapped =
            large[..<header] + large[(header + block)..<(header + 2 * block)]
            + large[header..<(header + block)] + large[(header + 2 * block)...]
        #expect(failure(Array(swapped)) == .altered)
        var unknown = file
        unknown.storeLittleEndian(UInt32(7), at: 8)
        unknown.storeLittleEndian(CRC32C.checksum(unknown.span.extracting(0..<60)), at: 60)
        #expect(failure(unknown) == .unknownDataKey(7))
    }
}
