import ArgumentParser
import Foundation
import TearoffClient

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The lists of codes that campaigns draw from.",
        subcommands: [
            ListCreateCommand.self, ListLoadCommand.self, ListImportGivenCommand.self, ListInfoCommand.self,
            ListUploadsCommand.self, ListUndoCommand.self, ListArchiveCommand.self, ListReturnCommand.self,
            ListDeleteCommand.self, ListAllCommand.self, ListSetCommand.self, RecipientCommand.self,
        ])
}

/// `2026-12-31` and the like as the server reads them, or `never`.
struct ExpiryArgument: ExpressibleByArgument {
    let expiry: TearoffClient.Expiry

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        expiry = argument.lowercased() == "never" ? .never : .text(argument)
    }
}

struct ListCreateCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an empty list, or one with a fixed code.",
        discussion: """
            Codes that come from a file, each given once:

              tearoffctl list create june --expires 2026-12-31 --warn 10000

            One code for up to 5000 users:

              tearoffctl list create ten-off --fixed SAVE10 --limit 5000

            A date without a time means the end of that day in the server's zone.
            """)

    @Argument(help: "The list's name: 1 to 64 of A-Z a-z 0-9 . _ : -")
    var name: String

    @Option(help: ArgumentHelp("The one code of a fixed list.", valueName: "code"))
    var fixed: String?

    @Option(help: ArgumentHelp("How many times the fixed code is given.", valueName: "count"))
    var limit: UInt32?

    @Option(help: ArgumentHelp("When it stops giving codes; or never.", valueName: "date"))
    var expires: ExpiryArgument?

    @Option(help: ArgumentHelp("It counts as low when no more codes are free.", valueName: "count"))
    var warn: UInt32?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (fixed == nil) == (limit == nil) else {
            throw ValidationError("--fixed and --limit go together.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        var kind = TearoffClient.ListKind.unique
        if let fixed, let limit { kind = .fixed(code: fixed, limit: Int(limit)) }
        try await client.createList(
            name, kind, expires: expires?.expiry ?? .never, warnAt: warn.map(Int.init))
        output.done("List \(name) is there.")
    }
}

struct ListInfoCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "One list's settings and its ledger.",
        discussion: "The ledger: uploaded = free + held + given + withdrawn + burned.")

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.listInfo(name)))
    }
}

struct ListUploadsCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "uploads", abstract: "The files that a list was loaded from, oldest first.",
        discussion: """
            Of each file: codes = free + held + given + withdrawn + burned, and how many of
            its lines were bad and left out. With --json also which of each kind, who sent it
            and from where, its SHA-256, as sha256sum tells it, and when it was withdrawn.
            """)

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = [
            "upload", "file", "codes", "free", "held", "given", "withdrawn", "burned", "bad", "committed-at",
        ]
        output.show(
            try await Self.all(of: name, client).map { Record($0) }, columns: columns,
            none: "Nothing was loaded into list \(name) yet.")
    }

    /// Page by page, since one reply is limited.
    private static func all(
        of name: String, _ client: TearoffClient
    ) async throws -> [TearoffClient.ListUpload] {
        var uploads: [TearoffClient.ListUpload] = []
        while true {
            let page = try await client.listUploads(name, from: uploads.last.map { $0.upload + 1 } ?? 0)
            uploads += page
            if page.count < TearoffClient.Limits.uploadsPage { return uploads }
        }
    }
}

struct ListUndoCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Takes the free codes of one upload out of its list.",
        discussion: """
            For a wrong file. Codes that users have stay theirs, and keep being repeated;
            one that is held and goes back is not given again. Which they are, and who has
            them, goes to a file as `export` writes it, with --given:

              tearoffctl list uploads june
              tearoffctl list undo june 4 --given june-4-given.csv

            It asks before; a script says --yes.

            The withdrawn codes may be loaded again with another file. When nothing is left
            to give, the list's campaigns finish.
            """)

    @Argument(help: "The list's name.")
    var name: String

    @Argument(help: "The upload's id, as `list uploads` tells it.")
    var upload: Int

    @Option(help: ArgumentHelp("Writes there which of its codes users have.", valueName: "file"))
    var given: String?

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        if !yes { try await confirm(client) }
        let withdrawn = try await client.undoUpload(upload, of: name)
        output.show(output.isJSON ? Record(withdrawn) : Record(withdrawn).brief(withdrawn.badByKind))
        guard let given else {
            if withdrawn.given > 0 {
                Terminal.words(
                    "\(BadLineReport.count(withdrawn.given, "code")) of it given already; "
                        + "who has them: tearoffctl export \(name) --upload \(upload)")
            }
            return
        }
        let export = try await client.beginExport(list: name, TearoffClient.ExportQuery(upload: upload))
        let rows = try await ExportCommand.save(export, to: given, format: .csv)
        Terminal.words("\(given) has \(BadLineReport.count(rows, "row")).")
    }

    /// Says what would go, and goes on after a yes.
    private func confirm(_ client: TearoffClient) async throws {
        let asked = "Its free codes go out of list \(name)"
        guard Terminal.canAsk else {
            throw Failure(.usage, "\(asked), and nobody can be asked here: add --yes. Nothing was changed.")
        }
        // What is not there, the server refuses with its own words.
        guard let found = try await client.listUploads(name, from: upload, count: 1).first,
            found.upload == upload
        else { return }
        Terminal.words(
            "Upload \(upload) of list \(name), \(found.file ?? "without a name"): "
                + "\(BadLineReport.count(found.free, "free code")) of \(found.codes) would go out. Type yes to do it:")
        guard readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
            throw Failure(.usage, "Nothing was changed.")
        }
    }
}

