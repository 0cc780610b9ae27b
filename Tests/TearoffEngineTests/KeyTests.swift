import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("For 24 hours, a key stands for one request and its answer")
struct KeyTests {
    private static func world(
        codes: Int = 20, rule: RetriggerRule = .always, returns: ReturnRule = .quarantine
    ) throws -> (World, Life) {
        let world = World()
        let life = try world.start()
        try life.supply(codes: codes, rule: rule, returns: returns)
        return (world, life)
    }

    /// Goal: the same request is answered the same, and gives nothing. Method: the rule under which every request gives
    /// another code; the ledger.
    @Test func theSameRequestIsAnsweredTheSame() throws {
        let (world, life) = try Self.world()
        let first = try life.give("u", key: "k", userID: "m")
        #expect(first.code == "K0")
        world.clock.milliseconds += hour
        #expect(try life.give("u", key: "k", userID: "m") == first.replay)
        #expect(try life.give("u", userID: "m") == "K1", "without a key")
        #expect(try life.give("u", key: "k2", userID: "m").code == "K2", "another key")
        #expect(try life.give("u", key: "k", userID: "m") == first.replay, "whatever came later")
        #expect(try life.ledger().given == 3)
        #expect(life.loops[0].counters.replayed == 2)
    }

    /// Goal: what was a repeat when the key was used first is told as one again, and with its times. Method: a window
    /// that passes in between.
    @Test func aRepeatUnderAKeyStaysOne() throws {
        let (world, life) = try Self.world(rule: .window(milliseconds: hour))
        let given = try life.allocate("u")
        world.clock.milliseconds += hour - 1
        let first = try life.give("u", key: "k")
        #expect(first == .new(.init(code: "K0", isRepeat: true, times: given.times)))
        world.clock.milliseconds += hour
        #expect(try life.give("u", key: "k") == first.replay)
        #expect(try life.give("u") == "K1")
    }

    /// Goal: a key with other arguments is refused, whichever differs, and nothing is done. Method: each argument; no
    /// record is written, and the key still stands for what it stood for.
    @Test func otherArgumentsAreRefused() throws {
        let (_, life) = try Self.world()
        try life.createCampaign("other", rule: .always)
        let (here, there) = (users(3), users(1, ofShard: 1)[0])
        let long = String(repeating: "x", count: 40)
        let first = try life.give(here[0], key: "k", userID: "m")
        let hold = try life.give(here[1], key: "h", holdFor: hour)
        let longOne = try life.give(long, key: "long")
        let records = life.loops[0].writer.counters.records
        #expect(records == 6, "an allocation and a key each")
        #expect(try life.give(here[1], key: "k", userID: "m") == .reused, "another user")
        #expect(try life.give(there, key: "k", userID: "m") == .reused, "of another shard")
        #expect(try life.give(here[0], key: "k", in: "other", userID: "m") == .reused, "another campaign")
        #expect(try life.give(here[0], key: "k") == .reused, "no user id")
        #expect(try life.give(here[0], key: "k", userID: "n") == .reused, "another user id")
        #expect(try life.give(here[0], key: "k", userID: "m", holdFor: hour) == .reused, "a hold")
        #expect(try life.give(here[1], key: "h") == .reused, "no hold")
        #expect(try life.give(here[1], key: "h", holdFor: hour + 1) == .reused, "for longer")
        #expect(try life.give(long + "y", key: "long") == .reused)
        #expect(try life.give(here[0], key: "k", userID: "m") == first.replay)
        #expect(try life.give(here[1], key: "h", holdFor: hour) == hold.replay)
        #expect(try life.give(long, key: "long") == longOne.replay)
        #expect(life.loops[0].writer.counters.records == records)
        // The same bytes cut elsewhere are another key.
        #expect(try life.give(here[0], key: "km").code == "K3")
    }

