import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

/// One user of every form and edge.
let everyUser: [[UInt8]] =
    (1...16).map { noise($0, seed: UInt64($0)) } + [
        bytes("123e4567-e89b-12d3-a456-426614174000"), bytes("123E4567-E89B-12D3-A456-426614174000"),
        bytes("00000000-0000-0000-0000-000000000000"), bytes("99999999-9999-9999-9999-99999999999A"),
        bytes("123E4567-e89b-12d3-a456-426614174000"), noise(17, seed: 1), noise(36, seed: 2),
        noise(255, seed: 3),
    ]

/// One decoded allocation with the bytes beside it.
struct Decoded: Equatable {
    let record: AllocationRecord
    let user: [UInt8]
    let userID: [UInt8]
}

func decodeAllocations(_ payload: [UInt8], shardCount: UInt16 = 4) throws -> [Decoded] {
    var found: [Decoded] = []
    try AllocationDecoder.decode(payload.span, shardCount: shardCount) { record, user, userID in
        guard case .allocation(let record) = record else { return }
        found.append(Decoded(record: record, user: bytes(of: user), userID: bytes(of: userID)))
    }
    return found
}

/// Tries every truncation, and flips of every byte, in a decoder that may only decode or throw.
func attack(_ whole: [UInt8], seed: UInt64, _ decode: ([UInt8]) throws -> Void) {
    var random = SplitMix64(seed: seed)
    for count in 0..<whole.count { try? decode(Array(whole[..<count])) }
    for index in whole.indices {
        for change in [0x80, UInt8.random(in: 1...255, using: &random)] {
            var damaged = whole
            damaged[index] ^= change
            try? decode(damaged)
        }
    }
    for _ in 0..<500 {
        var damaged = whole
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            damaged[Int.random(in: 0..<damaged.count, using: &random)] =
                Bool.random(using: &random)
                ? 0xFF : UInt8.random(in: 0...255, using: &random)
        }
        try? decode(damaged)
    }
}

@Suite("Allocation records read back exactly or not at all")
struct AllocationCodingTests {
    private static var records: [Decoded] {
        var random = SplitMix64(seed: 4)
        return everyUser.enumerated().map { index, text in
            let user = UserKey(text.span)
            let sequence = SequenceNumber(rawValue: random.next() >> 1)
            let givenAt = Timestamp(
                milliseconds: index == 3 ? Timestamp.maximumMilliseconds : random.next() >> 20)
            let record = AllocationRecord(
                shard: ShardID(rawValue: UInt16(index % 4)), sequence: sequence, givenAt: givenAt,
                campaign: CampaignID(rawValue: index == 4 ? .max : UInt32(index)),
                code: CodeID(
                    upload: UploadID(rawValue: .max - UInt32(index)), ordinal: index == 5 ? .max : 17),
                user: user,
                holdUntil: [nil, .zero, Timestamp(milliseconds: Timestamp.maximumMilliseconds)][index % 3]
                    .map { max($0, givenAt) })
            let userID = index % 3 == 0 ? [] : noise(index == 7 ? 255 : index, seed: UInt64(index))
            return Decoded(record: record, user: user.isLong ? text : [], userID: userID)
        }
    }

    private static func encoded(_ records: [Decoded], _ encoder: inout AllocationEncoder) -> [UInt8] {
        var batch: [UInt8] = []
        for one in records {
            encoder.encode(one.record, userBytes: one.user.span, userID: one.userID.span, into: &batch)
        }
        return batch
    }

    @Test("All user forms come back, and each frame reads alone")
    func roundTrip() throws {
        // Goal: nothing is lost in differences. Method: extreme values in one frame, twice.
        var encoder = AllocationEncoder(shardCount: 4)
        let first = Self.encoded(Self.records, &encoder)
        encoder.startFrame()
        let second = Self.encoded(Self.records, &encoder)
        #expect(first == second, "a frame counts from nothing")
        #expect(try decodeAllocations(first) == Self.records)
        for one in Self.records where !one.record.user.isLong {
            var text: [UInt8] = []
            one.record.user.appendText(to: &text)
            #expect(everyUser.contains(text))
        }
    }

