import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Recovery: an allocation survives a crash if and only if its frame was durable")
struct RecoveryTests {
    /// Goal: what was acknowledged is there again, what was not is free. Method: one durable frame, one in
    /// flight that leaves nothing, a crash.
    @Test func onlyDurableFramesSurviveACrash() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 10)
        let kept = try life.allocate("kept")
        life.settle()
        #expect(life.isAcknowledged(kept, loop: 0))
        let lost = try life.allocate("lost")
        _ = try life.loops[0].commit()
        #expect(!life.isAcknowledged(lost, loop: 0))
        life = try world.restart()
        #expect(life.history("kept").found.map(\.code) == [kept.code])
        #expect(life.history("lost").found.isEmpty)
        #expect(try life.ledger() == Ledger(uploaded: 10, free: 9, given: 1))
        #expect(try life.give("other") == "K1", "the lost code is free again")
    }

    /// Goal: a write that reached the medium whole survives although nobody was told. Method: the crash keeps
    /// all.
    @Test func aFrameThatReachedTheDiskWholeSurvives() throws {
        let world = World()
        var life = try world.start(slow: true)
        try life.supply(codes: 10)
        let unanswered = try life.allocate("u")
        _ = try life.loops[0].commit()
        world.log.crash { _ in true }
        life = try world.start()
        let again = try life.allocate("u")
        #expect(again.isRepeat && again.code == unanswered.code)
    }

    /// Goal: codes of lost frames are free, and go out first and in order. Method: five lanes claim one code
    /// each; the frames of the second and the fourth are lost.
    @Test func holesAreGivenFirstAndInOrder() throws {
        let world = World()
        var life = try world.start(loops: 5, slow: true)
        try life.supply(codes: 10)
        for loop in 0..<5 {
            _ = try life.allocate("u\(loop)", loop: loop)
            _ = try life.loops[loop].commit()
        }
        for loop in [0, 2, 4] { life.complete(loop) }
        life = try world.restart(loops: 2)
        #expect(try life.ledger() == Ledger(uploaded: 10, free: 7, given: 3))
        #expect(try (0..<5).map { try life.give("v\($0)", loop: $0 % 2) } == ["K1", "K3", "K5", "K6", "K7"])
        // The holes are durable now, and are none any more in the life after.
        life = try world.restart()
        #expect(try life.give("w") == "K8")
    }

    /// Goal: a repeat after a recovery is byte for byte what the first reply said. Method: users of every
    /// form, with and without a marketing id, codes of several lengths, two recoveries, with a snapshot in
    /// between.
    @Test func repeatsAreEqualAfterRecovery() throws {
        let world = World()
        let users = [
            "a", "exactly-16-bytes", "a user of more than sixteen bytes",
            "0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-D9CB-469F-A165-70867728950E",
            String(repeating: "x", count: 255),
        ]
        var life = try world.start()
        try life.createList()
        try life.upload(["1", "zweiundzwanzig", "drei", "ünïcode", "5", "sechs"])
        try life.createCampaign()
        var first: [Allocation] = []
        var texts: [String] = []
        for (index, user) in users.enumerated() {
            world.clock.milliseconds += 1
            let userID = index % 2 == 0 ? "" : "marketing-\(index)"
            first.append(try life.allocate(user, userID: userID))
            _ = try life.loops[0].commit()
            texts.append(life.text(first[index].code))
        }
        for withSnapshot in [false, true, false] {
            life = try world.restart()
            for (index, user) in users.enumerated() {
                let again = try life.allocate(user)
                #expect(again.isRepeat && again.code == first[index].code)
                #expect(again.times.givenAt == first[index].times.givenAt)
                #expect(again.frame == .none, "a recovered row waits for nothing")
                #expect(life.text(again.code) == texts[index])
                let userID = index % 2 == 0 ? "" : "marketing-\(index)"
                let history = life.history(user)
                #expect(history.found.map { history.text($0.userID) } == [userID])
            }
            if withSnapshot { try life.snapshot() }
        }
    }

    /// Goal: a code's owner is found again. Method: CODE FIND before and after a crash.
    @Test func ownersAreFoundAfterRecovery() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 3)
        try life.give("u", userID: "m", loop: 1)
        for _ in 0..<2 {
            let given = life.find("K0")
            let owner = try #require(given.found.first?.owner)
            #expect(given.found.first?.state == .given)
            #expect(given.text(owner.user) == "u" && given.text(owner.userID) == "m")
            let free = try #require(life.find("K1").found.first)
            #expect(free.state == .free && free.owner == nil)
            #expect(life.find("K9").found.isEmpty)
            life = try world.restart()
        }
    }

    /// Goal: a code is the same bytes after a recovery. Method: the first code of an upload begins with a
    /// byte order mark of its own, behind the file's; it was once taken for the file's when the blob was read
    /// back.
    @Test func aByteOrderMarkInTheFirstCodeStays() throws {
        let world = World()
        var life = try world.start()
        try life.createList()
        try life.upload(["\u{FEFF}\u{FEFF}K0", "K0"])
        try life.createCampaign()
        for _ in 0..<2 {
            #expect(try Array(life.give("u").utf8) == [0xEF, 0xBB, 0xBF] + Array("K0".utf8))
            life = try world.restart()
        }
    }

    /// Goal: reading a directory changes nothing of what is read. Method: recover twice without a life in
    /// between, with a torn frame, several lanes and a snapshot; and once more after an empty life.
    @Test func recoveringTwiceGivesTheSameState() throws {
        let world = World()
        var life = try world.start(loops: 3, slow: true)
        try life.supply(codes: 100)
        for number in 0..<30 { _ = try life.allocate("u\(number)", loop: number % 3) }
        life.settle()
        try life.snapshot()
        for number in 30..<60 { _ = try life.allocate("u\(number)", loop: number % 3) }
        for loop in 0..<3 { _ = try life.loops[loop].commit() }
        life.complete(1)
        world.log.crash { $0 % 2 == 0 }
        let first = Digest(try world.recover())
        #expect(Digest(try world.recover()) == first)
        life = try world.start(loops: 2)
        world.crash()
        var later = Digest(try world.recover())
        #expect(later.at >= first.at)
        later.at = first.at
        later.laneStarts = first.laneStarts
        #expect(later == first)
    }

    /// Goal: 300 allocations roll over many small segments and all come back. Method: one frame each, 64 KiB
    /// segments.
    @Test func allocationsSurviveOverManySegments() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 400)
        var given: [String: String] = [:]
        for number in 0..<300 {
            given["u\(number)"] = try life.give("u\(number)")
            life.pump()
        }
        #expect(life.loops[0].writer.position.segment > .first)
        life = try world.restart()
        for (user, code) in given { #expect(try life.give(user) == code) }
        #expect(try life.ledger() == Ledger(uploaded: 400, free: 100, given: 300))
    }
}

