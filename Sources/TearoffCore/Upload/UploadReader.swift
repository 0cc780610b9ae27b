/// Reads the bytes of an upload as they come: splits lines, judges each, and keeps the good ones as strips.
///
/// Nothing of it is seen by the list before ``finish(id:skipBad:isInList:)`` says what the upload is.
package struct UploadReader: ~Copyable {
    private let seed: UInt64
    /// A line that the last chunk left unfinished; at most ``Limits/codeBytes`` + 5 bytes are kept of it.
    private var unfinishedLine: [UInt8] = []
    private var isFirstLine = true
    private var lineNumber: UInt64 = 0
    private var builder = RunBuilder(id: Self.noUpload)
    package private(set) var counts = UploadCounts()
    package private(set) var badLines: [BadLine] = []
    /// Where the line numbers of the codes jump over lines that are none: (first ordinal, its line number).
    private var lineJumps: [(ordinal: Ordinal, line: UInt64)] = []
    private var nextIsJump = true

    package init(seed: UInt64) {
        self.seed = seed
    }

    /// Strips have it until they are assigned to their upload.
    private static let noUpload = UploadID(rawValue: .max)

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
        builder.finish()
        let strips = builder.takeStrips()
        let index = indexed(strips, isInList: isInList)
        for duplicate in index.duplicates { try note(duplicate.fault, line: line(of: duplicate.ordinal)) }
        badLines.sort { $0.line < $1.line }
        counts.codes = UInt64(builder.count - index.duplicates.count)
        if counts.codes == 0 || (counts.bad > 0 && !skipBad) { return nil }
        return kept(index, of: strips).assigned(to: id)
    }

    /// The codes without those that are duplicates. The ordinals change when some are left out, so strips and
    /// index are made again then.
    private func kept(_ index: consuming CodeIndexBuilder, of strips: [Strip]) -> CodeRun {
        if index.duplicates.isEmpty { return index.finish() }
        let dropped = Set(index.duplicates.map(\.ordinal))
        var kept = RunBuilder(id: Self.noUpload)
        for strip in strips {
            for position in 0..<strip.count
            where !dropped.contains(strip.firstOrdinal + Ordinal(position)) {
                strip.withCode(at: position) { kept.append($0) }
            }
        }
        kept.finish()
        var again = indexed(kept.strips, isInList: { _ in false })
        precondition(again.duplicates.isEmpty, "duplicates among codes that are unique")
        return again.finish()
    }

    private func indexed(_ strips: [Strip], isInList: (Span<UInt8>) -> Bool) -> CodeIndexBuilder {
        var index = CodeIndexBuilder(capacity: strips.reduce(0) { $0 + $1.count }, seed: seed)
        for first in stride(from: 0, to: strips.count, by: Self.blockStrips) {
            index.add(Array(strips[first...].prefix(Self.blockStrips)), isInList: isInList)
            // One more than can be noted ends the upload, so more are not gathered.
            if index.duplicates.count > Limits.badLines { break }
        }
        return index
    }

    /// A block of a million codes, 32 MiB while it is indexed.
    private static let blockStrips = (1 << 20) / Strip.capacity
}