    /// Goal: a replay is an answer, not a new allocation: nothing that happened since changes it. Method: a campaign that
    /// is stopped, exhausted, its upload withdrawn, its list expired.
    @Test func whatHappenedSinceChangesNothing() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 2, expiresAt: World.firstMilliseconds + 2 * hour)
        let first = try life.give("u", key: "k")
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        #expect(try life.decide("v").refusal == .finished(.stopped))
        #expect(try life.give("u", key: "k") == first.replay)
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        _ = try life.give("last")
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.give("u", key: "k") == first.replay)
        try life.undone(0)
        #expect(try life.give("u", key: "k") == first.replay)
        world.clock.milliseconds += 3 * hour
        #expect(try life.decide("u").refusal == .listExpired)
        #expect(try life.give("u", key: "k") == first.replay)
    }

    /// Goal: a refusal leaves the key free. Method: an empty list, then codes; another user meanwhile.
    @Test func aRefusalLeavesTheKeyFree() throws {
        let (_, life) = try Self.world(codes: 0)
        #expect(try life.give("u", key: "k") == .refused(.poolEmpty))
        try life.upload(["A", "B"])
        life.settle()
        if try life.finishReason() != nil { try life.changed { $0.resumeCampaign(name: "c", done: $1) } }
        #expect(try life.give("v", key: "k").code == "A")
        #expect(try life.give("u", key: "k") == .reused)
    }

    /// Goal: keys outlive a crash, from the log, a snapshot, and both. Method: a key before and behind each snapshot, of
    /// users of every form; all of them after each restart.
    @Test(arguments: [0, 1, 2, 3])
    func keysOutliveACrash(snapshots: Int) throws {
        var (world, life) = try Self.world(codes: 100)
        let long = String(repeating: "l", count: 255)
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
        var told: [(user: String, key: String, userID: String, hold: UInt64?, reply: KeyedReply)] = []
        func use(_ round: Int) throws {
            for (index, user) in ["u", uuid, long, "v"].enumerated() {
                let key = index == 2 ? String(repeating: "\(round)", count: 255) : "k\(round)-\(index)"
                let (userID, hold) = (index == 1 ? "m" : index == 2 ? long : "", index == 3 ? hour : nil)
                let reply = try life.give(user, key: key, userID: userID, holdFor: hold)
                #expect(reply.code != nil)
                told.append((user, key, userID, hold, reply))
            }
        }
        for round in 0..<3 {
            try use(round)
            if round < snapshots { try life.snapshot() }
            world.clock.milliseconds += 10
            try life.end(.released, "v")
        }
        for loops in [1, 2, 1] {
            life = try world.restart(loops: loops)
            for one in told {
                let reply = try life.give(one.user, key: one.key, userID: one.userID, holdFor: one.hold)
                #expect(reply == one.reply.replay)
                #expect(try life.give("w", key: one.key) == .reused)
            }
            #expect(try life.ledger().holds)
            #expect(try life.ledger().given + life.ledger().burned == 12)
        }
        try life.snapshot()
        let state = try world.recover()
        #expect(state.keys.count == told.count)
        #expect(Digest(state) == Digest(try world.recover()))
    }

    /// Goal: a key is kept for 24 hours from its first use, to the millisecond, by the recorded clock, also across a
    /// restart; then it is as new. Method: the last moment and the one behind it, with a snapshot and without.
    @Test(arguments: [nil, false, true])
    func aKeyIsKeptForADay(restartWithSnapshot: Bool?) throws {
        var (world, life) = try Self.world()
        let first = try life.give("u", key: "k")
        if let withSnapshot = restartWithSnapshot {
            if withSnapshot { try life.snapshot() }
            life = try world.restart()
        }
        world.clock.milliseconds += day - 1
        #expect(try life.give("u", key: "k") == first.replay)
        #expect(try life.give("v", key: "k") == .reused)
        world.clock.milliseconds += 1
        let second = try life.give("v", key: "k")
        #expect(second.code == "K1", "as good as new")
        world.clock.milliseconds -= hour
        #expect(try life.give("u", key: "k") == .reused, "a clock that jumps back brings nothing back")
        if let withSnapshot = restartWithSnapshot {
            if withSnapshot { try life.snapshot() }
            life = try world.restart()
        }
        #expect(try life.give("v", key: "k") == second.replay)
        #expect(try world.recover().keys.count == 1, "what is over is not read back")
    }

    /// Goal: nothing builds on a key that a crash can take away. Method: slow disks; the second use in the same lane waits
    /// for the frame, in another lane it is parked, whoever sends it.
    @Test func aKeyInFlightIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10, rule: .always)
        let (here, there) = (users(1)[0], users(1, ofShard: 1)[0])
        let first = try #require(try life.decide(here, key: "k").given)
        _ = try life.loops[0].commit()
        #expect(try life.decide(here, key: "k").replay?.frame == first.frame)
        #expect(try life.decide(there, key: "k").reusedFrame == first.frame)
        let frame = LaneFrame(lane: 0, frame: first.frame)
        #expect(try life.decide(here, key: "k", loop: 1).parkedFor == frame)
        #expect(try life.decide(there, key: "k", loop: 1).parkedFor == frame)
        life.settle()
        #expect(try life.decide(here, key: "k", loop: 1).replay?.code == first.code)
        #expect(try life.decide(here, key: "k", loop: 1).replay?.frame == FrameNumber.none)
        #expect(try life.decide(there, key: "k", loop: 1).reusedFrame == FrameNumber.none)
    }

    /// Goal: a repeat, which would leave nothing in the log, waits for its key's record. Method: slow disks, a durable
    /// allocation; and one in flight in another lane, which uses up no key.
    @Test func aRepeatWaitsForItsKey() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        _ = try life.allocate("u")
        #expect(try life.decide("u", key: "k", loop: 1).parkedFor != nil)
        life.settle()
        let told = try #require(try life.decide("u", key: "k", loop: 1).given)
        #expect(told.isRepeat && told.frame != .none && !life.isAcknowledged(told, loop: 1))
        life.settle()
        #expect(life.isAcknowledged(told, loop: 1))
        #expect(try life.decide("u", key: "k").replay?.isRepeat == true)
    }

    /// Goal: a crash takes the code and its key, or neither. Method: a frame that is lost, then the key with another
    /// user; and one that is durable.
    @Test(arguments: [false, true])
    func aCrashTakesBothOrNeither(isDurable: Bool) throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 10)
        _ = try life.decide("u", key: "k")
        _ = try life.loops[0].commit()
        if isDurable { life.settle() }
        world.crashLosingWrites()
        life = try world.start()
        #expect(life.history("u").found.count == (isDurable ? 1 : 0))
        #expect(try life.give("v", key: "k").code == (isDurable ? nil : "K0"))
        #expect(try life.ledger().given == 1)
    }

    /// Goal: keys are bounded, and those that are over make room, wherever they are. Method: a small bound, a day.
    @Test func keysAreBounded() throws {
        let world = World()
        let life = try world.start(keysMax: 5)
        try life.supply(codes: 20)
        let first = try life.give("u", key: "k0")
        for number in 1..<5 { #expect(try life.give("u", key: "k\(number)").code == "K0") }
        let records = life.loops[0].writer.counters.records
        #expect(try life.give("v", key: "k5") == .full)
        #expect(life.loops[0].writer.counters.records == records, "nothing was done")
        #expect(try life.give("u", key: "k0") == first.replay, "those that are kept still serve")
        #expect(try life.give("v") == "K1", "and so does everything without a key")
        world.clock.milliseconds += day
        #expect(try life.give("v", key: "k5").code != nil)
        #expect(life.engine.keys.count == 1, "the memory came back")
    }

    /// Goal: keys come and go in any number, and only those of the last day are found. Method: ten days with as many keys
    /// as may be kept.
    @Test func keysComeAndGo() throws {
        let world = World()
        let life = try world.start(keysMax: 100)
        try life.supply(codes: 1, rule: .once)
        for today in 0..<10 {
            world.clock.milliseconds += day
            for number in 0..<100 {
                #expect(try life.decide("u", key: "k\(today)-\(number)").given != nil)
                #expect(life.engine.keys.count <= 100)
            }
            life.settle()
        }
        for number in 0..<100 { #expect(try life.decide("v", key: "k9-\(number)").reusedFrame != nil) }
    }

    /// Goal: a hold under a key is told as it was, whatever became of it, and so is its confirmation. Method: a release
    /// and a confirmation behind the first use.
    @Test func aHoldUnderAKeyIsToldAsItWas() throws {
        let (_, life) = try Self.world(rule: .standard, returns: .reuse)
        let held = try life.give("u", key: "k", holdFor: hour)
        #expect(held.code == "K0")
        try life.end(.released, "u")
        #expect(try life.give("v") == "K0", "the code went to somebody else")
        #expect(try life.give("u", key: "k", holdFor: hour) == held.replay)
        _ = try life.give("w", key: "h", holdFor: hour)
        let confirmed = try life.give("w", key: "a")
        guard case .new(let told) = confirmed else { throw Unexpected(.refused(.poolEmpty)) }
        #expect(told.isRepeat && told.times.holdUntil == nil)
        #expect(try life.give("w", key: "a") == confirmed.replay)
        #expect(try life.ledger().holds)
    }

    /// Goal: a snapshot whose keys cannot be true is refused, not believed. Method: its key chunk is made anew, as it was
    /// and with a row that no shard has.
    @Test(arguments: [0, 1])
    func aKeyOfNoAllocationIsRefused(row: UInt32) throws {
        let (world, life) = try Self.world()
        _ = try life.give("u", key: "k")
        try life.snapshot()
        let use = try #require(try world.recover().keys.first)
        try world.replaceKeys(
            with: KeyUse(
                shard: use.shard, sequence: use.sequence, row: RowNumber(rawValue: row), answer: use.answer,
                keyByteCount: use.keyByteCount, text: use.text))
        if row == 0 {
            #expect(try world.recover().keys == [use])
        } else {
            #expect(throws: RecoveryError.self) { _ = try world.recover() }
        }
    }

    /// Goal: no snapshot misses a key, when both are under way at once. Method: keys are used between every two steps of
    /// a snapshot; then only the snapshot and what is behind it are left.
    @Test func aSnapshotUnderWayMissesNoKey() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 1, rule: .once)
        var count = 0
        func use() throws {
            _ = try life.give("u", key: "k\(count)", loop: count % 2)
            count += 1
        }
        try use()
        for _ in 0..<3 {
            let reply = life.askForSnapshot()
            while reply.value == nil {
                try use()
                if !life.step() { life.pump() }
                try use()
            }
            _ = try #require(reply.value).get()
        }
        life = try world.restart()
        for number in 0..<count { #expect(try life.give("v", key: "k\(number)") == .reused) }
        #expect(count > 20)
    }
}

extension World {
    /// Has the first snapshot say that this is the one key that is kept.
    fileprivate func replaceKeys(with use: KeyUse) throws {
        let name = SnapshotDesk.name(of: 1)
        let bytes = try blobs.readNamed(name)
        let manifest = try Manifest(decoding: bytes.span, directory: World.directory)
        let packed = PackedBlob.pack(KeyChunk.encode([use]))
        let writer = try blobs.makeWriter()
        try writer.append(packed.span)
        let chunk = try writer.finish()
        let changed = Manifest(
            directory: manifest.directory, number: 1, at: manifest.at, revision: manifest.revision,
            catalog: manifest.catalog, audit: manifest.audit, shards: manifest.shards, keyChunks: [chunk],
            lanes: manifest.lanes)
        try blobs.writeNamed(name, changed.encode())
    }
}
