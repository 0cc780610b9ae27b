import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Lanes: records of one shard may stand in any lane, and the number of lanes may change at each start")
struct LaneTests {
    /// Goal: the records of one shard, spread over several lanes, are put in their order again. Method: one
    /// shard, the loops take turns, frames of very different sizes and times.
    @Test(arguments: [2, 3])
    func recordsOfOneShardAreMergedBySequence(loops: Int) throws {
        let world = World()
        var life = try world.start(loops: loops)
        try life.supply(codes: 100)
        let names = users(60)
        var codes: [String] = []
        for (index, user) in names.enumerated() {
            let loop = index * index % loops
            codes.append(life.text(try life.allocate(user, loop: loop).code, loop: loop))
            if index % 7 == 0 { _ = try life.loops[loop].commit() }
            world.clock.milliseconds += index % 5 == 0 ? 1 : 0
        }
        life.settle()
        life = try world.restart(loops: 1)
        #expect(try names.map { try life.give($0) } == codes)
        #expect(try life.ledger().given == 60)
        let rows = try world.recover().shards[0].state.withLock { $0.shard.rows.count }
        #expect(rows == 60)
    }

    /// Goal: a loop whose tick began earlier writes an earlier time after a later one; that is no
    /// contradiction.
    @Test func timesOfOneShardNeedNotGrow() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 10)
        let names = users(2)
        life.loops[0].beginTick()
        world.clock.milliseconds += 50
        try life.give(names[1], loop: 1)
        _ = life.loops[0].allocate(names[0], terms: try life.terms("c", loop: 0))
        life.settle()
        life = try world.restart()
        #expect(try life.give(names[1]) == "K0")
        #expect(try life.give(names[0]) == "K1")
    }

    /// Goal: lanes may go idle and come back, with and without snapshots while they are idle, and nothing is
    /// lost or given twice. Method: the same users in each of seven lives.
    @Test(arguments: [false, true])
    func theNumberOfLoopsChangesOverManyLives(withSnapshots: Bool) throws {
        let world = World()
        let names = users(70)
        var given: [String: String] = [:]
        for (number, loops) in [3, 1, 3, 2, 4, 1, 3].enumerated() {
            let life = number == 0 ? try world.start(loops: loops) : try world.restart(loops: loops)
            if number == 0 { try life.supply(codes: 200) }
            for user in names[..<(number * 10)] { #expect(try life.give(user) == given[user]) }
            for (index, user) in names[(number * 10)..<(number * 10 + 10)].enumerated() {
                given[user] = try life.give(user, loop: index % loops)
                world.clock.milliseconds += 1
            }
            if withSnapshots { try life.snapshot() }
            life.settle()
        }
        let life = try world.restart(loops: 1)
        #expect(Set(given.values).count == 70)
        #expect(try life.ledger() == Ledger(uploaded: 200, free: 130, given: 70))
    }

    /// Goal: a lane that comes back does not overtake the lives in which it was idle. Method: its next life's
    /// records bear an earlier time than those in between (the clock cannot tell lives apart), all of one
    /// shard.
    @Test func aLaneThatComesBackIsReadInTheLifeItBelongsTo() throws {
        let world = World()
        let names = users(6)
        var life = try world.start(loops: 2)
        try life.supply(codes: 20)
        try life.give(names[0], loop: 1)
        life = try world.restart(loops: 1)
        try life.give(names[1], loop: 0)
        try life.give(names[2], loop: 0)
        life = try world.restart(loops: 2)
        try life.give(names[3], loop: 1)
        try life.give(names[4], loop: 0)
        life = try world.restart(loops: 2)
        #expect(try names[..<5].map { try life.give($0) } == ["K0", "K1", "K2", "K3", "K4"])
        #expect(try life.give(names[5]) == "K5")
    }

    /// Goal: a sequence number that a crash took is a gap and no fault, in each of two lives. Method: of two
    /// lanes with records of one shard the earlier one's frame is lost.
    @Test func gapsThatCrashesLeaveAreTold() throws {
        let world = World()
        let names = users(9)
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 20)
        for round in 0..<2 {
            _ = try life.allocate(names[4 * round], loop: 0)
            _ = try life.allocate(names[4 * round + 1], loop: 1)
            for loop in 0..<2 { _ = try life.loops[loop].commit() }
            life.complete(1)
            life = try world.restart(loops: 2, slow: true)
            let notices = try #require(world.recovered).notices
            #expect(notices.contains(.sequenceGaps(count: UInt64(round) + 1)))
        }
        #expect(try life.allocate(names[1]).isRepeat && life.allocate(names[5]).isRepeat)
        #expect(try life.ledger() == Ledger(uploaded: 20, free: 18, given: 2))
    }

    /// Goal: a crash before the new life is written down leaves no trace that a later start stumbles over.
    /// Method: fail each storage call of a start in turn, on a copy of one directory, then start with another
    /// number of loops.
    @Test func aStartThatFailsAnywhereCanBeRepeated() throws {
        let original = World()
        try original.start(loops: 2).supply(codes: 5)
        try #require(original.life).give("u", loop: 1)
        original.crash()
        var call = 0
        var failed = true
        while failed && call < 1_000 {
            call += 1
            let world = World(copyOf: original)
            world.log.fail(call: call)
            do { try world.start(loops: 3) } catch {}
            failed = world.log.failureCount > 0
            world.log.fail(call: nil)
            world.crash()
            let life = try world.start(loops: 1 + call % 3)
            #expect(try life.give("u") == "K0", "after call \(call) failed")
        }
        #expect(call > 10 && !failed)
    }
}

