import ArgumentParser
import TearoffClient

/// `500ms`, `30s`, `15m`, `24h`, `7d` or plain seconds.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        // Spelled as in a rule, so that there is one way to write a length of time.
        guard case .window(let duration)? = TearoffClient.RetriggerRule("window \(argument)") else { return nil }
        self.duration = duration
    }
}

extension ArgumentHelp {
    static let idempotencyKey = ArgumentHelp(
        "With the same key, the same command is answered the same for 24 hours.", valueName: "key")
}

struct HoldCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keeps a code for a user until it is confirmed.",
        discussion: """
            Confirmed before its deadline the code is the user's; else it goes back by
            itself: burned, or given again if the campaign was created with
            --returns reuse. Standard output gets the code alone:

              code=$(tearoffctl hold summer u1 --for 15m)
              send-message u1 "$code" && tearoffctl confirm summer u1 \\
                || tearoffctl release summer u1
            """)

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user, 1 to 255 bytes.")
    var user: String

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("For how long: 30s, 15m, 24h, at most 31d.", valueName: "duration"))
    var duration: DurationArgument

    @Option(
        name: .customLong("user-id"),
        help: ArgumentHelp("The marketing system's id of the user.", valueName: "id"))
    var userID: String?

    @Option(help: .idempotencyKey)
    var key: String?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let hold = try await client.hold(
            campaign: campaign, user: user, for: duration.duration, userID: userID, key: key)
        if output.isJSON { return output.show(Record(hold)) }
        let allocation = hold.allocation
        Terminal.data(allocation.code)
        let standing = hold.until.map { "held until \(ServerTime.text($0))" } ?? "given for good"
        guard let ordinal = allocation.ordinal else {
            return Terminal.words("Campaign \(campaign) is tried out: this is its text, and no code is held.")
        }
        Terminal.words(
            "\(allocation.heading): \(standing), number \(ordinal) of \(allocation.list).")
    }
}

struct ConfirmCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Gives a user the code that is held, for good.",
        discussion: "For example: tearoffctl confirm summer u1")

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user.")
    var user: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.confirm(campaign: campaign, user: user)
        output.done("The code is given.")
    }
}

struct ReleaseCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Gives back the code that is held for a user.",
        discussion: "For example: tearoffctl release summer u1")

    @Argument(help: "The campaign's name.")
    var campaign: String

    @Argument(help: "Your key of the user.")
    var user: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.release(campaign: campaign, user: user)
        output.done("The code went back.")
    }
}
