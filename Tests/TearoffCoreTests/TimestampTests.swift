import Testing

@testable import TearoffCore

@Suite("Instants: written as UTC, and never wider than a row keeps")
struct TimestampTests {
    /// Goal: the calendar is right. Method: instants as `date -u` tells them, about leap days and centuries.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"), (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"), (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (1_795_468_620_007, "2026-11-23T21:17:00.007Z"), (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (281_474_976_710_655, "10889-08-02T05:31:50.655Z"),
        ] as [(UInt64, String)])
    func knownInstantsAreWrittenRight(milliseconds: UInt64, text: String) {
        #expect(instant(milliseconds).iso8601 == text)
    }

    /// Goal: days follow each other. Method: 60,000 days against a count kept by the rule of leap years.
    @Test func daysFollowEachOther() {
        var (year, month, day) = (1970, 1, 1)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        for number in 0..<UInt64(60_000) {
            let expected = "\(year)-\(two(month))-\(two(day))T"
            #expect(instant(number * 86_400_000 + 1).iso8601.hasPrefix(expected))
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > days { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    /// Goal: no instant leaves its 48 bits, and no difference is negative. Method: the ends.
    @Test func instantsAreBounded() {
        #expect(instant(.max).milliseconds == Timestamp.maximumMilliseconds)
        #expect(instant(5).millisecondsSince(instant(9)) == 0)
        #expect(instant(9).millisecondsSince(instant(5)) == 4)
    }
}
