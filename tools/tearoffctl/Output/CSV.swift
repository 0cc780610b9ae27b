/// Cells of a CSV file. Every cell is as it is: such a file is read by programs, and gives back what went in.
///
/// By bytes: a comma stays one before a combining mark, with which it is another character.
///
/// - Source: RFC 4180, section 2.
enum CSV {
    private static let quote = UInt8(ascii: "\"")
    private static let special = [quote, UInt8(ascii: ","), UInt8(ascii: "\r"), UInt8(ascii: "\n")]

    static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: special.contains) else { return text }
        var bytes = [quote]
        for byte in text.utf8 {
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        return String(decoding: bytes + [quote], as: UTF8.self)
    }

    /// What was quoted; nil when the cell is not whole, or no UTF-8.
    static func unquoted(_ cell: ArraySlice<UInt8>) -> String? {
        guard cell.first == quote else { return String(validating: cell, as: UTF8.self) }
        guard cell.count >= 2, cell.last == quote else { return nil }
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in cell.dropFirst().dropLast() {
            isEscaped = byte == quote && !isEscaped
            if !isEscaped { bytes.append(byte) }
        }
        return isEscaped ? nil : String(validating: bytes, as: UTF8.self)
    }
}
