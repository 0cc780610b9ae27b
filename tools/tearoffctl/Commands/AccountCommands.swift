import ArgumentParser
import TearoffClient

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Who may log in, and what they may do.",
        discussion: """
            The first account has the role admin; once it is there, nobody is let in
            without logging in:

              tearoffctl account create ada --roles admin
              export TEAROFF_ACCOUNT=ada TEAROFF_PASSWORD=...
              tearoffctl account create shop --roles allocate --campaigns "summer*" \\
                --new-password-file shop.password

            Roles: allocate (gives codes), operate (lists, campaigns, files, snapshots),
            audit (looks), reveal (sees codes whole where it looks), export, and admin
            (everything, accounts too). A password never stands on a command line: it
            comes from a file, from TEAROFF_NEW_PASSWORD, or is asked for.
            """,
        subcommands: [
            AccountCreateCommand.self, AccountSetCommand.self, AccountDeleteCommand.self, AccountAllCommand.self,
            AccountShowCommand.self,
        ])
}

/// What is said of an account when it is made or changed.
struct AccountOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Lists that it is limited to: names, each perhaps with a * at its end; * is all.", valueName: "names"))
    var lists: String?

    @Option(help: ArgumentHelp("The same of campaigns.", valueName: "names"))
    var campaigns: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the account's password. Default: TEAROFF_NEW_PASSWORD, or it is asked for.",
            valueName: "file"))
    var newPasswordFile: String?

    /// - Returns: nil when neither a file nor the environment has one.
    func givenPassword() throws(Failure) -> String? {
        if let newPasswordFile { return try ServerOptions.firstLine(of: newPasswordFile, called: "password") }
        return ServerOptions.environment("TEAROFF_NEW_PASSWORD")
    }

    static func askedPassword(of name: String) throws(Failure) -> String {
        let password = try Terminal.secret("New password of account \(name): ")
        guard try Terminal.secret("Once more: ") == password else {
            throw Failure(.usage, "That was another one. Nothing was changed.")
        }
        return password
    }

    /// `*` stands for all, and is none.
    static func names(_ text: String) -> [String] {
        text == "*" ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}

struct AccountCreateCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an account that may log in.")

    @Argument(help: "The account's name: letters, digits and . _ : -")
    var name: String

    @Option(
        help: ArgumentHelp(
            "What it may do, with commas: allocate, operate, audit, reveal, export, admin.", valueName: "roles"))
    var roles: String

    @OptionGroup var account: AccountOptions
    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let password = try account.givenPassword() ?? AccountOptions.askedPassword(of: name)
        try await client.createAccount(
            name, roles: AccountOptions.names(roles), password: password,
            lists: account.lists.map(AccountOptions.names) ?? [],
            campaigns: account.campaigns.map(AccountOptions.names) ?? [])
        output.done("Account \(name) may log in.")
    }
}

struct AccountSetCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Changes an account. A new password throws out who is logged in with the old one."
    )

    @Argument(help: "The account's name.")
    var name: String

    @Option(help: ArgumentHelp("What it may do, as account create has it.", valueName: "roles"))
    var roles: String?

    @Flag(help: "Ask for a new password.")
    var newPassword = false

    @OptionGroup var account: AccountOptions
    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        var password = try account.givenPassword()
        if newPassword, password == nil { password = try AccountOptions.askedPassword(of: name) }
        guard roles != nil || password != nil || account.lists != nil || account.campaigns != nil else {
            throw Failure(.usage, "Say what is to be changed: --roles, --lists, --campaigns or --new-password.")
        }
        try await client.setAccount(
            name, roles: roles.map(AccountOptions.names), password: password,
            lists: account.lists.map(AccountOptions.names), campaigns: account.campaigns.map(AccountOptions.names))
        output.done("Account \(name) is changed, also for who is logged in.")
    }
}

struct AccountDeleteCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes an account; who is logged in as it is out.")

    @Argument(help: "The account's name.")
    var name: String

    @Flag(help: "Yes, it is to go.")
    var yes = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard yes else { throw ValidationError("Whoever logs in as it is out at once: add --yes.") }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.deleteAccount(name)
        output.done("Account \(name) is deleted.")
    }
}

struct AccountAllCommand: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "all", abstract: "Every account.")

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(
            try await client.accounts().map { Record($0) },
            columns: ["name", "roles", "lists", "campaigns", "changed-at"], none: "There are no accounts.")
    }
}

struct AccountShowCommand: ServerCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "What an account may do.")

    @Argument(help: "The account's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.account(name)))
    }
}

extension Record {
    fileprivate init(_ account: TearoffClient.Account) {
        func text(_ names: [String]) -> Cell { .text(names.isEmpty ? "*" : names.joined(separator: ",")) }
        self.init([
            "name": .text(account.name), "roles": .text(account.roles.joined(separator: ",")),
            "lists": text(account.lists), "campaigns": text(account.campaigns), "changed-at": .time(account.changedAt),
        ])
    }
}
