import ArgumentParser
import TearoffClient

struct BackupCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Writes a backup of the whole state while the server goes on.",
        discussion: """
            Into a directory of that name below the server's --backup-directory:

              tearoffctl backup monday

            It holds what was acknowledged when it began. Copy it to another machine
            as it is; tearoffctl restore makes a data directory of it.
            """)

    @Argument(help: "What it is to be called: A-Z a-z 0-9 . _ : -, a letter or a digit first.")
    var name: String

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        output.show(Record(try await client.backup(name: name)))
    }
}
