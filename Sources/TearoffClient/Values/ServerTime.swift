package import Foundation

/// The server's form of an instant: ISO 8601 in UTC with milliseconds, `2026-06-01T08:30:00.125Z`.
package enum ServerTime {
    private static let style = Date.ISO8601FormatStyle()
    private static let styleWithMilliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// - Returns: nil when the text is of another form.
    package static func date(_ text: String) -> Date? {
        do {
            return try Date(text, strategy: styleWithMilliseconds)
        } catch {
            return nil
        }
    }

    /// The text that ``date(_:)`` reads as the same millisecond.
    ///
    /// Foundation cuts a fraction off instead of rounding it, and 0.125 s after some second may be stored as
    /// 0.12499: so the milliseconds are written here.
    package static func text(_ date: Date) -> String {
        let milliseconds = Int64((date.timeIntervalSince1970 * 1_000).rounded())
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let whole = rest < 0 ? seconds - 1 : seconds
        let fraction = rest < 0 ? rest + 1_000 : rest
        let text = Date(timeIntervalSince1970: TimeInterval(whole)).formatted(style).dropLast()
        let digits = String(fraction)
        return text + "." + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
    }
}
