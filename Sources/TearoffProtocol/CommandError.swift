/// Why a whole command cannot be run. The reply is `-<word> <message>`; the connection goes on.
package enum CommandError: Error, Equatable, Sendable {
    case unknownCommand(EscapedText)
    case unknownSubcommand(EscapedText, of: String)
    /// The command with fewer or more arguments than it can have.
    case wrongArgumentCount(CommandID)
    /// An option that the command does not have. Never made where the word could be a code or a password.
    case unknownOption(EscapedText, of: CommandID)
    /// An option given twice; the text is the option's own name.
    case duplicateOption(String, of: CommandID)
    /// The argument that the syntax calls `name` must be as `rule` says; the value is not shown.
    case invalidArgument(name: String, rule: String)
    case unbalancedQuotes
    /// `HELLO` with a number that is neither 2 nor 3.
    case unsupportedProtocol

    package var word: ErrorWord {
        switch self {
        case .unknownCommand, .unknownSubcommand: .unknownCommand
        case .unsupportedProtocol: .noProtocol
        case .wrongArgumentCount, .unknownOption, .duplicateOption, .invalidArgument, .unbalancedQuotes:
            .syntax
        }
    }

    /// The text behind the word: one line.
    package var message: String {
        switch self {
        case .unknownCommand(let name): "unknown command '\(name)'"
        case .unknownSubcommand(let name, let command):
            "unknown subcommand '\(name)' of \(command), which has: "
                + CommandTable.subcommands(of: command).map(\.lastWord).joined(separator: ", ")
        case .wrongArgumentCount(let id):
            "wrong number of arguments for '\(id.rawValue)', usage: "
                + CommandTable.entry(id).syntax.joined(separator: " | ")
        case .unknownOption(let option, let id): "unknown option '\(option)' for \(id.rawValue)"
        case .duplicateOption(let option, let id): "option \(option) given twice for \(id.rawValue)"
        case .invalidArgument(let name, let rule): "\(name) must be \(rule)"
        case .unbalancedQuotes: "unbalanced quotes in request"
        case .unsupportedProtocol: "unsupported protocol version"
        }
    }
}