    @Test("What was imported comes back with both its times")
    func importsComeBack() throws {
        // Goal: nothing is lost, whatever stands around it. Method: every user under extreme times, between
        // allocations.
        let latest = Timestamp(milliseconds: Timestamp.maximumMilliseconds)
        let imports = everyUser.enumerated().map { index, text in
            ImportRecord(
                allocation: AllocationRecord(
                    shard: ShardID(rawValue: UInt16(index % 4)),
                    sequence: SequenceNumber(rawValue: UInt64(index) << 50),
                    givenAt: index % 2 == 0 ? .zero : latest, campaign: CampaignID(rawValue: .max),
                    code: CodeID(upload: UploadID(rawValue: .max), ordinal: index % 3 == 0 ? .max : 0),
                    user: UserKey(text.span)),
                at: latest)
        }
        var encoder = AllocationEncoder(shardCount: 4)
        var batch: [UInt8] = []
        for (one, text) in zip(imports, everyUser) {
            encoder.encode(one, userBytes: text.span, into: &batch)
            encoder.encode(Self.records[0].record, userBytes: [UInt8]().span, userID: [UInt8]().span, into: &batch)
        }
        var found: [ImportRecord] = []
        var texts: [[UInt8]] = []
        func read(_ payload: [UInt8]) throws {
            try AllocationDecoder.decode(payload.span, shardCount: 4) { record, user, _ in
                guard case .imported(let record) = record else { return }
                found.append(record)
                texts.append(bytes(of: user))
            }
        }
        try read(batch)
        #expect(found == imports)
        #expect(texts == everyUser.map { UserKey($0.span).isLong ? $0 : [] })
        #expect(ShardRecord.imported(imports[1]).at == latest)
        attack(batch, seed: 8, read)
    }

    @Test("Records of one moment take no more than is told beforehand")
    func boundOfManyRecords() throws {
        // Goal: whoever asks how much room many allocations need is never told too little. Method: every form of user
        // under the largest numbers, each difference as large as it can be; a frame that has a record before them.
        let texts = [1, 15, 16, 17, 35, 37, 254, 255].map { [UInt8](repeating: 0x7A, count: $0) } + everyUser
        var encoder = AllocationEncoder(shardCount: 256)
        var batch: [UInt8] = []
        var (sequence, count, userBytes) = (UInt64(1) << 62, 0, 0)
        for turn in 0..<40 {
            for text in texts {
                let user = UserKey(text.span)
                sequence += turn < 2 ? 1 : 1 << 34
                let record = AllocationRecord(
                    shard: ShardID(rawValue: 255 - UInt16(turn % 2)),
                    sequence: SequenceNumber(rawValue: sequence),
                    givenAt: Timestamp(milliseconds: Timestamp.maximumMilliseconds),
                    campaign: CampaignID(rawValue: 65_535),
                    code: CodeID(
                        upload: UploadID(rawValue: 1_048_575), ordinal: count % 2 == 0 ? 1_000_000_000 : 0),
                    user: user, holdUntil: nil)
                if turn % 4 < 2 {
                    encoder.encode(record, userBytes: text.span, userID: [UInt8]().span, into: &batch)
                } else {
                    let again = RepeatRecord(
                        shard: record.shard, behind: record.sequence, at: record.givenAt,
                        campaign: record.campaign, code: record.code, user: user, holdUntil: nil)
                    encoder.encode(again, userBytes: text.span, userID: [UInt8]().span, into: &batch)
                }
                count += 1
                userBytes += AllocationEncoder.bytes(of: user, text: text.span)
                let most = AllocationEncoder.bytesMax(ofTogether: count, userBytes: userBytes, shardCount: 2)
                #expect(batch.count <= most, "\(count) records")
            }
        }
        let slack = AllocationEncoder.bytesMax(ofTogether: 0, userBytes: 0, shardCount: 2)
        let most = AllocationEncoder.bytesMax(ofTogether: count, userBytes: userBytes, shardCount: 2)
        #expect(batch.count > most - slack - count, "and not much too much")
    }

    @Test("Truncated and flipped records never crash the reader")
    func attacks() throws {
        // Goal: bytes from a disk cannot stop the program without a word. Method: every cut, seeded flips.
        var encoder = AllocationEncoder(shardCount: 4)
        let whole = Self.encoded(Self.records, &encoder)
        attack(whole, seed: 1) { _ = try decodeAllocations($0) }
        // A cut between records is a shorter frame, any other throws.
        var ends: [Int] = []
        var single = AllocationEncoder(shardCount: 4)
        var batch: [UInt8] = []
        for one in Self.records {
            single.encode(one.record, userBytes: one.user.span, userID: one.userID.span, into: &batch)
            ends.append(batch.count)
        }
        for count in 1..<whole.count where !ends.contains(count) {
            #expect(throws: RecordError.self) { try decodeAllocations(Array(whole[..<count])) }
        }
    }

