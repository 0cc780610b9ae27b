import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

/// What is warned of, and how often.
extension DeliveryTests {
    /// Events that fill so many frames of the feed, which rests and tells none of them.
    private func makeBacklog(frames: Int, in life: Life, _ world: World) throws {
        let count = frames * FeedLimits.payloadBytes / 500
        try life.createList("busy")
        try life.upload((0..<count).map { "B\($0)" }, to: "busy")
        try life.createCampaign("b", list: "busy")
        for number in 0..<count {
            let user = String(repeating: "u", count: Limits.userBytes - 5) + "\(number)"
            try life.give(user, in: "b", userID: user)
            if number.isMultiple(of: 100) {
                life.pump()
                // A frame has all events of a millisecond; no timer rings by this.
                world.clock.milliseconds += 1
            }
        }
        world.clock.milliseconds += 1
    }

    /// Goal: a refill that is gone before anybody looks is told as well. Method: all of it while the feed rests, without a
    /// crash and with one before it is told, and as well with more to be told before it than fits a frame.
    @Test(arguments: [false, true], [0, 2])
    func aRefillThatIsGoneAtOnceIsToldAnew(crashes: Bool, backlogFrames: Int) throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 1)
        try life.give(count: 1, prefix: "u")
        // It wakes the feed, which then rests: no time passes.
        try life.createList("other")
        if backlogFrames > 0 { try makeBacklog(frames: backlogFrames, in: life, world) }
        try life.upload(["R"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.give("v")
        if crashes {
            world.crashLosingWrites()
            life = try world.start(feed: .ample)
        }
        life.tellAll()
        #expect(world.courier.words == ["empty 0 ops@example.org", "empty 0 ops@example.org"])
    }

    /// Goal: as above, of a refill that comes and goes between a start and the feed's first look. Method: the feed cannot be
    /// opened at first, and is tried again a second later; then it looks before it has come to the refill's record.
    @Test func aRefillBeforeTheFirstLookIsToldAnew() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 1)
        try life.give(count: 1, prefix: "u")
        world.crashLosingWrites()
        world.feed.fail(call: 1)
        life = try world.start(feed: .ample)
        try makeBacklog(frames: 2, in: life, world)
        try life.upload(["R"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.give("v")
        #expect(world.feed.failureCount == 1 && world.courier.words.count == 1)
        world.feed.fail(call: nil)
        life.pass(FeedDesk.retryMilliseconds)
        life.tellAll()
        #expect(world.courier.words == ["empty 0 ops@example.org", "empty 0 ops@example.org"])
    }

    /// Goal: codes that were counted when a list was looked at are not taken for a refill when their record is read, in
    /// this life or in the next one. Method: what is to be told first fills three frames, so the list is looked at
    /// before the feed has come to its upload; the power fails at the n-th call of the feed's storage, for all n.
    @Test func aListThatIsLookedAtAheadOfItsRecordsIsToldOnce() throws {
        var failed = true
        var call = 0
        while failed, call < 100 {
            call += 1
            let world = World()
            var life = try world.start(feed: .ample)
            try life.createList("other")
            try makeBacklog(frames: 3, in: life, world)
            try life.createList()
            try life.addMail()
            try life.upload(["K"])
            try life.createCampaign()
            try life.give("v")
            world.feed.fail(call: call)
            for _ in 0..<3 { life.tellAll() }
            failed = world.feed.failureCount > 0
            world.feed.fail(call: nil)
            world.crashLosingWrites()
            life = try world.start(feed: .ample)
            for _ in 0..<3 { life.tellAll() }
            // A letter that was on its way may come again, under its id.
            #expect(Set(world.courier.letters.map(\.notice.id)).count == 1, "call \(call)")
        }
        #expect(call > 3 && !failed, "\(call)")
    }

    /// Goal: a percentage is of the codes that were not withdrawn. Method: ten codes, a refill and a withdrawal.
    @Test func aPercentageIsToldOnce() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 10)
        try life.setWarning(.percent(20))
        try life.give(count: 7, prefix: "u")
        #expect(world.courier.words.isEmpty)
        try life.give(count: 2, prefix: "v")
        #expect(
            world.courier.words.count == 1 && world.courier.words[0].hasPrefix("low-percent"), "\(world.courier.words)")
        // 11 of 20 are free, then 1 of 10 again.
        try life.refill(10, prefix: "R")
        try life.undone(1)
        life.tellAll()
        #expect(world.courier.letters.count == 2, "\(world.courier.words)")
    }

    /// Goal: a list that will be empty within the hours is told once, by the faster of two paces, and again when it was
    /// refilled. Method: one code a minute.
    @Test func aForecastFollowsThePace() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 400)
        try life.setWarning(.hoursLeft(2))
        life.tellAll()
        func giveForMinutes(_ count: Int, _ prefix: String) throws {
            for minute in 0..<count {
                try life.give("\(prefix)\(minute)")
                life.pass(60_000)
                life.tellAll()
            }
        }
        // 60 an hour: 120 are left for two hours.
        try giveForMinutes(270, "a")
        #expect(world.courier.words.isEmpty)
        try giveForMinutes(20, "b")
        #expect(world.courier.words.count == 1 && world.courier.words[0].hasPrefix("forecast 1"))
        try giveForMinutes(10, "c")
        #expect(world.courier.words.count == 1)
        try life.refill(300, prefix: "R")
        life.pass(60_000)
        life.tellAll()
        try giveForMinutes(300, "d")
        #expect(world.courier.words.count == 2, "\(world.courier.words)")
    }

    /// Goal: a pace that goes up and down does not tell the same again and again. Method: a rest of twenty minutes.
    @Test func aForecastIsNotToldForEveryPause() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 200)
        try life.setWarning(.hoursLeft(2))
        func minutes(_ count: Int, giving prefix: String?) throws {
            for minute in 0..<count {
                if let prefix { try life.give("\(prefix)\(minute)") }
                life.pass(60_000)
                life.tellAll()
            }
        }
        try minutes(600, giving: nil)
        try minutes(85, giving: "a")
        #expect(world.courier.words.count == 1, "\(world.courier.words)")
        try minutes(20, giving: nil)
        try minutes(45, giving: "b")
        #expect(world.courier.words.count == 1, "\(world.courier.words)")
    }

    /// Goal: a list without a pace is never told to be empty soon. Method: nobody takes a code for two days.
    @Test func aListThatRestsHasNoForecast() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 5)
        try life.setWarning(.hoursLeft(24))
        for _ in 0..<50 {
            life.passInSteps(hour)
            life.tellAll()
        }
        #expect(world.courier.words.isEmpty)
    }

    /// Goal: a list's own days take the place of the usual ones, each told once, over a restart. Method: 14 and 2.
    @Test func aListHasDaysOfItsOwn() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.createList(expiresAt: World.firstMilliseconds + 20 * day)
        try life.addMail()
        try life.setWarning(.expiryDays([14, 2]))
        life.tellAll()
        for number in 1...21 {
            life.pass(day)
            life.tellAll()
            if number == 9 {
                world.crashLosingWrites()
                life = try world.start(feed: .ample)
            }
        }
        #expect(
            try life.feedWords().filter { $0.hasPrefix("expir") } == [
                "expiring(days: 14)", "expiring(days: 2)", "expired",
            ])
        #expect(world.courier.letters.count == 3)
    }
}
