/// Finds where RESP2 replies end, and which are errors; looks at nothing else. (Nobody asks for RESP3.)
package struct ReplyScanner: Sendable {
    package enum Reply: Equatable, Sendable {
        /// Anything else, also an array with an error or a null in it.
        case value
        /// A null: what a script of a Redis answers when it has no code.
        case null
        /// The error's line, without its mark and its end.
        case error(Range<Int>)
    }

    /// What came is no RESP, or beyond ``LoadLimits``.
    package struct Violation: Error, Equatable {}

    /// Elements that the reply still needs; 1 between replies.
    private var elementsMissing = 1
    /// Bytes of a bulk string, with its end, that are still to come.
    private var bulkBytesMissing = 0
    /// Whether the reply is an array that has begun.
    private var isInside = false

    package init() {}

    /// Goes on from `position` to the end of the next reply, and moves `position` there.
    ///
    /// - Returns: nil when the bytes do not hold it whole; `position` is then where the unread ones begin,
    ///   which are to come again in front of those that follow.
    /// - Throws: ``Violation``; no boundary is known any more.
    @inline(__always)
    package mutating func next(
        _ bytes: Span<UInt8>, at position: inout Int
    ) throws(Violation) -> Reply? {
        var reply = Reply.value
        while true {
            if bulkBytesMissing > 0 {
                let count = min(bulkBytesMissing, bytes.count - position)
                position += count
                bulkBytesMissing -= count
                if bulkBytesMissing > 0 { return nil }
            } else {
                guard let element = try nextElement(bytes, at: &position) else { return nil }
                if bulkBytesMissing > 0 { continue }
                if !isInside { reply = element }
            }
            elementsMissing -= 1
            if elementsMissing == 0 {
                elementsMissing = 1
                isInside = false
                return reply
            }
        }
    }

    /// Reads the line at `position`.
    @inline(__always)
    private mutating func nextElement(
        _ bytes: Span<UInt8>, at position: inout Int
    ) throws(Violation) -> Reply? {
        guard position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "$"):
            guard let length = try number(bytes, at: &position, max: LoadLimits.bulkBytesMax) else {
                return nil
            }
            if length < 0 { return .null }
            bulkBytesMissing = length + 2
            return .value
        case UInt8(ascii: "*"):
            guard let count = try number(bytes, at: &position, max: LoadLimits.replyElementsMax) else {
                return nil
            }
            if count < 0 { return .null }
            elementsMissing += count
            if elementsMissing > LoadLimits.replyElementsMax { throw Violation() }
            isInside = true
            return .value
        case UInt8(ascii: "+"), UInt8(ascii: ":"):
            return try line(bytes, at: &position) == nil ? nil : .value
        case UInt8(ascii: "-"):
            return try line(bytes, at: &position).map { .error($0) }
        default: throw Violation()
        }
    }

    /// The number behind the mark; moves behind the line when it is whole.
    @inline(__always)
    private func number(
        _ bytes: Span<UInt8>, at position: inout Int, max: Int
    ) throws(Violation) -> Int? {
        var index = position + 1
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var value = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { break }
            value = value &* 10 &+ Int(digit)
            if value > max { throw Violation() }
            index += 1
        }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") else {
            throw Violation()
        }
        position = index + 2
        return isNegative ? -1 : value
    }

    /// The rest of the line behind the mark; moves behind it when it is whole.
    private func line(_ bytes: Span<UInt8>, at position: inout Int) throws(Violation) -> Range<Int>? {
        let start = position + 1
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") {
                position = index + 2
                return start..<index
            }
            index += 1
        }
        if index - start > LoadLimits.replyLineBytesMax { throw Violation() }
        return nil
    }
}
