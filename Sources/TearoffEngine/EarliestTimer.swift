/// The earliest of the timers that a desk has set, so that it does not set another for each time that it looks.
///
/// Timers cannot be taken back; one that rings too early does no harm.
struct EarliestTimer {
    /// The most that a timer is set ahead: clocks are set, and machines sleep.
    private static let waitMilliseconds: UInt64 = 60_000

    /// As the wall clock has it; nil: none is set.
    private var at: UInt64?

    /// - Parameter wait: milliseconds.
    /// - Returns: the time of the timer to be set; nil when one is set that rings before.
    mutating func set(in wait: UInt64, now: UInt64) -> UInt64? {
        let next = now + min(wait, Self.waitMilliseconds)
        // One whose time has passed may be of before the clock was set, and ring much later.
        if let at, at > now, at <= next { return nil }
        at = next
        return next
    }

    mutating func rang(_ time: UInt64) {
        if at == time { at = nil }
    }
}
