package import TearoffCore
package import TearoffLog

/// How far an `ALLOCMANY` has come.
///
/// All that it gives is decided in one go and stands in one frame. A user who has a row, or the end of a hold, in flight
/// in another lane waits until that is durable; what is decided on then must not need a record, since that would be in
/// a later frame, and a crash in between would leave a part of the command.
package struct ManyAllocations: Sendable {
    /// What became of one user.
    package enum Outcome: Sendable {
        case given(Allocation)
        case refused(AllocationRefusal)
        /// What the user waited for leaves a code to be given or confirmed: nothing was done.
        case overtaken
        /// Not known yet.
        case waiting
    }

    /// One for each user, in the order asked.
    package private(set) var outcomes: [Outcome] = []
    /// The frame of the own lane that its reply waits for; ``FrameNumber/none`` when all is durable.
    package private(set) var frame = FrameNumber.none
    /// Frames of other lanes that some users wait for, the latest of each; empty when every outcome is known.
    package private(set) var otherFrames: [LaneFrame] = []
    /// The users who wait, and where they stand in ``waitingText``: the command's own bytes are gone by then.
    private(set) var waiting: [(index: Int, text: Range<Int>)] = []
    private(set) var waitingText: [UInt8] = []

    init(userCount: Int) {
        outcomes.reserveCapacity(userCount)
    }

    mutating func append(_ outcome: AllocationOutcome, of user: Span<UInt8>) {
        outcomes.append(.waiting)
        note(outcome, ofUser: outcomes.count - 1, user)
    }

    /// Notes that a user stands there twice: the same code, this time as a repeat.
    ///
    /// - Returns: false when the first time brought no code; nothing is noted then.
    mutating func appendRepeat(of first: Int) -> Bool {
        guard case .given(let allocation) = outcomes[first] else { return false }
        outcomes.append(.given(allocation.asRepeat))
        return true
    }

    mutating func note(_ outcome: AllocationOutcome, ofUser index: Int, _ user: Span<UInt8>) {
        switch outcome {
        case .given(let allocation):
            outcomes[index] = .given(allocation)
            frame = max(frame, allocation.frame)
        case .refused(let refusal): outcomes[index] = .refused(refusal)
        case .parked(let frame):
            let start = waitingText.count
            for position in user.indices { waitingText.append(user[position]) }
            waiting.append((index, start..<waitingText.count))
            wait(for: frame)
        }
    }

    mutating func noteOvertaken(_ index: Int) { outcomes[index] = .overtaken }

    /// Takes those who wait, to be decided again.
    mutating func takeWaiting() -> (users: [(index: Int, text: Range<Int>)], text: [UInt8]) {
        defer {
            waiting = []
            waitingText = []
            otherFrames = []
        }
        return (waiting, waitingText)
    }

    private mutating func wait(for frame: LaneFrame) {
        guard let known = otherFrames.firstIndex(where: { $0.lane == frame.lane }) else {
            return otherFrames.append(frame)
        }
        if otherFrames[known].frame < frame.frame { otherFrames[known] = frame }
    }
}

/// Whether what an `ALLOCMANY` may write fits in.
package enum ManyRoom: Equatable, Sendable {
    case now
    /// When the open batch is committed.
    case later
    /// No frame is as large.
    case never(bytes: Int, frameBytes: Int)
}