@Suite("Recovery: a user gets the same code for 24 hours, whatever happens in between")
struct WindowTests {
    /// Goal: the window's edges hold across a restart: one millisecond before its end a repeat, at its end a
    /// new code.
    @Test func theWindowEndsToTheMillisecondAcrossARestart() throws {
        for (elapsed, expected) in [(day - 1, "K0"), (day, "K1"), (day + 1, "K1")] {
            let world = World()
            var life = try world.start()
            try life.supply(codes: 3)
            #expect(try life.give("u") == "K0")
            world.clock.milliseconds += elapsed
            life = try world.restart()
            #expect(try life.give("u") == expected, "after \(elapsed) ms")
            #expect(try life.give("u") == expected, "the repeat of that")
        }
    }

    /// Goal: a wall clock that goes back gives nobody a second code, and no time is recorded that is earlier
    /// than one before. Method: the clock goes back before or after the restart.
    @Test(arguments: [false, true])
    func aClockMovedBackChangesNothing(beforeRestart: Bool) throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 3)
        world.clock.milliseconds += 100 * day
        let first = try life.allocate("u")
        _ = try life.loops[0].commit()
        if beforeRestart {
            world.clock.milliseconds -= 50 * day
            #expect(try life.allocate("u").code == first.code)
            life = try world.restart()
        } else {
            life = try world.restart()
            world.clock.milliseconds -= 50 * day
        }
        #expect(try life.allocate("u").code == first.code)
        #expect(try life.allocate("v").times.givenAt >= first.times.givenAt)
        // The window goes on counting only when the wall clock has caught up.
        world.clock.milliseconds += 50 * day + day - 1
        #expect(try life.allocate("u").code == first.code)
        world.clock.milliseconds += 1
        #expect(try life.allocate("u").code != first.code)
    }

    /// Goal: the other rules hold across a restart too.
    @Test(arguments: [RetriggerRule.once, .always, .untilExpiry, .window(milliseconds: 0)])
    func theRuleOfACampaignIsRecovered(rule: RetriggerRule) throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 5, rule: rule, expiresAt: world.clock.milliseconds + 10 * day)
        #expect(try life.give("u") == "K0")
        world.clock.milliseconds += 5 * day
        life = try world.restart()
        let isAlwaysNew = rule == .always || rule == .window(milliseconds: 0)
        #expect(try life.give("u") == (isAlwaysNew ? "K1" : "K0"))
    }

    /// Goal: after an expiry that passed, `until-expiry` gives a new code, also when the expiry is known only
    /// from a snapshot. Method: expire, prolong, resume, snapshot, restart.
    @Test func aLapsedExpiryIsRecovered() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 5, rule: .untilExpiry, expiresAt: world.clock.milliseconds + day)
        #expect(try life.give("u") == "K0")
        world.clock.milliseconds += 2 * day
        #expect(life.fireExpiry())
        life.settle()
        try life.setExpiry(at: nil)
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        try life.snapshot()
        life = try world.restart()
        #expect(try life.give("u") == "K1")
        life = try world.restart()
        #expect(try life.give("u") == "K1")
    }
}
