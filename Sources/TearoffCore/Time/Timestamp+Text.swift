extension Timestamp {
    /// Reads an instant as another system wrote it: milliseconds since 1970, or ISO 8601 with a zone, such as
    /// `2026-06-01T08:30:00Z`, `2026-06-01 08:30:00.125+02:00` or `2026-06-01T08:30+0200`.
    ///
    /// A time without a zone could be that of any, and is none.
    package init?(text: Span<UInt8>) {
        if let milliseconds = Self.number(text, 0..<text.count), text.count <= 15 {
            guard milliseconds <= Self.maximumMilliseconds else { return nil }
            self.init(milliseconds: milliseconds)
            return
        }
        guard let (milliseconds, zoneStart) = Self.clockTime(text), zoneStart < text.count,
            let offset = Self.offset(text.extracting(zoneStart..<text.count)), milliseconds >= offset,
            milliseconds - offset <= Int64(Self.maximumMilliseconds)
        else { return nil }
        self.init(milliseconds: UInt64(milliseconds - offset))
    }

    /// Date and time up to the zone, as if that were UTC.
    private static func clockTime(_ text: Span<UInt8>) -> (milliseconds: Int64, end: Int)? {
        guard text.count > 16, text[4] == 0x2D, text[7] == 0x2D, text[10] == 0x54 || text[10] == 0x20,
            text[13] == 0x3A, let year = number(text, 0..<4), let month = number(text, 5..<7),
            let day = number(text, 8..<10), let hour = number(text, 11..<13), let minute = number(text, 14..<16),
            year >= 1970, (1...12).contains(month), day >= 1, day <= dayCount(year, month), hour < 24, minute < 60
        else { return nil }
        var end = 16
        var (second, fraction): (UInt64, UInt64) = (0, 0)
        if text[end] == 0x3A {
            guard text.count > 19, let read = number(text, 17..<19), read < 60 else { return nil }
            (second, end) = (read, 19)
            if text[end] == 0x2E {
                let start = end + 1
                end = start
                while end < text.count, (0x30...0x39).contains(text[end]) { end += 1 }
                // Beyond milliseconds it is cut, as every time here is.
                guard end > start, let read = number(text, start..<min(end, start + 3)) else { return nil }
                fraction = read * [100, 10, 1][min(end - start, 3) - 1]
            }
        }
        let days = dayNumber(year, month, day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
        return (Int64(seconds * 1_000 + fraction), end)
    }

    /// Milliseconds that `Z`, `+02:00` or `-0330` is ahead of UTC.
    private static func offset(_ text: Span<UInt8>) -> Int64? {
        if text.count == 1, text[0] == 0x5A || text[0] == 0x7A { return 0 }
        let hasColon = text.count == 6
        guard hasColon ? text[3] == 0x3A : text.count == 5, text[0] == 0x2B || text[0] == 0x2D,
            let hours = number(text, 1..<3), let minutes = number(text, hasColon ? 4..<6 : 3..<5), hours < 24,
            minutes < 60
        else { return nil }
        let offset = Int64(hours * 60 + minutes) * 60_000
        return text[0] == 0x2D ? -offset : offset
    }

    /// Digits only; nil for none, or too many.
    private static func number(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.upperBound <= text.count, range.count <= 18 else { return nil }
        var value: UInt64 = 0
        for index in range {
            guard (0x30...0x39).contains(text[index]) else { return nil }
            value = value * 10 + UInt64(text[index] - 0x30)
        }
        return value
    }

    private static func dayCount(_ year: UInt64, _ month: UInt64) -> UInt64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970.
    ///
    /// - Source: civil date to days after Howard Hinnant, as the way back in ``withISO8601(_:)``.
    private static func dayNumber(_ year: UInt64, _ month: UInt64, _ day: UInt64) -> UInt64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (shiftedYear / 400, shiftedYear % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
