import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

extension Life {
    fileprivate func set(_ edits: CampaignEdit..., campaign: String = "c") throws {
        try changed { $0.setCampaign(name: campaign, rule: nil, returns: nil, edits: edits, done: $1) }
    }

    fileprivate func setList(_ edit: ListEdit, list: String = "l") throws {
        try changed { $0.setList(list, edits: [edit], done: $1) }
    }

    fileprivate func refusal(_ user: String, in campaign: String = "c", loop: Int = 0) throws -> AllocationRefusal? {
        let outcome = try decide(user, in: campaign, loop: loop)
        _ = try loops[loop].commit()
        return outcome.refusal
    }
}

private func at(_ milliseconds: UInt64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

@Suite("A campaign's limits hold, over all loops and across crashes")
struct LimitTests {
    /// Goal: a quota is never passed, whatever was given before it was set. Method: 3 codes given without one, then a
    /// quota of 5; two loops; a crash; a higher quota; none.
    @Test func aQuotaCountsWhatWasGivenBefore() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 20)
        for user in 0..<3 { try life.give("u\(user)", loop: user % 2) }
        try life.set(.quota(5))
        try life.give("u3")
        try life.give("u4", loop: 1)
        #expect(try life.refusal("u5") == .quotaReached && life.refusal("u5", loop: 1) == .quotaReached)
        #expect(try life.give("u0") == "K0", "a repeat is no new code")
        life = try world.restart(loops: 2)
        #expect(try life.refusal("u5") == .quotaReached)
        try life.snapshot()
        life = try world.restart()
        #expect(try life.refusal("u5") == .quotaReached)
        try life.set(.quota(6))
        try life.give("u5")
        #expect(try life.refusal("u6") == .quotaReached)
        try life.set(.quota(nil))
        try life.give("u6")
        try life.set(.quota(7))
        #expect(try life.refusal("u7") == .quotaReached, "what was given without a quota counts")
    }

    /// Goal: a campaign that is made with a quota has it from its first code on, also for a loop that takes it over
    /// later than another. Method: the quota of 1 is used by the first loop before the second has the campaign.
    @Test func aQuotaHoldsFromTheFirstCode() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 5)
        _ = life.change {
            $0.createCampaign(
                name: "q", list: "l", rule: .standard, returns: .standard, edits: [.quota(1)], done: $1)
        }
        for _ in 0..<100 where life.engine.latestCatalog.campaign(named: "q") == nil { life.control.poll() }
        while life.loops[0].catalog.campaign(named: "q") == nil { life.step() }
        try life.give("a", in: "q")
        life.settle()
        #expect(try life.refusal("b", in: "q") == .quotaReached)
        #expect(try life.refusal("b", in: "q", loop: 1) == .quotaReached)
    }

    /// Goal: a hold counts while it is held, and not once it went back. Method: a quota of 1; a release, a lapse, a
    /// confirmation; a crash behind.
    @Test func aHoldThatWentBackMakesRoom() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 9)
        try life.set(.quota(1))
        try life.hold("a")
        #expect(try life.refusal("b") == .quotaReached)
        try life.end(.released, "a")
        try life.hold("b", for: 10)
        world.clock.milliseconds += 11
        try life.endOverdueHolds()
        try life.hold("c")
        try life.end(.confirmed, "c")
        #expect(try life.refusal("d") == .quotaReached)
        life = try world.restart()
        #expect(try life.refusal("d") == .quotaReached)
    }

    /// Goal: what an empty list could not give is not counted. Method: a quota of 2 on one code, then a refill.
    @Test func whatIsNotGivenIsNotCounted() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1)
        try life.set(.quota(2), .quotaPerDay(2), .ratePerSecond(9))
        try life.give("a")
        for user in 0..<5 { #expect(try life.refusal("n\(user)") == .poolEmpty) }
        life.settle()
        try life.upload(["N0", "N1"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        #expect(try life.give("b") == "N0")
        #expect(try life.refusal("c") == .quotaReached)
    }

    /// Goal: a day's quota begins anew with the day, and a crash in its middle forgets nothing. Method: 2 a day; the
    /// clock goes to the last millisecond of the day, then on.
    @Test func aDayHasItsQuota() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 20)
        try life.give("before")
        try life.set(.quotaPerDay(2))
        try life.give("a", loop: 1)
        #expect(try life.refusal("b") == .dayQuotaReached)
        life = try world.restart(loops: 2)
        #expect(try life.refusal("b") == .dayQuotaReached)
        world.clock.milliseconds += day - 1
        #expect(try life.refusal("b", loop: 1) == .dayQuotaReached)
        world.clock.milliseconds += 1
        try life.give("b")
        try life.give("c", loop: 1)
        #expect(try life.refusal("d") == .dayQuotaReached)
        life = try world.restart()
        #expect(try life.refusal("d") == .dayQuotaReached)
    }

    /// Goal: no more codes than the rate in any second of the clock; repeats are free. Method: 3 a second.
    @Test func aRateHoldsInEachSecond() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 20)
        try life.set(.ratePerSecond(3))
        for second in 0..<3 {
            for user in 0..<3 { try life.give("u\(second)-\(user)", loop: user % 2) }
            #expect(try life.refusal("x") == .rateReached)
            try life.give("u\(second)-0")
            world.clock.milliseconds += 1_000
        }
    }

    /// Goal: a user has no more codes of a list than it allows, over all campaigns; holds count while they are held.
    /// Method: 2 a user; three campaigns; another user is not touched.
    @Test func aUserHasNoMoreThanTheListAllows() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 20, rule: .always)
        try life.createCampaign("d")
        try life.createCampaign("e")
        try life.give("before")
        try life.give("before")
        try life.give("before")
        try life.setList(.codesPerUser(2))
        #expect(try life.refusal("before", in: "d") == .userLimitReached)
        try life.give("a")
        try life.hold("a", in: "d", loop: 1)
        #expect(try life.refusal("a") == .userLimitReached && life.refusal("a", in: "e") == .userLimitReached)
        try life.give("b", in: "e")
        try life.end(.released, "a", in: "d", loop: 1)
        try life.give("a", in: "e")
        #expect(try life.refusal("a") == .userLimitReached)
        life = try world.restart()
        #expect(try life.refusal("a") == .userLimitReached)
        try life.setList(.codesPerUser(nil))
        try life.give("a")
    }

    /// Goal: counting a user's codes takes a bounded time, whatever the user does. Method: one who holds a code and lets it
    /// go as often as rows are counted, and once more; another user is not touched.
    @Test func whoHasMoreRowsThanAreCountedGetsNoMore() throws {
        let life = try World().start()
        try life.supply(codes: 5, rule: .always, returns: .reuse)
        try life.setList(.codesPerUser(2))
        for _ in 0..<Limits.countedRows {
            _ = try life.decideHold("a")
            life.settle()
            _ = try life.decideEnd(.released, "a")
            life.settle()
        }
        try life.give("a")
        #expect(try life.refusal("a") == .userLimitReached)
        try life.give("b")
        try life.setList(.codesPerUser(nil))
        try life.give("a")
    }

    /// Goal: nothing is refused or given on the strength of a row that a crash can take away. Method: the user's other
    /// code is in flight in the other lane.
    @Test func aRowInFlightElsewhereIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 20)
        try life.createCampaign("d")
        try life.setList(.codesPerUser(1))
        _ = try life.decide("a")
        _ = try life.loops[0].commit()
        let outcome = try life.decide("a", in: "d", loop: 1)
        #expect(outcome.parkedFor?.lane == 0)
        life.settle()
        #expect(try life.decide("a", in: "d", loop: 1).refusal == .userLimitReached)
    }
}

