import Synchronization
package import TearoffLog

/// How far a lane's log is durable, as all other loops may see it.
package final class LaneStatus: Sendable {
    package let lane: LaneID
    private let durable: Atomic<UInt64>
    /// The highest frame that any record was put into; what a barrier has to wait for.
    private let written: Atomic<UInt64>
    private let waiters = Mutex<[Waiter]>([])
    /// Spares a commit the lock when nobody waits, which is nearly always.
    private let hasWaiters = Atomic<Bool>(false)

    private struct Waiter: Sendable {
        let frame: FrameNumber
        let wake: @Sendable () -> Void
    }

    package init(lane: LaneID, durable: FrameNumber) {
        self.lane = lane
        self.durable = Atomic(durable.rawValue)
        written = Atomic(durable.rawValue)
    }

    /// Acquiring: who sees a frame as durable also sees what its loop did before.
    package var durableFrame: FrameNumber { FrameNumber(rawValue: durable.load(ordering: .acquiring)) }

    package var writtenFrame: FrameNumber { FrameNumber(rawValue: written.load(ordering: .acquiring)) }

    /// Called under the mutex of the shard whose record goes into the frame, so that whoever sees the row
    /// also sees that its frame has something to wait for.
    func noteWrite(to frame: FrameNumber) {
        written.store(frame.rawValue, ordering: .releasing)
    }

    /// Calls `wake` once, on some thread, when the frame is durable; at once when it is.
    package func whenDurable(_ frame: FrameNumber, _ wake: @escaping @Sendable () -> Void) {
        let mustWait = waiters.withLock { waiters in
            // The flag first, then the check: a commit between the two sees one or the other.
            hasWaiters.store(true, ordering: .sequentiallyConsistent)
            if durable.load(ordering: .sequentiallyConsistent) >= frame.rawValue { return false }
            waiters.append(Waiter(frame: frame, wake: wake))
            return true
        }
        if !mustWait { wake() }
    }

    /// Tells that all frames up to this one are durable.
    func advance(to frame: FrameNumber) {
        durable.store(frame.rawValue, ordering: .sequentiallyConsistent)
        guard hasWaiters.load(ordering: .sequentiallyConsistent) else { return }
        let ready = waiters.withLock { waiters in
            let ready = waiters.filter { $0.frame <= frame }
            waiters.removeAll { $0.frame <= frame }
            hasWaiters.store(!waiters.isEmpty, ordering: .sequentiallyConsistent)
            return ready
        }
        for waiter in ready { waiter.wake() }
    }
}

/// A frame of one of the data lanes, by the lane's index.
package struct LaneFrame: Equatable, Sendable {
    package let lane: Int
    package let frame: FrameNumber

    package init(lane: Int, frame: FrameNumber) {
        self.lane = lane
        self.frame = frame
    }
}
