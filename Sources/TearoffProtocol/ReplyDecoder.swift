/// Reads replies on the client's side, in pieces as they arrive.
///
/// Feeding a reply in pieces costs no more than feeding it whole: elements that are read stay read.
package struct ReplyDecoder: Sendable {
    /// An aggregate whose elements are still being read.
    private struct Frame: Sendable {
        enum Kind: Sendable { case array, map, set, push }
        let kind: Kind
        var remaining: Int
        var elements: [Reply] = []

        consuming func finished() -> Reply {
            switch kind {
            case .array: .array(elements)
            case .set: .set(elements)
            case .push: .push(elements)
            case .map:
                .map(
                    stride(from: 0, to: elements.count, by: 2).map {
                        ReplyPair(key: elements[$0], value: elements[$0 + 1])
                    })
            }
        }
    }

    /// One element: a whole value, or the head of an aggregate.
    private enum Token {
        case value(Reply)
        case aggregate(Frame)
    }

    package let limits: ReplyLimits
    /// The aggregates around the next element, outermost first; at most `limits.depth`.
    private var frames: [Frame] = []
    /// Offset from the reply's start of the next element.
    private var position = 0
    /// How far the line at `position` was searched for its end already.
    private var searched = 0
    private var failure: ReplyError?

    package init(limits: ReplyLimits = .standard) { self.limits = limits }

    /// Decodes the reply that starts at `bytes[start]`.
    ///
    /// - Returns: the reply and the index where the next one starts; nil when bytes are missing: call again
    ///   with the same reply's start, wherever it lies by then.
    /// - Throws: ``ReplyError``; every later call throws it again.
    /// - Complexity: O(bytes that are new since the last call).
    package mutating func decode(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ReplyError) -> (reply: Reply, end: Int)? {
        precondition(start >= 0 && start <= bytes.count, "start \(start) of \(bytes.count) bytes")
        if let failure { throw failure }
        do throws(ReplyError) {
            return try advance(bytes, from: start)
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func advance(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ReplyError) -> (reply: Reply, end: Int)? {
        while let token = try nextToken(bytes, from: start) {
            guard position <= limits.replyBytes else { throw .replyTooLong(limit: limits.replyBytes) }
            switch token {
            case .aggregate(let frame) where frame.remaining > 0:
                guard frames.count < limits.depth else { throw .tooDeep(limit: limits.depth) }
                frames.append(frame)
            case .aggregate(let frame):
                if let reply = place(frame.finished()) { return finish(reply, start) }
            case .value(let value):
                if let reply = place(value) { return finish(reply, start) }
            }
        }
        return nil
    }

    private mutating func finish(_ reply: Reply, _ start: Int) -> (reply: Reply, end: Int) {
        let end = start + position
        position = 0
        return (reply, end)
    }

    /// Puts a whole value where it belongs. Not nil: it completes the reply.
    private mutating func place(_ value: Reply) -> Reply? {
        var value = value
        while var frame = frames.popLast() {
            frame.elements.append(value)
            frame.remaining -= 1
            guard frame.remaining == 0 else {
                frames.append(frame)
                return nil
            }
            value = frame.finished()
        }
        return value
    }

    /// Reads one element and steps behind it; nil, with nothing consumed, when bytes are missing.
    private mutating func nextToken(_ bytes: Span<UInt8>, from start: Int) throws(ReplyError) -> Token? {
        let begin = start + position
        guard begin < bytes.count else { return nil }
        let type = bytes[begin]
        guard Self.types.contains(type) else { throw .unknownType(type) }
        guard let lineEnd = try findLineEnd(bytes, begin) else { return nil }
        let line = bytes.extracting(begin + 1..<lineEnd)
        var end = lineEnd + 2
        let token: Token
        switch type {
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="):
            guard let length = try Self.length(line, mayBeNull: type == ASCII.dollar) else {
                token = .value(.null)
                break
            }
            guard length <= limits.bulkBytes else { throw .bulkTooLong(limit: limits.bulkBytes) }
            guard end + length + 2 <= bytes.count else { return nil }
            guard bytes[end + length] == ASCII.carriageReturn, bytes[end + length + 1] == ASCII.lineFeed
            else { throw .missingLineEnd }
            token = .value(try Self.blob(type, Self.copy(bytes.extracting(end..<end + length))))
            end += length + 2
        case UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            token = try aggregate(type, line)
        default:
            token = .value(try Self.scalar(type, line))
        }
        position = end - start
        searched = 0
        return token
    }

    private static let types = [UInt8]("+-:$*_#,(!=%~>".utf8)

    /// The index of the CR of the line's CR LF.
    private mutating func findLineEnd(_ bytes: Span<UInt8>, _ begin: Int) throws(ReplyError) -> Int? {
        var cursor = begin + searched
        while cursor < bytes.count, bytes[cursor] != ASCII.carriageReturn { cursor += 1 }
        searched = cursor - begin
        // The type byte is not counted.
        guard searched <= limits.lineBytes + 1 else { throw .lineTooLong(limit: limits.lineBytes) }
        guard cursor + 1 < bytes.count else { return nil }
        guard bytes[cursor + 1] == ASCII.lineFeed else { throw .missingLineEnd }
        return cursor
    }

    private func aggregate(_ type: UInt8, _ line: Span<UInt8>) throws(ReplyError) -> Token {
        guard let count = try Self.length(line, mayBeNull: type == ASCII.asterisk) else {
            return .value(.null)
        }
        let isMap = type == UInt8(ascii: "%")
        guard count <= (isMap ? limits.elementCount / 2 : limits.elementCount) else {
            throw .tooManyElements(limit: limits.elementCount)
        }
        switch type {
        case UInt8(ascii: "%"): return .aggregate(Frame(kind: .map, remaining: count * 2))
        case UInt8(ascii: "~"): return .aggregate(Frame(kind: .set, remaining: count))
        case UInt8(ascii: ">"): return .aggregate(Frame(kind: .push, remaining: count))
        default: return .aggregate(Frame(kind: .array, remaining: count))
        }
    }

    private static func scalar(_ type: UInt8, _ line: Span<UInt8>) throws(ReplyError) -> Reply {
        switch type {
        case UInt8(ascii: "_"):
            guard line.isEmpty else { throw .invalidNull }
            return .null
        case UInt8(ascii: "#"):
            guard line.count == 1 else { throw .invalidBoolean }
            switch line[0] {
            case UInt8(ascii: "t"): return .boolean(true)
            case UInt8(ascii: "f"): return .boolean(false)
            default: throw .invalidBoolean
            }
        default: break
        }
        let text = try string(copy(line))
        switch type {
        case UInt8(ascii: "+"): return .simple(text)
        case UInt8(ascii: "-"): return .error(text)
        case UInt8(ascii: ":"):
            guard let value = Int64(text) else { throw .invalidNumber }
            return .integer(value)
        case UInt8(ascii: ","):
            guard let value = Double(text) else { throw .invalidNumber }
            return .double(value)
        default:
            let digits = text.utf8.drop { $0 == ASCII.minus || $0 == UInt8(ascii: "+") }
            let isNumber = !digits.isEmpty && digits.allSatisfy { $0 &- ASCII.zero < 10 }
            guard isNumber, text.utf8.count - digits.count <= 1 else { throw .invalidNumber }
            return .bigNumber(text)
        }
    }

    private static func blob(_ type: UInt8, _ bytes: [UInt8]) throws(ReplyError) -> Reply {
        switch type {
        case UInt8(ascii: "!"): return .error(try string(bytes))
        case UInt8(ascii: "="):
            guard bytes.count >= 4, bytes[3] == UInt8(ascii: ":") else { throw .invalidVerbatim }
            return .verbatim(format: try string([UInt8](bytes[..<3])), text: [UInt8](bytes[4...]))
        default: return .bulk(bytes)
        }
    }

    /// A length of at most ten digits; nil for RESP2's null, `-1`.
    private static func length(_ line: Span<UInt8>, mayBeNull: Bool) throws(ReplyError) -> Int? {
        if mayBeNull, line.count == 2, line[0] == ASCII.minus, line[1] == UInt8(ascii: "1") { return nil }
        guard let value = line.decimal(digitsMax: 10) else { throw .invalidNumber }
        return Int(value)
    }

    private static func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        [UInt8](capacity: bytes.count) { copy in
            for index in bytes.indices { copy.append(bytes[index]) }
        }
    }

    private static func string(_ bytes: [UInt8]) throws(ReplyError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
        return text
    }
}
