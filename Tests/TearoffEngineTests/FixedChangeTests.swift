import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("A fixed list's code and limit can be changed, and the limit is exact")
struct FixedChangeTests {
    /// Goal: who was given the old code keeps it, who comes gets the new one, and the figures are of each; also after a
    /// crash and from a snapshot. Method: one given, one held; both changed.
    @Test func usersKeepWhatTheyWereGiven() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supplyFixed(limit: 5)
        #expect(try life.give("a") == "OLD" && life.hold("b") == "OLD")
        try life.changed { control, done in
            control.setFixed(list: "l", code: Array("NEW".utf8), limit: 4, done: done)
        }
        func check() throws {
            #expect(try life.counts() == [1, 1, 2, 3, 0])
            #expect(try life.give("a") == "OLD" && life.give("c", loop: 1) == "NEW", "repeats")
            let found = life.find("OLD").found
            #expect(found.count == 1 && found[0].state == .given && found[0].owner == nil)
            let list = try #require(life.engine.latestCatalog.list(named: "l"))
            #expect(list.kind == .fixed(code: Array("NEW".utf8), limit: 4))
            #expect(list.uploads.map(\.count) == [5, 2])
            #expect(list.uploads.map { $0.withdrawnAt == nil } == [false, true])
        }
        #expect(try life.counts() == [2, 1, 1, 3, 0])
        #expect(try life.give("c", loop: 1) == "NEW")
        try check()
        life = try world.restart(loops: 2)
        try check()
        try life.snapshot()
        life = try world.restart(loops: 2)
        try check()
        #expect(try life.end(.confirmed, "b").hasEnded)
        #expect(try life.give("d") == "NEW")
        #expect(try life.decide("e").refusal == .poolEmpty)
    }

    /// Goal: what is taken is counted when no loop gives any more, and the code goes out `limit` times in all, no more
    /// and no less. Method: both loops give between all steps of two changes, in an order from a seed.
    @Test(arguments: 1...20)
    func theLimitIsExact(seed: UInt64) throws {
        let world = World(seed: seed)
        let life = try world.start(loops: 2)
        try life.supplyFixed(limit: 50)
        var dice = SplitMix64(seed: seed)
        var users = 0
        life.choose = { Int.random(in: 0..<$0, using: &dice) }
        for (code, limit) in [(String?.none, UInt32(40)), ("NEW", 30)] {
            let reply = life.setFixed(code, limit: limit)
            while reply.value == nil {
                if Int.random(in: 0..<2, using: &dice) == 0,
                    case .given = try life.decide("u\(users)", loop: users % 2)
                {
                    users += 1
                }
                if !life.step() { life.pump() }
            }
            try #require(reply.value).get()
        }
        life.choose = { _ in 0 }
        life.settle()
        #expect(users < 30)
        while case .given = try life.decide("u\(users)", loop: users % 2) { users += 1 }
        #expect(users == 30)
        life.settle()
        #expect(try life.ledger().given == 30)
    }

    /// Goal: a limit below what is taken is refused with that number, and the list goes on. Method: given, held and
    /// burned ones.
    @Test func aLimitBelowWhatIsTakenIsRefused() throws {
        let life = try World().start()
        try life.supplyFixed(limit: 5)
        try life.give("a")
        try life.hold("b")
        try life.hold("c")
        try life.end(.released, "c")
        let refused = life.setFixed(limit: 2)
        life.settle()
        #expect(refused.value?.error == .catalog(.limitBelowTaken(list: "l", taken: 3)))
        #expect(try life.give("d") == "OLD")
    }

    /// Goal: a limit that leaves nothing finishes the campaign, a higher one can be resumed. Method: both; a restart
    /// with an upload of no code.
    @Test func aLimitThatLeavesNothingIsTheEnd() throws {
        let world = World()
        var life = try world.start()
        try life.supplyFixed(limit: 5)
        try life.give("a")
        try life.changed { control, done in
            control.setFixed(list: "l", code: Array("NEW".utf8), limit: 1, done: done)
        }
        #expect(try life.counts() == [0, 0, 1, 4, 0])
        #expect(try life.finishReason() == .exhausted)
        #expect(life.find("NEW").found.isEmpty && life.find("OLD").found.count == 1)
        try life.snapshot()
        life = try world.restart()
        #expect(try life.give("a") == "OLD")
        try life.changed { $0.setFixed(list: "l", code: nil, limit: 2, done: $1) }
        #expect(try life.finishReason() == .exhausted, "it goes on when it is told to")
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        #expect(try life.give("b") == "NEW")
        #expect(try life.counts() == [0, 0, 2, 4, 0])
    }

    /// Goal: nothing changes before that is durable, and what is so already changes nothing. Method: the power fails
    /// with the record in flight; the same code and limit once more.
    @Test func aChangeThatIsNotDurableDidNotHappen() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supplyFixed(limit: 2)
        let reply = life.setFixed("NEW")
        life.pump()
        #expect(reply.value == nil)
        #expect(try life.decide("a").refusal == .listFrozen)
        life = try world.restart()
        #expect(try life.give("a") == "OLD")
        try life.changed { $0.setFixed(list: "l", code: nil, limit: 2, done: $1) }
        #expect(life.engine.latestCatalog.uploads.count == 1)
        #expect(try life.give("b") == "OLD")
    }

    /// Goal: only a fixed list has a code and a limit. Method: a list of uploads, and none.
    @Test func itMustBeAFixedList() throws {
        let life = try World().start()
        try life.supply(codes: 1)
        let unique = life.setFixed("NEW")
        let none = life.change { $0.setFixed(list: "none", code: nil, limit: 1, done: $1) }
        life.settle()
        #expect(unique.value?.error == .catalog(.listIsUnique("l")))
        #expect(none.value?.error == .catalog(.noList("none")))
        #expect(try life.give("a") == "K0", "it is thawed")
    }

    /// Goal: a code that was held over a change and goes back is not given again. Method: a campaign that reuses.
    @Test func anOldCodeThatGoesBackIsWithdrawn() throws {
        let world = World()
        var life = try world.start()
        try life.supplyFixed(limit: 2, returns: .reuse)
        try life.hold("a")
        try life.changed { $0.setFixed(list: "l", code: Array("NEW".utf8), limit: nil, done: $1) }
        try life.end(.released, "a")
        #expect(try life.counts() == [1, 0, 0, 2, 0])
        life = try world.restart()
        #expect(try life.counts() == [1, 0, 0, 2, 0])
    }

    /// Goal: a change that takes codes away warns when few are left. Method: a warning at 5, down from 9 to 3.
    @Test func aLowerLimitWarns() throws {
        let life = try World().start()
        try life.supplyFixed(limit: 9)
        try life.changed { $0.setWarning(list: "l", warnAt: 5, done: $1) }
        try life.changed { $0.setFixed(list: "l", code: nil, limit: 3, done: $1) }
        let lows = life.events.compactMap {
            if case .listLow(_, let remaining) = $0 { remaining } else { nil }
        }
        #expect(lows == [3])
    }
}
