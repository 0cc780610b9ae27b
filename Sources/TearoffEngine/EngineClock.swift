import Synchronization
package import TearoffCore

/// The state machine's time: the latest of all recorded times and wall clock readings. It never goes back.
package final class EngineClock: Sendable {
    private let latest: Atomic<UInt64>

    init(latest: Timestamp) {
        self.latest = Atomic(latest.milliseconds)
    }

    /// - Parameter wall: what the wall clock says.
    /// - Returns: that, or the latest time known when the wall clock is behind it.
    package func now(wall: Timestamp) -> Timestamp {
        // Relaxed: the number alone is shared, nothing is published by it.
        let (_, now) = latest.max(wall.milliseconds, ordering: .relaxed)
        return Timestamp(milliseconds: now)
    }
}
