/// Reads single arguments of a command in the forms that commands ask for.
///
/// `bytes` is always what ``CommandDecoder/source`` names. Errors name the argument as its syntax does, and
/// never show its value.
extension CommandDecoder {
    /// The argument in capitals if it is 1 to 32 printable ASCII bytes, else empty: equal to no keyword.
    func word(_ index: Int, _ bytes: Span<UInt8>) -> String {
        let range = argument(index)
        guard range.count <= 32 else { return "" }
        var word = ""
        for position in range {
            guard ASCII.isGraphic(bytes[position]) else { return "" }
            word.unicodeScalars.append(Unicode.Scalar(ASCII.uppercased(bytes[position])))
        }
        return word
    }

    /// The argument as an error may show it.
    func escaped(_ index: Int, _ bytes: Span<UInt8>) -> EscapedText {
        EscapedText(bytes.extracting(argument(index)))
    }

    /// The name of a list or a campaign.
    func name(
        _ index: Int, _ bytes: Span<UInt8>, called name: String = "name"
    ) throws(CommandError) -> String {
        let range = argument(index)
        var valid = range.count >= 1 && range.count <= ArgumentLimits.nameBytes
        if valid { for position in range where !ASCII.isNameByte(bytes[position]) { valid = false } }
        guard valid else {
            throw .invalidArgument(
                name: name, rule: "1 to \(ArgumentLimits.nameBytes) characters of A-Z a-z 0-9 . _ : -")
        }
        return String(decoding: self.bytes(index, bytes), as: UTF8.self)
    }

    /// A copy of the argument.
    func bytes(_ index: Int, _ bytes: Span<UInt8>) -> [UInt8] {
        let range = argument(index)
        return [UInt8](capacity: range.count) { copy in
            for position in range { copy.append(bytes[position]) }
        }
    }

    /// The index itself, once the argument is known to be 1 to `most` bytes long.
    @inline(__always)
    func checkedIndex(
        _ index: Int, called name: StaticString, most: Int = ArgumentLimits.valueBytes
    ) throws(CommandError) -> Int {
        let count = argument(index).count
        guard count >= 1, count <= most else {
            throw .invalidArgument(name: "\(name)", rule: "1 to \(most) bytes")
        }
        return index
    }

    /// A decimal number in `range`.
    func number(
        _ index: Int, _ bytes: Span<UInt8>, called name: String, in range: ClosedRange<UInt64>
    ) throws(CommandError) -> UInt64 {
        let part = bytes.extracting(argument(index))
        guard let value = part.decimal(digitsMax: 19), range.contains(value) else {
            throw .invalidArgument(
                name: name, rule: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Valid UTF-8 of `lengths` bytes without control characters.
    func text(
        _ index: Int, _ bytes: Span<UInt8>, called name: String, lengths: ClosedRange<Int>
    ) throws(CommandError) -> String {
        let copy = self.bytes(index, bytes)
        let printable = !copy.contains { $0 < 0x20 || $0 == 0x7F }
        guard lengths.contains(copy.count), printable, let text = String(validating: copy, as: UTF8.self)
        else {
            let bounds = "\(lengths.lowerBound) to \(lengths.upperBound)"
            let rule = "\(bounds) bytes of UTF-8 without control characters"
            throw .invalidArgument(name: name, rule: rule)
        }
        return text
    }

    /// A date as text, not looked into.
    func date(_ index: Int, _ bytes: Span<UInt8>) throws(CommandError) -> String {
        try text(index, bytes, called: "date", lengths: 1...ArgumentLimits.dateBytes)
    }

    /// Every argument from `first` on, for commands that take a list of words.
    func words(from first: Int, _ bytes: Span<UInt8>) -> [String] {
        var words: [String] = []
        for index in first..<max(first, argumentCount) {
            words.append(String(decoding: self.bytes(index, bytes), as: UTF8.self))
        }
        return words
    }
}