@Suite("Parking: nothing builds on what a crash can take away")
struct ParkingTests {
    /// Goal: a repeat that meets a row in flight in another lane is parked, and decided again once that is
    /// durable.
    @Test func aRowInFlightInAnotherLaneParks() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let first = try life.allocate("u", loop: 0)
        // In the open batch, and then in flight.
        for _ in 0..<2 {
            let frame = try #require(try life.decide("u", loop: 1).parkedFor)
            #expect(frame == LaneFrame(lane: 0, frame: first.frame))
            _ = try life.loops[0].commit()
        }
        let woken = Reply<Bool>()
        life.engine.lanes[0].whenDurable(first.frame) { woken.set(true) }
        #expect(woken.count == 0)
        life.complete(0)
        #expect(woken.count == 1)
        let again = try life.allocate("u", loop: 1)
        #expect(again.isRepeat && again.code == first.code && again.frame == .none)
        #expect(life.loops[1].counters.parked == 2)
        #expect(life.loops[1].counters.given == 0)
    }

    /// Goal: a parked user whose row a crash took gets one code, not two.
    @Test func aParkedRequestAfterACrashGetsOneCode() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        _ = try life.allocate("u", loop: 0)
        _ = try life.loops[0].commit()
        #expect(try life.decide("u", loop: 1).parkedFor != nil)
        life = try world.restart(loops: 2)
        #expect(try life.give("u", loop: 1) == "K0")
        #expect(try life.give("u", loop: 0) == "K0")
        #expect(try life.ledger().given == 1)
    }

    /// Goal: a repeat in the same lane does not park; its reply waits for the frame of the first.
    @Test func aRepeatInTheSameLaneWaitsForItsOwnFrame() throws {
        let world = World()
        let life = try world.start(loops: 1, slow: true)
        try life.supply(codes: 10)
        let first = try life.allocate("u")
        let inBatch = try life.allocate("u")
        #expect(inBatch.isRepeat && inBatch.frame == first.frame)
        _ = try life.loops[0].commit()
        let inFlight = try life.allocate("u")
        #expect(inFlight.isRepeat && inFlight.frame == first.frame && !life.isAcknowledged(inFlight, loop: 0))
        // Another user's frame comes after it and must not be waited for.
        let other = try life.allocate("v")
        #expect(other.frame == first.frame.next)
        life.complete(0)
        #expect(life.isAcknowledged(inFlight, loop: 0) && !life.isAcknowledged(other, loop: 0))
        #expect(try life.allocate("u").frame == .none)
    }

    /// Goal: a reply that waits for a frame never leaves before that frame is on the medium. Method: crash at
    /// each moment; whatever counted as acknowledged must be there.
    @Test func whatIsAcknowledgedIsOnTheMedium() throws {
        for completions in 0..<4 {
            let world = World()
            var life = try world.start(loops: 2, slow: true)
            try life.supply(codes: 10)
            var pending: [(user: String, allocation: Allocation, loop: Int)] = []
            for number in 0..<4 {
                let loop = number % 2
                pending.append(("u\(number)", try life.allocate("u\(number)", loop: loop), loop))
                _ = try life.loops[loop].commit()
                if number < completions { life.complete(loop) }
            }
            let acknowledged = pending.filter { life.isAcknowledged($0.allocation, loop: $0.loop) }
            #expect(acknowledged.count == completions)
            life = try world.restart()
            for entry in acknowledged {
                #expect(life.history(entry.user).found.map(\.code) == [entry.allocation.code])
            }
        }
    }

    /// Goal: more runs of rows in flight than a shard's ring has at first are all known, each by its own lane and
    /// frame. Method: two loops in turns, so that each row is a run; asked from the other loop while nothing is
    /// durable, when one lane is and more runs have come behind it, and when both are.
    @Test func manyRowsInFlightAreAllKnown() throws {
        let world = World(shardCount: 1, segmentBytes: 256 << 10)
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 4_000)
        for number in 0..<700 { _ = try life.allocate("early\(number)", loop: 0) }
        life.settle()
        func allocate(_ numbers: Range<Int>) throws -> [LaneFrame] {
            try numbers.map { number in
                let frame = try life.allocate("late\(number)", loop: number % 2).frame
                return LaneFrame(lane: number % 2, frame: frame)
            }
        }
        var frames = try allocate(0..<3_000)
        for number in 0..<3_000 {
            #expect(try life.decide("late\(number)", loop: 1 - number % 2).parkedFor == frames[number])
        }
        for number in 0..<700 { #expect(try life.allocate("early\(number)", loop: 1).isRepeat) }
        _ = try life.loops[0].commit()
        life.complete(0)
        frames += try allocate(3_000..<3_040)
        for number in 0..<3_040 {
            let isDurable = number % 2 == 0 && number < 3_000
            let outcome = try life.decide("late\(number)", loop: 1 - number % 2)
            #expect(outcome.parkedFor == (isDurable ? nil : frames[number]), "row \(number)")
        }
        life.settle()
        for number in 0..<3_040 { #expect(try life.allocate("late\(number)", loop: 1 - number % 2).isRepeat) }
    }

    /// Goal: a row recovered is never taken for one in flight. Method: parks before the crash, repeats after
    /// it.
    @Test func recoveredRowsAreDurable() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        for user in users(3) { _ = try life.allocate(user, loop: 0) }
        life.settle()
        life = try world.restart(loops: 2, slow: true)
        for user in users(3) {
            let again = try life.allocate(user, loop: 1)
            #expect(again.isRepeat && again.frame == .none)
        }
        let new = try life.allocate(users(4)[3], loop: 0)
        #expect(try life.decide(users(4)[3], loop: 1).parkedFor?.frame == new.frame)
    }
}
