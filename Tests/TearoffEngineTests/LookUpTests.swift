import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Look-ups: what a crash can take away is not told, and what is durable is all told")
struct LookUpTests {
    /// Goal: a row in flight in another lane must be waited for by that lane's frame. Method: in the open batch, in
    /// flight, and durable; both look-ups, from the other loop.
    @Test func aRowInFlightInAnotherLaneIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let frame = LaneFrame(lane: 0, frame: try life.allocate("u", loop: 0).frame)
        for _ in 0..<2 {
            #expect(life.history("u", loop: 1).otherFrames == [frame])
            #expect(life.find("K0", loop: 1).otherFrames == [frame])
            #expect(life.history("u", loop: 1).frames(ofLoop: 1) == [frame])
            _ = try life.loops[0].commit()
        }
        life.complete(0)
        #expect(life.history("u", loop: 1).waitsForNothing && life.find("K0", loop: 1).waitsForNothing)
        #expect(life.history("u", loop: 1).found.count == 1)
    }

    /// Goal: a row in flight in the own lane holds the reply until its frame, and no longer. Method: an allocation in
    /// flight and one in the open batch behind it.
    @Test func aRowInFlightInTheOwnLaneHoldsTheReply() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let first = try life.allocate("u").frame
        _ = try life.loops[0].commit()
        let second = try life.allocate("v").frame
        #expect(second == first.next)
        #expect(life.history("u").ownFrame == first && life.find("K0").ownFrame == first)
        #expect(life.history("v").ownFrame == second && life.find("K1").ownFrame == second)
        #expect(life.history("u").otherFrames.isEmpty && life.find("K0").otherFrames.isEmpty)
        life.complete(0)
        #expect(life.history("u").waitsForNothing && life.find("K0").waitsForNothing)
        #expect(life.history("v").ownFrame == second)
    }

    /// Goal: a look-up that rests on several lanes waits for all of them, and of each for the latest frame. Method:
    /// one user in three campaigns that two loops gave codes of, the rows of one loop in two frames.
    @Test func aLookUpOverSeveralLanesWaitsForAllOfThem() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        for name in ["d", "e"] { try life.createCampaign(name) }
        let own = try life.allocate("u", in: "c", loop: 0).frame
        _ = try life.loops[0].commit()
        let later = try life.allocate("u", in: "d", loop: 0).frame
        let other = LaneFrame(lane: 1, frame: try life.allocate("u", in: "e", loop: 1).frame)
        let history = life.history("u", loop: 0)
        #expect(later > own && history.ownFrame == later && history.otherFrames == [other])
        #expect(history.frames(ofLoop: 0) == [other, LaneFrame(lane: 0, frame: later)])
    }

    /// Goal: a look-up that needed much room does not keep it. Method: a user with three times the rows that an answer
    /// holds, each with a long marketing id, and then one with a single row.
    @Test func muchRoomIsGivenBack() throws {
        let world = World(segmentBytes: 1 << 20)
        let life = try world.start()
        try life.supply(codes: 3_001)
        let id = String(repeating: "m", count: 200)
        for campaign in ["a", "b", "d"] {
            try life.createCampaign(campaign, rule: .always)
            for _ in 0..<Limits.historyRows {
                _ = try life.allocate("busy", in: campaign, userID: id)
                _ = try life.loops[0].commit()
            }
        }
        _ = try life.allocate("quiet", in: "a")
        var lookUp = LookUp<HistoryEntry>()
        life.loops[0].lookUp(historyOf: Array("busy".utf8).span, in: &lookUp)
        #expect(lookUp.found.count == Limits.historyRows)
        life.loops[0].lookUp(historyOf: Array("quiet".utf8).span, in: &lookUp)
        #expect(lookUp.found.count == 1 && lookUp.found.capacity < Limits.historyRows)
        #expect(lookUp.text.capacity < 64 << 10)
    }

    /// Goal: one look-up says nothing of the one before it. Method: the same memory for a user with ids and rows in
    /// flight and then for an unknown one; the same for codes.
    @Test func memoryThatIsUsedAgainTellsNothingOld() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        _ = try life.allocate("u", userID: "m", loop: 0)
        var history = life.history("u", loop: 1)
        #expect(history.found.map { history.text($0.userID) } == ["m"] && !history.waitsForNothing)
        life.loops[1].lookUp(historyOf: Array("v".utf8).span, in: &history)
        #expect(history.found.isEmpty && history.text.isEmpty && history.waitsForNothing)
        var places = life.find("K0", loop: 0)
        #expect(places.found.count == 1 && !places.waitsForNothing)
        life.loops[0].lookUp(code: Array("K1".utf8).span, in: &places)
        #expect(places.found.map(\.state) == [.free] && places.text.isEmpty && places.waitsForNothing)
    }

    /// Goal: a loop that was not told of a campaign and an upload yet finds their rows, and names them. Method: the
    /// other loop takes the change over first and gives a code.
    @Test func aLoopThatWasNotToldYetFindsTheRows() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 1)
        try life.createList("l2")
        let upload = try life.beginUpload("N0\n", to: "l2")
        life.settle()
        // Work of the first loop waits, all else goes on.
        life.choose = { $0 - 1 }
        _ = life.commitUpload(upload, to: "l2")
        while !life.loops[1].catalog.uploads.contains(where: { $0.count == 1 && $0.id.rawValue == 1 }),
            life.step()
        {}
        #expect(life.loops[0].catalog.uploads.count == 1 && life.loops[1].catalog.uploads.count == 2)
        #expect(life.find("N0", loop: 0).found.map(\.state) == [.free])
        life.settle()

        _ = life.change { $0.createCampaign(name: "c2", list: "l2", rule: .standard, returns: .standard, done: $1) }
        while life.loops[1].catalog.campaigns.count == 1, life.step() {}
        #expect(life.loops[0].catalog.campaigns.count == 1)
        try life.give("u", in: "c2", loop: 1)
        let found = try #require(life.history("u", loop: 0).found.first)
        #expect(life.loops[0].terms(of: found.campaign).campaignName == "c2")
        #expect(life.find("N0", loop: 0).found.map(\.state) == [.given])
    }

    /// Goal: the terms that a look-up names are those of now. Method: a new expiry after they were asked for.
    @Test func termsFollowTheCatalog() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 1)
        try life.give("u")
        let campaign = try #require(life.history("u").found.first).campaign
        #expect(life.loops[0].terms(of: campaign).expiresAt == nil)
        let expiry = World.firstMilliseconds + 1_000_000
        try life.setExpiry(at: expiry)
        #expect(life.loops[0].terms(of: campaign).expiresAt == Timestamp(milliseconds: expiry))
    }

    /// Goal: a history is the latest rows over all campaigns, oldest first. Method: two campaigns that give a new code
    /// each time, by turns, until there is more than an answer holds.
    @Test func aHistoryIsTheLatestRowsOldestFirst() throws {
        let world = World(segmentBytes: 1 << 20)
        let life = try world.start()
        try life.supply(codes: 1_200, rule: .always)
        try life.createCampaign("d", rule: .always)
        for number in 0..<1_100 {
            _ = try life.allocate("u", in: number % 3 == 0 ? "c" : "d")
            world.clock.milliseconds += 1
        }
        life.settle()
        let found = life.history("u").found
        #expect(found.map(\.code.ordinal) == (100..<1_100).map { Ordinal($0) })
        #expect(found.map(\.campaign.rawValue) == (100..<1_100).map { $0 % 3 == 0 ? 0 : 1 })
    }
}
