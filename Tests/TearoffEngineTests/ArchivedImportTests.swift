import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("What was imported stays its users', also while its list is archived, on its way out, or gone")
struct ArchivedImportTests {
    private static let expiry = World.firstMilliseconds + day

    /// A list past its expiry with five codes of an import, whose rows a crash took but for that of I1, and K0 free.
    private func startWithHalfAnImport(_ world: World) throws -> Life {
        var life = try world.start(slow: true)
        try life.createList(expiresAt: Self.expiry)
        try life.createCampaign(rule: .once)
        let id = try life.beginImport(lines.map(\.text).joined())
        life.settle()
        _ = life.commitUpload(id)
        life.pump()
        life.completeControl()
        life.pump()
        world.crashLosingWrites()
        life = try world.start(loops: 2)
        try life.takeOver([lines[1]])
        try life.upload(["K0"])
        expire(life, world)
        return life
    }

    private let lines = (0..<5).map {
        ImportLine(code: "I\($0)", user: "u\($0)", givenAt: World.firstMilliseconds - hour)
    }

    private func expire(_ life: Life, _ world: World) {
        world.clock.milliseconds = Self.expiry + 1
        life.fireExpiry()
        life.settle()
    }

    /// Goal: an import that was broken off stays burned while its list is away, and goes on when that is back; none
    /// of its codes is given. Method: a restart at each stage, with and without a snapshot.
    @Test(arguments: [false, true]) func aBrokenOffImportGoesOnBehindAnArchive(hasSnapshots: Bool) throws {
        let world = World()
        var life = try startWithHalfAnImport(world)
        func restart() throws {
            if hasSnapshots { try life.snapshot() }
            life = try world.restart(loops: 2)
        }
        try life.archive()
        for _ in 0..<2 {
            #expect(try life.isAway() && life.counts() == [1, 0, 1, 0, 4])
            #expect(try life.findOnDisk("I0").found.map(\.state) == [.burned])
            #expect(try life.findOnDisk("I1").found.map(\.state) == [.given])
            #expect(life.refusal(of: life.undo(0)) == .uploadIsImport(0, list: "l"))
            try restart()
        }
        try life.bringBack()
        for _ in 0..<2 {
            #expect(try !life.isAway() && life.counts() == [1, 0, 1, 0, 4])
            try restart()
        }
        let rest = try life.takeOver(lines)
        #expect(rest.imported == .init(given: 4, already: 1) && rest.counts.codes == 0)
        try restart()
        try life.setExpiry(at: world.clock.milliseconds + day)
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        #expect(try lines.map { try life.give($0.user) } == lines.map(\.code))
        #expect(try life.drain() == ["K0"])
        #expect(try life.counts() == [0, 0, 6, 0, 0])
    }

