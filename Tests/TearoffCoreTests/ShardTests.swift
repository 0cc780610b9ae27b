import Testing

@testable import TearoffCore

@Suite("Shards: records are facts, and none is applied twice")
struct ShardTests {
    private static func record(
        shard: UInt16 = 0, sequence: UInt64 = 1, ordinal: UInt32 = 0, user: String = "u"
    ) -> AllocationRecord {
        AllocationRecord(
            shard: ShardID(rawValue: shard), sequence: SequenceNumber(rawValue: sequence),
            givenAt: instant(1),
            campaign: CampaignID(rawValue: 0), code: code(ordinal), user: UserKey(bytes(user).span))
    }

    /// Goal: each untruth in a record is refused by its name and leaves the shard as it was. Method: one at a
    /// time.
    @Test func untrueRecordsAreRefused() throws {
        let supply = try Supply(codes: 4)
        var shard = Shard.alone()
        func refusal(of record: AllocationRecord) -> ApplyError? {
            do throws(ApplyError) {
                try shard.replay(record, user: "u", in: supply)
                return nil
            } catch { return error }
        }
        #expect(refusal(of: Self.record(sequence: 3)) == nil)
        let id = ShardID(rawValue: 0)
        #expect(
            refusal(of: Self.record(shard: 1, sequence: 4, ordinal: 1))
                == .wrongShard(expected: id, found: ShardID(rawValue: 1)))
        for sequence in [1, 3] as [UInt64] {
            #expect(
                refusal(of: Self.record(sequence: sequence, ordinal: 1))
                    == .sequenceTwice(shard: id, sequence: SequenceNumber(rawValue: sequence)))
        }
        #expect(refusal(of: Self.record(sequence: 4, ordinal: 4)) == .ordinalBeyondUpload(code(4)))
        #expect(shard.rows.count == 1 && shard.lastSequence == SequenceNumber(rawValue: 3))
        #expect(shard.tally(of: UploadID(rawValue: 0)).given == 1)
        let owner = supply.catalog[UploadID(rawValue: 0)].codes.owner(of: 0)
        #expect(owner?.row(shardCount: 1) == RowNumber(rawValue: 0), "the first owner stays")
        #expect(refusal(of: Self.record(sequence: 9, ordinal: 1)) == nil, "a missing number is no error")
        // A hold of the first one may have gone back: only behind all records is it known that none has.
        #expect(refusal(of: Self.record(sequence: 10, ordinal: 0, user: "v")) == nil)
        #expect(throws: ApplyError.codeGivenTwice(code(0))) {
            try shard.settleAfterRecovery { supply.catalog.position(of: $0) }
        }
    }

    /// Goal: a code that is somebody's is given to nobody, though a cursor came to it again. Method: the next code has an
    /// owner.
    @Test func aCodeThatHasAnOwnerIsNotGiven() throws {
        let supply = try Supply(codes: 4)
        var shard = Shard.alone()
        let owner = try #require(CodeOwner(rawValue: 1))
        #expect(supply.pool.strips[0].setOwner(owner, at: 0))
        #expect(throws: ApplyError.codeGivenTwice(code(0))) { _ = try shard.allocate("u", at: 1, in: supply) }
        #expect(supply.catalog[UploadID(rawValue: 0)].codes.owner(of: 0) == owner)
        #expect(shard.rows.count == 0)
    }

    /// Goal: long users are told apart and long ids come back. Method: users that share 254 bytes.
    @Test func longUsersAreToldApart() throws {
        let supply = try Supply(codes: 40)
        var shard = Shard.alone()
        let stem = String(repeating: "x", count: 254)
        for (number, letter) in "abcdefghij".enumerated() {
            let given = try shard.allocate("\(stem)\(letter)", at: 1, in: supply, userID: "\(letter)\(stem)")
            #expect(given.answer == .new(code(UInt32(number))))
        }
        for (number, letter) in "abcdefghij".enumerated() {
            #expect(try shard.answer("\(stem)\(letter)", at: 2, in: supply) == .again(code(UInt32(number))))
            let row = shard.rows[RowNumber(rawValue: UInt32(number))]
            var (user, userID): ([UInt8], [UInt8]) = ([], [])
            shard.appendUser(of: row, to: &user)
            shard.appendUserID(of: row, to: &userID)
            #expect(user == bytes("\(stem)\(letter)") && userID == bytes("\(letter)\(stem)"))
        }
    }

    /// Goal: two long users of one hash stay two. Method: the second is computed to meet the first, which the
    /// known seed 0 allows; the premise is checked.
    @Test func longUsersOfOneHashAreToldApart() throws {
        let constant: UInt64 = 0xA076_1D64_78BD_642F
        let key = ByteHash.fold(0, constant)
        let start = ByteHash.fold(0, 24)
        let (one, other) = (UInt64(1), UInt64(2))
        let difference = ByteHash.fold(start ^ one, key) ^ ByteHash.fold(start ^ other, key)
        let users = [[one, 3, 4], [other, 3 ^ difference, 4]].map { words in
            words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
        }
        let keys = users.map { UserKey($0.span) }
        #expect(users[0] != users[1] && keys[0] == keys[1])
        let supply = try Supply(codes: 4)
        var shard = Shard.alone(seed: 0)
        for (number, user) in users.enumerated() {
            let key = AllocationKey(campaign: supply.campaign, user: user.span, seed: 0)
            let terms = supply.catalog.terms(of: supply.campaign)
            guard
                case .new(let due) = shard.decide(
                    key, bytes: user.span, terms: terms, now: instant(1), day: .utc(containing: instant(1)))
            else {
                Issue.record("user \(number) got the code of another")
                return
            }
            #expect(due.record.code == code(UInt32(number)))
            let none: [UInt8] = []
            _ = try shard.apply(due, userBytes: user.span, userID: none.span)
        }
    }

    /// Goal: a history is latest first and bounded. Method: 20 givings to one user among others.
    @Test func historyIsLatestFirst() throws {
        let supply = try Supply(codes: 60, rule: .always)
        var shard = Shard.alone()
        for time in 0..<UInt64(20) {
            for user in ["u", "v"] { _ = try shard.answer(user, at: time, in: supply) }
        }
        let times = history(of: "u", in: shard).map(\.givenAt.milliseconds)
        #expect(times == (0..<20).reversed())
        let latest = history(of: "u", in: shard, maximum: 3).map(\.givenAt.milliseconds)
        #expect(latest == [19, 18, 17])
        #expect(history(of: "w", in: shard).isEmpty)
    }

    /// Goal: a cut stays what it was. Method: cut in mid-chunk, then add over two more chunks.
    @Test func aCutDoesNotSeeWhatComesAfter() throws {
        let supply = try Supply(codes: 10_000)
        var shard = Shard.alone()
        func user(_ number: UInt64) -> String { "a-user-with-a-long-name-\(number)" }
        for number in 0..<UInt64(5_000) {
            _ = try shard.allocate(user(number), at: number, in: supply, userID: "id\(number)")
        }
        let cut = shard.cut()
        for number in UInt64(5_000)..<10_000 { _ = try shard.answer(user(number), at: number, in: supply) }
        #expect(cut.rows.count == 5_000 && shard.rows.count == 10_000)
        #expect(cut.lastSequence == SequenceNumber(rawValue: 5_000))
        for number in 0..<UInt64(5_000) {
            let row = cut.rows[RowNumber(rawValue: UInt32(number))]
            #expect(row.givenAt == instant(number) && row.code == code(UInt32(number)))
            #expect(
                cut.user(of: row).bytes == bytes(user(number)) && cut.userID(of: row) == bytes("id\(number)"))
        }
    }

    /// Goal: a snapshot's last number is not handed out again. Method: advance, then give; never backwards.
    @Test func advancingSkipsNumbers() throws {
        let supply = try Supply(codes: 2)
        var shard = Shard.alone()
        shard.advance(to: SequenceNumber(rawValue: 41))
        shard.advance(to: SequenceNumber(rawValue: 12))
        #expect(try shard.allocate("u", at: 1, in: supply).record?.sequence == SequenceNumber(rawValue: 42))
    }

    /// Goal: users built from the hash's constants do not all meet. Method: 3,000 such UUIDs, index bytes as
    /// usual.
    @Test func chosenUsersDoNotMeetInOnePage() throws {
        let supply = try Supply(codes: 3_000)
        var shard = Shard.alone(seed: 0x5EED)
        for number in 0..<3_000 {
            let user = "\(10_000_000 + number)-0000-4000-e703-7ed1a0b428db"
            #expect(try shard.answer(user, at: 1, in: supply) == .new(code(UInt32(number))))
        }
        #expect(shard.indexByteCount <= 4 * (2_048 * 8 + 64) + 64)
    }
}

