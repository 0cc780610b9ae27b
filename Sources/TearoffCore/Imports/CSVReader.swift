/// Cuts bytes as they come into records of fields, as RFC 4180 has them: commas between fields, quotes around those
/// that hold a comma or a quote (twice); records end with LF or CR LF.
///
/// But for a line end inside quotes, which no user or code has: a quote that is never closed would else take lines with
/// it that nobody is told of, and their codes would be given once more.
struct CSVReader: ~Copyable {
    /// Four fields of 255 bytes, each a quote, fit in. A record that is longer is malformed.
    private static let recordBytesMax = 4_096

    private enum State {
        case fieldStart, plain, quoted
        /// Behind a quote inside quotes: the field's end, or the first of two quotes.
        case quoteEnded
        /// In a malformed record, up to the line's end.
        case skipping
    }

    private var state = State.fieldStart
    private var record = Record()

    struct Record {
        fileprivate(set) var text: [UInt8] = []
        fileprivate(set) var ends: [Int] = []
        /// Its number, from 1.
        fileprivate(set) var line: UInt64 = 1
        fileprivate(set) var isMalformed = false

        var count: Int { ends.count }
        var isBlank: Bool { count == 1 && text.isEmpty && !isMalformed }

        /// Where a field stands in the text.
        subscript(_ field: Int) -> Range<Int> { (field == 0 ? 0 : ends[field - 1])..<ends[field] }
    }

    mutating func consume<Failure: Error>(
        _ chunk: Span<UInt8>, _ body: (borrowing Record) throws(Failure) -> Void
    ) throws(Failure) {
        for index in chunk.indices {
            let byte = chunk[index]
            if take(byte) { try deliver(body) }
            if byte == 0x0A { record.line += 1 }
        }
    }

    /// Takes a last record without a line end.
    mutating func consumeEnd<Failure: Error>(_ body: (borrowing Record) throws(Failure) -> Void) throws(Failure) {
        if isBetweenRecords { return }
        // What is still inside quotes has no end.
        if state == .quoted { state = .skipping }
        if state != .skipping { record.ends.append(record.text.count) }
        try deliver(body)
    }

    private var isBetweenRecords: Bool { state == .fieldStart && record.ends.isEmpty && record.text.isEmpty }

    /// - Returns: whether the record is over.
    private mutating func take(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (.skipping, 0x0A): return true
        case (.skipping, _): return false
        case (.quoted, 0x22): state = .quoteEnded
        case (.quoted, 0x0A):
            state = .skipping
            return true
        case (.quoteEnded, 0x22):
            record.text.append(byte)
            state = .quoted
        case (.fieldStart, 0x22): state = .quoted
        case (.fieldStart, 0x2C), (.plain, 0x2C), (.quoteEnded, 0x2C):
            record.ends.append(record.text.count)
            state = .fieldStart
        case (.plain, 0x0A) where record.text.last == 0x0D:
            record.text.removeLast()
            record.ends.append(record.text.count)
            return true
        case (.fieldStart, 0x0A), (.plain, 0x0A), (.quoteEnded, 0x0A):
            record.ends.append(record.text.count)
            return true
        // Before the line feed; a lone one is not told from it, and does no harm.
        case (.quoteEnded, 0x0D): break
        case (.quoteEnded, _), (.plain, 0x22): state = .skipping
        case (.quoted, _): record.text.append(byte)
        case (.fieldStart, _), (.plain, _):
            record.text.append(byte)
            state = .plain
        }
        if record.text.count > Self.recordBytesMax || record.ends.count > 16 { state = .skipping }
        return state == .skipping && byte == 0x0A
    }

    private mutating func deliver<Failure: Error>(
        _ body: (borrowing Record) throws(Failure) -> Void
    ) throws(Failure) {
        record.isMalformed = state == .skipping
        state = .fieldStart
        defer {
            record.text.removeAll(keepingCapacity: true)
            record.ends.removeAll(keepingCapacity: true)
        }
        try body(record)
    }
}
