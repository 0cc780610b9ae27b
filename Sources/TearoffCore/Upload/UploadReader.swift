/// Reads the bytes of an upload as they come: splits lines, judges each, and keeps the good ones as strips.
///
/// Nothing of it is seen by the list before ``finish(id:skipBad:isInList:)`` says what the upload is.
package struct UploadReader: ~Copyable {
    private let seed: UInt64
    /// A line that the last chunk left unfinished; at most ``Limits/codeBytes`` + 5 bytes are kept of it.
    private var unfinishedLine: [UInt8] = []
    private var isFirstLine = true
    private var lineNumber: UInt64 = 0
    private var builder = RunBuilder()
    package private(set) var counts = UploadCounts()
    package private(set) var badLines: [BadLine] = []
    /// Where the line numbers of the codes jump over lines that are none: (first ordinal, its line number).
    private var lineJumps: [(ordinal: Ordinal, line: UInt64)] = []
    private var nextIsJump = true

    package init(seed: UInt64) {
        self.seed = seed
    }

    package enum Failure: Error, Equatable {
        case tooManyBadLines(line: UInt64)
        case tooManyCodes(line: UInt64)

        package var line: UInt64 {
            switch self {
            case .tooManyBadLines(let line), .tooManyCodes(let line): line
            }
        }
    }

    /// What is kept of an unfinished line: more than a code may have, a BOM and a CR, so that "too long" is
    /// seen.
    private static let unfinishedBytesMax = Limits.codeBytes + 5

    /// - Throws: ``Failure`` when a limit is hit; the upload is over then and is to be thrown away.
    package mutating func consume(_ chunk: Span<UInt8>) throws(Failure) {
        var start = 0
        for index in chunk.indices where chunk[index] == 0x0A {
            try endLine(with: chunk.extracting(start..<index))
            start = index + 1
        }
        keepUnfinished(chunk.extracting(start..<chunk.count))
    }

    /// Takes a last line without a newline.
    package mutating func consumeEnd() throws(Failure) {
        if !unfinishedLine.isEmpty { try endLine(with: Span()) }
    }

    private mutating func keepUnfinished(_ piece: Span<UInt8>) {
        let room = Self.unfinishedBytesMax - unfinishedLine.count
        for index in 0..<min(room, piece.count) { unfinishedLine.append(piece[index]) }
    }

    private mutating func endLine(with rest: Span<UInt8>) throws(Failure) {
        if unfinishedLine.isEmpty && !isFirstLine {
            try judge(rest)
            return
        }
        keepUnfinished(rest)
        var line = unfinishedLine
        unfinishedLine.removeAll(keepingCapacity: true)
        if isFirstLine && line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        isFirstLine = false
        try judge(line.span)
    }

    private mutating func judge(_ ended: Span<UInt8>) throws(Failure) {
        lineNumber += 1
        let hasReturn = ended.count > 0 && ended[ended.count - 1] == 0x0D
        let line = ended.extracting(0..<(hasReturn ? ended.count - 1 : ended.count))
        switch CodeLine(line) {
        case .code:
            guard builder.count < Limits.uploadCodes - 1 else { throw .tooManyCodes(line: lineNumber) }
            if nextIsJump { lineJumps.append((Ordinal(builder.count), lineNumber)) }
            nextIsJump = false
            builder.append(line)
        case .blank:
            counts.blank += 1
            nextIsJump = true
        case .bad(let fault):
            try note(fault, line: lineNumber)
            nextIsJump = true
        }
    }

    private mutating func note(_ fault: LineFault, line: UInt64) throws(Failure) {
        guard badLines.count < Limits.badLines else { throw .tooManyBadLines(line: line) }
        badLines.append(BadLine(line: line, fault: fault))
        counts[fault] += 1
    }

    private func line(of ordinal: Ordinal) -> UInt64 {
        var (low, high) = (0, lineJumps.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineJumps[middle].ordinal <= ordinal { low = middle } else { high = middle }
        }
        return lineJumps[low].line + UInt64(ordinal - lineJumps[low].ordinal)
    }
}

