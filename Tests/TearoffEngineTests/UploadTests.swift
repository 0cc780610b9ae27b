import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

extension Life {
    /// The uploads of a list as `LIST UPLOADS` tells them, with their ledgers.
    fileprivate func uploads(
        of name: String = "l", from: UInt64 = 0, count: Int = 1_000
    ) throws -> [(id: UInt32, ledger: Ledger)] {
        let list = try #require(engine.latestCatalog.list(named: name))
        let uploads = list.uploads(from: from, count: count)
        let ledgers = engine.checkedLedgers(of: uploads, in: list)
        #expect(ledgers.count == uploads.count && ledgers.allSatisfy { $0.holds })
        return zip(uploads, ledgers).map { ($0.id.rawValue, $1) }
    }

    /// A whole upload that is only tried.
    fileprivate func dryRun(_ content: String, to list: String = "l", skipBad: Bool = false) throws -> (
        id: UInt64, outcome: UploadOutcome
    ) {
        let id = try beginUpload(content, to: list)
        settle()
        let reply = commitUpload(id, to: list, skipBad: skipBad, dryRun: true)
        settle()
        return (id, try #require(reply.value).get())
    }
}

/// As `codes: free held given burned` of each upload.
private func figures(_ uploads: [(id: UInt32, ledger: Ledger)]) -> [[UInt64]] {
    uploads.map { [$0.ledger.uploaded, $0.ledger.free, $0.ledger.held, $0.ledger.given, $0.ledger.burned] }
}

@Suite("Each upload has a ledger of its own, which tells where its codes are")
struct UploadLedgerTests {
    /// Goal: each figure is of that upload alone, and survives a crash. Method: two uploads of 4 and 3 codes
    /// with one of another list between them; users of two loops take the codes in upload order, and every
    /// way that a code can go is counted by hand.
    @Test func everyCodeCountsInItsUpload() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.createList("other")
        try life.supply(codes: 4)
        try life.upload(["O0"], to: "other")
        try life.upload(["M0", "M1", "M2"])
        #expect(figures(try life.uploads()) == [[4, 4, 0, 0, 0], [3, 3, 0, 0, 0]])

        #expect(try life.give("a") == "K0" && life.give("b", loop: 1) == "K1")
        #expect(try life.hold("burned") == "K2")
        #expect(try life.end(.released, "burned").hasEnded)
        #expect(try life.hold("held", loop: 1) == "K3")
        #expect(try life.hold("confirmed") == "M0")
        #expect(try life.end(.confirmed, "confirmed").hasEnded)
        #expect(try life.hold("lapsed", for: 1) == "M1")
        world.clock.milliseconds += 2
        try life.endOverdueHolds()

