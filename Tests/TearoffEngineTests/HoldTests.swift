import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("A held code is its user's when it is confirmed in time, and goes back else")
struct HoldTests {
    private static func world(codes: Int = 10, returns: ReturnRule, rule: RetriggerRule = .standard) throws -> (
        World, Life
    ) {
        let world = World()
        let life = try world.start()
        try life.supply(codes: codes, rule: rule, returns: returns)
        return (world, life)
    }

    private func standings(_ user: String, _ life: Life, loop: Int = 0) -> [AllocationStanding.Status] {
        life.history(user, loop: loop).found.map(\.standing.status)
    }

    /// Goal: what a hold comes to by each command, and what the same command says again. Method: one user each,
    /// each answer compared.
    @Test func everyEndHasItsAnswers() throws {
        let (_, life) = try Self.world(returns: .quarantine)
        #expect(try life.hold("confirmed") == "K0")
        #expect(try life.hold("confirmed") == "K0", "a retry holds nothing more")
        #expect(try life.end(.confirmed, "confirmed").hasEnded)
        #expect(try life.end(.confirmed, "confirmed").isGiven, "a retry is answered alike")
        #expect(try life.end(.released, "confirmed").isGiven, "what is given is not taken back")
        #expect(try life.hold("confirmed") == "K0", "and is what the window gives")

        #expect(try life.hold("released") == "K1")
        #expect(try life.end(.released, "released").hasEnded)
        #expect(try life.end(.released, "released").isNothing)
        #expect(try life.end(.confirmed, "released").isNothing, "what went back cannot be confirmed")
        #expect(try life.give("released") == "K2", "the window is not about codes that went back")

        #expect(try life.hold("allocated") == "K3")
        #expect(try life.give("allocated") == "K3", "an ALLOC confirms")
        #expect(try life.end(.released, "allocated").isGiven)
        #expect(try life.end(.confirmed, "nobody").isNothing)
        #expect(try life.end(.released, "nobody").isNothing)
        #expect(standings("confirmed", life) == [.given])
        #expect(standings("released", life) == [.released, .given])
        let ledger = try life.ledger()
        #expect((ledger.held, ledger.given, ledger.burned, ledger.free) == (0, 3, 1, 6))
        #expect(ledger.holds)
    }

    /// Goal: a deadline holds to the millisecond, by the recorded clock, whoever looks. Method: the last moment
    /// and the one behind it, with and without the timer having fired.
    @Test func theDeadlineIsExact() throws {
        let (world, life) = try Self.world(returns: .quarantine)
        for user in ["a", "b", "c"] { try life.hold(user, for: 1_000) }
        world.clock.milliseconds += 1_000
        try life.endOverdueHolds()
        #expect(try life.end(.confirmed, "a").hasEnded, "its last millisecond")
        world.clock.milliseconds += 1
        #expect(try life.end(.confirmed, "b").isNothing, "without a timer")
        try life.endOverdueHolds()
        #expect(try life.end(.confirmed, "c").isNothing)
        world.clock.milliseconds -= hour
        #expect(try life.end(.confirmed, "b").isNothing, "the clock that jumps back brings nothing back")
        #expect(standings("b", life) == [.lapsed] && standings("c", life) == [.lapsed])
        let ledger = try life.ledger()
        #expect((ledger.held, ledger.given, ledger.burned) == (0, 1, 2))
    }

    /// Goal: a code that went back is given again under `reuse` only, once its record is durable and not before.
    /// Method: a list of one code.
    @Test(arguments: ReturnRule.allCases)
    func whatGoesBackIsGivenAgainOnlyWhenTheCampaignSaysSo(returns: ReturnRule) throws {
        let world = World()
        let life = try world.start(slow: true)
        try life.supply(codes: 1, returns: returns)
        _ = try life.decideHold("a")
        life.settle()
        #expect(try life.decideEnd(.released, "a").hasEnded)
        _ = try life.loops[0].commit()
        #expect(try life.ledger().holds, "also while it is on its way back")
        #expect(try life.decide("b").refusal == .poolEmpty, "a crash could still take the release away")
        life.settle()
        let outcome = try life.decide("b")
        switch returns {
        case .reuse:
            guard case .given(let allocation) = outcome else { throw Unexpected(outcome) }
            #expect(life.text(allocation.code) == "K0")
        case .quarantine: #expect(outcome.refusal != nil)
        }
        life.settle()
        #expect(try life.ledger().holds)
        #expect(try life.ledger().burned == (returns == .reuse ? 0 : 1))
    }

