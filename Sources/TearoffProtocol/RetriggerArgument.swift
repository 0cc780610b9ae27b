/// When a user who has a code of a campaign gets another one.
package enum RetriggerArgument: Equatable, Sendable {
    /// After this many milliseconds; 1 to ``ArgumentLimits/windowMillisecondsMax``.
    case window(milliseconds: UInt64)
    /// Never: the first code, for ever.
    case once
    /// At every request.
    case always
    /// Never before the list's expiry.
    case untilExpiry
}

/// The text form of a length of time: `500ms`, `30s`, `15m`, `24h`, `7d`, or plain seconds.
enum DurationText {
    /// - Returns: milliseconds; nil when the text is no duration, is zero, or is longer than a window may be.
    static func milliseconds(_ bytes: Span<UInt8>) -> UInt64? {
        var digits = 0
        while digits < bytes.count, bytes[digits] &- ASCII.zero < 10 { digits += 1 }
        guard let value = bytes.extracting(0..<digits).decimal(digitsMax: 15) else { return nil }
        guard let unit = unitMilliseconds(bytes.extracting(digits..<bytes.count)) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit)
        guard !overflow, product > 0, product <= ArgumentLimits.windowMillisecondsMax else { return nil }
        return product
    }

    private static func unitMilliseconds(_ unit: Span<UInt8>) -> UInt64? {
        if unit.isEmpty { return 1_000 }
        let first = ASCII.uppercased(unit[0])
        if unit.count == 2 {
            return first == UInt8(ascii: "M") && ASCII.uppercased(unit[1]) == UInt8(ascii: "S") ? 1 : nil
        }
        guard unit.count == 1 else { return nil }
        switch first {
        case UInt8(ascii: "S"): return 1_000
        case UInt8(ascii: "M"): return 60_000
        case UInt8(ascii: "H"): return 3_600_000
        case UInt8(ascii: "D"): return 86_400_000
        default: return nil
        }
    }
}

extension Span<UInt8> {
    /// The value of plain decimal digits: no sign, at least one digit, at most `digitsMax` (19 or fewer).
    func decimal(digitsMax: Int) -> UInt64? {
        precondition(digitsMax <= 19, "more digits could overflow")
        guard count > 0, count <= digitsMax else { return nil }
        var value: UInt64 = 0
        for index in 0..<count {
            let digit = self[index] &- ASCII.zero
            guard digit < 10 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value
    }
}
