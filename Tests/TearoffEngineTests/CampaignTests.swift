import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Campaigns finish by themselves, and only when it is certain")
struct CampaignTests {
    /// Goal: a campaign is finished as exhausted only when no crash can make a code free again. Method: two
    /// lanes claim the last two codes; the lane with the very last one is durable first.
    @Test func exhaustionWaitsForEveryClaim() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 2)
        _ = try life.allocate("a", loop: 0)
        _ = try life.loops[0].commit()
        _ = try life.allocate("b", loop: 1)
        _ = try life.loops[1].commit()
        world.log.complete(life.engine.lanes[1].lane)
        life.pump()
        world.log.complete(.control)
        life.pump()
        #expect(try life.finishReason() == nil, "the claim of lane 0 could still be lost")
        #expect(try life.decide("c", loop: 1).refusal == .poolEmpty)
        life.pump()
        world.log.complete(.control)
        life.pump()
        #expect(try life.finishReason() == nil)
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.decide("c", loop: 0).refusal == .finished(.exhausted))
        life = try world.restart()
        #expect(try life.finishReason() == .exhausted)
    }

    /// Goal: a claim that was made after the wait began is waited for as well. Method: while the wait for the
    /// first claims is on, a refill comes and is used up in flight.
    @Test func exhaustionAlsoWaitsForTheClaimsOfARefill() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 2)
        _ = try life.allocate("a", loop: 0)
        _ = try life.loops[0].commit()
        _ = try life.allocate("b", loop: 1)
        _ = try life.loops[1].commit()
        // Lane 1 reports the list empty; lane 0 is waited for.
        world.log.complete(life.engine.lanes[1].lane)
        life.pump()
        let refill = try life.beginUpload("L0\n")
        life.pump()
        let reply = life.commitUpload(refill)
        life.pump()
        life.completeControl()
        life.pump()
        #expect(try #require(reply.value).get().counts.codes == 1)
        _ = try life.allocate("c", loop: 1)
        _ = try life.loops[1].commit()
        // Now lane 0 is durable, and lane 1's claim of the last code is not.
        world.log.complete(life.engine.lanes[0].lane)
        life.pump()
        world.log.complete(.control)
        life.pump()
        #expect(try life.finishReason() == nil, "the claim of lane 1 could still be lost")
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        life = try world.restart()
        #expect(try life.ledger() == Ledger(uploaded: 3, free: 0, given: 3))
    }

    /// Goal: a finished campaign still repeats, and goes on after a refill only when an operator resumes it.
    @Test func anExhaustedCampaignRepeatsAndIsResumed() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.supply(codes: 1)
        try life.give("a")
        life.settle()
        for _ in 0..<2 {
            #expect(try life.finishReason() == .exhausted)
            #expect(try life.give("a", loop: 1) == "K0")
            #expect(try life.decide("b").refusal == .finished(.exhausted))
            life = try world.restart(loops: 2)
        }
        let tooEarly = life.change { $0.resumeCampaign(name: "c", done: $1) }
        life.settle()
        #expect(tooEarly.value?.error == .catalog(.listExhausted("l")))
        try life.upload(["L0", "L1"])
        #expect(try life.decide("b").refusal == .finished(.exhausted), "a refill alone resumes nothing")
        try life.changed { $0.resumeCampaign(name: "c", done: $1) }
        #expect(try life.give("b") == "L0")
        life = try world.restart()
        #expect(try life.state() == .active)
        #expect(try life.give("c") == "L1")
        life.settle()
        #expect(try life.finishReason() == .exhausted)
    }

    /// Goal: a crash between the last claim and the record of the end leaves no campaign active for ever.
    @Test func exhaustionThatACrashForestalledIsNoticedLater() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 1)
        try life.give("a")
        // The report to the control plane is lost with the crash.
        life = try world.restart()
        #expect(try life.finishReason() == nil)
        #expect(try life.decide("b").refusal == .poolEmpty)
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(
            life.events.contains { if case .campaignFinished("c", .exhausted) = $0 { true } else { false } })
    }

    /// Goal: a list's end finishes its campaigns at the deadline without any request, on the millisecond.
    @Test func aCampaignExpiresByItself() throws {
        let world = World()
        let life = try world.start(loops: 2)
        let expiry = world.clock.milliseconds + hour
        try life.supply(codes: 3, expiresAt: expiry)
        try life.give("a")
        #expect(life.mail.expiry == expiry + 1)
        world.clock.milliseconds = expiry
        #expect(!life.fireExpiry())
        #expect(try life.give("b") == "K1", "the last millisecond still gives")
        world.clock.milliseconds += 1
        #expect(
            try life.decide("a").refusal == .listExpired,
            "not even repeats, though the record is not there yet")
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason() == .expired)
        #expect(life.mail.expiry == nil)
    }

    /// Goal: a timer that fires too early (the clock was moved back meanwhile) finishes nothing and asks
    /// again.
    @Test func aTimerThatFiresTooEarlyAsksAgain() throws {
        let world = World()
        let life = try world.start()
        let expiry = world.clock.milliseconds + hour
        try life.supply(codes: 3, expiresAt: expiry)
        world.clock.milliseconds -= 10 * day
        life.control.finishExpired()
        life.settle()
        #expect(try life.finishReason() == nil)
        #expect(life.mail.expiry == expiry + 1)
        world.clock.milliseconds = expiry + 1
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason() == .expired)
    }

    /// Goal: once a clock reading past the deadline was used, moving the clock back does not revive the list;
    /// and a deadline that passed while the server was down is met at the start.
    @Test func anExpiryIsFinalWhateverTheClockSays() throws {
        let world = World()
        var life = try world.start()
        let expiry = world.clock.milliseconds + hour
        try life.supply(codes: 3, expiresAt: expiry)
        life = try world.restart()
        world.clock.milliseconds = expiry + 1
        #expect(life.fireExpiry())
        life.settle()
        world.clock.milliseconds -= day
        #expect(try life.decide("a").refusal == .listExpired)
        life = try world.restart()
        #expect(try life.decide("a").refusal == .listExpired, "the recorded time counts, not the clock")
        #expect(try life.finishReason() == .expired)

        let other = World()
        life = try other.start()
        try life.supply(codes: 3, expiresAt: expiry)
        other.clock.milliseconds = expiry + day
        life = try other.restart()
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason() == .expired)
    }

    /// Goal: a new expiry moves the timer, and many lists have one timer for the earliest.
    @Test func theTimerFollowsTheEarliestDeadline() throws {
        let world = World()
        let life = try world.start()
        let now = world.clock.milliseconds
        try life.supply(codes: 3, expiresAt: now + 3 * hour)
        try life.createList("m", expiresAt: now + 2 * hour)
        #expect(life.mail.expiry == now + 3 * hour + 1, "a list without a campaign needs no timer")
        try life.createCampaign("d", list: "m")
        #expect(life.mail.expiry == now + 2 * hour + 1)
        world.clock.milliseconds = now + 2 * hour + 1
        #expect(life.fireExpiry())
        life.settle()
        #expect(try life.finishReason(of: "d") == .expired)
        #expect(try life.finishReason(of: "c") == nil)
        #expect(life.mail.expiry == now + 3 * hour + 1)
        try life.setExpiry(at: nil)
        #expect(life.mail.expiry == nil)
    }

    /// Goal: the expiry is not lost when so many commands wait that the control plane takes no more.
    @Test func anExpiryIsNotLostInABusyControlPlane() throws {
        let world = World()
        let life = try world.start(slow: true)
        let expiry = world.clock.milliseconds + hour
        try life.supply(codes: 3, expiresAt: expiry)
        let waiting = (0...ControlPlane.waitingMaximum).map { number in
            life.change { $0.finishCampaign(name: "nobody\(number)", done: $1) }
        }
        _ = waiting
        let held = life.change {
            $0.createList(name: "held", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
        }
        for number in 0..<ControlPlane.waitingMaximum {
            _ = life.change { $0.finishCampaign(name: "nobody\(number)", done: $1) }
        }
        world.clock.milliseconds = expiry + 1
        #expect(life.fireExpiry())
        life.settle()
        if life.fireExpiry() { life.settle() }
        #expect(held.value?.error == nil)
        #expect(try life.finishReason() == .expired)
    }

    /// Goal: an operator is told when a list is low, once.
    @Test func aLowListIsReportedOnce() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.createList(warnAt: 2)
        try life.upload(["A", "B", "C", "D"])
        try life.createCampaign()
        for number in 0..<4 { try life.give("u\(number)", loop: number % 2) }
        let warnings = life.events.filter { if case .listLow("l", 2) = $0 { true } else { false } }
        #expect(warnings.count == 1)
    }

    /// Goal: a fixed list gives its code up to its limit, over restarts.
    @Test func aFixedListKeepsToItsLimitOverRestarts() throws {
        let world = World()
        var life = try world.start(loops: 2)
        try life.changed {
            $0.createList(
                name: "l", kind: .fixed(code: Array("SAVE".utf8), limit: 3), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.createCampaign()
        for number in 0..<3 {
            #expect(try life.give("u\(number)", loop: number % 2) == "SAVE")
            if number == 1 { try life.snapshot() }
            life = try world.restart(loops: 2)
        }
        #expect(try life.decide("v").refusal == .poolEmpty)
        #expect(try life.give("u1") == "SAVE")
        #expect(try life.ledger() == Ledger(uploaded: 3, free: 0, given: 3))
    }
}
