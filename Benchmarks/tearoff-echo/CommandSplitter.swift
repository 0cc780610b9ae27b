/// Finds where RESP commands end, and nothing else: what any server must do before it can do its work.
enum CommandSplitter {
    /// What came is no array of bulk strings, or larger than ``commandBytesMax`` or ``argumentCountMax``.
    struct Failure: Error {}

    struct Commands: Equatable {
        var count = 0
        /// Where the last whole command ends.
        var end = 0
    }

    /// Bounds what a connection can make the server keep; far above any command of a benchmark.
    static let commandBytesMax = 1 << 20
    static let argumentCountMax = 1_024

    /// Counts the whole commands at the start of `bytes`.
    ///
    /// - Complexity: O(arguments); no bulk string's body is looked at.
    static func split(_ bytes: Span<UInt8>) throws(Failure) -> Commands {
        var commands = Commands()
        while let end = try end(bytes, from: commands.end) {
            commands.end = end
            commands.count += 1
        }
        if bytes.count - commands.end > commandBytesMax { throw Failure() }
        return commands
    }

    /// - Returns: where the command ends that begins at `start`; nil when it is not whole.
    @inline(__always)
    private static func end(_ bytes: Span<UInt8>, from start: Int) throws(Failure) -> Int? {
        var position = start
        let asterisk = UInt8(ascii: "*")
        guard let arguments = try number(bytes, at: &position, after: asterisk, max: argumentCountMax) else {
            return nil
        }
        for _ in 0..<arguments {
            let dollar = UInt8(ascii: "$")
            guard let length = try number(bytes, at: &position, after: dollar, max: commandBytesMax) else {
                return nil
            }
            position += length + 2
        }
        return position <= bytes.count ? position : nil
    }

    /// Reads the mark, the digits and the line's end, and moves behind them.
    ///
    /// - Returns: nil when the line is not whole.
    @inline(__always)
    private static func number(
        _ bytes: Span<UInt8>, at position: inout Int, after mark: UInt8, max: Int
    ) throws(Failure) -> Int? {
        guard position < bytes.count else { return nil }
        guard bytes[position] == mark else { throw Failure() }
        var index = position + 1
        var value = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { break }
            value = value &* 10 &+ Int(digit)
            guard value <= max else { throw Failure() }
            index += 1
        }
        guard index + 1 < bytes.count else { return nil }
        guard bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") else {
            throw Failure()
        }
        position = index + 2
        return value
    }
}
