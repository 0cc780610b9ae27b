package import TearoffCore
package import TearoffLog

/// What an `ALLOC` or a `HOLD` came to on its loop.
package enum AllocationOutcome: Sendable {
    case given(Allocation)
    case refused(AllocationRefusal)
    /// The user's row is still in flight in another lane: to be decided again when that frame is durable.
    case parked(LaneFrame)
}

/// One code of one user, as the caller gets it.
package struct Allocation: Sendable {
    package let place: CodePosition
    package let isRepeat: Bool
    package let times: AllocationTimes
    /// The frame of the own lane that must be durable before the reply leaves; ``FrameNumber/none`` when all
    /// is.
    package let frame: FrameNumber

    package var code: CodeID { place.code }

    /// The same, when something that is said of it waits for a frame of the own lane, too.
    func waiting(for frame: FrameNumber) -> Allocation {
        Allocation(place: place, isRepeat: isRepeat, times: times, frame: frame)
    }

    /// The same, asked for once more.
    var asRepeat: Allocation { Allocation(place: place, isRepeat: true, times: times, frame: frame) }
}

/// What a `CONFIRM` or a `RELEASE` came to on its loop.
package enum HoldOutcome: Sendable {
    /// The hold has ended as it was asked for.
    case ended(frame: FrameNumber)
    /// The user's code is given: nothing is left to confirm, and nothing can be released.
    case given(frame: FrameNumber)
    /// Nothing is held for the user.
    case nothing(frame: FrameNumber)
    case listExpired
    /// As ``AllocationOutcome/parked(_:)``.
    case parked(LaneFrame)
}

/// An `ALLOC` that is understood and not decided yet: who asks for what, and where that is kept.
package struct AllocationRequest: Sendable {
    let key: AllocationKey
    /// Index of the shard.
    let shard: Int
}