extension UploadReader {
    /// Looks for duplicates and ends the reading.
    ///
    /// - Parameters:
    ///   - skipBad: whether an upload with bad lines is taken without them.
    ///   - isInList: whether the list has that code from an earlier upload.
    /// - Returns: the codes under the upload's id, or nil when there are bad lines and they are not to be
    /// skipped,
    ///   or no code at all. ``badLines`` and ``counts`` are complete then.
    /// - Complexity: O(codes) expected; seconds for many millions, so never on an event loop.
    package mutating func finish(
        id: UploadID, skipBad: Bool, isInList: (Span<UInt8>) -> Bool
    ) throws(Failure) -> CodeRun? {
        try consumeEnd()
        let candidates = builder.finish(id: id)
        var (index, duplicates) = indexed(candidates, isInList: isInList)
        for (ordinal, fault) in duplicates { try note(fault, line: line(of: ordinal)) }
        badLines.sort { $0.line < $1.line }
        counts.codes = UInt64(candidates.count - duplicates.count)
        if counts.codes == 0 || (counts.bad > 0 && !skipBad) { return nil }
        if duplicates.isEmpty { return CodeRun(strips: candidates.strips, index: index) }

        // The ordinals change when duplicates are left out, so strips and index are made again without them.
        let dropped = Set(duplicates.map(\.ordinal))
        var kept = RunBuilder()
        for ordinal in 0..<Ordinal(candidates.count) where !dropped.contains(ordinal) {
            candidates.withCode(at: ordinal) { kept.append($0) }
        }
        let remaining = kept.finish(id: id)
        (index, duplicates) = indexed(remaining, isInList: { _ in false })
        precondition(duplicates.isEmpty, "\(duplicates.count) duplicates among codes that are unique")
        return CodeRun(strips: remaining.strips, index: index)
    }

    private func indexed(
        _ run: CodeRun, isInList: (Span<UInt8>) -> Bool
    ) -> (CodeIndex, [(ordinal: Ordinal, fault: LineFault)]) {
        var index = CodeIndex(capacity: run.count, seed: seed)
        var duplicates: [(ordinal: Ordinal, fault: LineFault)] = []
        for ordinal in 0..<Ordinal(run.count) {
            let fault = run.withCode(at: ordinal) { code -> LineFault? in
                if isInList(code) { return .duplicateInList }
                let existing = index.insert(ordinal, hash: index.hash(code)) { other in
                    run.withCode(at: other) { $0.hasSameBytes(as: code) }
                }
                return existing == nil ? nil : .duplicateInFile
            }
            if let fault { duplicates.append((ordinal, fault)) }
            // One more than can be noted ends the upload, so more are not gathered.
            if duplicates.count > Limits.badLines { break }
        }
        return (index, duplicates)
    }
}

/// Packs codes into strips.
private struct RunBuilder {
    private var strips: [StripText] = []
    private var counts: [Int] = []
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    private(set) var count = 0

    mutating func append(_ code: Span<UInt8>) {
        bytes.append(code)
        ends.append(UInt32(bytes.count))
        count += 1
        if ends.count == Strip.capacity { seal() }
    }

    private mutating func seal() {
        // Copies are exact: what the growing buffers have to spare would be resident for ever.
        strips.append(StripText(bytes: Array(bytes[...]), ends: Array(ends[...])))
        counts.append(ends.count)
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func finish(id: UploadID) -> CodeRun {
        if !ends.isEmpty { seal() }
        var first: Ordinal = 0
        var made: [Strip] = []
        for (text, count) in zip(strips, counts) {
            made.append(Strip(upload: id, firstOrdinal: first, count: count, text: text))
            first += Ordinal(count)
        }
        strips = []
        return CodeRun(strips: made, index: nil)
    }
}
