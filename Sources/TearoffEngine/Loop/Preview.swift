package import TearoffCore
package import TearoffLog

/// What an `ALLOC` would come to, as `PREVIEW` tells it. Nobody was given anything.
package struct Preview: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        /// ``next``, which another user may get before.
        case new
        /// The user's earlier code once more. A code that is held would be confirmed, and so be given at the
        /// time of asking.
        case repeated(CodeID, givenAt: Timestamp)
        case refused(AllocationRefusal)
    }

    package let verdict: Verdict
    /// The code that the list would give next, whatever the verdict; nil when it has none.
    package let next: CodeID?
    /// The frame of the own lane that must be durable before this is told; ``FrameNumber/none`` when all is.
    package let frame: FrameNumber

    package init(verdict: Verdict, next: CodeID?, frame: FrameNumber) {
        self.verdict = verdict
        self.next = next
        self.frame = frame
    }
}

/// What became of a `PREVIEW` on its loop.
package enum PreviewOutcome: Equatable, Sendable {
    case told(Preview)
    /// The user's row, or what became of the user's hold, is still in flight in another lane: to be asked
    /// again when that frame is durable.
    case parked(LaneFrame)
}
