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
    /// Also shown when the rule is none: so it names them all.
    static let help = ArgumentHelp(
        "When a user gets another code: 'window 24h' (30s, 15m, 7d), once, always or until-expiry.",
        valueName: "rule")

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

/// A number, or `none`.
struct CountArgument: ExpressibleByArgument {
    let count: Int?

    init?(argument: String) {
        if argument.lowercased() == "none" {
            count = nil
        } else if let number = Int(argument), number > 0 {
            count = number
        } else {
            return nil
        }
    }
}

/// A text, or `none`.
struct TextArgument: ExpressibleByArgument {
    let text: String?

    init?(argument: String) {
        if argument.isEmpty { return nil }
        text = argument.lowercased() == "none" ? nil : argument
    }
}

/// Settings that a campaign may be made with, and that may be changed.
struct CampaignSettingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Gives nothing before that day or time; or none.", valueName: "date"))
    var start: TextArgument?

    @Option(help: ArgumentHelp("Gives no new codes after that day or time; or none.", valueName: "date"))
    var end: TextArgument?

    @Option(
        help: ArgumentHelp(
            "So many days from the day on which it was given a code is good; or none.", valueName: "days"))
    var validity: CountArgument?

    @Option(help: ArgumentHelp("Codes that it gives at most; or none.", valueName: "count"))
    var quota: CountArgument?

    @Option(
        help: ArgumentHelp("Codes that it gives at most in a day of the server's zone; or none.", valueName: "count"))
    var dayQuota: CountArgument?

    @Option(help: ArgumentHelp("Codes that it gives at most in a second; or none.", valueName: "count"))
    var rate: CountArgument?

    @Option(
        help: ArgumentHelp(
            "Further lists that it draws from when its own has no free code, with commas between them; or none.",
            valueName: "lists"))
    var overflow: TextArgument?

    @Option(
        help: ArgumentHelp(
            "While it is tried out everybody gets this text, and no code is given; or none.", valueName: "text"))
    var test: TextArgument?

    var edits: [TearoffClient.CampaignEdit] {
        var edits: [TearoffClient.CampaignEdit] = []
        if let start { edits.append(.start(start.text)) }
        if let end { edits.append(.end(end.text)) }
        if let validity { edits.append(.validity(days: validity.count)) }
        if let quota { edits.append(.quota(quota.count)) }
        if let dayQuota { edits.append(.dayQuota(dayQuota.count)) }
        if let rate { edits.append(.rate(rate.count)) }
        if let overflow {
            edits.append(.overflow(overflow.text?.split(separator: ",").map(String.init) ?? []))
        }
        if let test { edits.append(.test(test.text)) }
        return edits
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

            Limits, an end, and what is given when the list is empty (a list with a fixed
            code will do):

              tearoffctl campaign create flash --list june --start 2026-11-27 \\
                --end 2026-11-30 --quota 50000 --rate 2000 --overflow ten-off

            With --test SAMPLE a campaign is tried out: everybody gets SAMPLE, and no code
            is given until `campaign set flash --test none`.
            """)

    @Argument(help: "The campaign's name: 1 to 64 of A-Z a-z 0-9 . _ : -")
    var name: String

    @Option(help: "The list that it draws from.")
    var list: String

    @Option(help: RuleArgument.help)
    var retrigger: RuleArgument?

    @Option(help: ArgumentHelp("What becomes of held codes that go back.", valueName: "quarantine|reuse"))
    var returns: ReturnArgument?

    @OptionGroup(title: "Settings") var settings: CampaignSettingOptions

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.createCampaign(
            name, list: list, rule: retrigger?.rule ?? .standard, returns: returns?.rule ?? .quarantine,
            edits: settings.edits)
        output.done("Campaign \(name) is active.")
    }
}

struct CampaignSetCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes a campaign's rules and settings, for what is asked for from then on.",
        discussion: """
            For example:

              tearoffctl campaign set summer --retrigger once --returns reuse
              tearoffctl campaign set summer --day-quota 10000 --rate none
            """)

    @Argument(help: "The campaign's name.")
    var name: String

    @Option(help: RuleArgument.help)
    var retrigger: RuleArgument?

    @Option(help: ArgumentHelp("What becomes of held codes that go back.", valueName: "quarantine|reuse"))
    var returns: ReturnArgument?

    @OptionGroup(title: "Settings") var settings: CampaignSettingOptions

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if retrigger == nil, returns == nil, settings.edits.isEmpty {
            throw ValidationError("Say what to change, such as --retrigger, --end or --quota.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.setCampaign(
            name, rule: retrigger?.rule, returns: returns?.rule, edits: settings.edits)
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
        commandName: "finish",
        abstract: "Stops a campaign: it gives no new code any more, but still repeats inside the window.")

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
