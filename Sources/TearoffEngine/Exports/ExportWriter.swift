/// Writes rows as CSV or JSON Lines.
///
/// CSV as RFC 4180 says, lines ended by CR LF, with a head line. A cell that a spreadsheet would take for a formula
/// begins with an apostrophe, which keeps it text there (OWASP, "CSV Injection"); JSON Lines have every cell as it is.
struct ExportWriter: Sendable {
    private let format: ExportFormat
    private let columns: [ExportColumn]
    private var output: [UInt8] = []
    private var rows = 0
    private var isBegun = false

    init(_ format: ExportFormat, _ columns: [ExportColumn]) {
        self.format = format
        self.columns = columns
    }

    var count: Int { output.count }

    /// Makes room for a piece; the first one begins with the head line.
    mutating func begin(bytes: Int) {
        output.reserveCapacity(bytes + 2_048)
        guard !isBegun else { return }
        isBegun = true
        guard format == .csv else { return }
        let titles = columns.map { $0.rawValue.replacing("-", with: " ") }
        output.append(contentsOf: (titles.joined(separator: ",") + "\r\n").utf8)
    }

    mutating func take() -> (piece: [UInt8], rows: Int) {
        defer { (output, rows) = ([], 0) }
        return (output, rows)
    }

    /// What a cell's text may be.
    enum Text {
        case any
        /// Digits, letters and what separates them, which neither CSV nor JSON nor a spreadsheet gives a meaning.
        case plain
    }

    /// - Parameter fill: appends the text of a column, nothing for an empty cell, and says what it may be.
    @inline(__always)
    mutating func row(_ fill: (ExportColumn, inout [UInt8]) -> Text) {
        rows += 1
        for (index, column) in columns.enumerated() {
            switch format {
            case .csv:
                if index > 0 { output.append(Byte.comma) }
                let start = output.count
                if fill(column, &output) == .any { makeCSVCell(from: start) }
            case .jsonLines:
                output.append(index > 0 ? Byte.comma : Byte.brace)
                output.append(Byte.quote)
                output.append(contentsOf: column.rawValue.utf8)
                output.append(Byte.quote)
                output.append(Byte.colon)
                output.append(Byte.quote)
                let start = output.count
                _ = fill(column, &output)
                makeJSONCell(from: start)
            }
        }
        switch format {
        case .csv:
            output.append(Byte.carriageReturn)
            output.append(Byte.lineFeed)
        case .jsonLines:
            output.append(Byte.braceEnd)
            output.append(Byte.lineFeed)
        }
    }
}

/// The bytes that CSV and JSON give a meaning.
private enum Byte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let quote = UInt8(ascii: "\"")
    static let apostrophe = UInt8(ascii: "'")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let backslash = UInt8(ascii: "\\")
    static let brace = UInt8(ascii: "{")
    static let braceEnd = UInt8(ascii: "}")
}

// MARK: - CSV

extension ExportWriter {
    /// What was filled in from `start` on becomes a cell: most can stand as they are.
    private mutating func makeCSVCell(from start: Int) {
        guard start < output.count else { return }
        let isFormula = Self.beginsFormula(output[start])
        guard isFormula || Self.needQuotes(output.span.extracting(start...)) else { return }
        let text = takeText(from: start)
        output.append(Byte.quote)
        if isFormula { output.append(Byte.apostrophe) }
        for byte in text {
            if byte == Byte.quote { output.append(Byte.quote) }
            output.append(byte)
        }
        output.append(Byte.quote)
    }

    /// Takes back what was filled in.
    private mutating func takeText(from start: Int) -> [UInt8] {
        defer { output.removeLast(output.count - start) }
        return Array(output[start...])
    }

    private static func beginsFormula(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), Byte.tab,
            Byte.carriageReturn:
            true
        default: false
        }
    }

    private static func needQuotes(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index] {
            case Byte.comma, Byte.quote, Byte.carriageReturn, Byte.lineFeed: return true
            default: continue
            }
        }
        return false
    }
}

// MARK: - JSON

extension ExportWriter {
    /// What was filled in from `start` on, behind a quotation mark, becomes a cell. An empty one is null. Bytes that
    /// are no UTF-8 become U+FFFD, since JSON has no other way.
    private mutating func makeJSONCell(from start: Int) {
        guard start < output.count else {
            output.removeLast()
            output.append(contentsOf: "null".utf8)
            return
        }
        if !Self.isPlain(output.span.extracting(start...)) {
            for byte in String(decoding: takeText(from: start), as: UTF8.self).utf8 { appendEscaped(byte) }
        }
        output.append(Byte.quote)
    }

    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index] {
            case Byte.quote, Byte.backslash: return false
            case 0x20..<0x7F: continue
            default: return false
            }
        }
        return true
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case Byte.quote, Byte.backslash:
            output.append(Byte.backslash)
            output.append(byte)
        case ..<0x20:
            let digits = String(byte, radix: 16)
            output.append(contentsOf: "\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
        default: output.append(byte)
        }
    }
}
