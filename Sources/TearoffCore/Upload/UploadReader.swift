/// Reads the bytes of an upload as they come: splits lines, judges each, and keeps the good ones as strips.
///
/// Nothing of it is seen by the list before ``finish(id:skipBad:replaces:earlier:)`` says what the upload is.
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
        /// Of an import.
        case tooManyRows(line: UInt64)

        package var line: UInt64 {
            switch self {
            case .tooManyBadLines(let line), .tooManyCodes(let line), .tooManyRows(let line): line
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
            counts.leftOut.blank += 1
            nextIsJump = true
        case .bad(let fault):
            try note(fault, line: lineNumber)
            nextIsJump = true
        }
    }

    private mutating func note(_ fault: LineFault, line: UInt64, in list: ListID? = nil) throws(Failure) {
        guard badLines.count < Limits.badLines else { throw .tooManyBadLines(line: line) }
        badLines.append(BadLine(line: line, fault: fault, otherList: list))
        counts.leftOut[fault] += 1
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
    ///   - replaces: whether the upload takes the place of all earlier ones: a code that stands in the list is left
    ///     out then, which does not make its line a reason to refuse the others.
    ///   - earlier: where a code stands already, if that keeps it out.
    /// - Returns: the codes under the upload's id, or nil when there are bad lines and they are not to be
    /// skipped,
    ///   or no code at all. ``badLines`` and ``counts`` are complete then.
    /// - Complexity: O(codes) expected; seconds for many millions, so never on an event loop.
    package mutating func finish(
        id: UploadID, skipBad: Bool, replaces: Bool = false, earlier: (Span<UInt8>) -> EarlierCode?
    ) throws(Failure) -> CodeRun? {
        try consumeEnd()
        builder.finish()
        let strips = builder.takeStrips()
        let maximum = replaces ? Int.max : Limits.badLines
        var index = indexed(strips, duplicatesMaximum: maximum, earlier: earlier)
        let duplicates = index.duplicates
        for duplicate in duplicates where !replaces || duplicate.fault != .duplicateInList {
            try note(duplicate.fault, line: line(of: duplicate.ordinal), in: duplicate.earlier?.otherList)
        }
        if replaces {
            noteTaken(duplicates.lazy.filter { $0.fault == .duplicateInList }.map(\.ordinal))
        }
        badLines.sort { $0.line < $1.line }
        counts.codes = UInt64(builder.count - duplicates.count)
        let faults = counts.leftOut.bad - (replaces ? counts.leftOut[.duplicateInList] : 0)
        if counts.codes == 0 || (faults > 0 && !skipBad) { return nil }
        if duplicates.isEmpty { return index.finish().assigned(to: id) }
        return without(duplicates.lazy.map(\.ordinal), of: strips, count: builder.count).assigned(to: id)
    }

    /// Leaves more codes out of what ``finish(id:skipBad:replaces:earlier:)`` brought for an upload that replaces:
    /// users have got them meanwhile.
    ///
    /// - Parameters:
    ///   - ordinals: each once; at least one.
    ///   - run: the codes as they were brought last.
    /// - Returns: nil when no code is left. ``badLines`` and ``counts`` tell of them, too.
    package mutating func leaveOut(_ ordinals: [Ordinal], of run: CodeRun) -> CodeRun? {
        noteTaken(ordinals)
        badLines.sort { $0.line < $1.line }
        counts.codes -= UInt64(ordinals.count)
        return counts.codes == 0 ? nil : without(ordinals, of: run.strips, count: run.count)
    }

    /// That users have a code is no fault of the file: such lines are counted without a limit, and remembered as long
    /// as there is room.
    private mutating func noteTaken(_ ordinals: some Sequence<Ordinal>) {
        for ordinal in ordinals {
            counts.leftOut[.duplicateInList] += 1
            guard badLines.count < Limits.badLines else { continue }
            badLines.append(BadLine(line: line(of: ordinal), fault: .duplicateInList))
        }
    }

    /// The codes without some of them. The ordinals change, so strips and index are made again, and what tells
    /// their lines.
    private mutating func without(
        _ ordinals: some Sequence<Ordinal>, of strips: [Strip], count: Int
    ) -> CodeRun {
        var dropped = OrdinalSet(count: count)
        for ordinal in ordinals { dropped.insert(ordinal) }
        var kept = RunBuilder(id: Self.noUpload)
        var jumps: [(ordinal: Ordinal, line: UInt64)] = []
        var lastLine: UInt64 = 0
        for strip in strips {
            for position in 0..<strip.count {
                let ordinal = strip.firstOrdinal + Ordinal(position)
                if dropped.contains(ordinal) { continue }
                let line = line(of: ordinal)
                if line != lastLine + 1 || kept.count == 0 { jumps.append((Ordinal(kept.count), line)) }
                lastLine = line
                strip.withCode(at: position) { kept.append($0) }
            }
        }
        lineJumps = jumps
        kept.finish()
        var again = indexed(kept.strips, duplicatesMaximum: 0, earlier: { _ in nil })
        precondition(again.duplicates.isEmpty, "duplicates among codes that are unique")
        return again.finish()
    }

    /// - Parameter duplicatesMaximum: one more ends the upload, so more are not gathered.
    private func indexed(
        _ strips: [Strip], duplicatesMaximum: Int, earlier: (Span<UInt8>) -> EarlierCode?
    ) -> CodeIndexBuilder {
        var index = CodeIndexBuilder(capacity: strips.reduce(0) { $0 + $1.count }, seed: seed)
        for first in stride(from: 0, to: strips.count, by: Self.blockStrips) {
            index.add(Array(strips[first...].prefix(Self.blockStrips)), earlier: earlier)
            if index.duplicates.count > duplicatesMaximum { break }
        }
        return index
    }

    /// A block of a million codes, 32 MiB while it is indexed.
    private static let blockStrips = (1 << 20) / Strip.capacity
}
