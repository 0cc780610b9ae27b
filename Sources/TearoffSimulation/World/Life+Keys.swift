package import TearoffCore
package import TearoffEngine
package import TearoffLog

/// What a client is told of a command with an idempotency key.
package enum KeyedReply: Equatable {
    package struct Code: Equatable {
        package let code: String
        package let isRepeat: Bool
        package let times: AllocationTimes

        package init(code: String, isRepeat: Bool, times: AllocationTimes) {
            self.code = code
            self.isRepeat = isRepeat
            self.times = times
        }
    }

    case new(Code)
    case replayed(Code)
    case reused
    case refused(AllocationRefusal)
    case full

    package var code: String? {
        switch self {
        case .new(let told), .replayed(let told): told.code
        case .reused, .refused, .full: nil
        }
    }

    /// The same, sent again.
    package var replay: KeyedReply {
        if case .new(let told) = self { .replayed(told) } else { self }
    }
}

extension Life {
    /// Decides an `ALLOC`, or a `HOLD` for so long, in a tick of its own that is not ended.
    package func decide(
        _ user: String, key: String, in campaign: String = "c", userID: String = "",
        holdFor holdMilliseconds: UInt64? = nil, loop: Int = 0
    ) throws -> KeyedOutcome {
        let terms = try self.terms(campaign, loop: loop)
        let engine = loops[loop]
        engine.beginTick()
        let (user, userID) = (Array(user.utf8), Array(userID.utf8))
        let arguments = KeyArguments(
            key: Array(key.utf8).span, userID: userID.span, holdMilliseconds: holdMilliseconds)
        let until = holdMilliseconds.map { engine.now.adding(milliseconds: $0) }
        let request = engine.request(user.span, terms: terms)
        return engine.withTick { tick in
            engine.allocate(
                request, under: arguments, terms: terms, holdUntil: until, at: engine.moment, user: user.span,
                userID: userID.span, in: &tick)
        }
    }

    /// The whole command with its tick, up to the reply.
    package func give(
        _ user: String, key: String, in campaign: String = "c", userID: String = "",
        holdFor holdMilliseconds: UInt64? = nil, loop: Int = 0
    ) throws -> KeyedReply {
        let outcome = try decide(
            user, key: key, in: campaign, userID: userID, holdFor: holdMilliseconds, loop: loop)
        _ = try loops[loop].commit()
        func told(_ allocation: Allocation) throws -> KeyedReply.Code {
            guard isAcknowledged(allocation, loop: loop) else { throw Unexpected(.given(allocation)) }
            return KeyedReply.Code(
                code: text(allocation.code, loop: loop), isRepeat: allocation.isRepeat,
                times: allocation.times)
        }
        switch outcome {
        case .decided(.given(let allocation)): return .new(try told(allocation))
        case .decided(.refused(let refusal)): return .refused(refusal)
        case .decided(.parked(let frame)), .parked(let frame): throw Unexpected(.parked(frame))
        case .replayed(let allocation): return .replayed(try told(allocation))
        case .reused(let frame):
            guard loops[loop].durableFrame >= frame else {
                throw Unexpected(.parked(LaneFrame(lane: loop, frame: frame)))
            }
            return .reused
        case .full: return .full
        }
    }
}

extension KeyedOutcome {
    package var parkedFor: LaneFrame? {
        switch self {
        case .parked(let frame), .decided(.parked(let frame)): frame
        case .decided, .replayed, .reused, .full: nil
        }
    }

    package var replay: Allocation? { if case .replayed(let allocation) = self { allocation } else { nil } }
    package var given: Allocation? { if case .decided(.given(let allocation)) = self { allocation } else { nil } }
    package var reusedFrame: FrameNumber? { if case .reused(let frame) = self { frame } else { nil } }
}
