import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("ALLOCMANY: codes for many users, durable as one")
struct ManyTests {
    private func names(_ count: Int, _ prefix: String = "u") -> [String] {
        (0..<count).map { "\(prefix)\($0)" }
    }

    /// Goal: every user gets a code of their own, in order, and all records are in one frame. Method: 1,000 users over
    /// all shards; the lane's figures.
    @Test func allRecordsAreInOneFrame() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1_000)
        let before = life.loops[0].writer.counters
        let many = try #require(try life.allocateMany(names(1_000)))
        #expect(many.outcomes.compactMap { $0.given.map { life.text($0.code) } } == names(1_000, "K"))
        #expect(many.outcomes.allSatisfy { $0.given?.isRepeat == false && $0.given?.frame == many.frame })
        #expect(many.otherFrames.isEmpty && life.loops[0].durableFrame < many.frame)
        _ = try life.loops[0].commit()
        let after = life.loops[0].writer.counters
        #expect(after.frames == before.frames + 1 && after.records == before.records + 1_000)
        #expect(life.loops[0].durableFrame == many.frame)
        #expect(try life.ledger().given == 1_000)
    }

    /// Goal: a crash leaves all of it or nothing, and asked again it gives each user one code. Method: crash with the
    /// frame in the open batch, in flight (with each of several random subsets of its sectors) and durable.
    @Test(arguments: 1...12)
    func aCrashLeavesAllOrNothing(seed: UInt64) throws {
        let world = World(seed: seed)
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 500)
        let many = try #require(try life.allocateMany(names(500), loop: 1))
        if seed > 1 { _ = try life.loops[1].commit() }
        if seed == 12 { life.complete(1) }
        let isAcknowledged = life.loops[1].durableFrame >= many.frame
        world.crash()
        life = try world.start(loops: 2)
        let given = try life.ledger().given
        #expect(given == 0 || given == 500)
        #expect(isAcknowledged == (seed == 12) && (given == 500 || !isAcknowledged))
        let again = try #require(try life.allocateMany(names(500)))
        #expect(again.outcomes.allSatisfy { $0.given?.isRepeat == (given == 500) })
        if given == 500 { #expect(again.outcomes.map(\.given?.code) == many.outcomes.map(\.given?.code)) }
        #expect(try life.ledger().given == 500)
    }

    /// Goal: a call that does not fit behind what is in the open batch waits until that is committed, and nobody takes
    /// the room meanwhile; one that fits no frame is refused, and nothing is given. Method: users of 200 bytes in
    /// segments of 64 KiB; some ALLOCs before.
    @Test func aCallThatDoesNotFitWaitsOrIsRefused() throws {
        let world = World()
        let life = try world.start(slow: true)
        try life.supply(codes: 1_000)
        let long = names(1_000, String(repeating: "x", count: 200))
        let fits = try #require((1..<1_000).last { life.room(forMany: Array(long[..<$0])) == .now })
        #expect(fits > 200)
        guard case .never(let bytes, let frameBytes) = life.room(forMany: Array(long[...fits])) else {
            Issue.record("one more fits as well")
            return
        }
        #expect(bytes > frameBytes && frameBytes == life.loops[0].writer.payloadBytesMax)
        #expect(try life.ledger().given == 0)
        for user in names(20) { _ = try life.allocate(user) }
        #expect(!life.loops[0].isBatchFull)
        #expect(try life.allocateMany(Array(long[..<fits])) == nil)
        #expect(life.loops[0].isBatchFull, "others would fill the room again")
        _ = try life.loops[0].commit()
        #expect(!life.loops[0].isBatchFull)
        let many = try #require(try life.allocateMany(Array(long[..<fits])))
        life.settle()
        #expect(life.loops[0].durableFrame == many.frame)
        #expect(try life.ledger().given == UInt64(fits) + 20)
    }

    /// Goal: a user who stands there twice gets one code, the second time as a repeat, whatever the rule; of two calls
    /// each counts for itself. Method: each rule.
    @Test(arguments: [RetriggerRule.standard, .window(milliseconds: 1), .once, .always, .untilExpiry])
    func aUserWhoStandsThereTwiceGetsOneCode(rule: RetriggerRule) throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10, rule: rule)
        for call in 0..<2 {
            let many = try #require(try life.allocateMany(["a", "b", "a", "a"]))
            _ = try life.loops[0].commit()
            let given = many.outcomes.compactMap(\.given)
            let isNew = call == 0 || rule == .always
            #expect(given.map(\.isRepeat) == [!isNew, !isNew, true, true])
            #expect(given[2].code == given[0].code && given[3].code == given[0].code)
            #expect(given[1].code != given[0].code)
            #expect(try life.ledger().given == (rule == .always ? 2 * UInt64(call + 1) : 2))
        }
    }

    /// Goal: a list that runs dry in the middle: those before have theirs, the rest is refused one by one, who has a
    /// code keeps it; the campaign finishes, and the control plane is told once, not for each user. Method: 10 codes
    /// and 400 users; the work that comes of it.
    @Test func aListThatRunsDryRefusesTheRest() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        try life.give("known")
        let users = names(8) + ["known"] + names(400, "late") + ["u3"]
        let many = try #require(try life.allocateMany(users))
        var work = 0
        while life.step() { work += 1 }
        #expect(work <= 2)
        #expect(many.outcomes[..<9].allSatisfy { $0.given != nil })
        #expect(many.outcomes[8].given?.isRepeat == true && many.outcomes[9].given != nil)
        #expect(many.outcomes[10..<409].allSatisfy { $0.refusal == .poolEmpty })
        #expect(many.outcomes[409].given?.code == many.outcomes[3].given?.code)
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        let again = try #require(try life.allocateMany(users))
        #expect(again.outcomes[409].given?.isRepeat == true)
        #expect(again.outcomes[10].refusal == .finished(.exhausted))
    }

    /// Goal: a user in flight in another lane is decided on when that is durable, gets the code from there, and leaves
    /// what the call itself gave as it is. Method: users in flight in two other lanes, one of them twice; the lanes
    /// become durable one after the other.
    @Test func aUserInFlightInAnotherLaneIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 3, slow: true)
        try life.supply(codes: 10)
        let there = [try life.allocate("one", loop: 1), try life.allocate("two", loop: 2)]
        var many = try #require(try life.allocateMany(["new", "one", "two", "one"], loop: 0))
        let own = many.frame
        #expect(many.outcomes.map(\.isWaiting) == [false, true, true, true])
        #expect(
            many.otherFrames.map(\.lane) == [1, 2] && many.otherFrames.map(\.frame) == there.map(\.frame))
        for loop in 0..<3 { _ = try life.loops[loop].commit() }
        life.complete(1)
        // Asked too early, nothing is told of the one that is in flight yet.
        try life.decideWaiting(&many)
        #expect(many.outcomes.map(\.isWaiting) == [false, false, true, false])
        #expect(many.otherFrames.map(\.lane) == [2])
        life.complete(2)
        try life.decideWaiting(&many)
        #expect(many.otherFrames.isEmpty && many.frame == own)
        #expect(many.outcomes.map { $0.given?.isRepeat } == [false, true, true, true])
        #expect(
            many.outcomes[1].given?.code == there[0].code && many.outcomes[2].given?.code == there[1].code)
        #expect(many.outcomes[3].given?.code == there[0].code)
        #expect(life.loops[0].durableFrame < own, "its own frame is still waited for")
        #expect(try life.ledger().given == 3)
    }

    /// Goal: what the feed is to tell of repeats never fills a frame beyond its bound. Method: two calls at once for users
    /// in flight elsewhere, each of whom takes more than half of a frame.
    @Test func repeatsThatDoNotFitOneFrameWait() throws {
        let world = World()
        var settings = FeedSettings.ample
        settings.tellsRepeats = true
        let life = try world.start(loops: 2, slow: true, feed: settings)
        let room = life.loops[0].writer.payloadBytesMax
        let users = names(room * 3 / 5 / 100, String(repeating: "u", count: 100))
        try life.supply(codes: users.count)
        let first = try #require(try life.allocateMany(users, loop: 1))
        var calls = try (0..<2).map { _ in try #require(try life.allocateMany(users, loop: 0)) }
        var rounds = 0
        while calls.contains(where: { !$0.otherFrames.isEmpty }) {
            life.settle()
            for call in calls.indices { try life.decideWaiting(&calls[call]) }
            rounds += 1
        }
        life.settle()
        #expect(rounds > 1)
        for call in calls { #expect(call.outcomes.map(\.given?.code) == first.outcomes.map(\.given?.code)) }
    }

    /// Goal: nothing of a call is ever in a second frame: a user whose hold, or its end, was in flight elsewhere and who
    /// would need a record now is passed over, and asked again gets what is due. Method: a hold, and a release.
    @Test func aUserWhoWouldNeedAnotherFrameIsPassedOver() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let early = try life.decideHold("released", loop: 1)
        life.settle()
        _ = try life.decideHold("held", loop: 1)
        _ = try life.decideEnd(.released, "released", loop: 1)
        var many = try #require(try life.allocateMany(["held", "new", "released"], loop: 0))
        #expect(many.outcomes.map(\.isWaiting) == [true, false, true])
        life.settle()
        let before = life.loops[0].writer.counters
        try life.decideWaiting(&many)
        life.settle()
        #expect(many.outcomes.map(\.isOvertaken) == [true, false, true] && many.otherFrames.isEmpty)
        #expect(life.loops[0].writer.counters.records == before.records)
        let again = try #require(try life.allocateMany(["held", "new", "released"], loop: 0))
        life.settle()
        #expect(again.outcomes.map { $0.given?.isRepeat } == [true, true, false])
        guard case .given(let released) = early else { throw Unexpected(early) }
        #expect(again.outcomes[2].given?.code != released.code)
        let ledger = try life.ledger()
        #expect(ledger.given == 3 && ledger.free == 6 && ledger.holds)
    }
}
