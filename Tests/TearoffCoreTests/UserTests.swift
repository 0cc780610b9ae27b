import Testing

@testable import TearoffCore

@Suite("User keys: a user's text comes back byte for byte")
struct UserKeyTests {
    private static func text(_ key: UserKey) -> [UInt8] {
        var output: [UInt8] = []
        key.appendText(to: &output)
        return output
    }

    /// Goal: no length is lost or confused. Method: random bytes of each length; long ones through a shard's
    /// history.
    @Test(arguments: 1...Limits.userBytes)
    func everyLengthRoundTrips(length: Int) throws {
        var random = SplitMix64(seed: UInt64(length))
        let user = (0..<length).map { _ in UInt8.random(in: 0x21...0x7E, using: &random) }
        let key = UserKey(user.span)
        #expect(key.isLong == (length > 16))
        if !key.isLong { #expect(Self.text(key) == user) }
        var shard = Shard.alone()
        let supply = try Supply(codes: 1)
        let name = String(decoding: user, as: UTF8.self)
        _ = try shard.allocate(name, at: 1, in: supply, userID: name)
        var output: [UInt8] = []
        shard.appendUser(of: shard.rows[RowNumber(rawValue: 0)], to: &output)
        shard.appendUserID(of: shard.rows[RowNumber(rawValue: 0)], to: &output)
        #expect(output == user + user)
    }

    /// Goal: every byte value is kept, zeros at the end too. Method: short ids that differ in trailing zeros
    /// only.
    @Test func zeroBytesCount() {
        let users: [[UInt8]] = [[0], [0, 0], [1], [1, 0], [UInt8](repeating: 0, count: 16), [0xFF, 0x80]]
        for user in users { #expect(Self.text(UserKey(user.span)) == user) }
        for (index, user) in users.enumerated() {
            for other in users[(index + 1)...] { #expect(UserKey(user.span) != UserKey(other.span)) }
        }
    }

    /// Goal: UUIDs of one case take 16 bytes. Method: lower, upper and digits only.
    @Test(arguments: [
        "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ])
    func uuidsAreShort(user: String) {
        let key = UserKey(bytes(user).span)
        #expect(!key.isLong)
        #expect(Self.text(key) == bytes(user))
    }

    /// Goal: what only looks like a UUID keeps its text. Method: one fault each; also case makes another
    /// user.
    @Test(arguments: [
        "123e4567-E89B-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400g",
        "123e4567ae89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-4266141740000",
        "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a4565-26614174000",
        "-23e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400\u{0}",
    ])
    func nearUUIDsAreLong(user: String) {
        #expect(UserKey(bytes(user).span).isLong)
    }

    /// Goal: users that differ in case alone are two users. Method: the same UUID in both cases.
    @Test func caseMakesAnotherUser() {
        let lower = UserKey(bytes("abcdefab-e89b-12d3-a456-426614174000").span)
        let upper = UserKey(bytes("ABCDEFAB-E89B-12D3-A456-426614174000").span)
        #expect(lower != upper)
        #expect(lower.low == upper.low && lower.high == upper.high)
    }
}

@Suite("Routing: a user's slot is Redis Cluster's")
struct UserRoutingTests {
    /// Goal: the CRC is XMODEM. Method: its check value, and slots as `CLUSTER KEYSLOT` tells them.
    @Test func slotsAreThoseOfRedisCluster() {
        #expect(UserRouting.slot(of: bytes("123456789").span) == 0x31C3)
        #expect(UserRouting.slot(of: bytes("foo").span) == 12_182)
        #expect(UserRouting.slot(of: bytes("").span) == 0)
    }

    /// Goal: every length gives the right checksum, whole words and rest alike. Method: against a CRC16 that takes one
    /// bit at a time, on random bytes of each length.
    @Test func everyLengthHasItsChecksum() {
        var random = SplitMix64(seed: 16)
        for count in 1...255 {
            let user = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) | 0x80 }
            var crc: UInt16 = 0
            for byte in user {
                crc ^= UInt16(byte) << 8
                for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
            }
            #expect(UserRouting.slot(of: user.span) == crc % 16_384, "\(count) bytes")
        }
    }

    /// Goal: a tag is seen wherever it stands. Method: at every place of a user of 40 bytes.
    @Test func aTagIsSeenAnywhere() {
        for place in 0..<37 {
            var user = [UInt8](repeating: 0x78, count: 40)
            user[place] = 0x7B
            user[place + 2] = 0x7D
            #expect(UserRouting.slot(of: user.span) == UserRouting.slot(of: bytes("x").span), "at \(place)")
        }
    }

    /// Goal: hash tags as the Redis Cluster specification tells them. Method: its own examples.
    @Test func hashTagsDecideTheSlot() {
        func slot(_ text: String) -> UInt16 { UserRouting.slot(of: bytes(text).span) }
        func plain(_ text: String) -> UInt16 { slot(text) }
        #expect(slot("{user1000}.following") == plain("user1000"))
        #expect(slot("{user1000}.following") == slot("{user1000}.followers"))
        #expect(slot("foo{bar}{zap}") == plain("bar"))
        #expect(slot("foo{{bar}}zap") == plain("{bar"))
        #expect(slot("foo{}{bar}") != plain("bar"))
        #expect(slot("foo{bar") != plain("bar"))
        #expect(slot("foo}bar{baz}") == plain("baz"))
    }

    /// Goal: shards get equal shares. Method: 160,000 numbered users; each shard within 5 % of its share.
    @Test(arguments: [1, 2, 16] as [UInt16])
    func usersSpreadEvenly(shardCount: UInt16) {
        let routing = UserRouting(shardCount: shardCount)
        var counts = [Int](repeating: 0, count: Int(shardCount))
        for number in 0..<160_000 {
            counts[Int(routing.shard(of: bytes("user:\(number)").span).rawValue)] += 1
        }
        let share = 160_000 / Int(shardCount)
        #expect(counts.allSatisfy { abs($0 - share) < share / 20 + 1 }, "\(counts)")
    }
}

@Suite("Hashes: equal bytes meet, others part, and nobody can choose who meets")
struct ByteHashTests {
    /// Goal: no collision among near texts, and the seed matters. Method: 200,000 numbered texts.
    @Test func nearTextsHaveDifferentHashes() {
        let hashes = Set((0..<200_000).map { ByteHash.hash(bytes("code-\($0)").span, seed: 3) })
        #expect(hashes.count == 200_000)
        #expect(ByteHash.hash(bytes("a").span, seed: 1) != ByteHash.hash(bytes("a").span, seed: 2))
        let zeros = (0..<64).map { ByteHash.hash([UInt8](repeating: 0, count: $0).span, seed: 0) }
        #expect(Set(zeros).count == 64)
    }

    /// Goal: the hash's own constants cannot be used to make all texts alike. Method: texts that hold them.
    @Test(arguments: [0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB] as [UInt64])
    func theConstantsAreNoWeakWords(constant: UInt64) {
        let tail = (0..<8).map { UInt8(truncatingIfNeeded: constant >> UInt64($0 * 8)) }
        let hashes = Set(
            (0..<1_000).map { ByteHash.hash((bytes("\($0 + 10_000_000)") + tail).span, seed: 77) })
        #expect(hashes.count == 1_000)
    }
}
