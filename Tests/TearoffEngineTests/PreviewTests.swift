import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Previews: nothing is given, and what a crash can take away is not told")
struct PreviewTests {
    /// Goal: a repeat whose row is in flight in another lane is not told before it is durable. Method: in the
    /// open batch, in flight, and durable; from the other loop.
    @Test func aRowInFlightInAnotherLaneIsWaitedFor() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let given = try life.allocate("u", loop: 0)
        for _ in 0..<2 {
            #expect(try life.preview("u", loop: 1) == .parked(LaneFrame(lane: 0, frame: given.frame)))
            _ = try life.loops[0].commit()
        }
        life.complete(0)
        let again = try life.again("K0", givenAt: given.times.givenAt, next: "K1")
        #expect(try life.preview("u", loop: 1) == .told(again))
        #expect(life.loops[1].counters.parked == 0, "that counts requests")
    }

    /// Goal: what waits for a row that a crash took is told the truth of after. Method: the frame in flight
    /// is lost.
    @Test func aRowThatACrashTookWasNeverTold() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        _ = try life.allocate("u", loop: 0)
        _ = try life.loops[0].commit()
        #expect(try life.preview("u", loop: 1).told == nil)
        life = try world.restart(loops: 2)
        #expect(try life.preview("u", loop: 1) == .told(life.new("K0")))
    }

    /// Goal: a row in flight in the own lane holds the reply until its frame. Method: in the open batch, in
    /// flight, and durable.
    @Test func aRowInFlightInTheOwnLaneHoldsTheReply() throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10)
        let given = try life.allocate("u")
        for _ in 0..<2 {
            #expect(try life.preview("u").told?.frame == given.frame)
            _ = try life.loops[0].commit()
        }
        life.complete(0)
        #expect(try life.preview("u").told?.frame == FrameNumber.none)
        _ = try life.allocate("v")
        #expect(try life.preview("w").told?.frame == FrameNumber.none, "it rests on nobody's row")
    }

    /// Goal: a user whose code is held is told what an `ALLOC` would bring, and the hold stays as it is.
    /// Method: held, confirmed, and behind the deadline, with and without the timer having fired.
    @Test func aHeldCodeIsToldAndStaysHeld() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        for user in ["confirmed", "lapses"] { try life.hold(user, for: 1_000) }
        world.clock.milliseconds += 1_000
        let frame = life.loops[0].durableFrame
        for (user, code) in [("confirmed", "K0"), ("lapses", "K1")] {
            let told = try life.preview(user)
            #expect(try told == .told(life.again(code, givenAt: life.loops[0].now, next: "K2")))
            #expect(life.history(user).found.map(\.standing.status) == [.held])
        }
        _ = try life.loops[0].commit()
        #expect(life.loops[0].durableFrame == frame)
        let ledger = try life.ledger()
        #expect((ledger.free, ledger.held, ledger.given) == (8, 2, 0))
        try life.end(.confirmed, "confirmed")
        let confirmedAt = life.loops[0].now
        world.clock.milliseconds += 1
        #expect(try life.preview("confirmed") == .told(life.again("K0", givenAt: confirmedAt, next: "K2")))
        #expect(try life.preview("lapses") == .told(life.new("K2")))
        try life.endOverdueHolds()
        #expect(try life.preview("lapses") == .told(life.new("K2")))
    }

    /// Goal: what became of a hold is not told before it is durable: not that it is there, nor that it went
    /// back. Method: each in the open batch and in flight; asked for in the same lane and in another.
    @Test(arguments: [HoldEnd.Reason.confirmed, .released])
    func aHoldInFlightIsWaitedFor(reason: HoldEnd.Reason) throws {
        let world = World()
        let life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 10, returns: .reuse)
        guard case .given(let hold) = try life.decideHold("u") else { throw Broken("nothing was held") }
        for _ in 0..<2 {
            #expect(try life.preview("u", loop: 1) == .parked(LaneFrame(lane: 0, frame: hold.frame)))
            #expect(try life.preview("u").told?.frame == hold.frame)
            _ = try life.loops[0].commit()
        }
        life.settle()
        #expect(try life.preview("u", loop: 1).told?.frame == FrameNumber.none)
        guard case .ended(let frame) = try life.decideEnd(reason, "u") else { throw Broken("no hold") }
        for _ in 0..<2 {
            #expect(try life.preview("u", loop: 1) == .parked(LaneFrame(lane: 0, frame: frame)))
            #expect(try life.preview("u").told?.frame == frame)
            #expect(try life.preview("v", loop: 1) == .told(life.new("K1")), "that is another user's")
            _ = try life.loops[0].commit()
        }
        let endedAt = life.loops[0].now
        life.settle()
        let settled =
            try reason == .released ? life.new("K0") : life.again("K0", givenAt: endedAt, next: "K1")
        for loop in 0..<2 { #expect(try life.preview("u", loop: loop) == .told(settled)) }
        #expect(life.loops[1].counters.parked == 0)
    }

    /// Goal: a refusal that rests on a release in flight is held back, too. Method: a campaign that is
    /// stopped, and a crash that takes the release away.
    @Test func aReleaseThatACrashTookWasNeverTold() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 1, returns: .reuse)
        _ = try life.decideHold("u")
        life.settle()
        try life.changed { $0.finishCampaign(name: "c", done: $1) }
        guard case .ended(let frame) = try life.decideEnd(.released, "u") else { throw Broken("no hold") }
        _ = try life.loops[0].commit()
        let refused = Preview(verdict: .refused(.finished(.stopped)), next: nil, frame: frame)
        #expect(try life.preview("u") == .told(refused))
        #expect(try life.preview("u", loop: 1) == .parked(LaneFrame(lane: 0, frame: frame)))
        life = try world.restart(loops: 2)
        let told = try life.preview("u")
        #expect(try told == .told(life.again("K0", givenAt: life.loops[0].now, next: nil)))
    }

    /// Goal: previews leave nothing behind, in memory or in the log. Method: thousands of them on two loops,
    /// of known, unknown and no users; ledger, counters and frames are as before.
    @Test func previewsLeaveNothingBehind() throws {
        let world = World()
        let life = try world.start(loops: 2)
        try life.supply(codes: 10)
        try life.give("u")
        try life.give("v", loop: 1)
        life.settle()
        let frames = life.loops.map(\.durableFrame)
        for number in 0..<1_000 {
            for loop in life.loops.indices {
                #expect(try life.preview("new-\(number)", loop: loop) == .told(life.new("K2")))
                #expect(try life.preview(loop: loop) == .told(life.new("K2")))
                #expect(try life.preview("u", loop: loop).told?.next == life.find("K2").found.first?.code)
                _ = try life.loops[loop].commit()
            }
        }
        life.settle()
        #expect(life.loops.map(\.durableFrame) == frames)
        #expect(try life.ledger() == Ledger(uploaded: 10, free: 8, given: 2))
        #expect(life.loops.allSatisfy { $0.counters.given == 1 && $0.counters.repeated == 0 })
        #expect(life.loops.allSatisfy { $0.counters.refused == 0 })
        #expect(try life.give("w", loop: 1) == "K2")
    }

    /// Goal: looking at an empty list finishes no campaign; the request does. Method: a crash forestalls the
    /// end, then previews, and an `ALLOC` at last.
    @Test func aPreviewFinishesNothing() throws {
        let world = World()
        var life = try world.start()
        try life.supply(codes: 1)
        try life.give("a")
        life = try world.restart()
        let empty = Preview(verdict: .refused(.poolEmpty), next: nil, frame: .none)
        #expect(try life.preview("b") == .told(empty))
        life.settle()
        #expect(try life.finishReason() == nil)
        #expect(try life.decide("b").refusal == .poolEmpty)
        life.settle()
        #expect(try life.finishReason() == .exhausted)
        #expect(try life.preview("b").told?.verdict == .refused(.finished(.exhausted)))
    }

    /// Goal: codes that a crash gave back are told first, as they go out first. Method: of two lanes' claims
    /// the earlier one is lost.
    @Test func holesAreToldFirst() throws {
        let world = World()
        var life = try world.start(loops: 2, slow: true)
        try life.supply(codes: 4)
        _ = try life.allocate("a", loop: 0)
        _ = try life.allocate("b", loop: 1)
        _ = try life.loops[1].commit()
        life.complete(1)
        life = try world.restart(loops: 2)
        for (user, code) in [("c", "K0"), ("d", "K2"), ("e", "K3")] {
            #expect(try life.preview(user, loop: 1) == .told(life.new(code)))
            #expect(try life.give(user, loop: 0) == code)
        }
        #expect(try life.preview("f").told?.next == nil)
    }
}

extension Life {
    fileprivate func new(_ code: String) -> Preview {
        Preview(verdict: .new, next: id(of: code), frame: .none)
    }

    fileprivate func again(_ code: String, givenAt: Timestamp, next: String?) throws -> Preview {
        let code = try #require(id(of: code))
        let next = next.flatMap { id(of: $0) }
        return Preview(verdict: .repeated(code, givenAt: givenAt), next: next, frame: .none)
    }

    private func id(of code: String) -> CodeID? { find(code).found.first?.code }
}

extension PreviewOutcome {
    fileprivate var told: Preview? {
        if case .told(let preview) = self { preview } else { nil }
    }
}