@Suite("A campaign gives new codes only in its time")
struct EmissionTests {
    /// Goal: nothing before the start, nothing new behind the end; the campaign finishes by itself, and repeats go on.
    /// Method: an hour from one to the other, looked at on each side of both milliseconds.
    @Test func startAndEndAreExact() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 9)
        let start = World.firstMilliseconds + hour
        try life.set(.opensAt(at(start)), .closesAt(at(start + hour)))
        #expect(try life.refusal("a") == .notOpen)
        world.clock.milliseconds = start - 1
        #expect(try life.refusal("a") == .notOpen)
        world.clock.milliseconds = start
        try life.give("a")
        world.clock.milliseconds = start + hour
        try life.give("b")
        world.clock.milliseconds += 1
        #expect(try life.refusal("c") == .finished(.closed), "before the campaign has finished, too")
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason() == .closed)
        #expect(try life.give("a") == "K0")
        life = try world.restart()
        #expect(try life.refusal("c") == .finished(.closed))
        let refused = life.change { $0.resumeCampaign(name: "c", done: $1) }
        life.settle()
        #expect(refused.value?.error == .catalog(.campaignClosed("c")))
        try life.set(.closesAt(nil))
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.give("c")
    }

    /// Goal: a list that stops some days before its expiry gives nothing new from then on, and repeats until it
    /// expires. Method: expiry in 5 days, stop 3 days before.
    @Test func aListStopsSomeDaysBeforeItsExpiry() throws {
        let world = World()
        let life = try world.start()
        let expiry = World.firstMilliseconds + 5 * day
        try life.supply(codes: 9, rule: .once, expiresAt: expiry)
        try life.setList(.daysKeptBeforeExpiry(3))
        try life.give("a")
        world.clock.milliseconds = expiry - 3 * day
        try life.give("b")
        world.clock.milliseconds += 1
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason() == .closed)
        #expect(try life.refusal("c") == .finished(.closed))
        #expect(try life.give("a") == "K0")
        world.clock.milliseconds = expiry + 1
        #expect(try life.refusal("a") == .listExpired)
    }
}

