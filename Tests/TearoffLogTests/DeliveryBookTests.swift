import TearoffCore
import Testing

@testable import TearoffLog

@Suite("What is still to be sent is read back as it was written, or not at all")
struct DeliveryBookTests {
    private static let directory = DirectoryID(bytes: [UInt8](repeating: 0xD1, count: 16))

    private static var book: DeliveryBook {
        var book = DeliveryBook(next: FeedSequence(rawValue: 1_000))
        book.lastNumber = 9
        book.droppedCount = 3
        book.missedCount = .max
        let warnings: [FeedWarning] = [
            .low(remaining: 7), .empty, .share(remaining: 1, percent: 99), .forecast(remaining: .max, hours: 8_760),
            .expiring(days: 3_650), .expired,
        ]
        for (index, warning) in warnings.enumerated() {
            var delivery = Delivery(
                number: UInt64(index) + 1, sequence: .first, at: .zero, list: ListID(rawValue: .max), warning: warning,
                address: "ops@example.org", due: Timestamp(milliseconds: Timestamp.maximumMilliseconds))
            delivery.attempts = .max
            delivery.problem = "ünbekannt"
            if index.isMultiple(of: 2) { book.open.append(delivery) } else { book.dead.append(delivery) }
        }
        return book
    }

    /// Goal: nothing is lost on the way. Method: there and back.
    @Test func itComesBack() throws {
        let bytes = Self.book.encode(directory: Self.directory)
        #expect(try DeliveryBook(decoding: bytes.span, directory: Self.directory) == Self.book)
    }

    /// Goal: what is damaged, cut or another directory's is not believed. Method: each byte.
    @Test func damageIsSeen() {
        let bytes = Self.book.encode(directory: Self.directory)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: RecordError.self) {
                try DeliveryBook(decoding: damaged.span, directory: Self.directory)
            }
            #expect(throws: RecordError.self) {
                try DeliveryBook(decoding: Array(bytes.prefix(index)).span, directory: Self.directory)
            }
        }
        let other = DirectoryID(bytes: [UInt8](repeating: 1, count: 16))
        #expect(throws: RecordError.self) { try DeliveryBook(decoding: bytes.span, directory: other) }
    }

    /// Goal: signs of an older feed are read, and the present ones come back. Method: each old byte, each flag.
    @Test func signsOfBothForms() throws {
        for (code, days) in [(UInt8(0), UInt32?.none), (5, 7), (10, 3), (15, 1), (16, 0)] {
            var reader = ByteReader()
            let signs = try FeedSigns([code].span, &reader)
            #expect(signs.expiryDays == days && signs.isLow == (code & 1 != 0) && signs.isEmpty == (code & 2 != 0))
        }
        for flags in 0..<16 {
            var signs = FeedSigns()
            (signs.isLow, signs.isEmpty) = (flags & 1 != 0, flags & 2 != 0)
            (signs.isShort, signs.isForecast) = (flags & 4 != 0, flags & 8 != 0)
            signs.expiryDays = flags.isMultiple(of: 3) ? nil : UInt32(flags)
            var bytes: [UInt8] = []
            signs.encode(into: &bytes)
            var reader = ByteReader()
            #expect(try FeedSigns(bytes.span, &reader) == signs)
        }
        for code in [UInt8(20), 0x7C, 0xF0] {
            var reader = ByteReader()
            #expect(throws: RecordError.self) { try FeedSigns([code].span, &reader) }
        }
    }
}
