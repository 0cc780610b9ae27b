import ArgumentParser
import TearoffClient

struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign", abstract: "The campaigns that give codes to users.",
        subcommands: [
            CampaignCreateCommand.self, CampaignSetCommand.self, CampaignInfoCommand.self, CampaignAllCommand.self,
            CampaignFinishCommand.self, CampaignResumeCommand.self,
        ])
}

/// `window 24h`, `once`, `always` or `until-expiry`.
struct RuleArgument: ExpressibleByArgument {
    let rule: TearoffClient.RetriggerRule

    init?(argument: String) {
        guard let rule = TearoffClient.RetriggerRule(argument) else { return nil }
        self.rule = rule
    }
}

/// `quarantine` or `reuse`.
struct ReturnArgument: ExpressibleByArgument {
    let rule: TearoffClient.ReturnRule

    init?(argument: String) {
        guard let rule = TearoffClient.ReturnRule(rawValue: argument) else { return nil }
        self.rule = rule
    }
}

struct CampaignCreateCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an active campaign that draws from a list.",
        discussion: """
            The rule says when a user who has a code gets another one:

              "window 24h"   after that time: 500ms, 30s, 15m, 24h, 7d (the default is 24h)
              once           never
              always         at every request
              until-expiry   not before the list expires

              tearoffctl campaign create summer --list june --retrigger "window 24h"

            A code that was held and goes back is burned, since it may have been seen;
            with --returns reuse it is given again.
            """)

    @Argument(help: "The campaign's name: 1 to 64 of A-Z a-z 0-9 . _ : -")
    var name: String

    @Option(help: "The list that it draws from.")
    var list: String

    @Option(help: ArgumentHelp("When a user gets another code.", valueName: "rule"))
    var retrigger: RuleArgument?

    @Option(help: ArgumentHelp("What becomes of held codes that go back.", valueName: "quarantine|reuse"))
    var returns: ReturnArgument?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.createCampaign(
            name, list: list, rule: retrigger?.rule ?? .standard, returns: returns?.rule ?? .quarantine)
        output.done("Campaign \(name) is active.")
    }
}

struct CampaignSetCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Changes a campaign's rules, for what is asked for from then on.",
        discussion: "For example: tearoffctl campaign set summer --retrigger once --returns reuse")

    @Argument(help: "The campaign's name.")
    var name: String

    @Option(help: ArgumentHelp("When a user gets another code.", valueName: "rule"))
    var retrigger: RuleArgument?

    @Option(help: ArgumentHelp("What becomes of held codes that go back.", valueName: "quarantine|reuse"))
    var returns: ReturnArgument?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if retrigger == nil, returns == nil {
            throw ValidationError("Say what to change: --retrigger or --returns.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.setCampaign(name, rule: retrigger?.rule, returns: returns?.rule)
        output.done("Campaign \(name) is changed.")
    }
}

struct CampaignInfoCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "One campaign's settings and state.")

    @Argument(help: "The campaign's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.campaignInfo(name)))
    }
}

struct CampaignAllCommand: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "all", abstract: "Every campaign.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let columns = ["name", "list", "retrigger", "returns", "state", "reason", "finished-at", "created-at"]
        output.show(
            try await client.campaigns().map { Record($0) }, columns: columns, none: "There are no campaigns."
        )
    }
}

struct CampaignFinishCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "finish", abstract: "Stops a campaign: it gives no new code any more, but still repeats inside the window.")

    @Argument(help: "The campaign's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.finishCampaign(name)
        output.done("Campaign \(name) is finished.")
    }
}

struct CampaignResumeCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Makes a finished campaign active again.",
        discussion:
            "Its list must have free codes and not be expired: load more, or `list set` a later expiry.")

    @Argument(help: "The campaign's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.resumeCampaign(name)
        output.done("Campaign \(name) is active.")
    }
}
