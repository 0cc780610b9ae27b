/// Input whose end cannot be known: the reply is `-PROTOCOL <message>` and the connection is closed.
package enum ProtocolError: Error, Equatable, Sendable {
    /// The count of an array is not a plain decimal number (also: negative).
    case invalidArgumentCount
    /// The length of a bulk string is not a plain decimal number (also: negative).
    case invalidBulkLength
    /// An element of the array is not a bulk string.
    case expectedBulk(got: UInt8)
    /// The two bytes after a bulk string are not CR LF.
    case missingLineEnd
    /// A line holds a control character: no person types one, and a client of another protocol (TLS begins with byte 22)
    /// need not wait until a line ends that never will.
    case controlCharacter(UInt8)
    /// A limit of ``DecoderLimits`` was passed; the value is the limit in force.
    case lineTooLong(limit: Int)
    case bulkTooLong(limit: Int)
    case tooManyArguments(limit: Int)
    case commandTooLong(limit: Int)
    /// A line of an HTTP request. A browser that is made to post to this port must not have the body of
    /// its request run as commands.
    case httpRequest

    /// What was wrong, without the word `PROTOCOL`; holds no byte of the input but one.
    package var message: String {
        switch self {
        case .invalidArgumentCount: "invalid argument count"
        case .invalidBulkLength: "invalid bulk length"
        case .expectedBulk(let got):
            got > 0x20 && got < 0x7F
                ? "expected '$', got '\(Character(Unicode.Scalar(got)))'" : "expected '$', got byte \(got)"
        case .missingLineEnd: "missing CRLF after a bulk string"
        case .controlCharacter(let byte): "byte \(byte) in a line; as part of a word it is written \"\\xHH\""
        case .lineTooLong(let limit): "line longer than \(limit) bytes"
        case .bulkTooLong(let limit): "argument longer than \(limit) bytes"
        case .tooManyArguments(let limit): "more than \(limit) arguments"
        case .commandTooLong(let limit): "command longer than \(limit) bytes"
        case .httpRequest: "this is not an HTTP port"
        }
    }
}
