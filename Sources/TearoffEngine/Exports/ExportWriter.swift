/// Writes rows as CSV or JSON Lines.
///
/// CSV as RFC 4180 says, lines ended by CR LF, with a head line. A cell that a spreadsheet would take for a formula
/// begins with an apostrophe, which keeps it text there (OWASP, "CSV Injection"); JSON Lines have every cell as it is.
struct ExportWriter: Sendable {
    private let format: ExportFormat
    private let columns: [ExportColumn]
    private var output: [UInt8] = []
    private var cell: [UInt8] = []
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

    mutating func take() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// - Parameter fill: appends the text of a column; nothing for an empty cell.
    @inline(__always)
    mutating func row(_ fill: (ExportColumn, inout [UInt8]) -> Void) {
        for (index, column) in columns.enumerated() {
            cell.removeAll(keepingCapacity: true)
            fill(column, &cell)
            switch format {
            case .csv:
                if index > 0 { output.append(Byte.comma) }
                appendCSVCell()
            case .jsonLines:
                output.append(index > 0 ? Byte.comma : Byte.brace)
                output.append(Byte.quote)
                output.append(contentsOf: column.rawValue.utf8)
                output.append(Byte.quote)
                output.append(Byte.colon)
                appendJSONCell()
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
    private mutating func appendCSVCell() {
        guard let first = cell.first else { return }
        let isFormula = Self.beginsFormula(first)
        guard isFormula || cell.contains(where: Self.needsQuotes) else {
            output.append(contentsOf: cell)
            return
        }
        output.append(Byte.quote)
        if isFormula { output.append(Byte.apostrophe) }
        for byte in cell {
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

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte == Byte.comma || byte == Byte.quote || byte == Byte.carriageReturn || byte == Byte.lineFeed
    }
}

// MARK: - JSON

extension ExportWriter {
    /// An empty cell is null. Bytes that are no UTF-8 become U+FFFD, since JSON has no other way.
    private mutating func appendJSONCell() {
        if cell.isEmpty {
            output.append(contentsOf: "null".utf8)
            return
        }
        output.append(Byte.quote)
        if cell.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != Byte.quote && $0 != Byte.backslash }) {
            output.append(contentsOf: cell)
        } else {
            for byte in String(decoding: cell, as: UTF8.self).utf8 { appendEscaped(byte) }
        }
        output.append(Byte.quote)
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