@Suite("A campaign whose list is empty draws from further lists in order")
struct OverflowTests {
    private static func world() throws -> (World, Life) {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1)
        try life.createList("m")
        try life.upload(["M0"], to: "m")
        try life.changed {
            $0.createList(
                name: "f", kind: .fixed(code: Array("FALLBACK".utf8), limit: 2), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.set(.overflow(["m", "f"]))
        return (world, life)
    }

    /// Goal: each list in its order, the campaign finishes with the last code of the last one, and a crash changes
    /// nothing. Method: one code, one code, a fixed code twice.
    @Test func theNextListGivesWhenOneIsEmpty() throws {
        var (world, life) = try Self.world()
        #expect(try ["a", "b", "c"].map { try life.give($0) } == ["K0", "M0", "FALLBACK"])
        life.settle()
        #expect(try life.finishReason() == nil)
        life = try world.restart()
        #expect(try ["a", "b", "c"].map { try life.give($0) } == ["K0", "M0", "FALLBACK"])
        #expect(try life.give("d") == "FALLBACK")
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.refusal("e") == .finished(.exhausted))
        for list in ["l", "m", "f"] { #expect(try life.ledger(list).holds && life.ledger(list).free == 0) }
    }

    /// Goal: a list that is past its expiry gives nothing, not even repeats, while the campaign goes on. Method: the
    /// second list expires behind its code.
    @Test func anExpiredListIsPassedOver() throws {
        let (world, life) = try Self.world()
        try life.give("a")
        #expect(try life.give("b") == "M0")
        try life.setExpiry("m", at: World.firstMilliseconds + hour)
        world.clock.milliseconds += hour + 1
        #expect(try life.give("b") == "FALLBACK")
        #expect(try life.give("a") == "K0")
    }

    /// Goal: a held code goes back to the list that it came from. Method: a hold from the second list, released after
    /// the campaign draws from it no more.
    @Test func aHeldCodeGoesBackToItsList() throws {
        let (world, life) = try Self.world()
        try life.changed { $0.setCampaign(name: "c", rule: nil, returns: .reuse, done: $1) }
        try life.give("a")
        #expect(try life.hold("b") == "M0")
        try life.set(.overflow([]))
        try life.end(.released, "b")
        life.settle()
        #expect(try life.ledger("m").free == 1 && life.ledger("l").free == 0)
        _ = world
    }

    /// Goal: the limit for a user is each list's own. Method: one code a user of the first list, which has plenty.
    @Test func aUserWhoHasAllOfOneListGetsTheNext() throws {
        let (_, life) = try Self.world()
        try life.upload(["K5", "K6"])
        try life.createCampaign("other")
        try life.setList(.codesPerUser(1))
        #expect(try life.give("a", in: "other") == "K0")
        #expect(try life.give("a") == "M0")
        #expect(try life.give("b") == "K5")
    }

    /// Goal: what makes no sense is refused. Method: itself, twice, a list that is not there, too many.
    @Test func theListsAreChecked() throws {
        let (_, life) = try Self.world()
        func error(_ lists: [String]) -> ControlError? {
            let reply = life.change {
                $0.setCampaign(name: "c", rule: nil, returns: nil, edits: [.overflow(lists)], done: $1)
            }
            life.settle()
            return reply.value?.error
        }
        #expect(error(["l"]) == .catalog(.overflowTwice("l")))
        #expect(error(["m", "m"]) == .catalog(.overflowTwice("m")))
        #expect(error(["nosuch"]) == .catalog(.noList("nosuch")))
        let maximum = Limits.overflowLists
        #expect(
            error((0...maximum).map { "x\($0)" })
                == .catalog(.tooMany(what: "lists that a campaign overflows to", maximum: maximum)))
    }
}

