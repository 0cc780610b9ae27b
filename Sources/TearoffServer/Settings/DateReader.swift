package import Foundation
package import TearoffCore

/// Reads the dates that operators write.
package struct DateReader: Sendable {
    private let zone: TimeZone

    package init(zone: TimeZone) {
        self.zone = zone
    }

    /// What a date may look like; said in the error when it does not.
    package static let forms =
        "a date such as 2026-12-31 (the end of that day), or 2026-12-31T18:00, 2026-12-31T18:00:00Z or +02:00"

    /// - Returns: the last millisecond that the date includes, or nil when it is none of ``forms``.
    package func read(_ text: String) -> Timestamp? {
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        guard let day = Self.numbers(parts[0], separator: "-", widths: [4, 2, 2]) else { return nil }
        if parts.count == 1 { return endOfDay(day) }
        let (clock, zone) = split(parts[1])
        guard let zone else { return nil }
        let time =
            Self.numbers(clock, separator: ":", widths: [2, 2])
            ?? Self.numbers(clock, separator: ":", widths: [2, 2, 2])
        guard let time else { return nil }
        return instant(day, time + (time.count == 2 ? [0] : []), in: zone)
    }

    /// The same, but for the first millisecond that the date includes.
    package func readBeginning(_ text: String) -> Timestamp? {
        guard let end = read(text) else { return nil }
        return text.contains("T") ? end : day(containing: end).first
    }

    /// The day of the zone that an instant is in.
    package func day(containing time: Timestamp) -> Day {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1_000)
        guard let interval = calendar.dateInterval(of: .day, for: date) else { return .utc(containing: time) }
        let first = Timestamp(milliseconds: UInt64(max(0, interval.start.timeIntervalSince1970 * 1_000).rounded()))
        let next = Timestamp(milliseconds: UInt64(max(1, interval.end.timeIntervalSince1970 * 1_000).rounded()))
        return Day(first: first, last: Timestamp(milliseconds: next.milliseconds - 1))
    }

    /// Cuts `18:00:00+02:00` into the time and the zone; nil when the zone is none.
    private func split(_ text: Substring) -> (Substring, TimeZone?) {
        if text.hasSuffix("Z") { return (text.dropLast(), TimeZone(secondsFromGMT: 0)) }
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return (text, zone) }
        guard let offset = Self.numbers(text[text.index(after: sign)...], separator: ":", widths: [2, 2]),
            offset[0] < 24, offset[1] < 60
        else { return (text, nil) }
        let seconds = (offset[0] * 60 + offset[1]) * 60
        return (text[..<sign], TimeZone(secondsFromGMT: text[sign] == "-" ? -seconds : seconds))
    }

    private static func numbers(_ text: Substring, separator: Character, widths: [Int]) -> [Int]? {
        let fields = text.split(separator: separator, omittingEmptySubsequences: false)
        guard fields.map(\.utf8.count) == widths else { return nil }
        let numbers = fields.compactMap { field in
            field.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(field) : nil
        }
        return numbers.count == widths.count ? numbers : nil
    }

    private func instant(_ day: [Int], _ time: [Int], in zone: TimeZone) -> Timestamp? {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let components = DateComponents(
            year: day[0], month: day[1], day: day[2], hour: time[0], minute: time[1], second: time[2])
        // A calendar would roll February 30 over into March.
        guard components.isValidDate(in: calendar), let date = calendar.date(from: components),
            date.timeIntervalSince1970 >= 0
        else { return nil }
        return Timestamp(milliseconds: UInt64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// The millisecond before the next day begins; days of 23 or 25 hours are the calendar's matter.
    private func endOfDay(_ day: [Int]) -> Timestamp? {
        guard instant(day, [12, 0, 0], in: zone) != nil else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let noon = calendar.date(from: DateComponents(year: day[0], month: day[1], day: day[2], hour: 12))
        guard let noon, let end = calendar.dateInterval(of: .day, for: noon)?.end else { return nil }
        return Timestamp(milliseconds: UInt64((end.timeIntervalSince1970 * 1000).rounded()) - 1)
    }
}