    /// Goal: a backup of such a list is restored with its burned codes, and nothing of the import is free, or burned
    /// once more. Method: it is archived in the backup; all that is free is burned.
    @Test func aRestoreKeepsAnArchivedImport() throws {
        let world = World()
        let life = try startWithHalfAnImport(world)
        try life.archive()
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .all, at: world.clock.milliseconds)
        #expect(outcome.burned == [1])
        let again = try restored.start()
        #expect(try again.isAway() && again.counts() == [0, 0, 1, 0, 5])
        try again.bringBack()
        #expect(try again.takeOver(lines).imported == .init(given: 4, already: 1))
        #expect(try again.counts() == [0, 0, 5, 0, 1])
    }

    /// Goal: an import of several batches loses no row to an archive or a deletion that is asked for meanwhile.
    /// Method: long users, and dice for what runs next; the rows are counted, here and behind a restart.
    @Test(arguments: [false, true]) func rowsOnTheirWayAreWaitedFor(deletes: Bool) throws {
        let count = 500
        let padding = String(repeating: "x", count: 240)
        let content = (0..<count).map {
            ImportLine(code: "I\($0)", user: "u\($0)\(padding)", givenAt: World.firstMilliseconds - UInt64($0)).text
        }.joined()
        for seed: UInt64 in 1...20 {
            let world = World()
            var life = try world.start(loops: 2)
            try life.createList(expiresAt: Self.expiry)
            try life.createCampaign()
            expire(life, world)
            let id = try life.beginImport(content)
            life.settle()
            let reply = life.commitUpload(id)
            while try life.list().uploads.isEmpty { life.step() }
            var dice = SplitMix64(seed: seed)
            life.choose = { Int.random(in: 0..<$0, using: &dice) }
            for _ in 0..<(seed % 5) { life.step() }
            let change = deletes ? life.askToDelete() : life.askToArchive()
            life.settle()
            #expect(try #require(reply.value).get().imported == .init(given: UInt64(count), already: 0))
            try #require(change.value).get()
            if deletes {
                let told = life.control.audit.trail.tail.last?.act.before
                #expect(told == "uploaded=\(count) free=0 given=\(count) withdrawn=0 burned=0 campaigns=1")
            } else {
                #expect(try life.isAway() && life.counts() == [0, 0, UInt64(count), 0, 0])
                try life.bringBack()
                #expect(life.find("I\(count - 1)").found.map(\.state) == [.given])
            }
            life = try world.restart(loops: 2)
            #expect(world.recovered?.ledgers.map(\.given) == [UInt64(count)])
        }
    }

    /// Goal: a deleted list's import is of no list any more: the same file can be taken over by another one, also one
    /// of the same names. Method: the rows again, over restarts.
    @Test(arguments: [false, true]) func aDeletedListsImportCanBeTakenOverAgain(hasSnapshots: Bool) throws {
        let world = World()
        var life = try startWithHalfAnImport(world)
        try life.archive()
        try life.delete()
        try life.createList()
        try life.createCampaign(rule: .once)
        try life.changed { $0.setList("l", edits: [.refusesCodesOfOthers(true)], done: $1) }
        let outcome = try life.takeOver(lines)
        #expect(outcome.status == .loaded(UploadID(rawValue: 2)))
        #expect(outcome.imported == .init(given: 5, already: 0))
        for _ in 0..<2 {
            #expect(try life.counts() == [0, 0, 5, 0, 0])
            #expect(try life.give("u3") == "I3")
            #expect(life.find("I1").found.count == 1 && life.history("u1").found.count == 1)
            if hasSnapshots { try life.snapshot() }
            life = try world.restart(loops: 2)
        }
    }

    /// Goal: a list that refuses codes of others refuses those of an archived one, of loads and imports, by name, and
    /// not those of a withdrawn upload that were free, nor those of a deleted list. Method: one code of each; then
    /// the blob is missing, which refuses the file whole.
    @Test func otherListsRefuseWhatIsArchived() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 2, expiresAt: Self.expiry)
        try life.upload(["L0", "L1"])
        try life.takeOver([ImportLine(code: "I0", user: "a", givenAt: World.firstMilliseconds - hour)])
        try life.undone(1)
        #expect(try life.give("b") == "K0")
        expire(life, world)
        let id = try life.list().id
        try life.archive()
        try life.createList("m")
        try life.createCampaign("d", list: "m")
        try life.changed { $0.setList("m", edits: [.refusesCodesOfOthers(true)], done: $1) }
        for code in ["K0", "K1", "I0"] {
            let upload = try life.beginUpload("\(code)\n", to: "m")
            life.settle()
            let reply = life.commitUpload(upload, to: "m")
            life.settle()
            #expect(try #require(reply.value).get().status == .refused)
            #expect(try life.badLines(upload, of: "m") == [BadLine(line: 1, fault: .inOtherList, otherList: id)])
            let line = ImportLine(code: code, user: "x", campaign: "d", givenAt: World.firstMilliseconds)
            #expect(try life.takeOver(line.text, to: "m").counts.leftOut[.inOtherList] == 1)
        }
        #expect(try life.upload(["L0", "M0"], to: "m").counts.codes == 2)
        #expect(try life.isAway())

        let blob = try #require(try life.list().uploads[0].blob)
        world.blobs.replace(blob, with: nil)
        let upload = try life.beginUpload("M1\n", to: "m")
        life.settle()
        let reply = life.commitUpload(upload, to: "m")
        life.settle()
        guard case .unreadableCodes? = reply.value?.error else {
            Issue.record("\(String(describing: reply.value))")
            return
        }
        try life.delete()
        #expect(try life.upload(["K0", "K1", "I0"], to: "m").counts.codes == 3)
    }
}
