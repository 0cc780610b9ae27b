import TearoffCore

/// How fast a list's codes were taken in the last hour and in the last day: a figure for each minute of the one and
/// each hour of the other, some 1.5 KB. It begins anew with each start of the server.
struct SupplyPace {
    static let minuteMilliseconds: UInt64 = 60_000
    private static let hourMilliseconds = 60 * minuteMilliseconds
    /// What was taken in a shorter time counts as taken in this: a burst of some seconds is no pace.
    private static let shortestMilliseconds = 10 * minuteMilliseconds

    private struct Sample {
        let at: Timestamp
        let taken: UInt64
    }

    /// Oldest first, no two closer than a minute, and of those that are older than an hour the newest one only.
    private var minutes: [Sample] = []
    /// The same with an hour and a day.
    private var hours: [Sample] = []

    /// - Parameter taken: how many codes of the list are not free any more by now.
    mutating func note(taken: UInt64, at now: Timestamp) {
        let sample = Sample(at: now, taken: taken)
        Self.add(sample, to: &minutes, apart: Self.minuteMilliseconds, span: Self.hourMilliseconds)
        Self.add(sample, to: &hours, apart: Self.hourMilliseconds, span: Day.milliseconds)
    }

    private static func add(_ sample: Sample, to samples: inout [Sample], apart: UInt64, span: UInt64) {
        if let last = samples.last, sample.at.millisecondsSince(last.at) < apart { return }
        samples.append(sample)
        while samples.count > 1, sample.at.millisecondsSince(samples[1].at) >= span { samples.removeFirst() }
    }

    /// Whether so many free codes last no longer than so many hours, at the faster of the two paces.
    func isEmpty(within hours: UInt64, free: UInt64, taken: UInt64, at now: Timestamp) -> Bool {
        [minutes.first, self.hours.first].contains { first in
            guard let first, taken > first.taken else { return false }
            let span = max(now.millisecondsSince(first.at), Self.shortestMilliseconds)
            let wanted = (taken - first.taken).multipliedFullWidth(by: hours * Self.hourMilliseconds)
            let left = free.multipliedFullWidth(by: span)
            return (left.high, left.low) <= (wanted.high, wanted.low)
        }
    }
}
