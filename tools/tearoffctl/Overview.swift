import ArgumentParser

/// What somebody sees who types nothing but the tool's name: all commands on one screen.
enum Overview {
    typealias Group = (title: String, commands: [any ParsableCommand.Type])

    /// All commands, in the order of the help.
    static var groups: [Group] {
        [
            (
                "the server",
                [
                    PingCommand.self, InfoCommand.self, TopCommand.self, DoctorCommand.self, SnapshotCommand.self,
                    BackupCommand.self, ShutdownCommand.self,
                ]
            ),
            ("lists, campaigns", [ListCommand.self, CampaignCommand.self]),
            (
                "codes for users",
                [
                    AllocCommand.self, HoldCommand.self, ConfirmCommand.self, ReleaseCommand.self, PreviewCommand.self,
                ]
            ),
            (
                "who, what, when",
                [
                    UserCommand.self, CodeCommand.self, ExportCommand.self, AuditCommand.self, FeedCommand.self,
                    DeliveryCommand.self,
                ]
            ),
            ("who may do what", [AccountCommand.self]),
            ("without a server", [VerifyCommand.self, RestoreCommand.self, WalCommand.self, KeyCommand.self]),
        ]
    }

    static var text: String {
        """
        tearoffctl looks after a Tearoff server: lists of codes, and campaigns that draw
        from them.

        \(groups.map { lines(of: $0) }.joined(separator: "\n"))

        A first campaign, from a file with one code per line:

          tearoffctl list create june --expires 2026-12-31
          tearoffctl list load june june.txt
          tearoffctl campaign create summer --list june --retrigger "window 24h"
          tearoffctl alloc summer u1

        tearoffctl help COMMAND tells all of one, with examples; tearoffctl --help where
        the server is, and the exit codes.
        """
    }

    private static let indent = 20
    private static let width = 80

    /// A title, and behind it the commands with their subcommands.
    private static func lines(of group: Group) -> String {
        var lines = [Table.padded("  " + group.title, to: indent, isNumber: false)]
        for (index, command) in group.commands.enumerated() {
            let isLast = index == group.commands.count - 1
            for piece in pieces(of: command, end: isLast ? "" : ",") {
                if lines[lines.count - 1].count + piece.count > width {
                    lines.append(String(repeating: " ", count: piece.hasPrefix(" ") ? indent : indent + 1))
                }
                lines[lines.count - 1] += piece
            }
        }
        return lines.joined(separator: "\n")
    }

    /// A command and its subcommands, cut where a line may end.
    private static func pieces(of command: any ParsableCommand.Type, end: String) -> [String] {
        let subcommands = command.configuration.subcommands.compactMap { $0.configuration.commandName }
        let name = " " + (command.configuration.commandName ?? "")
        guard let first = subcommands.first, let last = subcommands.last, first != last else {
            return [([name] + subcommands).joined(separator: " ") + end]
        }
        return ["\(name) \(first)|"] + subcommands.dropFirst().dropLast().map { $0 + "|" } + [last + end]
    }
}

/// A word where a command should stand. The parser takes it for an argument of the command above, and tells of
/// arguments too many instead.
struct Misspelling: Equatable {
    let message: String

    /// - Returns: nil when the parser can judge the words.
    init?(in words: [String], of root: any ParsableCommand.Type) {
        var command = root
        var path = "tearoffctl"
        for word in words {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            if let next = subcommands.first(where: { $0.configuration.commandName == word }) {
                command = next
                path += " " + word
                continue
            }
            let names = subcommands.compactMap { $0.configuration.commandName }
            let near = names.map { (name: $0, distance: Self.distance(word, $0)) }
                .min { $0.distance < $1.distance }
            let shown = Cell.text(word).shown
            if let near, near.distance <= max(1, min(word.count, near.name.count) / 2) {
                message = "There is no command '\(path) \(shown)'. Did you mean '\(path) \(near.name)'?"
            } else {
                message = "There is no command '\(path) \(shown)', but: \(names.joined(separator: ", "))."
            }
            return
        }
        return nil
    }

    /// How many letters must be changed, added, left out, or swapped with their neighbour.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.lowercased().prefix(lengthMaximum)), Array(right))
        var before: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var line = [row + 1]
            for (column, other) in right.enumerated() {
                var least = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, line[column] + 1)
                let isSwapped =
                    row > 0 && column > 0 && letter == right[column - 1] && left[row - 1] == other
                if isSwapped { least = min(least, before[column - 1] + 1) }
                line.append(least)
            }
            (before, last) = (last, line)
        }
        return last[right.count]
    }

    /// No command is longer; what is behind it makes no name nearer.
    private static let lengthMaximum = 32
}
