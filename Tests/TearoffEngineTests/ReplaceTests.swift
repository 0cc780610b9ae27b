import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

extension Life {
    /// Judges a file that is to replace the others, up to where its list would be frozen.
    fileprivate func beginReplacing(_ codes: [String]) throws -> (
        id: UInt64, reply: Reply<Result<UploadOutcome, ControlError>>
    ) {
        let id = try beginUpload(codes.map { $0 + "\n" }.joined())
        settle()
        let reply = commitUpload(id, replaces: true)
        step()
        #expect(mail.hasBackgroundWork)
        step()
        #expect(mail.hasWork && !mail.hasBackgroundWork)
        return (id, reply)
    }

    /// Runs the control plane alone, so that the loops have the catalog that they had.
    fileprivate func stepControl() {
        choose = { _ in 0 }
        while mail.hasControlWork { step() }
    }

    /// Runs all that waits but for what is done in the background.
    fileprivate func stepUpToBackground() {
        choose = { _ in 0 }
        while mail.hasControlWork || mail.hasLoopWork { step() }
    }

    fileprivate var isFrozen: Bool { engine.latestCatalog.list(named: "l")?.isFrozen ?? false }
}

@Suite("An upload that replaces the others is the list's supply, without what users have")
struct ReplaceTests {
    /// Goal: given, held and burned codes stay and are left out, all that is free of the old files goes, and the rest
    /// of the new one is given in its order. Method: two old files, every state, a look after a crash and a snapshot.
    @Test func theNewFileIsTheSupply() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 6)
        try life.upload(["N0", "N1"])
        #expect(try life.give("a") == "K0" && life.hold("b", loop: 1) == "K1" && life.hold("c") == "K2")
        try life.end(.released, "c")
        let outcome = try life.upload(["K5", "K0", "K1", "N1", "K2", "X"], replaces: true)
        #expect(outcome.status == .loaded(UploadID(rawValue: 2)) && outcome.counts.codes == 3)
        #expect(outcome.counts.leftOut[.duplicateInList] == 3 && outcome.withdrawn == 5)
        func check(_ expected: [UInt64]) throws {
            #expect(try life.counts() == expected)
            #expect(try life.give("a") == "K0", "a repeat")
            #expect(life.find("K3").found.map(\.state) == [.withdrawn])
            #expect(life.find("N1").found.map(\.state).first == .withdrawn)
        }
        try check([3, 1, 1, 5, 1])
        life = try world.restart(loops: 2)
        try check([3, 1, 1, 5, 1])
        try life.snapshot()
        life = try world.restart(loops: 2)
        #expect(try life.give("d", loop: 1) == "K5" && life.give("e") == "N1" && life.give("f") == "X")
        try check([0, 1, 4, 5, 1])
        #expect(life.engine.latestCatalog.list(named: "l")?.activeUploads.map(\.id.rawValue) == [2])
    }

    /// Goal: a code that a user gets while the file is judged is not given again. Method: the file is judged; then a
    /// code of it is given by a loop, before the freeze, or by one that does not know of the freeze yet.
    @Test(arguments: [false, true])
    func aCodeGivenMeanwhileIsLeftOut(isBehindTheFreeze: Bool) throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 3)
        let (id, reply) = try life.beginReplacing(["K0", "bad", "K2", "X"])
        if isBehindTheFreeze { life.stepControl() }
        #expect(life.isFrozen == isBehindTheFreeze)
        #expect(try life.give("late", loop: 1) == "K0")
        life.settle()
        let outcome = try #require(reply.value).get()
        #expect(outcome.counts.codes == 3 && outcome.counts.leftOut[.duplicateInList] == 1 && outcome.withdrawn == 2)
        let lines = try life.control.uploads.badLines(id, list: "l", from: 0, count: 10).get()
        #expect(lines == [BadLine(line: 1, fault: .duplicateInList)])
        life = try world.restart(loops: 2)
        #expect(try life.give("b") == "bad" && life.give("c") == "K2" && life.give("d") == "X")
        #expect(try life.give("late") == "K0")
        #expect(try life.counts() == [0, 0, 4, 2, 0])
    }

    /// Goal: a code that goes back and is given once more, while the file is judged, is not in it; a file of nothing but
    /// what users have is refused. Method: one held when the file is judged and released then, one held, released and
    /// given behind that.
    @Test func aCodeThatGoesBackAndOutAgainIsLeftOut() throws {
        let life = try World().start(loops: 2)
        try life.supply(codes: 2, returns: .reuse)
        try life.hold("a")
        let (_, reply) = try life.beginReplacing(["K1", "K0"])
        #expect(try life.hold("b") == "K1")
        try life.end(.released, "b")
        try life.end(.released, "a")
        #expect(try life.give("c", loop: 1) == "K1")
        life.settle()
        let outcome = try #require(reply.value).get()
        #expect(outcome.status == .refused && outcome.counts.codes == 0)
        #expect(outcome.counts.leftOut[.duplicateInList] == 2)
        #expect(!life.isFrozen)
        #expect(try life.give("d") == "K0", "a file of nothing but what users have replaces nothing")
    }

    /// Goal: both halves of the change are there after a crash, or none. Method: the power fails with the frame in
    /// flight, and right behind it.
    @Test(arguments: [false, true])
    func itHappensWholeOrNotAtAll(isDurable: Bool) throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 2)
        let (_, reply) = try life.beginReplacing(["K1", "X"])
        life.pump()
        #expect(reply.value == nil)
        if isDurable { life.completeControl() }
        life = try world.restart()
        #expect(try life.counts() == (isDurable ? [2, 0, 0, 2, 0] : [2, 0, 0, 0, 0]))
        #expect(!life.isFrozen)
        #expect(try life.give("a") == (isDurable ? "K1" : "K0"))
    }

    /// Goal: while the list is frozen a new code is refused for now, all else goes on, and nothing finishes. Method: the
    /// frame of the change is in flight; the last old code was given, which alone would finish the campaign.
    @Test func aFrozenListRefusesForAMomentAndFinishesNothing() throws {
        let life = try World().start(loops: 2, slow: true)
        try life.supply(codes: 2)
        _ = try life.decideHold("held")
        life.settle()
        let (_, reply) = try life.beginReplacing(["X"])
        _ = try life.decide("last", loop: 1)
        life.pump()
        #expect(life.isFrozen && reply.value == nil)
        #expect(
            try life.decide("new").refusal == .listFrozen
                && life.decide("new", loop: 1).refusal == .listFrozen)
        #expect(try life.preview("new", in: "c", loop: 0).promises(.refused(.listFrozen)))
        #expect(try life.decideHold("new").refusal == .listFrozen)
        #expect(try life.decideEnd(.released, "held").hasEnded, "burned")
        life.complete(0)
        life.complete(1)
        life.pump()
        #expect(try life.text(life.allocate("last", loop: 1).code) == "K1")
        life.settle()
        #expect(try #require(reply.value).get().status == .loaded(UploadID(rawValue: 1)))
        #expect(try life.finishReason() == nil)
        #expect(try life.text(life.allocate("new").code) == "X")
    }

    /// Goal: an empty list that is frozen finishes nothing, since it may have codes in a moment. Method: the last code
    /// is given, and looked at, between the freeze and the change.
    @Test func aFrozenListThatIsEmptyFinishesNothing() throws {
        let life = try World().start(loops: 2)
        try life.supply(codes: 1)
        let (_, reply) = try life.beginReplacing(["X"])
        #expect(try life.give("last", loop: 1) == "K0")
        life.stepUpToBackground()
        #expect(life.isFrozen && reply.value == nil)
        #expect(try life.finishReason() == nil)
        life.settle()
        #expect(try life.finishReason() == nil)
        #expect(try life.give("new") == "X")
    }

    /// Goal: no queue keeps a list frozen. Method: as many changes wait as may, when the list is to be changed.
    @Test func aFullQueueKeepsNoListFrozen() throws {
        let life = try World().start(slow: true)
        try life.supply(codes: 1)
        let (_, reply) = try life.beginReplacing(["X"])
        life.stepUpToBackground()
        let changes = (0...ControlPlane.waitingMaximum + 1).map { number in
            life.change { $0.setWarning(list: "l", warnAt: UInt64(number), done: $1) }
        }
        #expect(changes.last?.value?.error == .busy)
        life.settle()
        #expect(try #require(reply.value).get().status == .loaded(UploadID(rawValue: 1)))
        #expect(!life.isFrozen)
        #expect(try life.text(life.allocate("new").code) == "X")
    }

    /// Goal: a replacement that fails leaves the list as it was, thawed, and what was not looked at while it was
    /// frozen is looked at then. Method: the new blob cannot be written; meanwhile the last code was given.
    @Test func afterAFailureTheListGoesOn() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 1)
        let (_, reply) = try life.beginReplacing(["K0", "X"])
        #expect(try life.give("last") == "K0")
        world.blobs.fail(call: 1)
        life.settle()
        guard case .storage? = reply.value?.error else {
            Issue.record("\(String(describing: reply.value))")
            return
        }
        #expect(!life.isFrozen)
        #expect(try life.counts() == [0, 0, 1, 0, 0])
        #expect(try life.finishReason() == .exhausted)
        try life.upload(["X"])
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        #expect(try life.give("new") == "X")
    }

    /// Goal: a list that two changes freeze is thawed by the later one. Method: a second freeze behind the first.
    @Test func freezesAreCounted() throws {
        let life = try World().start()
        try life.supply(codes: 1)
        let list = try #require(life.engine.latestCatalog.list(named: "l")).id
        var catalog = life.engine.latestCatalog
        let generation = catalog.generation
        catalog.freeze(list)
        catalog.freeze(list)
        catalog.thaw(list)
        #expect(catalog[list].isFrozen && catalog.generation > generation)
        #expect(catalog.condensed == life.engine.latestCatalog.condensed)
        catalog.thaw(list)
        #expect(!catalog[list].isFrozen)
    }

    /// Goal: of two replacements at once the later one stands, and no code is given twice. Method: any order of work
    /// from a seed, with users who ask all the time.
    @Test(arguments: 1...20)
    func twoReplacementsAtOnce(seed: UInt64) throws {
        let world = World(seed: seed)
        var life = try world.start(loops: 2)
        try life.supply(codes: 10, rule: .always)
        let files = [(3..<15).map { "K\($0)" }, (0..<20).map { "K\($0)" }]
        let ids = try files.map { try life.beginUpload($0.map { $0 + "\n" }.joined()) }
        life.settle()
        var dice = SplitMix64(seed: seed)
        life.choose = { Int.random(in: 0..<$0, using: &dice) }
        let replies = ids.map { life.commitUpload($0, replaces: true) }
        var given: [String] = []
        while replies.contains(where: { $0.value == nil }) {
            let isDue = Int.random(in: 0..<4, using: &dice) == 0
            if isDue, case .given(let code) = try life.decide("u", loop: given.count % 2) {
                given.append(life.text(code.code))
            }
            life.step()
        }
        life.choose = { _ in 0 }
        life.settle()
        for reply in replies { _ = try #require(reply.value).get() }
        life = try world.restart(loops: 2)
        while case .given(let code) = try life.decide("u") { given.append(life.text(code.code)) }
        #expect(Set(given).count == given.count)
        #expect(Set(given) == Set(files[1]), "each code once, whichever upload it came from")
    }

    /// Goal: a file that is the supply already changes nothing; one that is only part of it replaces the rest. Method:
    /// the same file alone, and beside another one.
    @Test func theSameFileReplacesOnlyWhatItIsNot() throws {
        let life = try World().start()
        try life.supply(codes: 2)
        let same = try life.upload(["K0", "K1"], replaces: true)
        #expect(same.status == .unchanged(UploadID(rawValue: 0)) && same.withdrawn == 0)
        try life.upload(["N0"])
        #expect(try life.upload(["K0", "K1"], replaces: true).status == .loaded(UploadID(rawValue: 2)))
        #expect(try life.counts() == [2, 0, 0, 3, 0])
        #expect(try life.upload(["K0", "K1"], replaces: true).status == .unchanged(UploadID(rawValue: 2)))
    }

    /// Goal: other bad lines refuse as ever, and a dry run tells and keeps nothing. Method: both against one list.
    @Test func badLinesRefuseAndDryRunsKeepNothing() throws {
        let life = try World().start()
        try life.supply(codes: 3)
        try life.give("a")
        let refused = try life.upload(["X", "X", "K0"], replaces: true)
        #expect(refused.status == .refused && refused.withdrawn == 0 && refused.counts.leftOut.bad == 2)
        let tried = try life.upload(["X", "K0"], dryRun: true, replaces: true)
        #expect(tried.status == .loaded(nil) && tried.withdrawn == 2 && tried.counts.codes == 1)
        #expect(try life.counts() == [2, 0, 1, 0, 0])
        #expect(try life.upload(["X", "K0"], replaces: true).counts == tried.counts)
    }
}
