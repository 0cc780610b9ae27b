/// What one line of an upload is, by its bytes alone.
package enum CodeLine: Equatable {
    case code
    case blank
    case bad(LineFault)

    /// - Parameter line: without its line ending.
    package init(_ line: Span<UInt8>) {
        // Before all else: of a line that came in pieces no more than its beginning is kept, and the verdict
        // must not depend on where the pieces were cut.
        if line.count > Limits.codeBytes {
            self = .bad(.tooLong)
            return
        }
        for index in line.indices where !Self.isPlain(line[index]) {
            self = Self.examine(line)
            return
        }
        self = line.isEmpty ? .blank : .code
    }

    /// Printable ASCII without space and comma: what codes are made of nearly always.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != 0x2C
    }

    /// The slow way, for a line with any other byte. A file's first fault in the line is the one reported,
    /// but broken UTF-8 goes before the others: its characters cannot be told.
    private static func examine(_ line: Span<UInt8>) -> CodeLine {
        var fault: LineFault?
        var onlyBlanks = true
        var index = 0
        while index < line.count {
            guard let (scalar, length) = UTF8Scalar.decode(line, at: index) else { return .bad(.invalidUTF8) }
            index += length
            let isBlank = scalar == 0x20 || scalar == 0x09
            onlyBlanks = onlyBlanks && isBlank
            guard fault == nil else { continue }
            if isBlank || Self.isWhitespace(scalar) {
                fault = .whitespace
            } else if scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0) {
                fault = .control
            } else if scalar == 0x2C {
                fault = .comma
            }
        }
        if onlyBlanks { return .blank }
        return fault.map { .bad($0) } ?? .code
    }

    private static func isWhitespace(_ scalar: UInt32) -> Bool {
        Unicode.Scalar(scalar)?.properties.isWhitespace == true && scalar >= 0x85
    }
}

/// Strict UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF.
enum UTF8Scalar {
    /// - Returns: the scalar at `index` and its length in bytes, or nil when the bytes are no UTF-8.
    /// - Source: Unicode 15, table 3-7 "Well-Formed UTF-8 Byte Sequences".
    static func decode(_ bytes: Span<UInt8>, at index: Int) -> (scalar: UInt32, length: Int)? {
        let lead = bytes[index]
        if lead < 0x80 { return (UInt32(lead), 1) }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard lead >= 0xC2, lead <= 0xF4, index + length <= bytes.count else { return nil }
        var scalar = UInt32(lead) & (0x7F >> UInt32(length))
        for offset in 1..<length {
            let byte = bytes[index + offset]
            guard byte & 0xC0 == 0x80 else { return nil }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        let minimum: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
        let isSurrogate = scalar >= 0xD800 && scalar < 0xE000
        return scalar >= minimum && !isSurrogate && scalar <= 0x10_FFFF ? (scalar, length) : nil
    }
}
