import Testing

@testable import TearoffCore

@Suite("Previews: what a request would get, and nothing is given")
struct PreviewTests {
    /// Goal: a preview is what the request right behind it gets, and changes nothing however often it is
    /// asked. Method: random requests under each rule, with holds that are confirmed, released and lapse,
    /// with refills, an end by hand and one by expiry, a preview or more before each.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func aPreviewIsWhatTheRequestGets(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let rules = [RetriggerRule.window(milliseconds: 40), .once, .always, .untilExpiry]
        var supply = try Supply(codes: 60, rule: rules[Int(seed) % rules.count], expiresAt: instant(900))
        var shard = Shard.alone(seed: seed)
        for now in 0..<UInt64(1_000) {
            if Int.random(in: 0..<50, using: &random) == 0 { try supply.refill(5, at: instant(now)) }
            if now == 600 { try supply.apply(supply.catalog.decideFinish(campaign: "c", now: instant(now))) }
            if now == 700 {
                try supply.refill(20, at: instant(now))
                try supply.apply(supply.catalog.decideResume(campaign: "c", now: instant(now)))
            }
            let user = "user-\(UInt64.random(in: 0..<90, using: &random))"
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                let deadline = now + UInt64.random(in: 0..<50, using: &random)
                try shard.hold(user, until: deadline, at: now, in: supply)
            case 1: shard.end(.confirmed, user, at: now, in: supply)
            case 2: shard.end(.released, user, at: now, in: supply)
            default: break
            }
            let (rows, free) = (shard.rows.count, supply.pool.totalFree)
            let previews = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                shard.preview(user, at: now, in: supply)
            }
            #expect(shard.rows.count == rows && supply.pool.totalFree == free, "SEED=\(seed)")
            let answer = try shard.answer(user, at: now, in: supply)
            #expect(previews.allSatisfy { $0.answer == answer }, "SEED=\(seed) at \(now)")
            #expect(previews.allSatisfy { ($0.next == nil) == (free == 0) }, "SEED=\(seed) at \(now)")
        }
    }

    /// Goal: without a user it is what a user gets whom nobody knows. Method: in each state of the campaign.
    @Test func withoutAUserItIsWhatANewOneGets() throws {
        var supply = try Supply(codes: 2, rule: .once)
        var shard = Shard.alone()
        #expect(shard.preview(nil, at: 1, in: supply) == Outlook(answer: .new(code(0)), next: code(0)))
        #expect(try shard.answer("u", at: 1, in: supply) == .new(code(0)))
        #expect(shard.preview(nil, at: 1, in: supply) == Outlook(answer: .new(code(1)), next: code(1)))
        #expect(shard.preview("u", at: 1, in: supply) == Outlook(answer: .again(code(0)), next: code(1)))
        #expect(try shard.answer("v", at: 1, in: supply) == .new(code(1)))
        #expect(shard.preview(nil, at: 1, in: supply) == Outlook(answer: .refused(.poolEmpty), next: nil))
        #expect(shard.preview("u", at: 1, in: supply) == Outlook(answer: .again(code(0)), next: nil))
        try supply.refill(1)
        let fresh = code(0, upload: 1)
        #expect(shard.preview(nil, at: 1, in: supply) == Outlook(answer: .new(fresh), next: fresh))
    }

    /// Goal: a code that is held is told as the user's up to its deadline, and after its confirmation; behind
    /// the deadline or a release another one is. Method: one user for each, also of a campaign that was
    /// stopped.
    @Test func aHeldCodeIsToldUntilItGoesBack() throws {
        var supply = try Supply(codes: 5)
        var shard = Shard.alone()
        for (number, user) in ["lapses", "released", "confirmed"].enumerated() {
            try shard.hold(user, until: 10, at: 1, in: supply)
            let held = Outlook(answer: .again(code(UInt32(number))), next: code(UInt32(number) + 1))
            #expect(shard.preview(user, at: 1, in: supply) == held)
        }
        shard.end(.released, "released", at: 2, in: supply)
        shard.end(.confirmed, "confirmed", at: 2, in: supply)
        let new = Outlook(answer: .new(code(3)), next: code(3))
        #expect(shard.preview("released", at: 2, in: supply) == new)
        #expect(shard.preview("lapses", at: 10, in: supply).answer == .again(code(0)))
        #expect(shard.preview("lapses", at: 11, in: supply) == new)
        #expect(shard.preview("confirmed", at: 11, in: supply).answer == .again(code(2)))
        try supply.apply(supply.catalog.decideFinish(campaign: "c", now: instant(3)))
        let refused = Outlook(answer: .refused(.finished(.stopped)), next: code(3))
        #expect(shard.preview("released", at: 3, in: supply) == refused)
        #expect(shard.preview("lapses", at: 10, in: supply).answer == .again(code(0)))
        #expect(shard.preview("lapses", at: 11, in: supply) == refused)
    }

    /// Goal: the list's next code is told whatever the campaign's state. Method: stopped, exhausted and then
    /// refilled, and past the list's expiry.
    @Test(arguments: [FinishReason.stopped, .exhausted, .expired])
    func aRefusalStillTellsTheNextCode(reason: FinishReason) throws {
        var supply = try Supply(codes: 1, expiresAt: instant(1_000))
        var shard = Shard.alone()
        #expect(try shard.answer("u", at: 1, in: supply) == .new(code(0)))
        supply.apply([ControlRecord(.campaignFinished(id: supply.campaign, reason: reason), at: instant(2))])
        try supply.refill(1)
        let next = code(0, upload: 1)
        let refused = Outlook(answer: .refused(.finished(reason)), next: next)
        #expect(shard.preview(nil, at: 3, in: supply) == refused)
        #expect(shard.preview("v", at: 3, in: supply) == refused)
        #expect(shard.preview("u", at: 3, in: supply) == Outlook(answer: .again(code(0)), next: next))
        let expired = Outlook(answer: .refused(.listExpired), next: next)
        #expect(shard.preview("u", at: 1_001, in: supply) == expired)
        #expect(shard.preview(nil, at: 1_001, in: supply) == expired)
    }
}
