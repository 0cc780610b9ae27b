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

    /// The instant so much later; at most the last one that there is.
    package func adding(milliseconds more: UInt64) -> Timestamp {
        Timestamp(milliseconds: milliseconds + min(more, Self.maximumMilliseconds))
    }

    /// Milliseconds from `earlier` to this instant; 0 when `earlier` is not earlier.
    package func millisecondsSince(_ earlier: Timestamp) -> UInt64 {
        milliseconds > earlier.milliseconds ? milliseconds - earlier.milliseconds : 0
    }
}

extension Timestamp {
    /// The instant in UTC as `2026-11-23T21:17:00.000Z`.
    package var iso8601: String {
        var text = ""
        withISO8601 { text = String(decoding: $0.copy, as: UTF8.self) }
        return text
    }

    /// The same as bytes, without memory of its own; a year beyond 9999 has five digits.
    ///
    /// - Source: days to civil date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    package func withISO8601(_ body: (Span<UInt8>) -> Void) {
        let days = milliseconds / 86_400_000
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

        var text = DateText()
        text.write(year / 10_000, digits: 1, at: 0)
        text.write(year % 10_000, digits: 4, at: 1)
        text.write(month, digits: 2, at: 6)
        text.write(day, digits: 2, at: 9)
        text.write(dayMilliseconds / 3_600_000, digits: 2, at: 12)
        text.write(dayMilliseconds / 60_000 % 60, digits: 2, at: 15)
        text.write(dayMilliseconds / 1_000 % 60, digits: 2, at: 18)
        text.write(dayMilliseconds % 1_000, digits: 3, at: 21)
        body(text.bytes.span.extracting((year < 10_000 ? 1 : 0)...))
    }
}

/// The bytes of a date and time, in which the digits are replaced. A year has five.
private struct DateText {
    private(set) var bytes: InlineArray<25, UInt8> = [
        0x30, 0x30, 0x30, 0x30, 0x30, 0x2D, 0x30, 0x30, 0x2D, 0x30, 0x30,  // 00000-00-00
        0x54, 0x30, 0x30, 0x3A, 0x30, 0x30, 0x3A, 0x30, 0x30,  // T00:00:00
        0x2E, 0x30, 0x30, 0x30, 0x5A,  // .000Z
    ]

    @inline(__always)
    mutating func write(_ value: UInt64, digits: Int, at index: Int) {
        var rest = value
        for digit in (0..<digits).reversed() {
            bytes[index + digit] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