    /// Goal: holds and their ends are what they were after a crash, from the log, and from snapshot and log.
    /// Method: one user for each end and each side of the snapshot; all answers again in the next life.
    @Test(arguments: [false, true])
    func holdsOutliveACrash(withSnapshot: Bool) throws {
        var (world, life) = try Self.world(codes: 20, returns: .reuse)
        for user in ["before-c", "before-r", "over-c", "over-r", "open", "late"] {
            try life.hold(user, for: user == "late" ? 100 : hour)
        }
        try life.end(.confirmed, "before-c")
        try life.end(.released, "before-r")
        if withSnapshot { try life.snapshot() }
        try life.end(.confirmed, "over-c")
        try life.end(.released, "over-r")
        #expect(try life.hold("after") == "K1", "what went back goes out first")
        let ledger = try life.ledger()
        life = try world.restart()
        #expect(try life.ledger() == ledger)
        #expect(standings("before-c", life) == [.given] && standings("over-c", life) == [.given])
        #expect(standings("before-r", life) == [.released] && standings("over-r", life) == [.released])
        #expect(standings("open", life) == [.held] && standings("after", life) == [.held])
        world.clock.milliseconds += 101
        try life.endOverdueHolds()
        #expect(standings("late", life) == [.lapsed], "its deadline goes on across a restart")
        #expect(try life.end(.confirmed, "open").hasEnded)
        #expect(try life.end(.confirmed, "after").hasEnded)
        // Free again: the codes of two holds, before those that nobody had.
        #expect(Set(try ["x", "y"].map { try life.give($0) }) == ["K3", "K5"])
        #expect(try life.give("next") == "K6")
        try life.snapshot()
        life = try world.restart()
        #expect(try life.ledger().holds)
        #expect(standings("late", life) == [.lapsed] && standings("open", life) == [.given])
    }

