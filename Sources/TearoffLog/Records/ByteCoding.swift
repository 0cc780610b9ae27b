import TearoffCore

/// Little-endian integers, varints and short byte strings: how every record is spelled (`docs/FORMAT.md`,
/// "Records").
extension OutputSpan<UInt8> {
    /// LEB128: seven bits a byte, lowest first, the top bit says that more follow.
    @inline(__always)
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// A signed difference as a varint: 0, -1, 1, -2 … become 0, 1, 2, 3 ….
    @inline(__always)
    mutating func appendZigzag(_ value: Int64) {
        appendVarint(UInt64(bitPattern: value &<< 1 ^ value &>> 63))
    }

    /// A deadline that there may be none of: one more than the milliseconds from `start`, or 0.
    @inline(__always)
    mutating func appendDeadline(_ deadline: Timestamp?, after start: Timestamp) {
        appendVarint(deadline.map { $0.millisecondsSince(start) + 1 } ?? 0)
    }
}

extension [UInt8] {
    @inline(__always)
    mutating func appendVarint(_ value: UInt64) {
        append(addingCapacity: 10) { $0.appendVarint(value) }
    }

    @inline(__always)
    mutating func appendZigzag(_ value: Int64) {
        append(addingCapacity: 10) { $0.appendZigzag(value) }
    }

    mutating func appendLittleEndian<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    /// 0 for nil, else the value + 1.
    mutating func appendOptional(_ value: UInt64?) {
        appendVarint(value.map { $0 + 1 } ?? 0)
    }

    /// A varint length and the bytes.
    mutating func appendString(_ bytes: some Collection<UInt8>) {
        appendVarint(UInt64(bytes.count))
        append(contentsOf: bytes)
    }
}

/// Why bytes whose checksum matched are no record: they were written by something else than this version.
package enum RecordError: Error, Equatable {
    case truncated(offset: Int)
    case numberTooLarge(offset: Int)
    case unknownTag(UInt8, offset: Int)
    case badField(String, offset: Int)
}

/// A position in some bytes; every read checks the bounds first.
struct ByteReader {
    private(set) var position = 0

    func isAtEnd(_ bytes: Span<UInt8>) -> Bool { position == bytes.count }

    @inline(__always)
    mutating func byte(_ bytes: Span<UInt8>) throws(RecordError) -> UInt8 {
        guard position < bytes.count else { throw .truncated(offset: position) }
        defer { position += 1 }
        return bytes[position]
    }

    @inline(__always)
    mutating func varint(_ bytes: Span<UInt8>) throws(RecordError) -> UInt64 {
        // Most numbers are differences of one byte.
        if position < bytes.count, bytes[position] < 0x80 {
            defer { position += 1 }
            return UInt64(bytes[position])
        }
        return try longVarint(bytes)
    }

    private mutating func longVarint(_ bytes: Span<UInt8>) throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte(bytes)
            // The tenth byte has room for one bit.
            guard shift < 63 || byte <= 1 else { throw .numberTooLarge(offset: position) }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    /// Steps over so many varints; what they hold is checked when they are read.
    mutating func skipVarints(_ count: Int, _ bytes: Span<UInt8>) throws(RecordError) {
        var left = count
        while left > 0 {
            if try byte(bytes) < 0x80 { left -= 1 }
        }
    }

    @inline(__always)
    mutating func zigzag(_ bytes: Span<UInt8>) throws(RecordError) -> Int64 {
        let value = try varint(bytes)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A varint that fits the narrower type.
    @inline(__always)
    mutating func narrow<Value: FixedWidthInteger>(_ bytes: Span<UInt8>) throws(RecordError) -> Value {
        let start = position
        guard let value = Value(exactly: try varint(bytes)) else { throw .numberTooLarge(offset: start) }
        return value
    }

    mutating func littleEndian<Value: FixedWidthInteger & UnsignedInteger>(
        _ bytes: Span<UInt8>
    ) throws(RecordError) -> Value {
        var value: Value = 0
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            value |= Value(try byte(bytes)) << Value(shift)
        }
        return value
    }

    /// The range of the next `count` bytes.
    @inline(__always)
    mutating func range(_ count: Int, _ bytes: Span<UInt8>) throws(RecordError) -> Range<Int> {
        guard count <= bytes.count - position else { throw .truncated(offset: position) }
        defer { position += count }
        return position..<position + count
    }

    /// A string of at most `maximum` bytes.
    mutating func string(_ bytes: Span<UInt8>, maximum: Int) throws(RecordError) -> [UInt8] {
        let start = position
        let count = try varint(bytes)
        guard count <= UInt64(maximum) else { throw .badField("string of \(count) bytes", offset: start) }
        return try copy(Int(count), bytes)
    }

    mutating func copy(_ count: Int, _ bytes: Span<UInt8>) throws(RecordError) -> [UInt8] {
        bytes.extracting(try range(count, bytes)).copy
    }
}

extension ByteReader {
    mutating func timestamp(_ bytes: Span<UInt8>) throws(RecordError) -> Timestamp {
        let start = position
        let milliseconds = try varint(bytes)
        guard milliseconds <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        return Timestamp(milliseconds: milliseconds)
    }

    mutating func optionalTimestamp(_ bytes: Span<UInt8>) throws(RecordError) -> Timestamp? {
        let start = position
        guard let milliseconds = try optional(bytes) else { return nil }
        guard milliseconds <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: start) }
        return Timestamp(milliseconds: milliseconds)
    }

    mutating func optional(_ bytes: Span<UInt8>) throws(RecordError) -> UInt64? {
        let value = try varint(bytes)
        return value == 0 ? nil : value - 1
    }

    mutating func contentHash(_ bytes: Span<UInt8>) throws(RecordError) -> ContentHash {
        ContentHash(bytes: try copy(ContentHash.byteCount, bytes))
    }

    mutating func text(_ bytes: Span<UInt8>, maximum: Int) throws(RecordError) -> String {
        let start = position
        let raw = try string(bytes, maximum: maximum)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .badField("text is no UTF-8", offset: start)
        }
        return text
    }
}
