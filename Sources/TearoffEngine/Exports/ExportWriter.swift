import TearoffCore

/// Writes rows as CSV or JSON Lines.
///
/// CSV as RFC 4180 says, lines ended by CR LF, with a head line. A cell that a spreadsheet would take for a formula
/// begins with an apostrophe, which keeps it text there (OWASP, "CSV Injection"); JSON Lines have every cell as it is.
struct ExportWriter: Sendable {
    /// Of a row, and of the head line: seven cells of up to 255 bytes, of which JSON writes each as six at most, and
    /// what is between them.
    static let rowBytesMaximum = 16 << 10

    private let format: ExportFormat
    private let columns: [ExportColumn]
    private var isBegun = false

    init(_ format: ExportFormat, _ columns: [ExportColumn]) {
        self.format = format
        self.columns = columns
    }

    /// Begins a piece; the first one begins with the head line.
    mutating func begin(_ output: inout OutputSpan<UInt8>) {
        guard !isBegun else { return }
        isBegun = true
        guard format == .csv else { return }
        let titles = columns.map { $0.rawValue.replacing("-", with: " ") }
        output.append(text: titles.joined(separator: ",") + "\r\n")
    }

    /// What a cell's text may be.
    enum Text {
        case any
        /// Digits, letters and what separates them, which neither CSV nor JSON nor a spreadsheet gives a meaning.
        case plain
    }

    /// - Precondition: there is room for ``rowBytesMaximum``.
    /// - Parameter fill: appends the text of a column, nothing for an empty cell, and says what it may be.
    @inline(__always)
    func row(in output: inout OutputSpan<UInt8>, _ fill: (ExportColumn, inout OutputSpan<UInt8>) -> Text) {
        for index in columns.indices {
            let column = columns[index]
            switch format {
            case .csv:
                if index > 0 { output.append(Byte.comma) }
                let start = output.count
                if fill(column, &output) == .any { Self.makeCSVCell(in: &output, from: start) }
            case .jsonLines:
                output.append(index > 0 ? Byte.comma : Byte.brace)
                output.append(Byte.quote)
                output.append(text: column.rawValue)
                output.append(Byte.quote)
                output.append(Byte.colon)
                output.append(Byte.quote)
                let start = output.count
                _ = fill(column, &output)
                Self.makeJSONCell(in: &output, from: start)
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

extension OutputSpan<UInt8> {
    mutating func append(text: String) { append(copying: text.utf8Span.span) }

    /// Takes back what stands from `start` on.
    fileprivate mutating func takeText(from start: Int) -> [UInt8] {
        let text = span.extracting(start...).copy
        removeLast(count - start)
        return text
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
    private static func makeCSVCell(in output: inout OutputSpan<UInt8>, from start: Int) {
        guard start < output.count else { return }
        let isFormula = beginsFormula(output[start])
        guard isFormula || needQuotes(output.span.extracting(start...)) else { return }
        let text = output.takeText(from: start)
        output.append(Byte.quote)
        if isFormula { output.append(Byte.apostrophe) }
        for byte in text {
            if byte == Byte.quote { output.append(Byte.quote) }
            output.append(byte)
        }
        output.append(Byte.quote)
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
    private static func makeJSONCell(in output: inout OutputSpan<UInt8>, from start: Int) {
        guard start < output.count else {
            output.removeLast(1)
            output.append(text: "null")
            return
        }
        if !isPlain(output.span.extracting(start...)) {
            for byte in String(decoding: output.takeText(from: start), as: UTF8.self).utf8 {
                appendEscaped(byte, to: &output)
            }
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

    private static func appendEscaped(_ byte: UInt8, to output: inout OutputSpan<UInt8>) {
        switch byte {
        case Byte.quote, Byte.backslash:
            output.append(Byte.backslash)
            output.append(byte)
        case ..<0x20:
            let digits = String(byte, radix: 16)
            output.append(text: "\\u00\(digits.count == 1 ? "0" : "")\(digits)")
        default: output.append(byte)
        }
    }
}
