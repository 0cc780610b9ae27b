/// A day of the server's zone: what a date without a time means, and what a quota per day counts in.
package struct Day: Hashable, Sendable {
    /// Its first and its last millisecond. A day of a clock that is set has 23 or 25 hours.
    package let first: Timestamp
    package let last: Timestamp

    package init(first: Timestamp, last: Timestamp) {
        self.first = first
        self.last = last
    }

    package func contains(_ time: Timestamp) -> Bool { first <= time && time <= last }

    /// The day in UTC.
    package static func utc(containing time: Timestamp) -> Day {
        let first = time.milliseconds / milliseconds * milliseconds
        return Day(first: Timestamp(milliseconds: first), last: Timestamp(milliseconds: first + milliseconds - 1))
    }

    /// Of a usual day.
    package static let milliseconds: UInt64 = 86_400_000
}
