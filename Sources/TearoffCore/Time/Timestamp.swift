/// An instant as the state machine knows it: milliseconds since 1970-01-01T00:00:00Z, 48 bits wide.
///
/// The core never reads a clock: an instant comes in with a command and is written into its record.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// 2^48 - 1 ms is the year 10889; a row stores no more bits than that.
    package static let maximumMilliseconds: UInt64 = (1 << 48) - 1
    package static let zero = Timestamp(milliseconds: 0)

    package let milliseconds: UInt64

    package init(milliseconds: UInt64) {
        self.milliseconds = min(milliseconds, Self.maximumMilliseconds)
    }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// Milliseconds from `earlier` to this instant; 0 when `earlier` is not earlier.
    package func millisecondsSince(_ earlier: Timestamp) -> UInt64 {
        milliseconds > earlier.milliseconds ? milliseconds - earlier.milliseconds : 0
    }
}

extension Timestamp {
    /// The instant in UTC as `2026-11-23T21:17:00.000Z`.
    ///
    /// - Source: days to civil date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    package var iso8601: String {
        let days = Int64(milliseconds / 86_400_000)
        let dayMilliseconds = milliseconds % 86_400_000
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let (hour, minute) = (dayMilliseconds / 3_600_000, dayMilliseconds / 60_000 % 60)
        let (second, millisecond) = (dayMilliseconds / 1_000 % 60, dayMilliseconds % 1_000)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
            + "T\(Self.padded(hour, 2)):\(Self.padded(minute, 2)):\(Self.padded(second, 2))"
            + ".\(Self.padded(millisecond, 3))Z"
    }

    private static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
