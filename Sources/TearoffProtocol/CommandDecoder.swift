/// What one call of ``CommandDecoder/decode(_:from:)`` found.
package enum DecodeResult: Equatable, Sendable {
    /// The command is incomplete: call again with the same start when more bytes have arrived.
    case needMore
    /// A whole command; the next one starts at `end`. No arguments (an empty line, `*0`) means: ignore it.
    case command(end: Int)
    /// A whole inline line whose quotes do not close; the next command starts at `end`. Unlike a
    /// ``ProtocolError`` the stream is still in step: answer ``CommandError/unbalancedQuotes`` and go on.
    case unbalancedQuotes(end: Int)
}

/// Cuts one connection's input into commands: RESP arrays of bulk strings, and inline lines.
///
/// Arguments are ranges, not copies. After `.command(end:)`, the bytes that they point into are
///
///     decoder.source == .input ? input.extracting(start..<end) : decoder.unescaped.span
///
/// and they hold until the next call of `decode`. Ranges count from the start of the command, so the
/// input may move in memory between calls, as long as the command's bytes stay the same.
///
/// The decoder remembers how far it came, so feeding a command in pieces costs no more than feeding it
/// whole. It allocates only while it meets a longer argument list or quoted line than ever before.
package struct CommandDecoder: Sendable {
    /// Which bytes the ranges of the arguments point into.
    package enum Source: Equatable, Sendable {
        /// The command's own bytes, from its start.
        case input
        /// ``CommandDecoder/unescaped``: an inline line with quotes.
        case unescaped
    }

    /// What the command being read is.
    private enum Phase {
        /// Between commands: nothing of the next one has been looked at.
        case idle
        case inlineLine
        /// An array whose count has not been read.
        case arrayHead
        /// An array of ``argumentsExpected`` bulk strings.
        case array
    }

    /// The bounds in force; may be changed between commands.
    package var limits: DecoderLimits
    package internal(set) var argumentCount = 0
    /// The arguments of an inline line with quotes, unescaped, one after the other.
    package internal(set) var unescaped: [UInt8] = []

    /// The slots up to ``argumentCount`` are this command's; the rest are kept for reuse.
    var ranges: [Range<Int>] = []
    /// Offset from the command's start of the first byte not yet consumed; in a line: not yet searched.
    private var position = 0
    private var argumentsExpected = 0
    /// Bytes of the bulk string at `position`; nil while its length has not been read.
    private var bulkCount: Int?
    // What takes a byte stands together: a decoder beyond 128 bytes is copied by a call.
    package internal(set) var source = Source.input
    private var phase = Phase.idle
    /// Whether argument 0 is `LIST`, whose later arguments may be chunks of an upload.
    private var mayUpload = false
    /// Whether argument 0 is `ALLOCMANY`.
    private var isMany = false
    private var failure: ProtocolError?

    package init(limits: DecoderLimits = .standard) {
        self.limits = limits
        // Every burst command fits, so that the first one of a connection does not grow the array.
        ranges.reserveCapacity(8)
    }

    /// Where argument `index` stands in the bytes named by ``source``.
    @inline(__always)
    package func argument(_ index: Int) -> Range<Int> {
        precondition(index < argumentCount, "argument \(index) of \(argumentCount)")
        return ranges[index]
    }

    /// Decodes the command that starts at `bytes[start]`.
    ///
    /// After `.needMore`, `start` must be the same command's start, wherever it lies by then.
    ///
    /// - Throws: ``ProtocolError``; every later call throws it again, since no boundary is known any more.
    /// - Complexity: O(bytes that are new since the last call), and no bulk string's body is looked at.
    package mutating func decode(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolError) -> DecodeResult {
        precondition(start >= 0 && start <= bytes.count, "start \(start) of \(bytes.count) bytes")
        if let failure { throw failure }
        do throws(ProtocolError) {
            return try advance(bytes, from: start)
        } catch {
            failure = error
            throw error
        }
    }

    /// Whether nothing of the next command has been looked at, and nothing is wrong.
    @inline(__always)
    package var isBetweenCommands: Bool { phase == .idle && failure == nil }

    /// Forgets a half-read command and a failure; keeps the buffers.
    package mutating func reset() {
        phase = .idle
        failure = nil
        argumentCount = 0
    }

    /// Where the arguments from `first` on stand.
    package func arguments(from first: Int) -> ArraySlice<Range<Int>> { ranges[first..<argumentCount] }

    /// What the places of arguments take, with room for more.
    package var argumentBytes: Int { ranges.capacity * MemoryLayout<Range<Int>>.stride }

    /// Frees what an argument list that was longer than those of other commands took; its arguments are gone.
    package mutating func forgetLongList() {
        guard ranges.count > DecoderLimits.standard.argumentCount else { return }
        argumentCount = 0
        ranges = []
    }

    @inline(__always)
    mutating func appendArgument(_ range: Range<Int>) {
        if argumentCount < ranges.count {
            ranges[argumentCount] = range
        } else {
            ranges.append(range)
        }
        argumentCount += 1
    }

    /// Begins a command: an array by its first byte, else a line.
    private mutating func begin(with first: UInt8) {
        argumentCount = 0
        position = 0
        source = .input
        bulkCount = nil
        isMany = false
        phase = first == ASCII.asterisk ? .arrayHead : .inlineLine
    }

    @inline(__always)
    private mutating func advance(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolError) -> DecodeResult {
        if phase == .idle {
            guard start < bytes.count else { return .needMore }
            begin(with: bytes[start])
        }
        if phase == .inlineLine { return try decodeLine(bytes, from: start) }
        if phase == .arrayHead {
            guard let count = try Self.length(bytes, at: start + 1, invalid: .invalidArgumentCount) else {
                return .needMore
            }
            guard count.value <= limits.manyArgumentCount else {
                throw .tooManyArguments(limit: limits.manyArgumentCount)
            }
            argumentsExpected = count.value
            position = count.end - start
            phase = .array
        }
        while argumentCount < argumentsExpected {
            guard try decodeBulk(bytes, from: start) else { return .needMore }
        }
        phase = .idle
        return .command(end: start + position)
    }

    /// Reads the bulk string at `position`, or what has come of it. False: more bytes are needed.
    @inline(__always)
    private mutating func decodeBulk(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolError) -> Bool {
        if bulkCount == nil {
            guard try decodeBulkLength(bytes, from: start) else { return false }
        }
        guard let count = bulkCount else { return false }
        let body = start + position
        let end = body + count
        guard end + 2 <= bytes.count else {
            // A wrong first byte is told at once: the second may never come.
            if end < bytes.count, bytes[end] != ASCII.carriageReturn { throw .missingLineEnd }
            return false
        }
        guard bytes[end] == ASCII.carriageReturn, bytes[end + 1] == ASCII.lineFeed else {
            throw .missingLineEnd
        }
        if argumentCount == 0 { try noteName(bytes, body..<end) }
        appendArgument(position..<position + count)
        position += count + 2
        bulkCount = nil
        return true
    }

    /// Notes which bounds hold for the rest of the command.
    @inline(__always)
    private mutating func noteName(_ bytes: Span<UInt8>, _ name: Range<Int>) throws(ProtocolError) {
        mayUpload = bytes.isWord(at: name, Keyword.list, count: 4)
        if name.count == Keyword.allocManyCount { isMany = bytes.isAllocMany(at: name) }
        guard isMany || argumentsExpected <= limits.argumentCount else {
            throw .tooManyArguments(limit: limits.argumentCount)
        }
    }

    /// Reads `$length` CR LF. False: more bytes are needed.
    @inline(__always)
    private mutating func decodeBulkLength(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolError) -> Bool {
        let marker = start + position
        guard marker < bytes.count else { return false }
        guard bytes[marker] == ASCII.dollar else { throw .expectedBulk(got: bytes[marker]) }
        guard let length = try Self.length(bytes, at: marker + 1, invalid: .invalidBulkLength) else {
            return false
        }
        let isChunk = mayUpload && argumentCount >= DecoderLimits.uploadArgumentIndex
        let longest = isChunk ? limits.uploadChunkBytes : limits.bulkBytes
        guard length.value <= longest else { throw .bulkTooLong(limit: longest) }
        let body = length.end - start
        let most = isMany ? limits.manyCommandBytes : limits.commandBytes
        guard body + length.value + 2 <= most else { throw .commandTooLong(limit: most) }
        position = body
        bulkCount = length.value
        return true
    }

    /// Reads plain decimal digits and CR LF at `index`: no sign, no leading zero, at most ten digits.
    ///
    /// - Returns: the number and the index behind the line feed, or nil when bytes are missing.
    @inline(__always)
    private static func length(
        _ bytes: Span<UInt8>, at index: Int, invalid: ProtocolError
    ) throws(ProtocolError) -> (value: Int, end: Int)? {
        var value = 0
        var cursor = index
        while cursor < bytes.count {
            let digit = bytes[cursor] &- ASCII.zero
            guard digit < 10 else { break }
            let leadingZero = value == 0 && cursor > index
            guard cursor - index < 10, !leadingZero else { throw invalid }
            value = value * 10 + Int(digit)
            cursor += 1
        }
        guard cursor < bytes.count else { return nil }
        guard cursor > index, bytes[cursor] == ASCII.carriageReturn else { throw invalid }
        guard cursor + 1 < bytes.count else { return nil }
        guard bytes[cursor + 1] == ASCII.lineFeed else { throw invalid }
        return (value, cursor + 2)
    }

    /// Searches the line's end; the line's bytes seen without one are not searched again.
    private mutating func decodeLine(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProtocolError) -> DecodeResult {
        // One byte more than the limit may still be the CR of the line's end.
        let last = min(bytes.count, start + limits.inlineLineBytes + 2)
        var cursor = start + position
        while cursor < last, bytes[cursor] != ASCII.lineFeed {
            guard ASCII.mayStandInLine(bytes[cursor]) else { throw .controlCharacter(bytes[cursor]) }
            cursor += 1
        }
        position = cursor - start
        guard cursor < last else {
            guard position <= limits.inlineLineBytes + 1 else {
                throw .lineTooLong(limit: limits.inlineLineBytes)
            }
            return .needMore
        }
        let hasReturn = position > 0 && bytes[cursor - 1] == ASCII.carriageReturn
        let lineBytes = hasReturn ? position - 1 : position
        guard lineBytes <= limits.inlineLineBytes else { throw .lineTooLong(limit: limits.inlineLineBytes) }
        let balanced = try splitLine(bytes.extracting(start..<start + lineBytes))
        phase = .idle
        return balanced ? .command(end: cursor + 1) : .unbalancedQuotes(end: cursor + 1)
    }
}
