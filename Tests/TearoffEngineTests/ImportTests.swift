import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("What another system gave is as if it had been given here, and nobody else gets it")
struct ImportTests {
    private static let now = World.firstMilliseconds

    /// Goal: the window goes on from when the code was given elsewhere. Method: one code inside and one outside of a
    /// window of a day; over a crash and a snapshot; then time passes.
    @Test func theWindowGoesOn() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.createList()
        try life.createCampaign()
        let outcome = try life.takeOver([
            ImportLine(code: "I0", user: "a", givenAt: Self.now - hour),
            ImportLine(code: "I1", user: "b", givenAt: Self.now - day),
        ])
        #expect(outcome.status == .loaded(UploadID(rawValue: 0)) && outcome.counts.codes == 2)
        #expect(outcome.imported == .init(given: 2, already: 0))
        #expect(try life.counts() == [0, 0, 2, 0, 0])
        try life.upload(["K0", "K1", "K2"])
        for loop in 0..<2 {
            let again = try life.allocate("a", loop: loop)
            #expect(again.isRepeat && life.text(again.code) == "I0")
            #expect(again.times.givenAt.milliseconds == Self.now - hour)
        }
        #expect(try life.give("b") == "K0", "its window is over")
        for _ in 0..<2 {
            life = try world.restart(loops: 2)
            #expect(try life.give("a") == "I0" && life.give("b") == "K0")
            #expect(try life.counts() == [2, 0, 3, 0, 0])
            try life.snapshot()
        }
        world.clock.milliseconds += 23 * hour
        #expect(try life.give("a") == "K1")
        #expect(
            life.history("a").found.map(\.standing.givenAt.milliseconds) == [Self.now - hour, Self.now + 23 * hour])
        #expect(life.find("I0").found.map(\.state) == [.given])
    }

    /// Goal: the newest allocation of a user in a campaign stays that, whenever it was imported; history is in the
    /// order of time. Method: a code is given here, then an older and a newer one are imported, in one shard, in both
    /// orders; after a crash, a snapshot and another one it is the same.
    @Test(arguments: [[1, 5], [5, 1], [5, 1, 3, 2, 4]])
    func theNewestStaysTheNewest(hours: [UInt64]) throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 9, rule: .once)
        #expect(try life.give("u") == "K0")
        world.clock.milliseconds += 9 * hour
        for ago in hours {
            try life.takeOver([ImportLine(code: "I\(ago)", user: "u", givenAt: world.clock.milliseconds - ago * hour)])
        }
        let expected = ["K0"] + hours.sorted(by: >).map { "I\($0)" }
        for _ in 0..<3 {
            #expect(life.history("u").found.map { life.text($0.code) } == expected)
            #expect(try life.give("u") == "I1", "once: the latest of all")
            #expect(try life.give("v") == "K1")
            life = try world.restart()
            try life.snapshot()
        }
        // A row that was given here after the import is the newest, and links to the rest.
        try life.changed { $0.setCampaign(name: "c", rule: .always, returns: nil, done: $1) }
        let next = try life.give("u")
        try life.takeOver([ImportLine(code: "I0", user: "u", givenAt: Self.now - hour)])
        for _ in 0..<2 {
            #expect(life.history("u").found.map { life.text($0.code) } == ["I0"] + expected + [next])
            life = try world.restart()
        }
    }

    /// Goal: a file whose newest rows come first costs what another costs: no row passes those of its user that are in
    /// the same file (an hour's work for a million of them). Method: such a file; its rows are added in the order of
    /// their time.
    @Test func aFileWithItsNewestRowsFirstIsWrittenFromItsEnd() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1)
        try life.takeOver(
            (1...9).map { ImportLine(code: "I\($0)", user: "u", givenAt: Self.now - UInt64($0) * hour) })
        let times = life.engine.shards.flatMap { cell in
            let cut = cell.withState { $0.shard.cut() }
            return (0..<cut.rows.count).map { cut.rows[RowNumber(rawValue: UInt32($0))].givenAt.milliseconds }
        }
        #expect(times == (1...9).reversed().map { Self.now - UInt64($0) * hour })
        #expect(life.history("u").found.map { life.text($0.code) } == (1...9).reversed().map { "I\($0)" })
    }

    /// Goal: each line that contradicts what is there is told by its number, none of the file is half applied, and
    /// what is good is taken when that is asked for. Method: one line of each kind.
    @Test func badLinesAreToldAndNothingIsHalfApplied() throws {
        let world = World()
        let life = try world.start()
        try life.createList("other")
        try life.createCampaign("elsewhere", list: "other")
        try life.supply(codes: 3)
        #expect(try life.give("x") == "K0")
        let time = Self.now - hour
        let file = """
            code,user,campaign,given_at
            I0,a,c,\(time)
            K0,a,c,\(time)
            K2,a,c,\(time)
            I0,b,c,\(time)
            I1,b,nosuch,\(time)
            I2,b,elsewhere,\(time)
            I3,b,c,\(Self.now + 1)
            I4,b,c,1971-01-01T00:00:00
            I5,,c,\(time)
            I6,b,c
            "I,7",b,c,\(time)
            I8,"b ""c"", d",c,1970-12-31T23:00:00Z

            """
        let expected: [(UInt64, LineFault)] = [
            (3, .duplicateInList), (4, .duplicateInList), (5, .duplicateInFile), (6, .campaign), (7, .campaign),
            (8, .future), (9, .time), (10, .user), (11, .columns), (12, .comma),
        ]
        for dryRun in [true, false] {
            let (id, outcome) = try life.imported(file, dryRun: dryRun)
            #expect(outcome.status == .refused && outcome.counts.leftOut.bad == 10)
            #expect(try life.badLines(id) == expected.map { BadLine(line: $0, fault: $1) })
        }
        #expect(try life.counts() == [2, 0, 1, 0, 0])
        let dry = try life.takeOver(file, skipBad: true, dryRun: true)
        #expect(dry.status == .loaded(nil) && dry.imported == .init(given: 2, already: 0))
        #expect(try life.counts() == [2, 0, 1, 0, 0])
        let taken = try life.takeOver(file, skipBad: true)
        #expect(taken.status == .loaded(UploadID(rawValue: 1)) && taken.imported == .init(given: 2, already: 0))
        #expect(try life.counts() == [2, 0, 3, 0, 0])
        #expect(life.history("b \"c\", d").found.map { life.text($0.code) } == ["I8"])
        let report = life.engine.latestCatalog.list(named: "l")?.uploads.last?.report
        #expect(report?.origin == Life.origin && report?.lines.bad == 10)
    }

    /// Goal: the codes of an import are never given, nor withdrawn, and no later file brings them again. Method: the
    /// list is loaded with all codes and drained; LIST UNDO and REPLACE.
    @Test func importedCodesAreNeverGiven() throws {
        let world = World()
        var life = try world.start()
        try life.createList()
        try life.createCampaign()
        try life.takeOver((0..<5).map { ImportLine(code: "K\($0)", user: "u\($0)", givenAt: Self.now - hour) })
        let all = (0..<8).map { "K\($0)\n" }.joined()
        let id = try life.beginUpload(all)
        life.settle()
        let reply = life.commitUpload(id, skipBad: true)
        life.settle()
        let loaded = try #require(reply.value).get()
        #expect(loaded.counts.codes == 3 && loaded.counts.leftOut[.duplicateInList] == 5)
        let undo = life.undo(0)
        life.settle()
        #expect(undo.value?.error == .catalog(.uploadIsImport(0, list: "l")))
        try life.upload((0..<9).map { "K\($0)" }, replaces: true)
        #expect(try life.counts() == [4, 0, 5, 3, 0])
        life = try world.restart()
        var given: [String] = []
        while case .given(let allocation) = try life.decide("new\(given.count)") {
            _ = try life.loops[0].commit()
            given.append(life.text(allocation.code))
        }
        #expect(given == ["K5", "K6", "K7", "K8"])
        #expect(try life.give("u3") == "K3")
        let list = try #require(life.engine.latestCatalog.list(named: "l"))
        let ledgers = life.engine.checkedLedgers(of: list.uploads[...], in: list)
        #expect(ledgers.map(\.given) == [5, 0, 4] && ledgers.allSatisfy(\.holds))
    }

    /// Goal: what a crash cut off stays burned until the same rows come again, and then each is there once. Method: a
    /// slow disk takes the change of the catalog, and loses the rows; then the same file, and a corrected one.
    @Test func aRepeatGoesOnWhereACrashStoppedIt() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.createList()
        try life.createCampaign()
        let lines = (0..<5).map { ImportLine(code: "I\($0)", user: "u\($0)", givenAt: Self.now - hour) }
        let content = lines.map(\.text).joined()
        let id = try life.beginImport(content)
        life.settle()
        let reply = life.commitUpload(id)
        life.pump()
        life.completeControl()
        life.pump()
        #expect(reply.count == 0, "its rows are in flight")
        world.crashLosingWrites()
        life = try world.start()
        #expect(try life.counts() == [0, 0, 0, 0, 5])
        #expect(life.find("I0").found.map(\.state) == [.burned])
        #expect(try life.decide("u0").refusal == .poolEmpty)
        life.settle()

        let dry = try life.takeOver(content, dryRun: true)
        #expect(dry.status == .loaded(nil) && dry.imported == .init(given: 5, already: 0))
        try life.takeOver([lines[1]])
        let more = try life.takeOver(content + "I9,u9,c,\(Self.now)\n")
        #expect(more.imported == .init(given: 5, already: 1) && more.counts.codes == 1)
        for _ in 0..<2 {
            #expect(try life.counts() == [0, 0, 6, 0, 0])
            let again = try life.takeOver(content)
            #expect(again.status == .unchanged(UploadID(rawValue: 1)) && again.imported == .init(given: 0, already: 5))
            #expect(try (0..<5).map { try life.give("u\($0)") } == (0..<5).map { "I\($0)" })
            life = try world.restart()
        }
        // The same codes for somebody else, or at another time, contradict what is there.
        let other = try life.takeOver([
            ImportLine(code: "I0", user: "u1", givenAt: Self.now - hour),
            ImportLine(code: "I1", user: "u1", givenAt: Self.now),
        ])
        #expect(other.status == .refused && other.counts.leftOut[.duplicateInList] == 2)
    }

    /// Goal: quotas and limits of a user count what was imported, at once and after a restart; the quota of a day by
    /// when it was given. Method: limits that the import reaches.
    @Test func quotasCountWhatWasImported() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 9, rule: .always)
        let edits: [CampaignEdit] = [.quota(5), .quotaPerDay(2)]
        try life.changed { $0.setCampaign(name: "c", rule: nil, returns: nil, edits: edits, done: $1) }
        try life.changed { $0.setList("l", edits: [.codesPerUser(2)], done: $1) }
        world.clock.milliseconds += 2 * hour
        // The day began two hours ago.
        try life.takeOver([
            ImportLine(code: "I0", user: "a", givenAt: Self.now - hour),
            ImportLine(code: "I1", user: "a", givenAt: Self.now - 2 * hour),
            ImportLine(code: "I2", user: "b", givenAt: Self.now + hour),
        ])
        #expect(try life.decide("a").refusal == .userLimitReached)
        #expect(try life.give("c") == "K0")
        for _ in 0..<2 {
            #expect(try life.decide("d").refusal == .dayQuotaReached)
            #expect(try life.decide("a").refusal == .dayQuotaReached)
            life = try world.restart()
        }
        world.clock.milliseconds += day
        #expect(try life.decide("a").refusal == .userLimitReached)
        #expect(try life.give("d") == "K1")
        #expect(try life.decide("e").refusal == .quotaReached)
        life = try world.restart()
        #expect(try life.decide("e").refusal == .quotaReached)
    }

    /// Goal: a quota counts an import in the life in which it comes. Method: it reaches the quota; no restart.
    @Test func aQuotaCountsAtOnce() throws {
        let life = try World().start()
        try life.supply(codes: 9, rule: .always)
        try life.changed { $0.setCampaign(name: "c", rule: nil, returns: nil, edits: [.quota(3)], done: $1) }
        try life.takeOver((0..<2).map { ImportLine(code: "I\($0)", user: "a", givenAt: Self.now - day) })
        #expect(try life.give("b") == "K0")
        #expect(try life.decide("b").refusal == .quotaReached)
    }

    /// Goal: the audit trail tells of an import and of one that goes on; the feed tells the import, and not as given
    /// now what was given elsewhere. Method: an import and its repeat behind a crash.
    @Test func auditAndFeedTellOfIt() throws {
        let world = World()
        var life = try world.start(slow: true, feed: .ample)
        try life.createList()
        try life.createCampaign()
        let content = "I0,a,c,1\nbad\nI1,b,c,2\n"
        let id = try life.beginImport(content)
        life.settle()
        _ = life.commitUpload(id, skipBad: true)
        life.pump()
        life.completeControl()
        world.crashLosingWrites()
        life = try world.start(feed: .ample)
        try life.takeOver(content, skipBad: true)
        life.tellAll()
        #expect(try life.feedWords() == ["listCreated", "campaignCreated", "uploadCommitted"])
        let acts = try life.read(from: 3, count: 9).map(\.record.act)
        #expect(
            acts == [
                Act(
                    .listImport, object: "l", before: "uploaded=0",
                    after: "uploaded=2 upload=0 codes=2 bad=1 file=\"given.csv\""),
                Act(.listImport, object: "l", after: "rows=2"),
            ])
    }

    /// Goal: an import outlives a backup, also one that is not finished. Method: a backup while its rows are missing,
    /// which is restored; then the import is repeated.
    @Test func aRestoreKeepsIt() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.createList()
        try life.createCampaign()
        try life.upload(["K0", "K1", "K2"])
        let content = "I0,a,c,\(Self.now)\nI1,b,c,\(Self.now)\n"
        try life.takeOver([ImportLine(code: "I2", user: "z", givenAt: Self.now)])
        let id = try life.beginImport(content)
        life.settle()
        _ = life.commitUpload(id)
        life.pump()
        life.completeControl()
        world.crashLosingWrites()
        life = try world.start()
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .next(1))
        #expect(outcome.burned == [1])
        life = try restored.start()
        #expect(try life.counts() == [2, 0, 1, 0, 3])
        #expect(try life.takeOver(content).imported == .init(given: 2, already: 0))
        #expect(try life.give("a") == "I0" && life.give("z") == "I2" && life.give("new") == "K1")
        life = try restored.restart()
        #expect(try life.counts() == [1, 0, 4, 0, 1] && life.give("b") == "I1")
    }

    /// Goal: a list that refuses codes of others refuses them of an import, too, and an overflowing campaign may be
    /// one of the list's. Method: one line of each.
    @Test func settingsOfTheListHold() throws {
        let life = try World().start()
        try life.createList("m")
        try life.upload(["M0"], to: "m")
        try life.supply(codes: 1)
        try life.createCampaign("over", list: "m")
        try life.changed {
            $0.setCampaign(name: "over", rule: nil, returns: nil, edits: [.overflow(["l"])], done: $1)
        }
        try life.changed { $0.setList("l", edits: [.refusesCodesOfOthers(true)], done: $1) }
        let outcome = try life.takeOver("M0,a,c,1\nI0,a,over,2\n", skipBad: true)
        #expect(outcome.imported?.given == 1 && outcome.counts.leftOut[.inOtherList] == 1)
        #expect(life.find("I0").found.map(\.list) == [try #require(life.engine.latestCatalog.list(named: "l")).id])
    }

    /// Goal: an import of many batches beside a burst loses nothing. Method: more rows than a batch has, small
    /// segments, two loops of which one gives codes meanwhile; every row is found, in this life and after a crash.
    @Test func manyBatchesStandBesideABurst() throws {
        let world = World(segmentBytes: 1 << 20)
        var life = try world.start(loops: 2)
        try life.createList()
        try life.createCampaign()
        try life.upload((0..<500).map { "K\($0)" })
        let lines = (0..<9_000).map { ImportLine(code: "I\($0)", user: "user-\($0)", givenAt: Self.now - UInt64($0)) }
        let id = try life.beginImport(lines.map(\.text).joined())
        life.settle()
        let reply = life.commitUpload(id)
        var count = 0
        while reply.count == 0, count < 500 {
            for _ in 0..<3 { life.step() }
            try life.give("new\(count)", loop: count % 2)
            count += 1
        }
        life.settle()
        #expect(try #require(reply.value).get().imported == .init(given: 9_000, already: 0))
        for _ in 0..<2 {
            #expect(try life.counts() == [UInt64(500 - count), 0, UInt64(9_000 + count), 0, 0])
            for number in stride(from: 0, to: 9_000, by: 617) {
                #expect(try life.give("user-\(number)") == "I\(number)")
            }
            life = try world.restart(loops: 2)
        }
    }
}