@Suite("Shards against a model of plain dictionaries")
struct ShardModelTests {
    private struct Given {
        let at: UInt64
        let code: CodeID
    }

    /// Goal: the rules as told in DESIGN.md, and replay. Method: random requests against a dictionary and a
    /// counter written apart from the code; then the records alone make the same shard again.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func agreesWithDictionaries(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let window = UInt64.random(in: 1...300, using: &random)
        let codes = Int.random(in: 200...3_000, using: &random)
        let supply = try Supply(codes: codes, rule: .window(milliseconds: window))
        var shard = Shard.alone(seed: seed)
        var model: [String: [Given]] = [:]
        var next: UInt32 = 0
        var now: UInt64 = 0
        var facts: [(record: AllocationRecord, user: String)] = []
        for _ in 0..<6_000 {
            now += UInt64.random(in: 0...2, using: &random)
            let user = Self.user(UInt64.random(in: 0..<400, using: &random))
            let outcome = try shard.allocate(user, at: now, in: supply)
            if let last = model[user]?.last, now - last.at < window {
                #expect(outcome.answer == .again(last.code), "SEED=\(seed)")
            } else if next < codes {
                #expect(outcome.answer == .new(code(next)), "SEED=\(seed)")
                model[user, default: []].append(Given(at: now, code: code(next)))
                next += 1
            } else {
                #expect(outcome.answer == .refused(.poolEmpty), "SEED=\(seed)")
            }
            if let record = outcome.record { facts.append((record, user)) }
        }
        #expect(shard.tally(of: UploadID(rawValue: 0)).given == UInt64(next))
        #expect(supply.pool.totalFree == UInt64(codes) - UInt64(next))

