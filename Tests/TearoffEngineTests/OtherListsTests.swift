import TearoffCore
import TearoffEngine
import TearoffSimulation
import Testing

extension Life {
    fileprivate func refuseOthers(_ list: String, _ refuses: Bool = true) throws {
        try changed { $0.setList(list, edits: [.refusesCodesOfOthers(refuses)], done: $1) }
    }

    fileprivate func commit(
        _ content: String, to list: String, skipBad: Bool = false, dryRun: Bool = false, replaces: Bool = false
    ) throws -> (id: UInt64, outcome: UploadOutcome) {
        let id = try beginUpload(content, to: list)
        settle()
        let reply = commitUpload(id, to: list, skipBad: skipBad, dryRun: dryRun, replaces: replaces)
        settle()
        return (id, try #require(reply.value).get())
    }
}

@Suite("A list that refuses codes of other lists never has one")
struct OtherListsTests {
    /// Goal: such a line is refused, told by its number and the other list, in a dry run, too; and taken by a list that
    /// allows it, which is how each begins. Method: the code stands in `l`, then lines of it go to `m`.
    @Test func aCodeOfAnotherListIsABadLine() throws {
        let world = World()
        var life = try world.start()
        try life.createList("m")
        try life.createList("l")
        try life.upload(["A", "B"], to: "l")
        try life.refuseOthers("m")
        let other = try #require(life.engine.latestCatalog.list(named: "l")).id
        for dryRun in [true, false] {
            let (id, outcome) = try life.commit("C\nB\n", to: "m", dryRun: dryRun)
            #expect(outcome.status == .refused && outcome.counts.leftOut[.inOtherList] == 1)
            let lines = try life.control.uploads.badLines(id, list: "m", from: 0, count: 9).get()
            #expect(lines == [BadLine(line: 2, fault: .inOtherList, otherList: other)])
        }
        #expect(try life.commit("B\n", to: "m", replaces: true).outcome.status == .refused)
        let skipped = try life.commit("C\nB\n", to: "m", skipBad: true).outcome
        #expect(skipped.status == .loaded(UploadID(rawValue: 1)) && skipped.counts.codes == 1)

        // The setting outlives a restart, with and without a snapshot.
        for _ in 0..<2 {
            life = try world.restart()
            #expect(try life.commit("A\n", to: "m").outcome.status == .refused)
            try life.snapshot()
        }
        try life.refuseOthers("m", false)
        #expect(try life.upload(["A"], to: "m").counts.codes == 1)
        #expect(try life.upload(["C"], to: "l").counts.codes == 1, "`l` allows it")
    }

    /// Goal: of a withdrawn upload of another list only codes count that somebody has. Method: one is given, one held
    /// and one free when it is withdrawn; a fixed code counts for nothing.
    @Test func withdrawnFreeCodesMayStandElsewhere() throws {
        let life = try World().start()
        try life.createList("m")
        try life.refuseOthers("m")
        try life.supply(codes: 3)
        try life.changed {
            $0.createList(
                name: "f", kind: .fixed(code: Array("FIX".utf8), limit: 3), expiresAt: nil, warnAt: nil, done: $1)
        }
        #expect(try life.give("u") == "K0")
        #expect(try life.hold("v") == "K1")
        try life.undone(0)
        let outcome = try life.commit("K0\nK1\nK2\nFIX\n", to: "m", skipBad: true).outcome
        #expect(outcome.counts.codes == 2 && outcome.counts.leftOut[.inOtherList] == 2)
        #expect(life.find("K2").found.map(\.state) == [.withdrawn, .free])
    }

    /// Goal: of two lists that refuse each other's codes, one gets a code that is sent to both at once. Method: both
    /// commits asked for before anything is done, in each order, then a dry run behind a commit.
    @Test(arguments: [["l", "m"], ["m", "l"]])
    func loadsAtTheSameTimeAreDecidedOneAfterTheOther(order: [String]) throws {
        let life = try World().start(loops: 2, slow: true)
        for list in ["l", "m"] {
            try life.createList(list)
            try life.refuseOthers(list)
        }
        let ids = try order.map { try life.beginUpload("A\n", to: $0) }
        let dry = try life.beginUpload("A\n", to: order[1])
        life.settle()
        let replies = zip(ids, order).map { life.commitUpload($0, to: $1) }
        let dryReply = life.commitUpload(dry, to: order[1], dryRun: true)
        life.settle()
        let statuses = try replies.map { try #require($0.value).get().status }
        #expect(statuses == [.loaded(UploadID(rawValue: 0)), .refused])
        #expect(try #require(dryReply.value).get().status == .refused)
        #expect(life.find("A").found.count == 1)
    }

    /// Goal: who sent a file and what was left out of it is kept. Method: bad lines of three kinds; a crash, and a
    /// snapshot.
    @Test func anUploadTellsWhoSentItAndWhatWasBad() throws {
        let world = World()
        var life = try world.start()
        try life.createList()
        _ = try life.commit("A\n\nA\nx y\nB,\n", to: "l", skipBad: true)
        for _ in 0..<3 {
            let report = try #require(life.engine.latestCatalog.list(named: "l")?.uploads.first?.report)
            #expect(report.origin == Life.origin && report.lines.blank == 1 && report.lines.bad == 3)
            #expect(LineFault.ofCodes.map { report.lines[$0] } == [0, 1, 1, 0, 0, 1, 0, 0])
            life = try world.restart()
            try life.snapshot()
        }
    }
}
