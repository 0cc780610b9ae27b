/// The bytes that the wire format gives a meaning to.
enum ASCII {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let tab = UInt8(ascii: "\t")
    static let space = UInt8(ascii: " ")
    static let doubleQuote = UInt8(ascii: "\"")
    static let singleQuote = UInt8(ascii: "'")
    static let backslash = UInt8(ascii: "\\")
    static let asterisk = UInt8(ascii: "*")
    static let dollar = UInt8(ascii: "$")
    static let zero = UInt8(ascii: "0")
    static let minus = UInt8(ascii: "-")

    /// The byte itself, or its capital if it is a small letter of ASCII.
    static func uppercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte & 0xDF : byte
    }

    /// Printable and not a blank: what a word of a command may consist of.
    static func isGraphic(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    /// Whether `byte` may stand in an inline line as it is: no control character but a tab and a CR.
    @inline(__always)
    static func mayStandInLine(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == tab || byte == carriageReturn
    }

    /// Whether `byte` may stand in the name of a list or a campaign: `[A-Za-z0-9._:-]`.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// The value of one hexadecimal digit, or nil.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// A short piece of input made safe to show inside an error reply or a log line.
///
/// Printable ASCII stays as it is, all else (and the quote and the backslash) becomes `\xHH`; at most
/// ``bytesMax`` bytes of the input are shown, then `...`. Never made from a code or a password.
package struct EscapedText: Equatable, Sendable, CustomStringConvertible {
    /// How much of the input is shown. A guess: longer than any keyword, shorter than a line.
    package static let bytesMax = 64

    package let description: String

    package init(_ bytes: Span<UInt8>) {
        var text = ""
        for index in 0..<min(bytes.count, Self.bytesMax) {
            let byte = bytes[index]
            let plain = byte >= 0x20 && byte < 0x7F && byte != ASCII.singleQuote && byte != ASCII.backslash
            if plain {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                text += byte < 0x10 ? "\\x0\(hex)" : "\\x\(hex)"
            }
        }
        if bytes.count > Self.bytesMax { text += "..." }
        description = text
    }
}
