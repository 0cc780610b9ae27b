import ArgumentParser
import TearoffClient

struct DeliveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery", abstract: "Warnings on their way to their recipients.",
        discussion: """
            What is still to be sent, and dead letters, with what the last try came to:

              tearoffctl delivery all

            Once the receiver works again, all dead letters, or one of them:

              tearoffctl delivery retry
              tearoffctl delivery retry 17
            """,
        subcommands: [DeliveryInfoCommand.self, DeliveryAllCommand.self, DeliveryRetryCommand.self])
}

struct DeliveryInfoCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "How the sending of warnings goes.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.deliveryInfo()))
    }
}

struct DeliveryAllCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "What is still to be sent, and what could not be.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = ["delivery", "state", "event", "list", "address", "attempts", "next-try", "problem"]
        output.show(
            try await client.deliveries().map { Record($0) }, columns: columns, none: "All warnings are sent.")
    }
}

struct DeliveryRetryCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Has dead letters tried again.")

    @Argument(help: "The delivery's number, as `delivery all` tells it; all dead letters without it.")
    var number: UInt32?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let count = try await client.retryDeliveries(number.map(Int.init))
        output.done("\(BadLineReport.count(count, "dead letter")) will be tried again.")
    }
}

struct RecipientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipient", abstract: "Who is told of a list's warnings.",
        discussion: """
            By e-mail, and by a webhook as Standard Webhooks has them:

              tearoffctl list recipient add june --email ops@example.org
              tearoffctl list recipient add june --webhook https://example.org/hook

            The server makes the webhook's secret and shows it once. Whether they are
            reached:

              tearoffctl list recipient test june

            When they are told: list set --warn, --warn-percent, --warn-hours, --warn-days;
            and always when the list is empty or expired.
            """,
        subcommands: [
            RecipientAddCommand.self, RecipientRemoveCommand.self, RecipientAllCommand.self,
            RecipientTestCommand.self,
        ])
}

struct RecipientAddCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Has an e-mail address or a webhook told of a list's warnings.")

    @Argument(help: "The list's name.")
    var name: String

    @Option(help: ArgumentHelp("The e-mail address.", valueName: "address"))
    var email: String?

    @Option(help: ArgumentHelp("The webhook; http or https.", valueName: "url"))
    var webhook: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the webhook's secret (whsec_ and base64); the server makes one without it.",
            valueName: "file"))
    var secretFile: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (email == nil) != (webhook == nil) else { throw ValidationError("Say --email or --webhook.") }
        guard secretFile == nil || webhook != nil else { throw ValidationError("--secret-file is a webhook's.") }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let recipient: TearoffClient.Recipient
        if let webhook {
            let secret = try secretFile.map { try ServerOptions.firstLine(of: $0, called: "secret") }
            recipient = try await client.addRecipient(webhook: webhook, secret: secret, to: name)
        } else {
            recipient = try await client.addRecipient(email: email ?? "", to: name)
        }
        output.show(Record(recipient))
        if recipient.secret != nil { Terminal.words("Give the secret to the receiver: it is not shown again.") }
        if let problem = recipient.problem { Terminal.words("Nothing will be sent there: \(problem).") }
    }
}

struct RecipientRemoveCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Has an e-mail address or a webhook told nothing more.")

    @Argument(help: "The list's name.")
    var name: String

    @Argument(help: "The e-mail address or the URL.")
    var address: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.removeRecipient(address, from: name)
        output.done("\(address) is told nothing more of list \(name).")
    }
}

struct RecipientAllCommand: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "all", abstract: "A list's recipients.")

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(
            try await client.recipients(of: name).map { Record($0) }, columns: ["kind", "address", "problem"],
            none: "Nobody is told of the warnings of list \(name).")
    }
}

struct RecipientTestCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Sends each recipient of a list a test message now.")

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let tests = try await client.testRecipients(of: name)
        output.show(
            tests.map { Record($0) }, columns: ["kind", "address", "delivered", "problem"],
            none: "Nobody is told of the warnings of list \(name).")
        let failed = tests.count { !$0.isDelivered }
        guard failed == 0 else {
            throw Failure(.refused, "\(BadLineReport.count(failed, "recipient")) could not be reached.")
        }
    }
}
