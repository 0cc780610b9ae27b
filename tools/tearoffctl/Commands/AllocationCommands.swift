import ArgumentParser
import TearoffClient

struct AllocCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "alloc", abstract: "Gives a user a code, or shows the one that the user has.",
        discussion: """
            Standard output gets the code alone, so that a script can take it:

              code=$(tearoffctl alloc summer u1)
            """)

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user, 1 to 255 bytes.")
    var user: String

    @Option(
        name: .customLong("user-id"),
        help: ArgumentHelp("The marketing system's id of the user.", valueName: "id"))
    var userID: String?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let allocation = try await client.allocate(campaign: campaign, user: user, userID: userID)
        if output.isJSON { return output.show(Record(allocation)) }
        Terminal.data(allocation.code)
        let expiry = allocation.expiresAt.map { ", expires \(ServerTime.text($0))" } ?? ""
        Terminal.words(
            "\(allocation.isRepeat ? "A repeat" : "New"): given \(ServerTime.text(allocation.givenAt)), "
                + "number \(allocation.ordinal) of \(allocation.list)\(expiry).")
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
            "state", "list", "upload", "ordinal", "user", "user-id", "campaign", "given-at", "hold-until",
        ]
        output.show(
            try await client.findCode(code).map { Record($0) }, columns: columns,
            none: "No list has this code.")
    }
}