        let expected: [[UInt64]] = [[4, 0, 1, 2, 1], [3, 1, 0, 1, 1]]
        #expect(figures(try life.uploads()) == expected)
        #expect(try life.uploads().map(\.id) == [0, 2])
        #expect(figures(try life.uploads(of: "other")) == [[1, 1, 0, 0, 0]])
        let list = try life.ledger()
        #expect(
            [list.free, list.held, list.given, list.burned] == [1, 1, 3, 2], "their sum is the list's ledger")
        life = try world.restart(loops: 2)
        #expect(figures(try life.uploads()) == expected)
        try life.snapshot()
        life = try world.restart()
        #expect(figures(try life.uploads()) == expected)
    }

    /// Goal: a code that goes back and is given again counts in its own upload all the time. Method: a
    /// campaign that reuses; the code goes from one shard to another; a look between the return and the
    /// moment at which it is durable.
    @Test func aCodeThatIsGivenAgainStaysInItsUpload() throws {
        let world = World()
        let life = try world.start(slow: true)
        try life.supply(codes: 1, returns: .reuse)
        try life.upload(["M0"])
        let (first, second) = (users(1, ofShard: 0)[0], users(1, ofShard: 1)[0])
        _ = try life.decideHold(first)
        #expect(figures(try life.uploads()) == [[1, 0, 1, 0, 0], [1, 1, 0, 0, 0]], "in flight, it counts")
        life.settle()
        _ = try life.decideEnd(.released, first)
        #expect(
            figures(try life.uploads()) == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0]], "on its way back it is free")
        life.settle()
        #expect(try life.text(life.allocate(second).code) == "K0")
        #expect(figures(try life.uploads()) == [[1, 0, 0, 1, 0], [1, 1, 0, 0, 0]])
    }

    /// Goal: who has not heard of a refill yet is told figures that hold. Method: the list as it was found before the
    /// refill, while a code of the refill goes back to the holes, which both pools share; then the list is deleted.
    @Test func aListThatWasFoundBeforeARefillIsToldAsItIsNow() throws {
        let life = try World().start()
        try life.supply(codes: 1, returns: .reuse)
        let older = try #require(life.engine.latestCatalog.list(named: "l"))
        try life.upload(["M0"])
        #expect(try life.give("a") == "K0" && life.hold("b") == "M0")
        #expect(try life.end(.released, "b").hasEnded)
        life.settle()
        let (list, ledger) = try #require(life.engine.checkedLedgers(of: [older]).first)
        #expect(ledger.holds && [ledger.uploaded, ledger.free, ledger.given] == [2, 1, 1])
        #expect(list.uploads.count == 2 && life.engine.failure == nil)

        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.delete()
        let last = try #require(life.engine.checkedLedgers(of: [older]).first)
        #expect(last.list.isDeleted && last.ledger == ledger, "what it ended with")
    }

    /// Goal: a fixed list has one upload, its own code, whose limit is what it brought. Method: one of 3 is
    /// given.
    @Test func aFixedListHasOneUpload() throws {
        let life = try World().start()
        try life.changed {
            $0.createList(
                name: "l", kind: .fixed(code: Array("SAVE".utf8), limit: 3), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.createCampaign()
        try life.give("a")
        #expect(figures(try life.uploads()) == [[3, 2, 0, 1, 0]])
        let receipt = try #require(life.engine.latestCatalog.list(named: "l")?.uploads.first)
        #expect(receipt.fileHash == nil && receipt.fileName.isEmpty)
    }

    /// Goal: pages join without a gap or an overlap. Method: every first id and size, over uploads of two
    /// lists in turn.
    @Test func pagesJoin() throws {
        let life = try World().start()
        try life.createList("l")
        try life.createList("other")
        for number in 0..<10 { try life.upload(["C\(number)"], to: number.isMultiple(of: 2) ? "l" : "other") }
        let all: [UInt32] = [0, 2, 4, 6, 8]
        #expect(try life.uploads().map(\.id) == all)
        for size in 1...6 {
            var read: [UInt32] = []
            while true {
                let page = try life.uploads(from: read.last.map { UInt64($0) + 1 } ?? 0, count: size).map(
                    \.id)
                #expect(page.count <= size)
                read += page
                if page.count < size { break }
            }
            #expect(read == all)
        }
        for from in 0..<10 {
            #expect(try life.uploads(from: UInt64(from)).map(\.id) == all.filter { $0 >= UInt32(from) })
        }
        #expect(try life.uploads(from: .max).isEmpty, "an id that no upload can have")
    }
}

@Suite("A file goes to the list by whose codes it was judged")
struct UploadNameTests {
    /// Goal: codes are never added to a list with which nobody compared them. Method: while a file is on its way another
    /// list, which has its code, gets the name; behind each number of steps.
    @Test(arguments: [false, true]) func anotherListMayGetTheNameMeanwhile(isImport: Bool) throws {
        var steps = 0
        while true {
            let life = try World().start()
            try life.supply(codes: 1)
            try life.createList("m")
            try life.upload(["A"], to: "m")
            let other = try #require(life.engine.latestCatalog.list(named: "m")).id
            let id = isImport ? try life.beginImport("A,u,c,0\n") : try life.beginUpload("A\n")
            life.settle()
            let reply = life.commitUpload(id)
            for _ in 0..<steps { life.step() }
            let isOver = reply.value != nil
            let renamed = [("l", "x"), ("m", "l")].map { old, new in
                life.change { $0.renameList(old, to: new, done: $1) }
            }
            life.settle()
            for reply in renamed { try #require(reply.value).get() }
            #expect(life.engine.latestCatalog[other].uploads.count == 1)
            if isOver { break }
            #expect(try #require(reply.value).error.map { $0 == .catalog(.noList("l")) } ?? true)
            steps += 1
        }
        #expect(steps > 3)
    }
}

@Suite("A dry run tells what a commit would come to, and leaves no trace")
struct DryRunTests {
    static let contents: [(content: String, skipBad: Bool)] = [
        ("A\nB\n", false), ("A\nB", false), ("A\nK1\nx y\nA\n", false), ("A\nK1\nx y\nA\n", true),
        ("", false),
        ("\n\n", true), ("x y\n", true), ("K0\nK1\nK2\n", false),
    ]

    /// Goal: the report is the commit's, but for the upload's id, and nothing but the commit leaves anything.
    /// Method: each content first as a dry run, with a look at the blobs, the open frame, the catalog and the
    /// ledger, then for good.
    @Test(arguments: contents.indices)
    func theReportIsTheCommits(index: Int) throws {
        let (content, skipBad) = Self.contents[index]
        let world = World()
        var life = try world.start()
        try life.supply(codes: 3)
        try life.give("a")
        let blobs = try world.blobs.all()
        let (frame, generation) = (life.control.writer.openFrame, life.engine.latestCatalog.generation)
        let ledger = try life.ledger()

        let tried = try life.dryRun(content, skipBad: skipBad).outcome
        #expect(try world.blobs.all() == blobs)
        #expect(life.control.writer.openFrame == frame && life.engine.latestCatalog.generation == generation)
        #expect(try life.ledger() == ledger && life.uploads().count == 1)

        let id = try life.beginUpload(content)
        life.settle()
        let reply = life.commitUpload(id, skipBad: skipBad)
        life.settle()
        let made = try #require(reply.value).get()
        #expect(tried.counts == made.counts)
        switch made.status {
        case .loaded(let id):
            #expect(id != nil && tried.status == .loaded(nil))
            #expect(try life.uploads().map(\.id) == [0, 1], "a dry run uses up no id")
        case .unchanged(let id): #expect(id != nil && tried.status == .unchanged(nil))
        case .refused: #expect(tried.status == .refused)
        }
        life = try world.restart()
        let added = made.status == .loaded(UploadID(rawValue: 1)) ? made.counts.codes : 0
        #expect(try life.ledger().uploaded == 3 + added)
    }

    /// Goal: the upload is over, and its bad lines can be asked for as after a commit. Method: a dry run of a
    /// good file, of a bad one, and of a bad one whose good lines would be taken; what follows each.
    @Test func theUploadIsOverBehindIt() throws {
        let life = try World().start()
        try life.createList()
        let good = try life.dryRun("A\n").id
        let again = life.commitUpload(good)
        life.settle()
        #expect(again.value?.error == .upload(.noUpload(good)))
        for skipBad in [false, true] {
            let (bad, outcome) = try life.dryRun("A\nx y\n", skipBad: skipBad)
            #expect(outcome.status == (skipBad ? .loaded(nil) : .refused))
            let lines = try life.control.uploads.badLines(bad, list: "l", from: 0, count: 10).get()
            #expect(lines == [BadLine(line: 2, fault: .whitespace)])
            let again = life.commitUpload(bad, skipBad: true)
            life.settle()
            #expect(again.value?.error == .upload(.closed(6)), "6 bytes were received")
        }
        #expect(try life.uploads().isEmpty)
        // Each place among the uploads under way is free again.
        for _ in 0..<UploadDesk.sessionsMaximum { _ = try life.beginUpload("A\n") }
    }

    /// Goal: it tells of the list as the commits before it leave it. Method: a commit, a dry run of the same
    /// file and one of a file with the same code, all asked for at once.
    @Test func itWaitsForTheCommitsBeforeIt() throws {
        let life = try World().start(slow: true)
        try life.createList()
        let ids = try ["A\n", "A\n", "A\nB\n"].map { try life.beginUpload($0) }
        life.settle()
        let commit = life.commitUpload(ids[0])
        let same = life.commitUpload(ids[1], dryRun: true)
        let overlapping = life.commitUpload(ids[2], dryRun: true)
        life.pump()
        #expect(same.count == 0 && overlapping.count == 0)
        life.settle()
        #expect(try #require(commit.value).get().status == .loaded(UploadID(rawValue: 0)))
        #expect(try #require(same.value).get().status == .unchanged(nil))
        let outcome = try #require(overlapping.value).get()
        #expect(outcome.status == .refused && outcome.counts.leftOut[.duplicateInList] == 1)
    }

    /// Goal: what a commit cannot do, a dry run does not promise. Method: a list that is fixed, and one that
    /// is not there; neither lets an upload begin.
    @Test func itPromisesNothingThatCannotBe() throws {
        let life = try World().start()
        try life.changed {
            $0.createList(
                name: "fixed", kind: .fixed(code: [0x41], limit: 3), expiresAt: nil, warnAt: nil, done: $1)
        }
        #expect(throws: ControlError.catalog(.listIsFixed("fixed"))) { try life.dryRun("A\n", to: "fixed") }
        #expect(throws: ControlError.catalog(.noList("none"))) { try life.dryRun("A\n", to: "none") }
    }

    /// Goal: a disk that refuses everything does not disturb a dry run, since it writes nothing. Method: the
    /// blob store's next call would fail, and none comes.
    @Test func itNeedsNoDisk() throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        world.blobs.fail(call: 1)
        #expect(try life.dryRun("A\n").outcome.status == .loaded(nil))
        #expect(world.blobs.failureCount == 0)
    }
}
