/// Inline lines: the words of a line, with the quotes that `redis-cli` writes.
///
/// - Source: the rules of `sdssplitargs` in Redis (sds.c), but for control characters, which no line has here: behind a
///   NUL byte Redis drops the rest of the line without a word.
extension CommandDecoder {
    /// Makes the arguments of one line, given without its end.
    ///
    /// - Returns: false when a quote does not close, or something follows a closing quote.
    mutating func splitLine(_ line: Span<UInt8>) throws(ProtocolError) -> Bool {
        var cursor = 0
        var balanced = true
        while balanced {
            while cursor < line.count, Self.isBlank(line[cursor]) { cursor += 1 }
            guard cursor < line.count else { break }
            guard argumentCount < limits.argumentCount else {
                throw .tooManyArguments(limit: limits.argumentCount)
            }
            let word = cursor
            while cursor < line.count, !Self.endsPlainRun(line[cursor]) { cursor += 1 }
            let isPlain = cursor == line.count || Self.isBlank(line[cursor])
            if isPlain, source == .input {
                appendArgument(word..<cursor)
            } else {
                if source == .input { moveArguments(from: line) }
                balanced = unescapeWord(line, from: word, end: &cursor)
            }
        }
        if !balanced { argumentCount = 0 }
        try refuseHTTP(line)
        return balanced
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.tab || byte == ASCII.carriageReturn
    }

    private static func endsPlainRun(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == ASCII.doubleQuote || byte == ASCII.singleQuote
    }

    /// The first quote of a line: its arguments so far go where the unescaped ones will follow.
    private mutating func moveArguments(from line: Span<UInt8>) {
        source = .unescaped
        unescaped.removeAll(keepingCapacity: true)
        for index in 0..<argumentCount {
            let begin = unescaped.count
            for position in ranges[index] { unescaped.append(line[position]) }
            ranges[index] = begin..<unescaped.count
        }
    }

    /// Appends the word at `line[begin]` without its quotes and escapes; `end` becomes the index behind it.
    private mutating func unescapeWord(_ line: Span<UInt8>, from begin: Int, end: inout Int) -> Bool {
        let start = unescaped.count
        end = begin
        while end < line.count, !Self.isBlank(line[end]) {
            let byte = line[end]
            end += 1
            guard byte == ASCII.doubleQuote || byte == ASCII.singleQuote else {
                unescaped.append(byte)
                continue
            }
            guard unescapeQuoted(line, quote: byte, at: &end) else { return false }
            // As in Redis: `"a"b` is a mistake in quoting rather than the word `ab`.
            guard end == line.count || Self.isBlank(line[end]) else { return false }
            break
        }
        appendArgument(start..<unescaped.count)
        return true
    }

    /// Appends what stands between two quotes; `cursor` comes from behind the first, and ends behind the
    /// second. False: there is no second.
    private mutating func unescapeQuoted(_ line: Span<UInt8>, quote: UInt8, at cursor: inout Int) -> Bool {
        while cursor < line.count {
            let byte = line[cursor]
            cursor += 1
            if byte == quote { return true }
            guard byte == ASCII.backslash, cursor < line.count else {
                unescaped.append(byte)
                continue
            }
            if quote == ASCII.doubleQuote {
                unescaped.append(Self.escape(line, at: &cursor))
            } else if line[cursor] == ASCII.singleQuote {
                unescaped.append(ASCII.singleQuote)
                cursor += 1
            } else {
                unescaped.append(byte)
            }
        }
        return false
    }

    /// The byte that a backslash and `line[cursor]` mean inside double quotes.
    private static func escape(_ line: Span<UInt8>, at cursor: inout Int) -> UInt8 {
        let byte = line[cursor]
        cursor += 1
        switch byte {
        case UInt8(ascii: "n"): return ASCII.lineFeed
        case UInt8(ascii: "r"): return ASCII.carriageReturn
        case UInt8(ascii: "t"): return ASCII.tab
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "a"): return 0x07
        case UInt8(ascii: "x"):
            guard cursor + 1 < line.count, let high = ASCII.hexValue(line[cursor]),
                let low = ASCII.hexValue(line[cursor + 1])
            else { return byte }
            cursor += 2
            return high << 4 | low
        default: return byte
        }
    }

    /// A request of a browser begins with its method and has a `Host:` line. `POST` is refused, since a body
    /// would follow; of the other methods the `Host:` line.
    private func refuseHTTP(_ line: Span<UInt8>) throws(ProtocolError) {
        guard argumentCount > 0, source == .input else { return }
        let first = argument(0)
        if line.isWord(at: first, Keyword.post, count: 4) || line.isWord(at: first, Keyword.host, count: 5) {
            throw .httpRequest
        }
    }
}
