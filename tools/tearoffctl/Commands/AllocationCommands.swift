import ArgumentParser
import TearoffClient

struct AllocCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "alloc",
        abstract: "Gives a user, or all users of a file, a code, or shows the one there is.",
        discussion: """
            Standard output gets the code alone, so that a script can take it:

              code=$(tearoffctl alloc summer u1)

            For many users, with one user a line (UTF-8), into a CSV of user,code,status:

              tearoffctl alloc summer --users users.txt --out codes.csv

            The same command once more goes on where a run was broken off, and gives
            nobody a second code. It refuses a file of other users or of another campaign,
            and what it cannot go on with safely: a campaign that gives a code at every
            request, and a break longer than the campaign's window.
            """)

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user, 1 to 255 bytes.")
    var user: String?

    @Option(help: ArgumentHelp("Gives codes to the users of this file, one a line.", valueName: "file"))
    var users: String?

    @Option(help: ArgumentHelp("Writes user,code,status there, or goes on with it.", valueName: "file"))
    var out: String?

    @Flag(help: "Go on also where a break may have cost some users a second code.")
    var allowSecondCodes = false

    @Option(
        name: .customLong("user-id"),
        help: ArgumentHelp("The marketing system's id of the user.", valueName: "id"))
    var userID: String?

    @Option(help: .idempotencyKey)
    var key: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if (user == nil) == (users == nil) { throw ValidationError("Name either a user or --users.") }
        if (users == nil) != (out == nil) { throw ValidationError("--users and --out go together.") }
        if user == nil, userID != nil { throw ValidationError("--user-id is for one user.") }
        if user == nil, key != nil { throw ValidationError("--key is for one user.") }
        if user != nil, allowSecondCodes { throw ValidationError("--allow-second-codes is for --users.") }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        if let user { return try await allocate(user, client, output) }
        guard let users, let out else { preconditionFailure("it is one user or a file of users") }
        try await allocate(usersOf: users, to: out, client, output)
    }

    private func allocate(_ user: String, _ client: TearoffClient, _ output: Output) async throws {
        let allocation = try await client.allocate(campaign: campaign, user: user, userID: userID, key: key)
        if output.isJSON { return output.show(Record(allocation)) }
        Terminal.data(allocation.code)
        let expiry = allocation.expiresAt.map { ", expires \(ServerTime.text($0))" } ?? ""
        guard let ordinal = allocation.ordinal else {
            return Terminal.words("Campaign \(campaign) is tried out: this is its text, and no code was given.")
        }
        Terminal.words(
            "\(allocation.heading): given \(ServerTime.text(allocation.givenAt)), "
                + "number \(ordinal) of \(allocation.list)\(expiry).")
    }
}

// MARK: - Many users

extension AllocCommand {
    /// Nothing is sent that gives a code before both files are known to be good.
    private func allocate(
        usersOf usersPath: String, to path: String, _ client: TearoffClient, _ output: Output
    ) async throws {
        try UserFile.check(path: usersPath)
        let info = try await client.campaignInfo(campaign)
        if info.test != nil {
            throw Failure(
                .refused,
                "Campaign \(campaign) is tried out, so nobody would be given a code: "
                    + "tearoffctl campaign set \(campaign) --test none")
        }
        if info.retrigger == .always, !allowSecondCodes {
            throw Failure(
                .usage,
                "Campaign \(campaign) gives another code at every request: a run that breaks off could not go on "
                    + "without giving some users a second one. --allow-second-codes runs it all the same.")
        }
        var users = try UserFile(path: usersPath)
        let file = try AllocationFile(path: path)
        let kept = try file.goOn(&users)
        if let next = try users.next() {
            users.putBack(next)
            try await check(kept, of: path, client)
        }
        let run = AllocationRun(client: client, campaign: campaign, users: users, file: file, kept: kept)
        let hint = "What \(path) has is good: run the same command again to go on."
        do {
            let (tally, blank) = try await Interruption.race(
                { try await run.run() },
                interrupted: { throw Failure(.interrupted, "\nInterrupted.") })
            output.show(tally.record(kept: kept.tally.users, blank: blank))
            guard tally.refused > 0 else { return Terminal.words("\(path) is complete.") }
            let refused = BadLineReport.count(tally.refused, "user")
            throw Failure(.refused, "\(path) is complete; \(refused) got no code: \(tally.refusedWords).")
        } catch let error as TearoffError {
            let cause = Failure(error)
            throw Failure(cause.exit, "\(cause.message)\n\(hint)")
        } catch let failure as Failure where failure.exit == .interrupted || failure.exit == .busy {
            throw Failure(failure.exit, "\(failure.message)\n\(hint)")
        }
    }

    /// The batches that were under way when the earlier run broke off were given behind the last line that it wrote: as
    /// long as that one is repeated, so are they.
    private func check(
        _ kept: AllocationFile.Kept, of path: String, _ client: TearoffClient
    ) async throws {
        guard !allowSecondCodes, let proof = kept.proof else { return }
        switch try await client.preview(campaign: campaign, user: proof.user).outcome {
        case .again(let code, _) where code == proof.code: return
        case .refused(let error) where error.code == .expired: throw error
        default:
            throw Failure(
                .file,
                "Campaign \(campaign) would not repeat the code in line \(proof.line) of \(path): the file is of another "
                    + "campaign, or the window has passed, and some users behind it could get a second code. Nobody "
                    + "was given one. --allow-second-codes goes on all the same.")
        }
    }
}

struct PreviewCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Shows what a user would be given; nothing is given.",
        discussion: """
            It works in every state of the campaign, and as often as you like:

              tearoffctl preview summer u1
              tearoffctl preview summer
            """)

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user; any user who has no code yet when it is left out.")
    var user: String?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.preview(campaign: campaign, user: user)))
    }
}

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "What users were given.", subcommands: [UserHistoryCommand.self])
}

struct UserHistoryCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Every code that a user was given, oldest first.",
        discussion: "For example: tearoffctl user history u1")

    @Argument(help: "Your key of the user.")
    var user: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = [
            "given-at", "status", "campaign", "list", "code", "ordinal", "user-id", "hold-until", "returned-at",
            "expires-at",
        ]
        output.show(
            try await client.userHistory(user).map { Record($0) }, columns: columns,
            cuts: ["expires-at", "hold-until", "user-id", "list", "campaign"],
            none: "This user was given nothing.")
    }
}

struct CodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "code", abstract: "Where codes stand.", subcommands: [CodeFindCommand.self])
}

struct CodeFindCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "find", abstract: "Where a code stands and who has it; it may stand in several lists.",
        discussion: "For example: tearoffctl code find K7QP-2M4X")

    @Argument(help: "The code.")
    var code: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = [
            "state", "list", "upload", "ordinal", "user", "user-id", "campaign", "given-at", "hold-until", "expires-at",
        ]
        output.show(
            try await client.findCode(code).map { Record($0) }, columns: columns,
            none: "No list has this code.")
    }
}
