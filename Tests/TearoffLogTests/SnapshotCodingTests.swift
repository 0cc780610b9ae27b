import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("Snapshots read back exactly or not at all")
struct SnapshotCodingTests {
    private static let shard = ShardID(rawValue: 2)

    /// A shard whose rows have users of every form, and what each row is.
    private static func history() throws -> (cut: ShardCut, rows: [Decoded]) {
        let upload = Upload(
            id: UploadID(rawValue: 0), list: ListID(rawValue: 0),
            codes: .fixed(code: bytes("SAVE"), limit: 10_000, upload: UploadID(rawValue: 0)))
        var shard = Shard(id: shard, shardCount: 4, seed: 1)
        var rows: [Decoded] = []
        for (index, text) in (everyUser + everyUser.reversed()).enumerated() {
            let user = UserKey(text.span)
            let record = AllocationRecord(
                shard: Self.shard, sequence: SequenceNumber(rawValue: UInt64(index + 1)),
                givenAt: Timestamp(
                    milliseconds: index == 3 ? Timestamp.maximumMilliseconds : UInt64(index) << 33),
                campaign: CampaignID(rawValue: index == 5 ? UInt32(Limits.campaigns - 1) : 4),
                code: CodeID(upload: upload.id, ordinal: UInt32((index * 7919) % 10_000)), user: user)
            let userID = index % 2 == 0 ? [] : noise(index == 9 ? 255 : index, seed: 1)
            _ = try shard.apply(record, userBytes: text.span, userID: userID.span, upload: upload)
            rows.append(Decoded(record: record, user: user.isLong ? text : [], userID: userID))
        }
        return (shard.cut(), rows)
    }

    private static func decode(_ chunk: [UInt8], shard: ShardID = shard) throws -> [Decoded] {
        var found: [Decoded] = []
        try HistoryChunk.decode(chunk.span, shard: shard) { record, user, userID in
            guard case .allocation(let record) = record else { return }
            found.append(Decoded(record: record, user: bytes(of: user), userID: bytes(of: userID)))
        }
        return found
    }

    @Test("Every range of rows comes back with its numbers")
    func historyRoundTrip() throws {
        // Goal: a chunk is its rows. Method: all rows, a part, one row, none; and the wrong shard.
        let (cut, rows) = try Self.history()
        for range in [0..<rows.count, 5..<20, 17..<18, 3..<3] {
            let chunk = HistoryChunk.encode(range, of: cut)
            #expect(try Self.decode(chunk) == Array(rows[range]))
            #expect(chunk.count <= HistoryChunk.bytesMaximum)
            #expect(throws: RecordError.self) { try Self.decode(chunk, shard: ShardID(rawValue: 3)) }
            #expect(throws: RecordError.self) { try Self.decode(chunk + [0]) }
        }
    }

    @Test("Truncated and flipped chunks never crash the reader")
    func historyAttacks() throws {
        // Goal: as for records. Method: every cut, seeded flips; and numbers that would overflow.
        let (cut, rows) = try Self.history()
        let chunk = HistoryChunk.encode(0..<rows.count, of: cut)
        attack(chunk, seed: 3) { _ = try Self.decode($0) }
        for count in 0..<chunk.count {
            #expect(throws: RecordError.self) { try Self.decode(Array(chunk[..<count])) }
        }
        let largest = [UInt8](repeating: 0xFF, count: 9) + [1]
        let head = Array(chunk[..<5])
        #expect(throws: RecordError.self) { try Self.decode(head + largest + [1, 0, 0, 0, 0, 0, 1, 0x41]) }
        #expect(throws: RecordError.self) { try Self.decode(head + [0] + largest) }
        #expect(throws: RecordError.self) { try Self.decode(head + [0, 0x81, 0x80, 4]) }
    }

