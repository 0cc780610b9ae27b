package import TearoffCore
package import TearoffLog

/// What an `ALLOC` came to on its loop.
package enum AllocationOutcome: Sendable {
    case given(Allocation)
    case refused(AllocationRefusal)
    /// The user's row is still in flight in another lane: to be decided again when that frame is durable.
    case parked(LaneFrame)
}

/// One code of one user, as the caller gets it.
package struct Allocation: Equatable, Sendable {
    package let code: CodeID
    package let isRepeat: Bool
    package let givenAt: Timestamp
    /// The frame of the own lane that must be durable before the reply leaves; ``FrameNumber/none`` when all
    /// is.
    package let frame: FrameNumber
}