@Suite("A code is good for the days that its campaign said when it was given")
struct ValidityTests {
    private static func expiry(_ life: Life, _ user: String) throws -> Timestamp? {
        let entry = try #require(life.history(user).found.last)
        let terms = life.loops[0].terms(of: entry.campaign)
        return life.loops[0].source(of: entry.code, givenAt: entry.standing.givenAt, terms: terms).expiresAt
    }

    /// Goal: to the end of the day so many days later, as it was when the code was given, and no longer than the list.
    /// Method: no validity, 2 days, 5 days, none again; the list expires in 4; a crash and a snapshot behind.
    @Test func itIsThatOfTheTimeOfGiving() throws {
        let world = World()
        var life = try world.start()
        let listEnd = World.firstMilliseconds + 4 * day
        try life.supply(codes: 9, expiresAt: listEnd)
        world.clock.milliseconds += hour
        for (user, days) in [("a", nil), ("b", UInt32(2)), ("c", 5), ("d", nil)] {
            try life.set(.validityDays(days))
            try life.give(user)
            world.clock.milliseconds += hour
        }
        let twoDays = World.firstMilliseconds + 3 * day - 1
        let expected = [at(listEnd), at(twoDays), at(listEnd), at(listEnd)]
        func check(_ life: Life) throws {
            #expect(try ["a", "b", "c", "d"].map { try Self.expiry(life, $0) } == expected)
        }
        try check(life)
        life = try world.restart()
        try check(life)
        try life.snapshot()
        life = try world.restart()
        try check(life)
        try life.setExpiry(at: nil)
        #expect(try Self.expiry(life, "c") == at(World.firstMilliseconds + 6 * day - 1))
        #expect(try Self.expiry(life, "a") == nil)
    }

    /// Goal: what is kept of former validities is bounded. Method: as many changes as may be, one more, and others.
    @Test func changesAreBounded() throws {
        let life = try World().start()
        try life.supply(codes: 1)
        var catalog = life.engine.latestCatalog
        func records(_ edit: CampaignEdit) throws(CatalogError) -> [ControlRecord] {
            try catalog.decideSet(campaign: "c", rule: nil, returns: nil, edits: [edit], now: at(1))
        }
        for number in 1...Limits.validityChanges {
            for record in try records(.validityDays(UInt32(number % 7 + 1))) { catalog.apply(record) }
        }
        let tooMany = CatalogError.tooMany(what: "changes of a campaign's VALIDITY", maximum: Limits.validityChanges)
        #expect(throws: tooMany) { try records(.validityDays(nil)) }
        let unchanged = try #require(catalog.campaign(named: "c")).settings.validityDays
        _ = try records(.validityDays(unchanged))
        _ = try records(.quota(7))
    }

    /// Goal: an export says the same. Method: the column of two users beside the list's own expiry.
    @Test func anExportTellsIt() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 2)
        try life.give("a")
        world.clock.milliseconds += 1
        try life.set(.validityDays(1))
        try life.give("b")
        let query = ExportQuery(
            list: try #require(life.engine.latestCatalog.list(named: "l")).id, selection: .given, campaign: nil,
            after: nil, until: nil, since: nil, columns: [.user, .expiresAt], format: .csv)
        let ticket = try life.control.exports.begin(query).get()
        let reply = Reply<Result<[UInt8], ControlError>>()
        life.control.exports.read(ticket.id, reply)
        life.pump()
        let text = String(decoding: try #require(reply.value).get(), as: UTF8.self)
        let end = at(World.firstMilliseconds + 2 * day - 1).iso8601
        #expect(text.split(separator: "\r\n").dropFirst().sorted() == ["a,", "b,\(end)"])
    }
}