    @Test("Holds come back with their ends, in their order only")
    func holdRoundTrip() throws {
        // Goal: a chunk is its holds. Method: holds with every end and extreme times, in two chunks; every cut, flips,
        // and numbers that would overflow.
        var shard = Shard(id: Self.shard, shardCount: 4, seed: 1)
        var holds: [Hold] = []
        let upload = Upload(
            id: UploadID(rawValue: 0), list: ListID(rawValue: 0),
            codes: .fixed(code: bytes("SAVE"), limit: 10_000, upload: UploadID(rawValue: 0)))
        let ends: [HoldEnd?] = [
            nil, HoldEnd(.confirmed, codeIsFree: false, at: .zero),
            HoldEnd(.released, codeIsFree: true, at: Timestamp(milliseconds: 1 << 40)),
            HoldEnd(.expired, codeIsFree: false, at: Timestamp(milliseconds: Timestamp.maximumMilliseconds)),
        ]
        for index in 0..<40 {
            let record = AllocationRecord(
                shard: Self.shard, sequence: SequenceNumber(rawValue: UInt64(index + 1)), givenAt: .zero,
                campaign: CampaignID(rawValue: 0), code: CodeID(upload: upload.id, ordinal: UInt32(index)),
                user: UserKey(bytes("u\(index)").span))
            let nothing: [UInt8] = []
            _ = try shard.apply(record, userBytes: nothing.span, userID: nothing.span, upload: upload)
        }
        for index in 0..<20 {
            holds.append(
                Hold(
                    sequence: SequenceNumber(rawValue: index == 19 ? .max : UInt64(3 * index + 1)),
                    row: RowNumber(rawValue: UInt32(2 * index)),
                    deadline: Timestamp(milliseconds: index == 7 ? Timestamp.maximumMilliseconds : UInt64(index) << 30),
                    end: ends[index % 4]))
            try shard.restore(holds[index]) { upload.position(of: $0.ordinal) }
        }
        let cut = shard.cut()
        for range in [0..<20, 3..<9, 5..<5] {
            let chunk = HoldChunk.encode(range, of: cut)
            let first = range.lowerBound
            #expect(try HoldChunk.decode(chunk.span, shard: Self.shard, first: first) == Array(holds[range]))
            #expect(chunk.count <= HoldChunk.bytesMaximum)
            #expect(throws: RecordError.self) {
                try HoldChunk.decode(chunk.span, shard: ShardID(rawValue: 3), first: first)
            }
            #expect(throws: RecordError.self) {
                try HoldChunk.decode(chunk.span, shard: Self.shard, first: first + 1)
            }
            for count in 0..<chunk.count {
                let part = Array(chunk[..<count])
                #expect(throws: RecordError.self) {
                    try HoldChunk.decode(part.span, shard: Self.shard, first: first)
                }
            }
            attack(chunk, seed: 9) { _ = try HoldChunk.decode($0.span, shard: Self.shard, first: first) }
        }
        #expect(throws: ApplyError.noHold(SequenceNumber(rawValue: 5)), "behind a later one") {
            let early = Hold(
                sequence: SequenceNumber(rawValue: 5), row: RowNumber(rawValue: 39), deadline: .zero)
            try shard.restore(early) { upload.position(of: $0.ordinal) }
        }
    }

    @Test("Keys come back exactly or not at all")
    func keyRoundTrip() throws {
        // Goal: a chunk is its keys. Method: extreme numbers and texts; every cut, flips, a shard too many.
        let keys = (0..<30).map(Self.key)
        for part in [keys, [], Array(keys[3..<5])] {
            let chunk = KeyChunk.encode(part)
            #expect(try KeyChunk.decode(chunk.span, shardCount: 4) == part)
            #expect(chunk.count <= KeyChunk.bytesMaximum)
            #expect(throws: RecordError.self) { try KeyChunk.decode((chunk + [0]).span, shardCount: 4) }
            for count in 0..<chunk.count {
                #expect(throws: RecordError.self) {
                    try KeyChunk.decode(Array(chunk[..<count]).span, shardCount: 4)
                }
            }
            attack(chunk, seed: 10) { _ = try KeyChunk.decode($0.span, shardCount: 4) }
        }
        #expect(throws: RecordError.self) { try KeyChunk.decode(KeyChunk.encode(keys).span, shardCount: 3) }
    }

    private static func key(_ index: Int) -> KeyUse {
        let times: [Timestamp] = [7, Timestamp.maximumMilliseconds, 0].map { Timestamp(milliseconds: $0) }
        let (usedAt, givenAt) = (times[index % 3], times[index / 3 % 3])
        let answer = KeyAnswer(
            usedAt: usedAt,
            times: AllocationTimes(givenAt: givenAt, holdUntil: index % 2 == 0 ? nil : givenAt),
            holdMilliseconds: index % 5 == 0 ? UInt32.max : 0, isRepeat: index % 2 == 0)
        let keyByteCount = index % 7 == 0 ? 255 : 1
        let userIDCounts = [0, 3, 255]
        return KeyUse(
            shard: ShardID(rawValue: UInt16(index % 4)),
            sequence: SequenceNumber(rawValue: index == 9 ? UInt64.max : UInt64(index)),
            row: RowNumber(rawValue: index == 8 ? UInt32.max : UInt32(index)), answer: answer,
            keyByteCount: UInt8(keyByteCount),
            text: noise(keyByteCount + userIDCounts[index % 3], seed: UInt64(index)))
    }

    private static func unpack(_ packed: [UInt8], countMax: Int) -> [UInt8]? {
        var content = [UInt8](repeating: 9, count: 50)
        return PackedBlob.unpack(packed.span, countMax: countMax, into: &content) ? content : nil
    }

    @Test("Packed content comes back within its bound, and nothing larger is unpacked")
    func packed() {
        // Goal: no allocation by a stranger's number. Method: sizes, bounds, every cut and flip.
        for content in [[], [1], [UInt8](repeating: 7, count: 100_000), noise(10_000, seed: 1)] {
            let packed = PackedBlob.pack(content)
            #expect(Self.unpack(packed, countMax: content.count) == content)
            if !content.isEmpty {
                #expect(Self.unpack(packed, countMax: content.count - 1) == nil)
            }
            #expect(Self.unpack(packed + [0], countMax: 1 << 20) == nil)
        }
        let packed = PackedBlob.pack([UInt8](repeating: 7, count: 500) + noise(100, seed: 2))
        for count in 0..<packed.count {
            #expect(Self.unpack(Array(packed[..<count]), countMax: 1000) == nil)
        }
        attack(packed, seed: 4) { damaged in
            if let content = Self.unpack(damaged, countMax: 1000) {
                #expect(content.count <= 1000)
            }
        }
    }

    /// A chunk and what is behind it.
    private static let trail = AuditTrail(
        chunks: [BlobID(bytes: noise(32, seed: 8))], tail: ControlCodingTests.audit,
        hash: ControlCodingTests.hash)

    @Test("A chunk of the audit trail comes back whole, and nothing else is one")
    func auditChunks() throws {
        // Goal: a chunk is its records. Method: round trip, one record less, damage.
        let records = (0..<AuditChunk.recordsMaximum).map {
            ControlCodingTests.audit[$0 % ControlCodingTests.audit.count]
        }
        let chunk = AuditChunk.encode(records)
        #expect(try AuditChunk.decode(chunk.span) == records)
        var last: [UInt8] = []
        records[records.count - 1].encode(into: &last)
        #expect(throws: RecordError.self) { try AuditChunk.decode(Array(chunk.dropLast(last.count)).span) }
        #expect(throws: RecordError.self) { try AuditChunk.decode((chunk + last).span) }
        #expect(throws: RecordError.self) { try AuditChunk.decode(Array(chunk.dropFirst()).span) }
    }

    private static let manifest: Manifest = {
        let records = ControlCodingTests.entries.compactMap { entry -> ControlRecord? in
            if case .change(let record, _) = entry { record } else { nil }
        }
        let position = LanePosition(
            segment: SegmentNumber(rawValue: .max), frame: FrameNumber(rawValue: 9),
            previousHeaderCRC32C: 0xFFFF_FFFF)
        return Manifest(
            directory: testDirectory, number: 12, at: Timestamp(milliseconds: 1 << 40), revision: 99,
            catalog: .init(
                records: records, lapses: [.init(list: ListID(rawValue: 3), at: Timestamp(milliseconds: 5))]),
            audit: trail,
            shards: [
                .init(
                    lastSequence: SequenceNumber(rawValue: .max), rowCount: 70_000,
                    chunks: [BlobID(bytes: noise(32, seed: 1)), BlobID(bytes: noise(32, seed: 2))],
                    holdCount: 9, holdChunks: [BlobID(bytes: noise(32, seed: 7))]),
                .init(lastSequence: .none, rowCount: 0, chunks: []),
            ],
            keyChunks: [BlobID(bytes: noise(32, seed: 21))],
            lanes: [
                .init(lane: .control, position: .start, isIdle: false),
                .init(lane: .data, position: position, isIdle: true),
            ])
    }()

    @Test("A manifest comes back, and names every blob it needs")
    func manifestRoundTrip() throws {
        // Goal: a snapshot is what was cut. Method: every kind of record, shards with and without rows.
        let encoded = Self.manifest.encode()
        #expect(try Manifest(decoding: encoded.span, directory: testDirectory) == Self.manifest)
        #expect(Self.manifest.blobs.count == 6)
        let other = DirectoryID(bytes: [UInt8](repeating: 0, count: 16))
        #expect(throws: ManifestError.self) { try Manifest(decoding: encoded.span, directory: other) }
    }

    @Test("Every truncated or flipped manifest is refused; another version by its number")
    func manifestDamage() throws {
        // Goal: the checksum stands before every field. Method: each bit, each length, and version 3 well
        // made.
        let encoded = Self.manifest.encode()
        for count in 0..<encoded.count {
            #expect(throws: ManifestError.self) {
                try Manifest(decoding: encoded.span.extracting(0..<count), directory: testDirectory)
            }
        }
        for index in encoded.indices {
            var damaged = encoded
            damaged[index] ^= 1 << UInt8(index % 8)
            #expect(throws: ManifestError.self) {
                try Manifest(decoding: damaged.span, directory: testDirectory)
            }
        }
        var newer = Array(encoded.dropLast(4))
        newer[4] = 3
        newer.appendLittleEndian(CRC32C.checksum(newer.span))
        #expect(throws: ManifestError.malformed(.badField("version 3", offset: 4))) {
            try Manifest(decoding: newer.span, directory: testDirectory)
        }
    }

    @Test("Fields of a manifest whose checksum was made to match never crash the reader")
    func manifestAttacks() {
        // Goal: a faulty writer is refused, not trusted. Method: flips with the checksum made anew.
        let body = Array(Self.manifest.encode().dropLast(4))
        attack(body, seed: 6) { damaged in
            var whole = damaged
            whole.appendLittleEndian(CRC32C.checksum(damaged.span))
            _ = try Manifest(decoding: whole.span, directory: testDirectory)
        }
    }
}

@Suite("The simulated blob store keeps the door's contract")
struct SimulatedBlobStoreTests {
    @Test("Blobs and named files come back, and damage is noticed at the end")
    func contract() throws {
        // Goal: tests on the simulation mean something. Method: as for the real store.
        let store = SimulatedBlobStore()
        let writer = try store.makeWriter()
        try writer.append([1, 2, 3].span)
        let id = try writer.finish()
        #expect(try store.readAll(id) == [1, 2, 3])
        #expect(try store.contains(id))
        store.replace(id, with: [1, 2, 4])
        let failure = #expect(throws: StorageError.self) { try store.readAll(id) }
        #expect(failure?.problem == .damaged)
        try store.remove(id)
        #expect(try !store.contains(id))
        try store.writeNamed("m", [5])
        try store.setAside("m")
        #expect(try store.listNamed().isEmpty)
        store.fail(call: 1)
        #expect(throws: StorageError.self) { try store.writeNamed("m", [6]) }
        #expect(store.failureCount == 1)
    }
}
