import TearoffCore
import TearoffEngine
import TearoffSimulation
import Testing

@Suite("Lists and campaigns can be changed, and stay so")
struct EditTests {
    /// Goal: a list's new name and warning hold at once and after a restart, with and without a snapshot; its codes
    /// and campaigns stay. Method: rename, allocate, restart.
    @Test(arguments: [false, true])
    func aListKeepsItsNewNameAndWarning(withSnapshot: Bool) throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 10)
        try life.createList("other")
        try life.give("a")
        try life.changed { $0.renameList("l", to: "m", done: $1) }
        try life.changed { $0.setWarning(list: "m", warnAt: 8, done: $1) }
        #expect(
            life.change { $0.renameList("m", to: "other", done: $1) }.settled(life) == .catalog(.listExists("other")))
        #expect(life.change { $0.renameList("m", to: "m", done: $1) }.settled(life) == .catalog(.listExists("m")))
        #expect(life.change { $0.renameList("l", to: "n", done: $1) }.settled(life) == .catalog(.noList("l")))
        #expect(life.change { $0.setWarning(list: "l", warnAt: 1, done: $1) }.settled(life) == .catalog(.noList("l")))
        if withSnapshot { try life.snapshot() }
        try life.give("b")
        life.settle()
        #expect(life.events.contains { if case .listLow(list: "m", remaining: 8) = $0 { true } else { false } })
        life = try world.restart()
        #expect(life.engine.latestCatalog.list(named: "l") == nil)
        #expect(try life.ledger("m").given == 2)
        #expect(life.engine.latestCatalog.list(named: "m")?.warnAt == 8)
        #expect(try life.give("a") == "K0")
        // The name that is free again may be another list's.
        try life.createList("l")
        try life.changed { $0.setWarning(list: "m", warnAt: nil, done: $1) }
        life = try world.restart()
        #expect(life.engine.latestCatalog.list(named: "m")?.warnAt == nil)
        #expect(try life.ledger("l").uploaded == 0)
    }

    /// Goal: a campaign's new rules count from then on, and after a restart. Method: a window shortened, and codes
    /// that go back before and behind the change.
    @Test(arguments: [false, true])
    func aCampaignFollowsItsNewRules(withSnapshot: Bool) throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 10, rule: .once)
        #expect(try life.give("a") == "K0")
        try life.hold("b")
        try life.end(.released, "b")
        try life.changed {
            $0.setCampaign(name: "c", rule: .window(milliseconds: hour), returns: .reuse, done: $1)
        }
        try life.hold("c")
        try life.end(.released, "c")
        if withSnapshot { try life.snapshot() }
        life = try world.restart()
        world.clock.milliseconds += hour
        #expect(try life.give("a") == "K2", "what went back last, since the window is over")
        #expect(try life.ledger().burned == 1)
        #expect(
            life.change { $0.setCampaign(name: "x", rule: .once, returns: nil, done: $1) }.settled(life)
                == .catalog(.noCampaign("x")))
    }
}

extension Reply<Change> {
    /// Why the change was refused, once everything has run.
    fileprivate func settled(_ life: Life) -> ControlError? {
        life.settle()
        return value?.error
    }
}
