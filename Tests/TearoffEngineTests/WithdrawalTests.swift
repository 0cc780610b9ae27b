import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("An upload that is withdrawn gives nothing any more, and takes nothing back")
struct WithdrawalTests {
    /// Goal: what is free goes, what is given stays; the next code is the next upload's. Method: two uploads, the
    /// first one partly given; a crash, a snapshot, and a look at every figure after each.
    @Test func whatIsFreeGoesAndWhatIsGivenStays() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 5)
        try life.upload(["N0", "N1"])
        #expect(try life.give("a") == "K0" && life.give("b", loop: 1) == "K1")
        try life.undone(0)

        func check() throws {
            #expect(try life.counts() == [1, 0, 3, 3, 0])
            #expect(try life.give("a") == "K0", "a repeat")
            #expect(life.find("K2").found.map(\.state) == [.withdrawn])
            #expect(life.find("K1").found.map(\.state) == [.given])
        }
        #expect(try life.counts() == [2, 0, 2, 3, 0])
        #expect(try life.give("c", loop: 1) == "N0", "the other loop has the new catalog, too")
        try check()
        life = try world.restart(loops: 2)
        try check()
        try life.snapshot()
        life = try world.restart()
        try check()
        #expect(try life.give("d") == "N1")
        #expect(life.events.contains { if case .uploadWithdrawn = $0 { true } else { false } } == false)
    }

    /// Goal: nothing is withdrawn before that is durable. Method: the power fails while the record is in flight.
    @Test func aWithdrawalThatIsNotDurableDidNotHappen() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 2)
        let reply = life.undo(0)
        life.pump()
        #expect(reply.value == nil)
        life = try world.restart()
        #expect(try life.counts() == [2, 0, 0, 0, 0])
        #expect(try life.give("a") == "K0")
    }

    /// Goal: it happens once, and only to an upload that the list has. Method: twice, another list's, a fixed list's.
    @Test func itHappensOnceAndToTheListsOwn() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 2)
        try life.createList("other")
        try life.upload(["O0"], to: "other")
        try life.changed {
            $0.createList(
                name: "fixed", kind: .fixed(code: Array("F".utf8), limit: 3), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        func refusal(_ upload: UInt64, of list: String) -> ControlError? {
            let reply = life.undo(upload, of: list)
            life.settle()
            return reply.value?.error
        }
        #expect(refusal(1, of: "l") == .catalog(.noUpload(1, list: "l")))
        #expect(refusal(9, of: "l") == .catalog(.noUpload(9, list: "l")))
        #expect(refusal(2, of: "fixed") == .catalog(.listIsFixed("fixed")))
        #expect(refusal(0, of: "nosuch") == .catalog(.noList("nosuch")))
        try life.undone(0)
        let generation = life.engine.latestCatalog.generation
        try life.undone(0)
        #expect(life.engine.latestCatalog.generation == generation)
        #expect(try life.counts() == [0, 0, 0, 2, 0])
    }

    /// Goal: a list that is emptied finishes its campaigns, and one that passes its warning says so once. Method:
    /// 10 codes with a warning at 4, of which 5 go, then the others.
    @Test func anEmptiedListFinishesItsCampaigns() throws {
        let world = World()
        let life = try world.start()
        try life.createList(warnAt: 4)
        try life.upload((0..<5).map { "A\($0)" })
        try life.upload((0..<5).map { "B\($0)" })
        try life.createCampaign()
        try life.give("a")
        try life.undone(1)
        func lows() -> [UInt64] {
            life.events.compactMap { if case .listLow(_, let remaining) = $0 { remaining } else { nil } }
        }
        #expect(lows() == [4])
        #expect(try life.finishReason() == nil)
        try life.undone(0)
        #expect(lows() == [4])
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.give("a") == "A0")
    }

    /// Goal: a code that goes back to a withdrawn upload is withdrawn, whether it is on its way or comes later, and
    /// so it is after a crash. Method: one hold released before and in flight, one among the holes, one released
    /// after the withdrawal; a campaign that reuses.
    @Test func aCodeThatGoesBackIsWithdrawn() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 3, returns: .reuse)
        for user in ["hole", "flight", "later"] {
            _ = try life.decideHold(user)
            life.settle()
        }
        #expect(try life.decideEnd(.released, "hole").hasEnded)
        life.settle()
        #expect(try life.decideEnd(.released, "flight").hasEnded)
        let reply = life.undo(0)
        life.pump()
        life.completeControl()
        life.pump()
        #expect(reply.value != nil)
        #expect(try life.counts() == [1, 1, 0, 1, 0], "the one in flight is free until that is durable")
        life.settle()
        #expect(try life.counts() == [0, 1, 0, 2, 0])
        #expect(try life.decideEnd(.released, "later").hasEnded)
        life.settle()
        #expect(try life.counts() == [0, 0, 0, 3, 0])
        #expect(try life.decide("new").refusal != nil)
        life = try world.restart()
        #expect(try life.counts() == [0, 0, 0, 3, 0])
        try life.snapshot()
        life = try world.restart()
        #expect(try life.counts() == [0, 0, 0, 3, 0])
    }

    /// Goal: a loop that does not know yet may give more of the upload; that is as good as given before. Method: the
    /// other loop has not taken over the catalog when the record is durable.
    @Test func aLoopThatDoesNotKnowYetGivesWhatStaysGiven() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 3)
        let reply = life.undo(0)
        for _ in 0..<100 where life.engine.latestCatalog[UploadID(rawValue: 0)].isWithdrawn == false {
            life.control.poll()
        }
        #expect(reply.value == nil, "the loops have not taken it over")
        #expect(try life.give("late", loop: 1) == "K0")
        life.settle()
        #expect(reply.value != nil)
        #expect(try life.counts() == [0, 0, 1, 2, 0])
        life = try world.restart()
        #expect(try life.counts() == [0, 0, 1, 2, 0])
        #expect(try life.give("late") == "K0")
    }

    /// Goal: withdrawn codes may come again, and none that somebody has. Method: the same file, and one with a code
    /// that is given and one that is held.
    @Test func withdrawnCodesMayComeAgain() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 4)
        #expect(try life.give("a") == "K0" && life.hold("b") == "K1")
        try life.undone(0)
        let again = try life.upload(["K0", "K1", "K2", "K3"])
        #expect(again.status == .refused && again.counts.leftOut[.duplicateInList] == 2)
        #expect(try life.upload(["K2", "K3"]).status == .loaded(UploadID(rawValue: 1)))
        #expect(life.find("K2").found.map(\.state) == [.withdrawn, .free])
        life = try world.restart()
        // A code is held, so the campaign is active still.
        #expect(try life.give("c") == "K2" && life.give("d") == "K3")
        #expect(life.find("K2").found.map(\.state) == [.withdrawn, .given])
    }

    /// Goal: no code twice when the new upload is judged while a loop still gives from the old one. Method: the
    /// commit is asked for in between, and the other loop gives a code before it takes the withdrawal over.
    @Test func anUploadIsJudgedOnWhatEveryLoopKnows() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 2)
        let id = try life.beginUpload("K0\nK1\nX\n")
        life.settle()
        _ = life.undo(0)
        for _ in 0..<100 where life.engine.latestCatalog[UploadID(rawValue: 0)].isWithdrawn == false {
            life.control.poll()
        }
        let reply = life.commitUpload(id)
        life.step()
        // What does not need the loops goes first.
        life.choose = { $0 - 1 }
        while life.mail.hasBackgroundWork { life.step() }
        #expect(try life.give("late", loop: 1) == "K0")
        life.settle()
        let outcome = try #require(reply.value).get()
        #expect(outcome.status == .refused && outcome.counts.leftOut[.duplicateInList] == 1)
    }

    /// Goal: the same when the withdrawal comes between the catalog and the judging. Method: the judging waits in the
    /// background until the record is durable, and goes before the loops know.
    @Test func aLaterWithdrawalDoesNotCount() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 2)
        let id = try life.beginUpload("K0\nK1\nX\n")
        life.settle()
        let reply = life.commitUpload(id)
        while !life.mail.hasBackgroundWork { life.step() }
        _ = life.undo(0)
        for _ in 0..<100 where life.engine.latestCatalog[UploadID(rawValue: 0)].isWithdrawn == false {
            life.control.poll()
        }
        life.choose = { $0 - 1 }
        while life.mail.hasBackgroundWork { life.step() }
        #expect(try life.give("late", loop: 1) == "K0")
        life.settle()
        let outcome = try #require(reply.value).get()
        #expect(outcome.status == .refused && outcome.counts.leftOut[.duplicateInList] == 2)
    }
}
