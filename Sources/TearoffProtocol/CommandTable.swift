/// What clients may know of one command; drives parsing, `COMMAND`'s replies and the test of the manual.
package struct CommandEntry: Sendable {
    /// As in Redis: what a client or proxy may conclude about a command.
    package enum Flag: String, Sendable, CaseIterable {
        case write, readonly, admin, fast, loading, stale
        case noAuth = "no_auth"
    }

    package let id: CommandID
    /// Its own name and, of a subcommand, the command's: 1 or 2 arguments.
    package let nameCount: Int
    /// All arguments, the name's included; `maximum` nil: no bound but the decoder's.
    package let minimum: Int
    package let maximum: Int?
    package let flags: [Flag]
    /// The argument that cluster-aware clients route by; 0: none. It may be one that can be left out.
    package let keyIndex: Int
    /// Who may send it.
    package let need: RoleNeed
    package let group: String
    package let summary: String
    /// One line for each form, its name included.
    package let syntax: [String]

    /// `LIST CREATE` as clients name it: `list|create`.
    package var clientName: String { id.rawValue.lowercased().replacing(" ", with: "|") }

    /// The name without the command that it is a subcommand of.
    package var lastWord: String {
        String(id.rawValue.split(separator: " ").last ?? "")
    }

    /// As Redis writes it: the exact count, or the negative of the least.
    package var arity: Int { minimum == maximum ? minimum : -minimum }

    package func accepts(argumentCount: Int) -> Bool {
        argumentCount >= minimum && argumentCount <= maximum ?? .max
    }
}

/// Every command of ``CommandID``, once.
package enum CommandTable {
    /// The release that a command appeared in, for `COMMAND DOCS`; nil: one that only gathers subcommands.
    static func since(_ id: CommandID?) -> String {
        switch id {
        case .allocMany, .hold, .confirm, .release, .preview, .listImport, .listUploads, .listUndo, .listArchive,
            .listReturn,
            .listDelete, .campaignSet, .exportBegin, .exportRead, .exportEnd, .auditRead, .auditCheck, .feedRead,
            .feedInfo,
            .listRecipient, .listRecipients, .deliveryInfo, .deliveryList, .deliveryRetry, .accountCreate, .accountSet,
            .accountDelete, .accountList, .accountShow, .whoAmI:
            "0.2.0"
        default: "0.1.0"
        }
    }

    /// In the order of ``CommandID``.
    package static let all: [CommandEntry] = CommandID.allCases.map(makeEntry)

    /// The commands that only gather subcommands; `COMMAND` is not among them, it answers alone too.
    package static let containers = [
        "LIST", "CAMPAIGN", "USER", "CODE", "EXPORT", "AUDIT", "FEED", "DELIVERY", "ACCOUNT", "CONFIG", "ACL", "CLIENT",
    ]

    /// What `COMMAND` and `COMMAND COUNT` count: subcommands stand inside their command.
    package static let topLevelNames: [String] =
        containers + all.filter { $0.nameCount == 1 }.map(\.id.rawValue)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.id.rawValue, $0) })

    package static func entry(_ id: CommandID) -> CommandEntry {
        guard let entry = byName[id.rawValue] else { preconditionFailure("\(id) is not in the table") }
        return entry
    }

    /// The entry of a full name in capitals or not, with a blank or `|` between command and subcommand.
    package static func entry(named name: String) -> CommandEntry? {
        byName[name.uppercased().replacing("|", with: " ")]
    }

    package static func subcommands(of command: String) -> [CommandEntry] {
        all.filter { $0.id.rawValue.hasPrefix(command + " ") }
    }

    /// The entry of the command whose name stands at argument `index`.
    ///
    /// - Throws: ``CommandError/unknownCommand(_:)`` or ``CommandError/unknownSubcommand(_:of:)``.
    static func find(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int = 0
    ) throws(CommandError) -> CommandEntry {
        let command = decoder.word(index, bytes)
        let hasSubcommand = decoder.argumentCount > index + 1
        if containers.contains(command) || (command == "COMMAND" && hasSubcommand) {
            guard hasSubcommand else { throw .unknownSubcommand(EscapedText(Span()), of: command) }
            guard let entry = byName["\(command) \(decoder.word(index + 1, bytes))"] else {
                throw .unknownSubcommand(decoder.escaped(index + 1, bytes), of: command)
            }
            return entry
        }
        guard let entry = byName[command] else {
            throw .unknownCommand(decoder.escaped(index, bytes))
        }
        return entry
    }
}
