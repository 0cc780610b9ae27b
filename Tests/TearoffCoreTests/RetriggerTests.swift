import Testing

@testable import TearoffCore

@Suite("Re-triggering: the rule of the campaign says which request repeats")
struct RetriggerTests {
    private static let day: UInt64 = 86_400_000

    /// Goal: the window's edges. Method: one millisecond before it ends, at its end, and after.
    @Test(arguments: [(day - 1, true), (day, false), (day + 1, false)])
    func aDayEndsToTheMillisecond(after: UInt64, repeats: Bool) throws {
        let supply = try Supply(codes: 3)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 1_000, in: supply) == .new(code(0)))
        let expected: Answer = repeats ? .again(code(0)) : .new(code(1))
        #expect(try shard.answer("u", at: 1_000 + after, in: supply) == expected)
    }

    /// Goal: the window counts from giving. Method: repeats all day long do not put it off.
    @Test func repeatingDoesNotProlongTheWindow() throws {
        let supply = try Supply(codes: 3)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 0, in: supply) == .new(code(0)))
        for hour in 1..<UInt64(24) {
            #expect(try shard.answer("u", at: hour * 3_600_000, in: supply) == .again(code(0)))
        }
        #expect(try shard.answer("u", at: Self.day, in: supply) == .new(code(1)))
        #expect(try shard.answer("u", at: 2 * Self.day - 1, in: supply) == .again(code(1)))
        #expect(try shard.answer("u", at: 2 * Self.day, in: supply) == .new(code(2)))
    }

    /// Goal: a clock that stands or goes back repeats. Method: the same and an earlier instant.
    @Test func aClockThatGoesBackRepeats() throws {
        let supply = try Supply(codes: 3)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 500, in: supply) == .new(code(0)))
        #expect(try shard.answer("u", at: 500, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: 499, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: 0, in: supply) == .again(code(0)))
    }

    /// Goal: `once` and `always`. Method: the same user at once and a century later.
    @Test func onceNeverEndsAndAlwaysNeverRepeats() throws {
        for (rule, expected) in [(RetriggerRule.once, Answer.again(code(0))), (.always, .new(code(1)))] {
            let supply = try Supply(codes: 3, rule: rule)
            var shard = Shard.alone()
            #expect(try shard.answer("u", at: 7, in: supply) == .new(code(0)))
            #expect(try shard.answer("u", at: 7 + 36_525 * Self.day, in: supply) == expected)
        }
        let supply = try Supply(codes: 2, rule: .window(milliseconds: 0))
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 7, in: supply) == .new(code(0)))
        #expect(try shard.answer("u", at: 7, in: supply) == .new(code(1)))
    }

    /// Goal: `until-expiry`. Method: prolonged in time the code stands; after a lapse there is a new one.
    @Test func untilExpiryEndsWithALapseOnly() throws {
        var supply = try Supply(codes: 4, rule: .untilExpiry, expiresAt: instant(1_000))
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 1_000, in: supply) == .new(code(0)))
        try supply.apply(
            supply.catalog.decideSetExpiry(list: "l", expiresAt: instant(2_000), now: instant(1_000)))
        #expect(try shard.answer("u", at: 1_500, in: supply) == .again(code(0)))
        #expect(try shard.answer("v", at: 2_000, in: supply) == .new(code(1)))
        try supply.apply(supply.catalog.decideSetExpiry(list: "l", expiresAt: nil, now: instant(2_001)))
        #expect(try shard.answer("u", at: 2_001, in: supply) == .new(code(2)))
        #expect(
            try shard.answer("v", at: 2_001, in: supply) == .new(code(3)), "given in the last millisecond")
        #expect(try shard.answer("u", at: 9_000, in: supply) == .again(code(2)))
    }

    /// Goal: expiry is stronger than repeating. Method: at the last millisecond, and after it.
    @Test func anExpiredListGivesNotEvenRepeats() throws {
        let supply = try Supply(codes: 3, rule: .once, expiresAt: instant(1_000))
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 5, in: supply) == .new(code(0)))
        #expect(try shard.answer("u", at: 1_000, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: 1_001, in: supply) == .refused(.listExpired))
        #expect(try shard.answer("v", at: 1_001, in: supply) == .refused(.listExpired))
        #expect(supply.pool.totalFree == 2)
    }

    /// Goal: a finished campaign repeats and gives nothing new. Method: finish, ask, resume, ask.
    @Test func aFinishedCampaignOnlyRepeats() throws {
        var supply = try Supply(codes: 3)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 5, in: supply) == .new(code(0)))
        try supply.apply(supply.catalog.decideFinish(campaign: "c", now: instant(6)))
        #expect(try shard.answer("u", at: 7, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: 5 + Self.day, in: supply) == .refused(.finished(.stopped)))
        #expect(try shard.answer("v", at: 7, in: supply) == .refused(.finished(.stopped)))
        #expect(supply.pool.totalFree == 2)
        try supply.apply(supply.catalog.decideResume(campaign: "c", now: instant(8)))
        #expect(try shard.answer("v", at: 9, in: supply) == .new(code(1)))
    }

    /// Goal: an empty pool still repeats. Method: two users, one code.
    @Test func anEmptyPoolOnlyRepeats() throws {
        let supply = try Supply(codes: 1)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 5, in: supply) == .new(code(0)))
        #expect(try shard.answer("v", at: 5, in: supply) == .refused(.poolEmpty))
        #expect(try shard.answer("u", at: 6, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: 5 + Self.day, in: supply) == .refused(.poolEmpty))
    }

    /// Goal: a fixed list follows the same window and counts each giving. Method: limit 2, one code for all.
    @Test func aFixedListCountsEachGiving() throws {
        let supply = try Supply(fixed: "SUMMER", limit: 2)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 0, in: supply) == .new(code(0)))
        #expect(try shard.answer("u", at: Self.day - 1, in: supply) == .again(code(0)))
        #expect(try shard.answer("u", at: Self.day, in: supply) == .new(code(1)))
        #expect(try shard.answer("v", at: Self.day, in: supply) == .refused(.poolEmpty))
        let upload = supply.catalog[UploadID(rawValue: 0)]
        #expect((0..<2).allSatisfy { upload.codes.withCode(at: $0) { bytes(of: $0) } == bytes("SUMMER") })
        #expect(shard.tally(of: upload.id).given == 2)
    }

    /// Goal: campaigns on one list do not see each other's users. Method: one user in two campaigns.
    @Test func campaignsOnOneListAreApart() throws {
        var supply = try Supply(codes: 3)
        try supply.apply(
            supply.catalog.decideCreateCampaign(name: "d", list: "l", rule: .once, now: .zero))
        let second = CampaignID(rawValue: 1)
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 0, in: supply) == .new(code(0)))
        #expect(try shard.allocate("u", at: 0, in: supply, campaign: second).answer == .new(code(1)))
        #expect(try shard.answer("u", at: Self.day, in: supply) == .new(code(2)))
        #expect(try shard.allocate("u", at: Self.day, in: supply, campaign: second).answer == .again(code(1)))
    }
}
