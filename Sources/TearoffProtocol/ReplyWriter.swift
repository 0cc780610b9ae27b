/// Appends replies to a buffer, in the version of RESP that the connection speaks.
///
/// RESP2 has no maps, sets, booleans, doubles and one null: they are written as a flat array, an array, an
/// integer, a bulk string and `$-1`. The caller writes as many elements as it announced.
package struct ReplyWriter: Sendable {
    /// The replies not yet taken away by the caller.
    package var bytes: [UInt8]
    package var version: RESPVersion

    package init(version: RESPVersion = .resp2, capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
        self.version = version
    }

    package mutating func removeAll(keepingCapacity: Bool = true) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
    }

    /// `+OK`.
    package mutating func ok() { simple("OK") }

    /// A status word. Line ends in `text` become blanks: they would end the reply.
    package mutating func simple(_ text: String) {
        bytes.append(UInt8(ascii: "+"))
        line(text)
    }

    /// An error: its stable word, a blank, and text for a person.
    package mutating func error(_ word: ErrorWord, _ message: String) {
        bytes.append(ASCII.minus)
        bytes.append(contentsOf: word.rawValue.utf8)
        bytes.append(ASCII.space)
        line(message)
    }

    package mutating func error(_ error: CommandError) { self.error(error.word, error.message) }

    package mutating func error(_ error: ProtocolError) { self.error(.protocolViolation, error.message) }

    package mutating func integer(_ value: Int64) {
        bytes.append(addingCapacity: Self.headerBytes) { reply in
            reply.append(UInt8(ascii: ":"))
            if value < 0 { reply.append(ASCII.minus) }
            reply.appendDecimal(value.magnitude)
            reply.append(ASCII.carriageReturn)
            reply.append(ASCII.lineFeed)
        }
    }

    /// A type, a sign, a number of up to 20 digits, and a line end.
    private static let headerBytes = 24

    package mutating func bulk(_ value: Span<UInt8>) {
        if value.count > Self.shortBytes {
            header(ASCII.dollar, value.count)
            // SAFETY: the buffer is read before the call returns.
            unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
            return lineEnd()
        }
        // Room once, not at each byte: this is the reply to nearly every command.
        bytes.append(addingCapacity: value.count + Self.bulkFrameBytes) { reply in
            reply.append(ASCII.dollar)
            reply.appendDecimal(UInt64(value.count))
            reply.append(ASCII.carriageReturn)
            reply.append(ASCII.lineFeed)
            for index in value.indices { reply.append(value[index]) }
            reply.append(ASCII.carriageReturn)
            reply.append(ASCII.lineFeed)
        }
    }

    /// Up to so many bytes are copied one by one sooner than by a call.
    private static let shortBytes = 256

    /// Of a bulk string beside its bytes: `$`, a length of up to 20 digits, and two line ends.
    private static let bulkFrameBytes = 25

    package mutating func bulk(_ value: String) { bulk(value.utf8Span.span) }

    /// A constant as a bulk string: a key of a map.
    package mutating func key(_ name: StaticString) {
        // SAFETY: the text of a literal is there as long as the program.
        name.withUTF8Buffer { bulk(unsafe Span(_unsafeElements: $0)) }
    }

    package mutating func null() {
        switch version {
        case .resp2: bytes.append(contentsOf: [ASCII.dollar, ASCII.minus, UInt8(ascii: "1")])
        case .resp3: bytes.append(UInt8(ascii: "_"))
        }
        lineEnd()
    }

    /// The text, or null.
    package mutating func bulkOrNull(_ value: String?) {
        if let value { bulk(value) } else { null() }
    }

    /// The head of an array; `count` elements follow.
    package mutating func array(_ count: Int) { header(ASCII.asterisk, count) }

    /// The head of a map; `count` keys follow, each with its value behind it.
    package mutating func map(_ count: Int) {
        switch version {
        case .resp2: header(ASCII.asterisk, count * 2)
        case .resp3: header(UInt8(ascii: "%"), count)
        }
    }

    /// The head of a set; `count` elements follow.
    package mutating func set(_ count: Int) {
        header(version == .resp2 ? ASCII.asterisk : UInt8(ascii: "~"), count)
    }

    package mutating func boolean(_ value: Bool) {
        switch version {
        case .resp2: integer(value ? 1 : 0)
        case .resp3:
            bytes.append(UInt8(ascii: "#"))
            bytes.append(value ? UInt8(ascii: "t") : UInt8(ascii: "f"))
            lineEnd()
        }
    }

    /// The shortest decimal text that reads back as `value`.
    package mutating func double(_ value: Double) {
        switch version {
        case .resp2: bulk(value.description)
        case .resp3:
            bytes.append(UInt8(ascii: ","))
            line(value.description)
        }
    }

    @inline(__always)
    private mutating func header(_ type: UInt8, _ count: Int) {
        bytes.append(addingCapacity: Self.headerBytes) { reply in
            reply.append(type)
            reply.appendDecimal(UInt64(count))
            reply.append(ASCII.carriageReturn)
            reply.append(ASCII.lineFeed)
        }
    }

    @inline(__always)
    private mutating func lineEnd() {
        bytes.append(ASCII.carriageReturn)
        bytes.append(ASCII.lineFeed)
    }

    private mutating func line(_ text: String) {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        for index in start..<bytes.count
        where bytes[index] == ASCII.carriageReturn || bytes[index] == ASCII.lineFeed {
            bytes[index] = ASCII.space
        }
        lineEnd()
    }
}

extension [UInt8] {
    /// Appends `value` in decimal digits.
    mutating func appendDecimal(_ value: UInt64) {
        append(addingCapacity: 20) { $0.appendDecimal(value) }
    }
}

extension OutputSpan<UInt8> {
    /// Appends `value` in decimal digits. Lengths below 100, nearly all of them, take no loop.
    @inline(__always)
    mutating func appendDecimal(_ value: UInt64) {
        if value < 10 {
            append(ASCII.zero + UInt8(value))
        } else if value < 100 {
            append(ASCII.zero + UInt8(value / 10))
            append(ASCII.zero + UInt8(value % 10))
        } else {
            appendLongDecimal(value)
        }
    }

    private mutating func appendLongDecimal(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = digits.count
        var rest = value
        while rest > 0 {
            first -= 1
            digits[first] = ASCII.zero + UInt8(rest % 10)
            rest /= 10
        }
        for index in first..<digits.count { append(digits[index]) }
    }
}
