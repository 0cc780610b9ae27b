import TearoffCore

/// How many codes an account may look for that is shown none whole: it could guess what is masked by asking for one
/// code after the other.
package struct FindPace {
    /// A person's pace. Of a code with four masked characters of 36 it takes three weeks to try them all.
    package static let findsPerMinuteMaximum = 60

    private struct Minute {
        let number: UInt64
        var finds = 0
    }

    private var minutes: [String: Minute] = [:]

    package init() {}

    /// Counts one look-up. - Returns: whether it is one of those that the account may make in this minute.
    ///
    /// - Parameter now: milliseconds of a clock that never goes back.
    package mutating func mayFind(_ account: String, now: UInt64) -> Bool {
        let number = now / 60_000
        // Those of accounts that are gone would stay for ever.
        if minutes.count >= Limits.accounts { minutes = minutes.filter { $0.value.number == number } }
        var minute = minutes[account].flatMap { $0.number == number ? $0 : nil } ?? Minute(number: number)
        guard minute.finds < Self.findsPerMinuteMaximum else { return false }
        minute.finds += 1
        minutes[account] = minute
        return true
    }
}
