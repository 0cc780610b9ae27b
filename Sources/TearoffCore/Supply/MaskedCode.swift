/// A code as those see it who may look, and may not see codes whole.
package enum MaskedCode {
    /// Codes of so many characters or more keep the first two and the last two: enough to tell two of them apart in a
    /// conversation, and of the shortest still half is to be guessed. Shorter ones keep none.
    package static let shownFrom = 8

    /// `AB****YZ`: each character that is not shown is a `*`.
    package static func bytes(_ code: Span<UInt8>) -> [UInt8] {
        let characters = Array(String(decoding: code.copy, as: UTF8.self).unicodeScalars)
        var masked = String.UnicodeScalarView()
        for (index, character) in characters.enumerated() {
            let isShown = characters.count >= shownFrom && (index < 2 || index >= characters.count - 2)
            masked.append(isShown ? character : "*")
        }
        return Array(String(masked).utf8)
    }
}
