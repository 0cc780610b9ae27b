package import TearoffCore
package import TearoffEngine
import TearoffLog

extension Life {
    /// Decides a `HOLD` in a tick of its own that is not ended.
    package func decideHold(
        _ user: String, for milliseconds: UInt64 = hour, in campaign: String = "c", loop: Int = 0
    ) throws -> AllocationOutcome {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        let until = loops[loop].now.adding(milliseconds: milliseconds)
        return loops[loop].allocate(user, terms: terms, holdUntil: until)
    }

    /// A whole `HOLD` with its tick, up to the code in the reply.
    @discardableResult
    package func hold(
        _ user: String, for milliseconds: UInt64 = hour, in campaign: String = "c", loop: Int = 0
    ) throws -> String {
        let outcome = try decideHold(user, for: milliseconds, in: campaign, loop: loop)
        _ = try loops[loop].commit()
        guard case .given(let allocation) = outcome, isAcknowledged(allocation, loop: loop) else {
            throw Unexpected(outcome)
        }
        return text(allocation.code, loop: loop)
    }

    /// Decides a `CONFIRM` or a `RELEASE` in a tick of its own that is not ended.
    package func decideEnd(
        _ reason: HoldEnd.Reason, _ user: String, in campaign: String = "c", loop: Int = 0
    ) throws -> HoldOutcome {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        let bytes = Array(user.utf8)
        let engine = loops[loop]
        let request = engine.request(bytes.span, terms: terms)
        return engine.withTick { tick in
            engine.endHold(reason, request, terms: terms, at: engine.moment, user: bytes.span, in: &tick)
        }
    }

    /// A whole `CONFIRM` or `RELEASE` with its tick.
    @discardableResult
    package func end(
        _ reason: HoldEnd.Reason, _ user: String, in campaign: String = "c", loop: Int = 0
    ) throws -> HoldOutcome {
        let outcome = try decideEnd(reason, user, in: campaign, loop: loop)
        _ = try loops[loop].commit()
        return outcome
    }

    /// What a server's timer does, but for the end of the tick.
    package func endOverdue(loop: Int) {
        loops[loop].beginTick()
        loops[loop].endOverdueHolds()
    }

    /// What a server's timer does.
    package func endOverdueHolds(loop: Int = 0) throws {
        endOverdue(loop: loop)
        _ = try loops[loop].commit()
    }
}

extension HoldOutcome {
    package var hasEnded: Bool { if case .ended = self { true } else { false } }
    package var isGiven: Bool { if case .given = self { true } else { false } }
    package var isNothing: Bool { if case .nothing = self { true } else { false } }
    package var isListExpired: Bool { if case .listExpired = self { true } else { false } }
    package var parkedFor: LaneFrame? { if case .parked(let frame) = self { frame } else { nil } }
}
