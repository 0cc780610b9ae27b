/// The words of the command that a run sends, with `{campaign}` and `{user}` where those go.
package struct CommandTemplate: Equatable, Sendable {
    package static let allocation = "ALLOC {campaign} {user}"

    private enum Piece: Equatable, Sendable {
        case text(String)
        case campaign
        case user
    }

    private let words: [[Piece]]

    /// Reads words that blanks separate; double quotes keep blanks in a word.
    package init(_ text: String) throws(Failure) {
        words = try Self.words(of: text).map { word throws(Failure) in try Self.pieces(of: word) }
        if words.isEmpty { throw .empty }
    }

    package enum Failure: Error, Equatable, CustomStringConvertible {
        case empty
        case openQuote
        /// Braces around something else than `campaign` or `user`.
        case unknownPlaceholder(String)

        package var description: String {
            switch self {
            case .empty: "the command has no words"
            case .openQuote: "the command has an opening quote without a closing one"
            case .unknownPlaceholder(let name): "the command has {\(name)}; there is {campaign} and {user}"
            }
        }
    }

    private static func words(of text: String) throws(Failure) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in text {
            switch character {
            case "\"":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted:
                if let whole = word.take() { words.append(whole) }
            default:
                word = (word ?? "") + String(character)
            }
        }
        if isQuoted { throw .openQuote }
        return words + (word.map { [$0] } ?? [])
    }

    private static func pieces(of word: String) throws(Failure) -> [Piece] {
        var pieces: [Piece] = []
        var rest = word[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            let name = rest[rest.index(after: open)..<close]
            switch name {
            case "campaign": pieces.append(.campaign)
            case "user": pieces.append(.user)
            default: throw .unknownPlaceholder(String(name))
            }
            rest = rest[rest.index(after: close)...]
        }
        return rest.isEmpty && !pieces.isEmpty ? pieces : pieces + [.text(String(rest))]
    }

    /// The whole command for one campaign, as RESP, but for the user ids.
    func render(campaign: String) -> RenderedCommand {
        var command = RenderedCommand(bytes: Array("*\(words.count)\r\n".utf8), userOffsets: [])
        for word in words {
            var bytes: [UInt8] = []
            var offsets: [Int] = []
            for piece in word {
                switch piece {
                case .text(let text): bytes += Array(text.utf8)
                case .campaign: bytes += Array(campaign.utf8)
                case .user:
                    offsets.append(bytes.count)
                    bytes += UserText.placeholder
                }
            }
            command.bytes += Array("$\(bytes.count)\r\n".utf8)
            command.userOffsets += offsets.map { $0 + command.bytes.count }
            command.bytes += bytes + Array("\r\n".utf8)
        }
        return command
    }
}

/// A command whose user ids are still to be written over their placeholders.
struct RenderedCommand: Equatable, Sendable {
    var bytes: [UInt8]
    var userOffsets: [Int]

    @inline(__always)
    func append(_ user: UserNumber, _ text: UserText, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: bytes)
        for offset in userOffsets { text.write(user, into: &output, at: start + offset) }
    }
}