        let later = try Supply(codes: codes, rule: .window(milliseconds: window))
        var replayed = Shard.alone(seed: seed &+ 1)
        for fact in facts { try replayed.replay(fact.record, user: fact.user, in: later) }
        later.pool.settleAfterRecovery()
        #expect(replayed.lastSequence == shard.lastSequence && later.pool.totalFree == supply.pool.totalFree)
        for (user, given) in model {
            #expect(history(of: user, in: shard).map(\.code) == given.reversed().map(\.code), "SEED=\(seed)")
            #expect(
                history(of: user, in: replayed).map(\.code) == given.reversed().map(\.code), "SEED=\(seed)")
        }
        for _ in 0..<500 {
            now += 1
            let user = Self.user(UInt64.random(in: 0..<450, using: &random))
            let expected = try shard.answer(user, at: now, in: supply)
            #expect(try replayed.answer(user, at: now, in: later) == expected, "SEED=\(seed)")
        }
    }

    /// Short, UUID and long ids by turns.
    private static func user(_ number: UInt64) -> String {
        switch number % 3 {
        case 0: "u\(number)"
        case 1: "00000000-0000-4000-8000-\(100_000_000_000 + number)"
        default: "customer.number.\(number)@example.com"
        }
    }
}

/// The allocations of a user in the first campaign, latest first.
private func history(
    of user: String, in shard: borrowing Shard, maximum: Int = 10_000
) -> [Row] {
    let text = bytes(user)
    var found: [Row] = []
    shard.forEachAllocation(
        campaign: CampaignID(rawValue: 0), user: UserKey(text.span), bytes: text.span, maximum: maximum
    ) { found.append($1) }
    return found
}
