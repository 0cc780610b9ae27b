import ArgumentParser
import TearoffClient

struct ListArchiveCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Takes the codes of an expired list out of the server's memory.",
        discussion: """
            Its ledger and its history stay: look-ups and exports read its codes from disk,
            which takes longer. It comes back with `list return`.

              tearoffctl list archive june
            """)

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.archiveList(name)
        output.done("List \(name) is archived.")
    }
}

struct ListReturnCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "return", abstract: "Brings the codes of an archived list back.",
        discussion: """
            It is past its expiry, as it was. To give its codes again:

              tearoffctl list return june
              tearoffctl list set june --expires 2027-01-31
              tearoffctl campaign resume june-mailing
            """)

    @Argument(help: "The list's name.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await client.returnList(name)
        output.done("List \(name) is back, past its expiry as before.")
    }
}

struct ListDeleteCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes a list and its campaigns for good.",
        discussion: """
            Its free codes are gone, who had its codes is not told any more, and the names
            of the list and of its campaigns are free again. The audit trail keeps how many
            codes there were. A script says the name twice:

              tearoffctl list delete june --confirm june
            """)

    @Argument(help: "The list's name.")
    var name: String

    @Option(help: ArgumentHelp("The list's name once more; asked for at a terminal.", valueName: "name"))
    var confirm: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if let confirm, confirm != name {
            throw ValidationError("--confirm says \(confirm), and the list is \(name). Nothing was deleted.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        if confirm == nil { try await ask(client) }
        try await client.deleteList(name)
        output.done("List \(name) is deleted.")
    }

    private func ask(_ client: TearoffClient) async throws {
        guard Terminal.canAsk else {
            throw ValidationError("Say the name once more: --confirm \(name). Nothing was deleted.")
        }
        let list = try await client.listInfo(name)
        Terminal.words(
            "List \(name) has \(list.free) free and \(list.given) given codes, and \(list.campaigns) campaigns. They will "
                + "be gone for good.\nType the list's name to delete it:")
        guard readLine() == name else {
            throw ValidationError("That is not the list's name. Nothing was deleted.")
        }
    }
}