struct ListAllCommand: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "all", abstract: "Every list.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = [
            "name", "kind", "uploaded", "free", "held", "given", "withdrawn", "burned", "expires-at",
            "expired",
            "low",
        ]
        output.show(
            try await client.lists().map { Record($0) }, columns: columns, none: "There are no lists.")
    }
}

/// A number, or `never`.
struct WarningArgument: ExpressibleByArgument {
    let count: Int?

    init?(argument: String) {
        if argument.lowercased() == "never" {
            count = nil
        } else if let number = UInt32(argument) {
            count = Int(number)
        } else {
            return nil
        }
    }
}

/// `7,3,1`, `never` or `default`.
struct DaysArgument: ExpressibleByArgument {
    /// nil: the usual ones.
    let days: [Int]?

    init?(argument: String) {
        switch argument.lowercased() {
        case "default": days = nil
        case "never": days = []
        default:
            let words = argument.split(separator: ",", omittingEmptySubsequences: false)
            let numbers = words.compactMap { UInt16($0) }
            guard numbers.count == words.count else { return nil }
            days = numbers.map(Int.init)
        }
    }
}

enum OtherListsArgument: String, ExpressibleByArgument {
    case refuse, allow
}

struct ListSetCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Changes a list's settings, or its name.",
        discussion: """
            To the end of a day, or to never:

              tearoffctl list set june --expires 2027-01-31
              tearoffctl list set june --expires never

            Low when 5000 codes are left; and another name:

              tearoffctl list set june --warn 5000
              tearoffctl list set june --name summer-2027

            Its recipients are told when a tenth is left, when it will be empty within two
            days, and 14 and 2 days before it expires:

              tearoffctl list set june --warn-percent 10 --warn-hours 48 --warn-days 14,2

            Nothing new in the last 3 days before it expires; 2 codes for each user over
            all campaigns that draw from it:

              tearoffctl list set june --stop 3 --per-user 2

            A code that stands in another list is a bad line from now on; or is taken, as
            it is at first:

              tearoffctl list set june --other-lists refuse

            The code of a fixed list, and how often it is given in all; users keep
            what they were given:

              tearoffctl list set ten-off --code SAVE20 --limit 8000

            A later expiry or a higher limit does not restart campaigns that are
            finished: `campaign resume` does.
            """)

    @Argument(help: "The list's name.")
    var name: String

    @Option(help: ArgumentHelp("When it stops giving codes; or never.", valueName: "date"))
    var expires: ExpiryArgument?

    @Option(help: ArgumentHelp("It counts as low when no more codes are free; or never.", valueName: "count"))
    var warn: WarningArgument?

    @Option(
        help: ArgumentHelp("Recipients are told when that part of its codes is left; or never.", valueName: "percent"))
    var warnPercent: WarningArgument?

    @Option(
        help: ArgumentHelp(
            "Recipients are told when it will be empty within that time; or never.", valueName: "hours"))
    var warnHours: WarningArgument?

    @Option(
        help: ArgumentHelp(
            "Recipients are told so many days before it expires, as 7,3,1; or never, or default.", valueName: "days"))
    var warnDays: DaysArgument?

    @Option(
        help: ArgumentHelp(
            "So many days before it expires its campaigns give no new codes any more; or none.", valueName: "days"))
    var stop: CountArgument?

    @Option(
        help: ArgumentHelp("Codes of it that one user gets at most, over all campaigns; or none.", valueName: "count"))
    var perUser: CountArgument?

    @Option(
        help: ArgumentHelp(
            "What a line of a file is whose code stands in another list: refuse (a bad line) or allow.",
            valueName: "rule"))
    var otherLists: OtherListsArgument?

    @Option(help: ArgumentHelp("Another code for a fixed list.", valueName: "code"))
    var code: String?

    @Option(help: ArgumentHelp("How often a fixed code is given in all.", valueName: "count"))
    var limit: UInt32?

    @Option(name: .customLong("name"), help: ArgumentHelp("Another name for it.", valueName: "new-name"))
    var newName: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        let changes: [Any?] = [
            expires, warn, warnPercent, warnHours, warnDays, stop, perUser, otherLists, code, limit, newName,
        ]
        guard changes.contains(where: { $0 != nil }) else {
            throw ValidationError(
                "Say what to change: --expires, --warn, --warn-percent, --warn-hours, --warn-days, --stop, --per-user, "
                    + "--other-lists, --code, --limit or --name.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        // Each is a change of its own; the name comes last, since the others go by the old one.
        if let expires { try await client.setListExpiry(name, expires.expiry) }
        if let warn { try await client.setListWarning(name, at: warn.count) }
        if let warnPercent { try await client.setListWarning(name, percent: warnPercent.count) }
        if let warnHours { try await client.setListWarning(name, hoursLeft: warnHours.count) }
        if let warnDays { try await client.setListWarning(name, daysBeforeExpiry: warnDays.days) }
        if let stop { try await client.setListStop(name, daysBeforeExpiry: stop.count) }
        if let perUser { try await client.setListCodesPerUser(name, perUser.count) }
        if let otherLists {
            try await client.setList(name, refusesCodesOfOthers: otherLists == .refuse)
        }
        if code != nil || limit != nil {
            try await client.setFixedCode(name, code: code, limit: limit.map(Int.init))
        }
        if let newName { try await client.renameList(name, to: newName) }
        output.done("List \(newName ?? name) is changed.")
    }
}