    @Test("Ends of holds come back among allocations, and no other byte is one")
    func holdEnds() throws {
        // Goal: each kind of end, with its hold far and near. Method: round trip; every value of the last byte.
        let times = [0, 5, Timestamp.maximumMilliseconds].map { Timestamp(milliseconds: $0) }
        let ends = times.flatMap { time in
            [
                HoldEnd(.confirmed, codeIsFree: false, at: time), HoldEnd(.released, codeIsFree: false, at: time),
                HoldEnd(.released, codeIsFree: true, at: time), HoldEnd(.expired, codeIsFree: false, at: time),
                HoldEnd(.expired, codeIsFree: true, at: time),
            ]
        }
        var encoder = AllocationEncoder(shardCount: 4)
        var batch: [UInt8] = []
        var expected: [ShardRecord] = []
        for (index, end) in ends.enumerated() {
            let sequence = UInt64(index % 2 == 0 ? 9 + index : Int.max - 20 + index)
            let record = HoldEndRecord(
                shard: ShardID(rawValue: UInt16(index % 4)), sequence: SequenceNumber(rawValue: sequence),
                hold: SequenceNumber(rawValue: index % 3 == 0 ? 1 : sequence - 1), end: end)
            encoder.encode(record, into: &batch)
            let one = Self.records[index % Self.records.count]
            encoder.encode(one.record, userBytes: one.user.span, userID: one.userID.span, into: &batch)
            expected += [.holdEnd(record), .allocation(one.record)]
        }
        var found: [ShardRecord] = []
        try AllocationDecoder.decode(batch.span, shardCount: 4) { record, _, _ in found.append(record) }
        #expect(found == expected)
        attack(batch, seed: 8) { damaged in
            try AllocationDecoder.decode(damaged.span, shardCount: 4) { _, _, _ in }
        }
        func decode(_ bytes: [UInt8]) throws { try AllocationDecoder.decode(bytes.span, shardCount: 4) { _, _, _ in } }
        for how in UInt8.min...UInt8.max {
            let record: [UInt8] = [0x18, 0, 9, 2, 8, how]
            if [1, 2, 3, 0x12, 0x13].contains(how) {
                try decode(record)
            } else {
                #expect(throws: RecordError.self) { try decode(record) }
            }
        }
        for distance: UInt8 in [0, 9, 10] {
            #expect(throws: RecordError.self, "a hold before the first record, or the end's own") {
                try decode([0x18, 0, 9, 2, distance, 1])
            }
        }
    }

    @Test("Keys come back among allocations, with the bytes beside them")
    func keys() throws {
        // Goal: each form of answer and text. Method: round trip of every user with texts of extreme lengths and
        // extreme times; every cut, flips, and every value of the status.
        let times = [0, 5, Timestamp.maximumMilliseconds].map { Timestamp(milliseconds: $0) }
        var encoder = AllocationEncoder(shardCount: 4)
        var batch: [UInt8] = []
        var expected: [(record: ShardRecord, user: [UInt8], text: [UInt8])] = []
        for (index, one) in Self.records.enumerated() {
            encoder.encode(one.record, userBytes: one.user.span, userID: one.userID.span, into: &batch)
            let record = Self.key(times: times, index, of: one.record)
            let userID = noise([0, 1, 255][index % 3], seed: UInt64(index))
            let text = noise(Int(record.keyByteCount), seed: 5) + userID
            encoder.encode(record, userBytes: one.user.span, text: text.span, into: &batch)
            expected += [(.allocation(one.record), one.user, one.userID), (.key(record), one.user, text)]
        }
        var found: [(record: ShardRecord, user: [UInt8], text: [UInt8])] = []
        try AllocationDecoder.decode(batch.span, shardCount: 4) { record, user, text in
            found.append((record, bytes(of: user), bytes(of: text)))
        }
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) { #expect(found == expected) }
        attack(batch, seed: 12) { damaged in
            try AllocationDecoder.decode(damaged.span, shardCount: 4) { _, _, _ in }
        }
        func decode(_ bytes: [UInt8]) throws {
            try AllocationDecoder.decode(bytes.span, shardCount: 4) { _, _, _ in }
        }
        for status in UInt8.min...UInt8.max {
            let record: [UInt8] = [0x14, 0, 9, 2, 0, 1, 0x75, status, 0, 0, 0, 1, 0, 0x6B]
            if status == 1 || status == 2 {
                try decode(record)
            } else {
                #expect(throws: RecordError.self) { try decode(record) }
            }
        }
        #expect(throws: RecordError.self, "an empty key") {
            try decode([0x14, 0, 9, 2, 0, 1, 0x75, 1, 0, 0, 0, 0, 1, 0x6B])
        }
    }

    @Test("Repeats come back among allocations, and whoever wants none is not told")
    func repeats() throws {
        // Goal: each form of repeat, and what stands beside it. Method: round trip of every user with extreme times and
        // ids, the last sequence number of the shard as it is and as it was; every cut, and flips.
        let times = [0, 5, Timestamp.maximumMilliseconds].map { Timestamp(milliseconds: $0) }
        var encoder = AllocationEncoder(shardCount: 4)
        var batch: [UInt8] = []
        var expected: [(record: RepeatRecord, user: [UInt8], userID: [UInt8])] = []
        for (index, one) in Self.records.enumerated() {
            encoder.encode(one.record, userBytes: one.user.span, userID: one.userID.span, into: &batch)
            let record = RepeatRecord(
                shard: one.record.shard, behind: one.record.sequence, at: times[index % 3],
                campaign: one.record.campaign, code: one.record.code, user: one.record.user,
                holdUntil: index % 2 == 0 ? nil : times[2])
            let userID = noise([0, 1, 255][index % 3], seed: UInt64(index))
            encoder.encode(record, userBytes: one.user.span, userID: userID.span, into: &batch)
            expected.append((record, one.user, userID))
        }
        var found: [(record: RepeatRecord, user: [UInt8], userID: [UInt8])] = []
        try AllocationDecoder.decode(
            batch.span, shardCount: 4,
            repeats: { found.append(($0, bytes(of: $1), bytes(of: $2))) }, { _, _, _ in })
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) { #expect(found == expected) }
        #expect(try decodeAllocations(batch) == Self.records)
        attack(batch, seed: 16) { damaged in
            try AllocationDecoder.decode(damaged.span, shardCount: 4) { _, _, _ in }
        }
    }

    private static func key(times: [Timestamp], _ index: Int, of record: AllocationRecord) -> KeyRecord {
        let givenAt = times[index / 3 % 3]
        let holdUntil = index % 2 == 0 ? nil : givenAt.adding(milliseconds: UInt64(index))
        return KeyRecord(
            shard: record.shard, sequence: record.sequence.next, campaign: record.campaign, user: record.user,
            answer: KeyAnswer(
                usedAt: times[index % 3],
                times: AllocationTimes(givenAt: givenAt, holdUntil: holdUntil),
                holdMilliseconds: index % 4 == 0 ? 0 : .max, isRepeat: index % 2 == 0),
            keyByteCount: index % 5 == 0 ? 255 : 1)
    }

    @Test("Each user is accepted in its one form only")
    func canonicalUsers() throws {
        // Goal: one user is never two. Method: other spellings of the same ids, behind the fields of a
        // record.
        let uuid = bytes("00112233-4455-6677-8899-001122334455")
        let letters = bytes("0011223a-4455-6677-8899-001122334455")
        let digits = [UInt8](repeating: 0x12, count: 16)
        let refused: [(name: String, user: [UInt8])] = [
            ("upper-case UUID without a letter", [18] + digits),
            ("long text of 16 bytes", [19, 16] + digits), ("long text of no bytes", [19, 0]),
            ("UUID as long text", [19, 36] + uuid), ("UUID with letters as long text", [19, 36] + letters),
            ("form 0", [0]), ("form 20", [20] + digits), ("form 255", [255] + digits),
        ]
        func record(_ user: [UInt8]) -> [UInt8] { [0x10, 0, 1, 2, 0, 0, 0] + user }
        for (name, user) in refused {
            #expect(throws: RecordError.self, "\(name)") { try decodeAllocations(record(user)) }
        }
        for letter in UInt8(0xA)...0xF {
            for place in 0..<16 {
                for high in [true, false] {
                    var user = digits
                    user[place] = high ? letter << 4 | 2 : 0x10 | letter
                    let found = try decodeAllocations(record([18] + user))
                    #expect(found.first?.record.user.form == UserKey.uppercaseUUID)
                }
            }
        }
        for text in everyUser {
            let key = UserKey(text.span)
            var user: [UInt8] = []
            user.appendUser(key, text: text.span)
            #expect(try decodeAllocations(record(user)).first?.record.user == key)
        }
    }

    @Test("Fields out of their range are refused")
    func badFields() {
        // Goal: no index out of range further on. Method: one wrong field each.
        let user: [UInt8] = [1, 0x41]
        let large: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]
        let bad: [(name: String, bytes: [UInt8])] = [
            ("tag", [0x12, 0, 1, 2, 0, 0, 0] + user), ("shard", [0x10, 4, 1, 2, 0, 0, 0] + user),
            ("negative time", [0x10, 0, 1, 1, 0, 0, 0] + user),
            ("time", [0x10, 0, 1] + large + [0, 0, 0] + user),
            ("campaign", [0x10, 0, 1, 2] + large + [0, 0] + user),
            ("upload", [0x10, 0, 1, 2, 0] + large + [0] + user),
            ("negative ordinal", [0x10, 0, 1, 2, 0, 0, 1] + user),
            ("number of 11 bytes", [0x10, 0, 0x80] + large + [2, 0, 0, 0] + user),
            ("empty user id", [0x11, 0, 1, 2, 0, 0, 0] + user + [0]),
            ("user id too short", [0x11, 0, 1, 2, 0, 0, 0] + user + [2, 9]),
        ]
        for (name, payload) in bad {
            #expect(throws: RecordError.self, "\(name)") { try decodeAllocations(payload) }
        }
    }
}
