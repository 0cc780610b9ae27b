import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Warnings reach their recipients at least once")
struct DeliveryTests {
    /// Goal: one letter for each crossing, and anew behind a refill. Method: down to nothing twice, with a crash.
    @Test func eachCrossingIsToldOnceAndAgainBehindARefill() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 3, warnAt: 1)
        try life.give(count: 3, prefix: "u")
        #expect(world.courier.words == ["low 0 ops@example.org", "empty 0 ops@example.org"])
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        life.tellAll()
        try life.refill(2, prefix: "R")
        try life.give(count: 2, prefix: "v")
        #expect(
            world.courier.words.suffix(2) == ["low 0 ops@example.org", "empty 0 ops@example.org"]
                && world.courier.letters.count == 4, "\(world.courier.words)")
        #expect(Set(world.courier.letters.map(\.notice.id)).count == 4)
        #expect(try life.deliveries.info.open.isEmpty)
    }

    /// Goal: only those of the list are told, and those no more that were removed. Method: two lists.
    @Test func onlyTheListsRecipientsAreTold() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 2)
        try life.createList("other")
        try life.addMail("other@example.org", to: "other")
        try life.addWebhook("https://example.org/hook")
        try life.changed { $0.remove(recipient: "ops@example.org", of: "l", done: $1) }
        try life.give(count: 2, prefix: "u")
        #expect(world.courier.words == ["empty 0 https://example.org/hook"])
    }

    /// Goal: what fails is tried again after growing pauses, under the same id, and others do not wait for it. Method:
    /// one recipient fails twice.
    @Test func whatFailsIsTriedAgain() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 1)
        try life.addMail("second@example.org")
        world.courier.answer("ops@example.org", .failed("no"), .failed("no"))
        try life.give(count: 1, prefix: "u")
        #expect(world.courier.words == ["empty 0 ops@example.org", "empty 0 second@example.org"])
        let waiting = try #require(try life.deliveries.info.open.first)
        #expect(waiting.attempts == 1 && waiting.problem == "no")
        life.pass(DeliverySettings.pauses[0] - 200)
        #expect(world.courier.letters.count == 2)
        life.pass(200)
        #expect(world.courier.letters.count == 3)
        life.passInSteps(DeliverySettings.pauses[1])
        #expect(world.courier.letters.count == 4 && Set(world.courier.letters.map(\.notice.id)).count == 2)
        #expect(try life.deliveries.info.open.isEmpty)
    }

    /// Goal: a crash at any call of the file loses no warning. Method: each call of it fails once, then a crash, and
    /// then one before the letter is settled.
    @Test func aCrashLosesNothing() throws {
        for call in 1...6 {
            let world = World()
            var life = try world.start(feed: .ample)
            try life.supplyWatched(codes: 2, warnAt: 1)
            world.post.fail(call: call)
            world.courier.beSlow()
            try life.give(count: 2, prefix: "u")
            world.crashLosingWrites()
            life = try world.start(feed: .ample)
            life.tellAll()
            for _ in 0..<4 {
                world.courier.answerAll()
                life.pass(DeliveryDesk.retryMilliseconds)
                life.tellAll()
            }
            let kinds = Set(world.courier.letters.map { "\($0.notice.kind)" })
            #expect(kinds.count == 2, "call \(call): \(world.courier.words)")
            #expect(try life.deliveries.info.open.isEmpty, "call \(call)")
        }
    }

    /// Goal: nothing is tried before it is written down. Method: the write fails.
    @Test func nothingIsTriedBeforeItIsWrittenDown() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 1)
        world.post.fail(call: 1)
        try life.give(count: 1, prefix: "u")
        #expect(world.courier.letters.isEmpty)
        #expect(life.events.contains { if case .deliveriesFailed = $0 { true } else { false } })
        #expect(try life.deliveries.info.fault != nil)
        life.pass(DeliveryDesk.retryMilliseconds)
        life.tellAll()
        #expect(try world.courier.letters.count == 1 && life.deliveries.info.fault == nil)
    }

    /// Goal: dead letters are kept over a restart, told, and tried anew by command; 410 is one at once. Method: all
    /// tries fail.
    @Test func deadLettersAreKeptAndTriedAnew() throws {
        let world = World()
        var life = try world.start(feed: .ample, deliveryAttempts: 2)
        try life.supplyWatched(codes: 1)
        try life.addWebhook("https://example.org/gone")
        world.courier.answer("ops@example.org", .failed("first"), .failed("second"))
        world.courier.answer("https://example.org/gone", .gone("410"))
        try life.give(count: 1, prefix: "u")
        #expect(try life.deliveries.info.dead.map(\.problem) == ["410"])
        life.pass(DeliverySettings.pauses[0])
        #expect(try life.deliveries.info.dead.map(\.problem) == ["410", "second"])
        #expect(life.events.count { if case .deliveryDead = $0 { true } else { false } } == 2)
        world.crashLosingWrites()
        life = try world.start(feed: .ample, deliveryAttempts: 2)
        life.tellAll()
        let dead = try life.deliveries.info.dead
        #expect(dead.map(\.problem) == ["410", "second"] && world.courier.letters.count == 3)
        #expect(try life.retry(dead[1].number) == 1)
        #expect(try life.retry(dead[1].number) == 0)
        #expect(try world.courier.letters.count == 4 && life.deliveries.info.dead.count == 1)
        #expect(world.courier.letters[3].notice.id == world.courier.letters[0].notice.id)
        #expect(try life.retry(nil) == 1)
        #expect(try life.deliveries.info.dead.isEmpty)
    }

    /// Goal: what was told before a stop is on disk when it is done, and nothing is written behind it. Method: a try
    /// ends, and a list runs dry, behind the stop.
    @Test func aStoppedDeskWritesNoMore() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 3, warnAt: 1)
        world.courier.beSlow()
        try life.give(count: 2, prefix: "u")
        let isDone = Atomic(false)
        try life.deliveries.stop { isDone.store(true, ordering: .relaxed) }
        life.settle()
        let wasDone = isDone.load(ordering: .relaxed)
        #expect(wasDone)
        let calls = world.post.callCount
        world.courier.answerAll()
        try life.give(count: 1, prefix: "v")
        life.settle()
        #expect(world.post.callCount == calls && world.courier.words == ["low 1 ops@example.org"])
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        life.tellAll()
        world.courier.answerAll()
        life.settle()
        #expect(world.courier.words.suffix(2) == ["low 1 ops@example.org", "empty 0 ops@example.org"])
    }

    /// Goal: a slow recipient has one try at a time, and leaves room for others. Method: nobody answers.
    @Test func triesAreBounded() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 2, warnAt: 1)
        for number in 0..<6 { try life.addMail("more-\(number)@example.org") }
        world.courier.beSlow()
        try life.give(count: 2, prefix: "u")
        #expect(world.courier.mostAtOnce == DeliveryLimits.underWay)
        #expect(Set(world.courier.letters.map(\.address)).count == DeliveryLimits.underWay)
        for _ in 0..<10 {
            world.courier.answerAll()
            life.settle()
        }
        #expect(world.courier.mostAtOnce == DeliveryLimits.underWay && world.courier.letters.count == 14)
    }

    /// Goal: what does not fit waits in the feed, and comes later. Method: more warnings than may be open, to somebody
    /// who does not answer.
    @Test func whatDoesNotFitWaitsInTheFeed() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        world.courier.beSlow()
        let count = DeliveryLimits.open / 16 + 5
        for number in 0..<count { try life.makeLow("l\(number)", recipients: 16) }
        life.tellAll()
        let full = try life.deliveries.info.open.count
        #expect((DeliveryLimits.open - 16...DeliveryLimits.open).contains(full))
        for _ in 0..<(count * 16) {
            world.courier.answerAll()
            life.settle()
        }
        life.tellAll()
        #expect(try life.deliveries.info.open.isEmpty)
        #expect(Set(world.courier.letters.map(\.notice.id)).count == count * 16)
    }

    /// Goal: a dead letter that there is no room for is refused, and kept. Method: as many as may be open, to somebody
    /// who does not answer.
    @Test func aDeadLetterThatFindsNoRoomIsKept() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        world.courier.answer("r0@example.org", .gone("410"))
        try life.makeLow("dead", recipients: 1)
        life.tellAll()
        let dead = try #require(try life.deliveries.info.dead.first)
        world.courier.beSlow()
        for number in 0..<DeliveryLimits.open / 16 { try life.makeLow("l\(number)", recipients: 16) }
        try life.makeLow("rest", recipients: DeliveryLimits.open % 16)
        life.tellAll()
        #expect(try life.deliveries.info.open.count == DeliveryLimits.open)
        let full = ControlError.catalog(.tooMany(what: "deliveries on their way", maximum: DeliveryLimits.open))
        #expect(throws: full) { try life.retry(dead.number) }
        #expect(try life.retry(dead.number + 1_000_000) == 0)
        #expect(try life.retry(nil) == 0)
        #expect(try life.deliveries.info.dead == [dead])
        world.courier.answerAll()
        life.settle()
        #expect(try life.retry(dead.number) == 1)
    }

    /// Goal: the recipients of a list that was deleted are told nothing more. Method: a delivery that is on its way
    /// then, and a snapshot.
    @Test func aDeletedListTellsNobody() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        world.courier.answer("r0@example.org", .failed("no"))
        try life.makeLow("gone", recipients: 1)
        life.tellAll()
        #expect(try life.deliveries.info.open.count == 1)
        try life.delete("gone")
        life.pass(DeliverySettings.pauses[0])
        life.tellAll()
        #expect(try world.courier.letters.count == 1 && life.deliveries.info.open.isEmpty)
        try life.snapshot()
        let after = try world.restart()
        for catalog in [life.engine.latestCatalog, after.engine.latestCatalog] {
            #expect(catalog.lists.flatMap(\.recipients).isEmpty)
        }
    }

    /// Goal: what a receiver says never makes the file unreadable. Method: a long answer in letters of two bytes.
    @Test func aLongProblemIsCut() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        world.courier.answer("r0@example.org", .failed(String(repeating: "é", count: 300)))
        try life.makeLow("l", recipients: 1)
        life.tellAll()
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        life.tellAll()
        let problem = try #require(try life.deliveries.info.open.first?.problem)
        #expect(problem.hasPrefix("éé") && problem.hasSuffix("...") && problem.utf8.count <= 200)
    }

    /// Goal: a damaged file is set aside and said, and what comes then is sent. Method: a byte.
    @Test func aDamagedFileIsSetAside() throws {
        let world = World()
        var life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 2, warnAt: 1)
        try life.give(count: 1, prefix: "u")
        world.crashLosingWrites()
        world.post.bytes?[10] ^= 1
        life = try world.start(feed: .ample)
        life.tellAll()
        #expect(life.events.contains { if case .deliveriesDamaged = $0 { true } else { false } })
        #expect(world.post.aside != nil)
        try life.give(count: 1, prefix: "v")
        #expect(world.courier.words.last == "empty 0 ops@example.org" && world.courier.letters.count == 2)
    }

    /// Goal: recipients and warnings survive a snapshot and a restart, secrets included. Method: compared.
    @Test func recipientsSurviveASnapshot() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.createList()
        try life.addMail()
        try life.addWebhook("https://example.org/a?key=1")
        try life.setWarning(.percent(10))
        try life.setWarning(.hoursLeft(24))
        try life.setWarning(.expiryDays([14, 2]))
        let before = try #require(life.engine.latestCatalog.list(named: "l"))
        for isSnapshot in [false, true] {
            if isSnapshot { try world.life?.snapshot() }
            let after = try #require(try world.restart().engine.latestCatalog.list(named: "l"))
            #expect(after.recipients == before.recipients && after.warnings == before.warnings)
        }
        let trail = try #require(world.recovered).trail.tail.map(\.act)
        let texts = trail.flatMap { [$0.before, $0.after] }
        #expect(texts.contains("recipient=https://example.org/***") && !texts.contains { $0.contains("key=1") })
    }

    /// Goal: who is told twice, or not at all, and how many there may be. Method: each refusal.
    @Test func recipientsAreCheckedAndBounded() throws {
        let life = try World().start(feed: .ample)
        try life.createList()
        for number in 0..<Limits.recipients { try life.addMail("r\(number)@example.org") }
        let again = try #require(Recipient.email("r0@example.org"))
        let more = try #require(Recipient.email("more@example.org"))
        for (recipient, error) in [
            (again, CatalogError.recipientExists("r0@example.org", list: "l")),
            (more, .tooMany(what: "recipients of a list", maximum: Limits.recipients)),
        ] {
            let reply = life.change { $0.add(recipient: recipient, to: "l", done: $1) }
            life.settle()
            #expect(reply.value?.error == .catalog(error))
        }
        let reply = life.change { $0.remove(recipient: "nobody@example.org", of: "l", done: $1) }
        life.settle()
        #expect(reply.value?.error == .catalog(.noRecipient("nobody@example.org", list: "l")))
    }

    /// Goal: a test goes to each recipient once, and is told, without a letter of its own. Method: one fails.
    @Test func aTestTellsHowItWent() throws {
        let world = World()
        let life = try world.start(feed: .ample)
        try life.supplyWatched(codes: 1)
        try life.addWebhook("https://example.org/hook")
        world.courier.answer("https://example.org/hook", .failed("down"))
        let list = try #require(life.engine.latestCatalog.list(named: "l"))
        let reply = Reply<Result<[DeliveryTest], ControlError>>()
        life.control.asked(by: Life.origin).testRecipients(of: list, at: try life.deliveries) { reply.set($0) }
        life.settle()
        let tests = try #require(reply.value).get()
        #expect(tests.map(\.receipt) == [.delivered, .failed("down")])
        #expect(try life.deliveries.info.open.isEmpty)
    }
}

extension Life {
    /// A list that is low as soon as it has its code, and recipients `r0`, `r1` and so on.
    fileprivate func makeLow(_ name: String, recipients: Int) throws {
        try createList(name, warnAt: 10)
        for number in 0..<recipients { try addMail("r\(number)@example.org", to: name) }
        try upload(["only"], to: name)
    }

    /// Lets time pass as timers that wait a minute at most see it.
    func passInSteps(_ milliseconds: UInt64) {
        var left = milliseconds
        while left > 0 {
            let step = min(left, 30_000)
            pass(step)
            left -= step
        }
    }

    fileprivate func retry(_ number: UInt64?) throws -> Int {
        let reply = Reply<Result<Int, ControlError>>()
        control.asked(by: Self.origin).retryDelivery(number, at: try deliveries) { reply.set($0) }
        settle()
        return try #require(reply.value).get()
    }
}
