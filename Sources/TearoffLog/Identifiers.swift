package import TearoffCore

/// One log lane: the WAL of one event loop, or the control lane.
package struct LaneID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The lane of lists and campaigns; its segments are named `control-…`.
    package static let control = LaneID(rawValue: 0xFFFF)

    /// As in file names: `control`, or five decimal digits.
    package var description: String {
        guard self != .control else { return "control" }
        let digits = String(rawValue)
        return String(repeating: "0", count: 5 - digits.count) + digits
    }

    package static func < (left: LaneID, right: LaneID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a segment in its lane, from 1, never used again.
package struct SegmentNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let first = SegmentNumber(rawValue: 1)

    package var next: SegmentNumber { SegmentNumber(rawValue: rawValue + 1) }
    package var description: String { String(rawValue) }

    package static func < (left: SegmentNumber, right: SegmentNumber) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a records frame in its lane, from 1, contiguous over segments and restarts.
///
/// Seal and close frames take no number of their own, so the number that a batch is promised while
/// it is open is always the number that it gets.
package struct FrameNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before the first frame.
    package static let none = FrameNumber(rawValue: 0)
    package static let first = FrameNumber(rawValue: 1)

    package var next: FrameNumber { FrameNumber(rawValue: rawValue + 1) }
    package var description: String { String(rawValue) }

    /// The frame before this one; ``none`` before the first.
    package var previous: FrameNumber {
        precondition(rawValue > 0, "nothing is before frame 0")
        return FrameNumber(rawValue: rawValue - 1)
    }

    package static func < (left: FrameNumber, right: FrameNumber) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A position in a file, in bytes from its start.
package struct ByteOffset: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let zero = ByteOffset(rawValue: 0)

    package var description: String { String(rawValue) }

    package static func < (left: ByteOffset, right: ByteOffset) -> Bool {
        left.rawValue < right.rawValue
    }

    package static func + (left: ByteOffset, bytes: Int) -> ByteOffset {
        ByteOffset(rawValue: left.rawValue + UInt64(bytes))
    }
}

/// The random identity of a data directory: 16 bytes, made once.
package struct DirectoryID: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16

    package let bytes: [UInt8]

    /// - Precondition: `bytes` holds exactly ``byteCount`` bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a directory id has 16 bytes, not \(bytes.count)")
        self.bytes = bytes
    }

    /// Reads 32 hex digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex), bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    package var description: String { Hex.encode(bytes) }
}

/// The name of an immutable blob: the SHA-256 of its bytes.
package typealias BlobID = ContentHash

extension ContentHash: CustomStringConvertible {
    /// Reads 64 lower-case hex digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex), bytes.count == Self.byteCount else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String { Hex.encode(bytes) }
}

/// Lower-case hex digits, as file names use them.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// 16 digits, as segment names use them.
    package static func encode(_ number: UInt64) -> String {
        encode((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }

    /// Nil when the text has an odd length or holds anything but lower-case hex digits.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
