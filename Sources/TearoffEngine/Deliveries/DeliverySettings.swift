/// How hard it is tried to send a warning.
package struct DeliverySettings: Equatable, Sendable {
    /// The pauses behind each try that failed, as Standard Webhooks suggests them: some three days in all.
    package static let pauses: [UInt64] = [
        5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour,
    ]
    static let longestPause = pauses.max() ?? 0
    private static let minute: UInt64 = 60_000
    private static let hour: UInt64 = 60 * minute

    /// Tries of one delivery; then it is a dead letter.
    package var attemptsMaximum = pauses.count + 1
    /// No pause is longer; for tests.
    package var pauseMilliseconds = UInt64.max

    package init() {}

    /// - Parameter attempts: tries that failed, 1 or more.
    func pause(after attempts: UInt32) -> UInt64 {
        min(Self.pauses[min(Int(attempts), Self.pauses.count) - 1], pauseMilliseconds)
    }
}

/// What the deliveries hold at most.
package enum DeliveryLimits {
    /// Deliveries that wait for their next try. With more the feed is read no further until some are done: it keeps the
    /// warnings meanwhile. The file that is written for each change of them stays under 2 MB, and mostly under 20 KB.
    package static let open = 1_000
    /// Dead letters that are kept; the oldest goes for the next one, and is counted.
    package static let dead = 1_000
    /// Tries at a time, each to another recipient: one that is slow holds up no other, four that are hold up all until
    /// their time is over.
    package static let underWay = 4
    /// Events that may be looked at again after a crash, so that the file is not written for each of them.
    static let eventsUnsaved: UInt64 = 100_000
    /// Events of the feed that are read at once where warnings were not heard of.
    static let eventsPerPage = 16_384
}
