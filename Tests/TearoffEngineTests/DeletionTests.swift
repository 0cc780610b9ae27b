import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("A deleted list is gone: its names and codes are free, its history is not told, its blobs go when they may")
struct DeletionTests {
    /// List `l` with codes given and free, whose campaign was finished.
    private func start(_ world: World) throws -> Life {
        let life = try world.start(loops: 2)
        try life.supply(codes: 6)
        try life.give("a")
        try life.give("b", loop: 1)
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        return life
    }

    /// Goal: refused while a code may come back, or a campaign gives. Method: the list's own campaign, one that overflows
    /// to it, a hold.
    @Test func itIsRefusedWhileTheListIsInUse() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3)
        #expect(life.refusal(of: life.askToDelete("x")) == .noList("x"))
        #expect(life.refusal(of: life.askToDelete()) == .listInUse("l", campaign: "c"))
        try life.hold("a", for: hour)
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.createList("other")
        try life.createCampaign("over", list: "other")
        try life.changed { $0.setCampaign(name: "over", rule: nil, returns: nil, edits: [.overflow(["l"])], done: $1) }
        #expect(life.refusal(of: life.askToDelete()) == .listInUse("l", campaign: "over"))
        try life.changed { $0.finishCampaign(name: "over", done: $1) }
        #expect(life.refusal(of: life.askToDelete()) == .listHeld("l"))
        #expect(try !life.list().isFrozen && life.counts() == [2, 1, 0, 0, 0])
        world.clock.milliseconds += hour + 1
        try life.endOverdueHolds()
        life.settle()
        try life.delete()
        #expect(life.engine.latestCatalog.list(named: "l") == nil)
    }

    /// Goal: names, codes and look-ups are free of it at once, and over restarts, also when its names are taken by others;
    /// its ids are not. Method: another list and campaign of these names, with the same file.
    @Test(arguments: [false, true]) func itsNamesAreFree(hasSnapshots: Bool) throws {
        let world = World()
        var life = try start(world)
        try life.delete()
        #expect(life.history("a").found.isEmpty)
        #expect(life.find("K0").found.isEmpty && life.find("K5").found.isEmpty)
        #expect(life.engine.latestCatalog.campaign(named: "c") == nil)
        // A list of another name that takes this one, which a snapshot tells of before the one that was deleted.
        try life.createList("m")
        try life.changed { $0.renameList("m", to: "l", done: $1) }
        try life.upload((0..<6).map { "K\($0)" })
        try life.createCampaign()
        #expect(try life.give("a") == "K0")
        for _ in 0..<2 {
            if hasSnapshots { try life.snapshot() }
            life = try world.restart(loops: 2)
            let catalog = life.engine.latestCatalog
            #expect(catalog.lists.count == 2 && catalog.presentLists.map(\.name) == ["l"])
            #expect(catalog.list(named: "l")?.id.rawValue == 1 && catalog.campaign(named: "c")?.id.rawValue == 1)
            #expect(catalog.presentCampaigns.count == 1 && catalog.lists[0].isDeleted)
            #expect(try life.give("a") == "K0")
            #expect(life.history("a").found.count == 1 && life.find("K0").found.map(\.list.rawValue) == [1])
            #expect(try life.counts() == [5, 0, 1, 0, 0])
            #expect(world.recovered?.ledgers.allSatisfy(\.holds) == true && world.recovered?.presentLedgers.count == 1)
        }
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.delete()
        if hasSnapshots { try life.snapshot() }
        life = try world.restart(loops: 2)
        #expect(life.engine.latestCatalog.presentLists.isEmpty && life.engine.latestCatalog.list(named: "l") == nil)
    }

    /// Goal: a snapshot in which an earlier list has the name of a later one that was deleted gives the name to the
    /// earlier one. Method: it is renamed so.
    @Test func anEarlierListMayHaveTheName() throws {
        let world = World()
        var life = try world.start()
        try life.createList("early")
        try life.createList("l")
        try life.delete("l")
        try life.changed { $0.renameList("early", to: "l", done: $1) }
        try life.snapshot()
        life = try world.restart()
        #expect(life.engine.latestCatalog.list(named: "l")?.id.rawValue == 0)
        #expect(life.engine.latestCatalog.list(named: "early") == nil)
    }

    /// Goal: the act is in the audit trail with what the list came to. Method: its record.
    @Test func theAuditTrailKeepsItsFigures() throws {
        let world = World()
        let life = try start(world)
        try life.delete()
        let act = try #require(life.control.audit.trail.tail.last?.act)
        let before = "uploaded=6 free=4 given=2 withdrawn=0 burned=0 campaigns=1"
        #expect(act == Act(.listDelete, object: "l", before: before))
    }

    /// Goal: the blob stays as long as a snapshot's list has it, and no start needs it any more when it is gone: not one
    /// from the older snapshot, behind which the upload and the deletion stand in the log. Method: snapshots and starts,
    /// the newest snapshot damaged.
    @Test func itsBlobsGoWhenNothingNeedsThem() throws {
        let world = World()
        var life = try world.start()
        try life.snapshot()
        try life.supply(codes: 6)
        try life.give("a")
        let blob = try #require(try life.list().uploads[0].blob)
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        try life.delete()
        #expect(try world.blobs.contains(blob))
        try life.snapshot()
        #expect(try !world.blobs.contains(blob))
        for isDamaged in [false, true] {
            if isDamaged { world.blobs.replaceNamed(SnapshotDesk.name(of: 2), with: [1, 2, 3]) }
            life = try world.restart()
            #expect(life.engine.latestCatalog.lists.map(\.isDeleted) == [true])
            #expect(world.recovered?.ledgers.map(\.given) == [1])
        }
    }

    /// Goal: the list of a snapshot that still has it keeps its blob. Method: a deletion behind a snapshot.
    @Test func aSnapshotThatHasItKeepsItsBlobs() throws {
        let world = World()
        let life = try start(world)
        let blob = try #require(try life.list().uploads[0].blob)
        try life.snapshot()
        try life.delete()
        try life.snapshot()
        #expect(try world.blobs.contains(blob))
        try life.snapshot()
        #expect(try !world.blobs.contains(blob))
    }

    /// Goal: whole or not at all, wherever a crash comes. Method: a crash behind each number of steps.
    @Test func aCrashInBetweenLeavesItOrNot() throws {
        var steps = 0
        while true {
            let world = World()
            var life = try start(world)
            let reply = life.askToDelete()
            for _ in 0..<steps { life.step() }
            let isOver = reply.value != nil
            life = try world.restart(loops: 2)
            if life.engine.latestCatalog.list(named: "l") != nil {
                #expect(!isOver)
                try life.changed { $0.resumeCampaign(name: "c", done: $1) }
                #expect(try life.give("a") == "K0" && life.drain() == ["K2", "K3", "K4", "K5"])
            } else {
                #expect(life.history("a").found.isEmpty)
            }
            if isOver { break }
            steps += 1
        }
        #expect(steps > 3)
    }

    /// Goal: codes that a deleted campaign gave of another list are told still; an archived list can be deleted; a restored
    /// backup of all that starts. Method: a campaign that overflows.
    @Test func codesOfOtherListsStay() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1, expiresAt: World.firstMilliseconds + day)
        try life.createList("more")
        try life.upload(["M0", "M1"], to: "more")
        try life.changed { $0.setCampaign(name: "c", rule: nil, returns: nil, edits: [.overflow(["more"])], done: $1) }
        #expect(try life.give("a") == "K0" && life.give("b") == "M0")
        world.clock.milliseconds += day + 1
        life.fireExpiry()
        life.settle()
        try life.archive()
        try life.delete()
        for life in [life, try world.restart()] {
            #expect(life.history("a").found.isEmpty && life.history("b").found.count == 1)
            let place = life.find("M0")
            #expect(place.found.map(\.state) == [.given])
            #expect(try life.ledger("more").given == 1)
        }
        let place = SimulatedBlobStore()
        try #require(world.life).backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .all, at: world.clock.milliseconds)
        #expect(outcome.burned == [0, 1])
        #expect(try restored.start().find("M1").found.map(\.state) == [.burned])
    }
}