    /// Goal: a code that went back and was given in another shard is nobody's twice, in whatever order the shards
    /// are read back. Method: the shards in both orders, each code given three times over.
    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 0, 0], [1, 0, 1]], [nil, 0, 1, 2])
    func aCodeThatWentBackMayBeGivenInAnyShard(order: [UInt16], snapshotBehind: Int?) throws {
        var (world, life) = try Self.world(codes: 1, returns: .reuse)
        let holders = order.enumerated().map { users(3, ofShard: $1)[$0] }
        for (index, user) in holders.enumerated() {
            #expect(try life.hold(user) == "K0")
            if index == snapshotBehind { try life.snapshot() }
            if index < 2 { try life.end(.released, user) }
        }
        try life.end(.confirmed, holders[2])
        life = try world.restart()
        #expect(try life.give(holders[2]) == "K0")
        #expect(life.find("K0").found.first?.state == .given)
        #expect(try life.decide("another").refusal != nil)
        #expect(try life.ledger() == Ledger(uploaded: 1, free: 0, given: 1))
    }

    /// Goal: a log in which one code has two users is refused, also when holds are about. Method: the record of a
    /// release is left out, so the code was never free.
    @Test func aCodeWithTwoUsersIsRefused() throws {
        var shard = Shard(id: ShardID(rawValue: 0), shardCount: 2, seed: 1)
        var other = Shard(id: ShardID(rawValue: 1), shardCount: 2, seed: 1)
        let run = CodeRun.fixed(code: [1], limit: 5, upload: UploadID(rawValue: 0))
        let upload = Upload(id: UploadID(rawValue: 0), list: ListID(rawValue: 0), codes: run)
        func record(_ shard: UInt16) -> AllocationRecord {
            AllocationRecord(
                shard: ShardID(rawValue: shard), sequence: SequenceNumber(rawValue: 1), givenAt: .zero,
                campaign: CampaignID(rawValue: 0), code: CodeID(upload: upload.id, ordinal: 3),
                user: UserKey(Array("u".utf8).span), holdUntil: Timestamp(milliseconds: 9))
        }
        let nothing: [UInt8] = []
        let user = Array("u".utf8)
        _ = try shard.apply(record(0), userBytes: user.span, userID: nothing.span, upload: upload)
        _ = try other.apply(record(1), userBytes: user.span, userID: nothing.span, upload: upload)
        try shard.settleAfterRecovery { upload.position(of: $0.ordinal) }
        #expect(throws: ApplyError.codeGivenTwice(CodeID(upload: upload.id, ordinal: 3))) {
            try other.settleAfterRecovery { upload.position(of: $0.ordinal) }
        }
    }

    /// Goal: nothing is decided on what another lane has in flight: a hold, its confirmation, its release. Method:
    /// two loops on a slow disk; each command on the second one while the first one's frame is on its way.
    @Test func whatIsInFlightElsewhereIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10, returns: .reuse)
        _ = try life.decideHold("a")
        _ = try life.loops[0].commit()
        #expect(try life.decideHold("a", loop: 1).parkedFor?.lane == 0)
        #expect(try life.decide("a", loop: 1).parkedFor?.lane == 0)
        #expect(try life.decideEnd(.confirmed, "a", loop: 1).parkedFor?.lane == 0)
        life.settle()
        #expect(try life.decideEnd(.released, "a").hasEnded)
        _ = try life.loops[0].commit()
        #expect(try life.decideEnd(.released, "a", loop: 1).parkedFor?.lane == 0)
        #expect(try life.decide("a", loop: 1).parkedFor?.lane == 0, "a new code would build on the release")
        #expect(life.history("a", loop: 1).otherFrames.count == 1)
        life.settle()
        #expect(try life.decideEnd(.released, "a", loop: 1).isNothing)
        guard case .given(let allocation) = try life.decide("a", loop: 1) else {
            throw Broken("no code behind a release")
        }
        #expect(!allocation.isRepeat)
    }

    /// Goal: a release that a crash takes away never was, and the hold stands. Method: its write is lost.
    @Test func aReleaseThatWasNotDurableLeavesTheHold() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 1, returns: .reuse)
        _ = try life.decideHold("a")
        life.settle()
        _ = try life.decideEnd(.released, "a")
        _ = try life.loops[0].commit()
        life = try world.restart()
        #expect(standings("a", life) == [.held])
        #expect(try life.decide("b").refusal == .poolEmpty)
        #expect(try life.end(.confirmed, "a").hasEnded)
    }

    /// Goal: a list whose last codes are held is not exhausted before it is certain that none comes back. Method:
    /// two codes, both held; one is confirmed, the other one's deadline passes.
    @Test func aListIsExhaustedWhenNothingIsHeldAnyMore() throws {
        let (world, life) = try Self.world(codes: 2, returns: .quarantine)
        try life.hold("a")
        try life.hold("b", for: 50)
        life.settle()
        #expect(try life.decide("c").refusal == .poolEmpty)
        life.settle()
        #expect(try life.finishReason() == nil)
        try life.end(.confirmed, "a")
        life.settle()
        #expect(try life.finishReason() == nil)
        world.clock.milliseconds += 51
        try life.endOverdueHolds()
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.end(.confirmed, "a").isGiven, "also of a campaign that has finished")
    }

    /// Goal: a list past its expiry confirms nothing, and its holds still go back. Method: an expiry before the
    /// deadline.
    @Test func anExpiredListConfirmsNothing() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 2, expiresAt: world.clock.milliseconds + 1_000)
        try life.hold("a", for: 5_000)
        try life.hold("b", for: 5_000)
        world.clock.milliseconds += 1_001
        #expect(try life.end(.confirmed, "a").isListExpired)
        #expect(try life.end(.released, "a").hasEnded)
        world.clock.milliseconds += 5_000
        try life.endOverdueHolds()
        #expect(try life.ledger().burned == 2)
    }

    /// Goal: the window counts from the confirmation. Method: a hold confirmed late, asked for around the window's
    /// end.
    @Test func theWindowCountsFromTheConfirmation() throws {
        let (world, life) = try Self.world(returns: .quarantine, rule: .window(milliseconds: hour))
        try life.hold("a", for: 2 * hour)
        world.clock.milliseconds += hour + hour / 2
        try life.end(.confirmed, "a")
        world.clock.milliseconds += hour - 1
        #expect(try life.give("a") == "K0")
        world.clock.milliseconds += 1
        #expect(try life.give("a") == "K1")
    }

    /// Goal: a snapshot writes the holds that changed and no others. Method: bytes written by a second snapshot
    /// without and with a change.
    @Test func aSnapshotWritesHoldsThatChanged() throws {
        let (_, life) = try Self.world(codes: 200, returns: .quarantine)
        for number in 0..<200 { try life.hold("u\(number)") }
        try life.snapshot()
        let unchanged = try life.snapshot().bytesWritten
        try life.end(.confirmed, "u7")
        let changed = try life.snapshot().bytesWritten
        #expect(changed > unchanged)
    }
}
