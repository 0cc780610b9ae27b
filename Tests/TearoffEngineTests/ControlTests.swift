import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Control: an operator's change is answered when it is durable and every loop has it")
struct ControlTests {
    /// Goal: no reply before the record is durable, none before the last loop has the catalog.
    @Test func aReplyWaitsForTheDiskAndForEveryLoop() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.createList()
        let reply = life.change {
            $0.createCampaign(name: "c", list: "l", rule: .standard, returns: .standard, done: $1)
        }
        life.pump()
        #expect(reply.count == 0)
        #expect(life.engine.latestCatalog.campaign(named: "c") == nil, "not durable, so nobody sees it")
        world.log.complete(.control)
        life.control.poll()
        #expect(reply.count == 0)
        #expect(life.loops[0].catalog.campaign(named: "c") == nil)
        // Loop 0 takes it over and says so; then loop 1. The reply comes with what loop 1 says.
        for _ in 0..<3 {
            #expect(life.step())
            #expect(reply.count == 0)
        }
        #expect(life.loops.allSatisfy { $0.catalog.campaign(named: "c") != nil })
        life.pump()
        #expect(reply.count == 1 && reply.value?.error == nil)
    }

    /// Goal: changes happen one after the other in the order in which they were asked for.
    @Test func changesKeepTheirOrder() throws {
        let world = World()
        var life = try world.start(slow: true)
        let names = (0..<20).map { "l\($0)" }
        let replies = names.map { name in
            life.change { $0.createList(name: name, kind: .unique, expiresAt: nil, warnAt: nil, done: $1) }
        }
        let twice = life.change {
            $0.createList(name: "l0", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
        }
        life.pump()
        #expect(replies.allSatisfy { $0.count == 0 })
        life.completeControl()
        life.pump()
        #expect(replies[0].count == 1 && replies[1].count == 0)
        life.settle()
        #expect(replies.allSatisfy { $0.count == 1 && $0.value?.error == nil })
        #expect(twice.value?.error == .catalog(.listExists("l0")))
        #expect(life.engine.latestCatalog.lists.map(\.name) == names)
        life = try world.restart()
        #expect(life.engine.latestCatalog.lists.map(\.name) == names)
    }

    /// Goal: a refused change says why, changes nothing and writes nothing.
    @Test func aRefusalChangesNothing() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1)
        let before = life.control.writer.openFrame
        let past = Timestamp(milliseconds: world.clock.milliseconds - 1)
        let refused: [(Reply<Change>, CatalogError)] = [
            (
                life.change { $0.createCampaign(name: "x", list: "none", rule: .once, returns: .standard, done: $1) },
                .noList("none")
            ),
            (
                life.change { $0.createCampaign(name: "c", list: "l", rule: .once, returns: .standard, done: $1) },
                .campaignExists("c")
            ),
            (life.change { $0.finishCampaign(name: "x", done: $1) }, .noCampaign("x")),
            (life.change { $0.resumeCampaign(name: "c", done: $1) }, .alreadyActive("c")),
            (life.change { $0.setExpiry(list: "l", expiresAt: past, done: $1) }, .expiryInThePast),
        ]
        life.settle()
        for (reply, error) in refused { #expect(reply.value?.error == .catalog(error)) }
        #expect(life.control.writer.openFrame == before)
    }

    /// Goal: more than the maximum of waiting jobs is refused at once, and the others are not disturbed.
    @Test func tooManyWaitingChangesAreBusy() throws {
        let world = World()
        let life = try world.start(slow: true)
        let first = life.change {
            $0.createList(name: "first", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
        }
        let waiting = (0..<ControlPlane.waitingMaximum).map { _ in
            life.change { $0.finishCampaign(name: "none", done: $1) }
        }
        let tooMany = life.change { $0.finishCampaign(name: "none", done: $1) }
        #expect(tooMany.value?.error == .busy)
        #expect(first.count == 0 && waiting.allSatisfy { $0.count == 0 })
        life.settle()
        #expect(first.value?.error == nil && first.count == 1)
        #expect(waiting.allSatisfy { $0.value?.error == .catalog(.noCampaign("none")) })
    }

    /// Goal: a change that meets a seal in flight is not left behind. Method: a slow seal, then a change.
    @Test func aChangeThatMeetsASealInFlightIsMade() throws {
        let world = World()
        let life = try world.start(slow: true)
        try life.createList("a")
        life.control.sealIfNeeded()
        #expect(world.log.hasWriteInFlight(.control))
        let reply = life.change {
            $0.createList(name: "b", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
        }
        life.settle()
        #expect(reply.value?.error == nil && reply.count == 1)
    }

    /// Goal: a snapshot right after the start, before the control lane's next segment is ready, holds up
    /// nothing.
    @Test func aSnapshotBeforeTheNextSegmentIsReadyHoldsUpNothing() throws {
        let world = World()
        let life = try world.start()
        #expect(life.mail.hasWork, "the segments are still to be made")
        let snapshot = life.askForSnapshot()
        let reply = life.change {
            $0.createList(name: "b", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
        }
        life.settle()
        #expect(try #require(snapshot.value).get().number == 1)
        #expect(reply.value?.error == nil && reply.count == 1)
    }

    /// Goal: changes survive a crash if and only if their frame was durable; what follows has the next
    /// revision.
    @Test func onlyDurableChangesSurvive() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.createList("kept")
        _ = life.change { $0.createList(name: "lost", kind: .unique, expiresAt: nil, warnAt: nil, done: $1) }
        life.pump()
        life = try world.restart()
        #expect(life.engine.latestCatalog.lists.map(\.name) == ["kept"])
        #expect(world.recovered?.revision == 1)
        try life.createList("next")
        life = try world.restart()
        #expect(life.engine.latestCatalog.lists.map(\.name) == ["kept", "next"])
    }

    /// Goal: a clean end loses nothing: what was asked for before it is durable. Method: drain with writes in
    /// flight.
    @Test func aCleanEndWritesAndSealsEverything() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let first = try life.allocate("a", loop: 0)
        _ = try life.loops[0].commit()
        let second = try life.allocate("b", loop: 0)
        for loop in life.loops { try loop.drain() }
        life.control.drain()
        #expect(life.isAcknowledged(first, loop: 0) && life.isAcknowledged(second, loop: 0))
        #expect(life.loops.allSatisfy { !$0.writer.needsSeal } && !life.control.writer.needsSeal)
        life = try world.restart()
        #expect(try life.give("b") == "K1" && life.give("a") == "K0")
    }
}
