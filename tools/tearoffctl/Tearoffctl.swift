import ArgumentParser

/// The operator's tool: one command to one server, then it ends.
@main
struct Tearoffctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tearoffctl",
        abstract: "Looks after a Tearoff server: lists of coupon codes, campaigns, uploads.",
        discussion: """
            A first campaign, from a file with one code per line:

              tearoffctl list create june --expires 2026-12-31
              tearoffctl list load june june.txt
              tearoffctl campaign create summer --list june --retrigger "window 24h"
              tearoffctl alloc summer u1
              tearoffctl alloc summer --users users.txt --out codes.csv

            The server is 127.0.0.1:7071, or what TEAROFF_SERVER says, or what --server
            HOST:PORT says. What was asked for goes to standard output, everything else
            to standard error.

            Exit codes:
              0    done
              1    the server refused; its error word is shown
              2    a file has bad lines; nothing of it was kept
              3    a data directory is damaged, or a server would refuse to start on it
              4    the doctor found a problem
              64   the command line is wrong
              65   the audit trail's chain is broken
              69   the server cannot be reached or is not trusted, or the connection was lost
              70   the other side does not speak this protocol
              74   a local file cannot be read or written
              75   the server is busy or still loading, or has the data directory: try again later
              77   a data directory or a backup is encrypted, and this is not its key
              130  interrupted with Ctrl-C
            """,
        subcommands: Overview.groups.flatMap { $0.commands })

    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.isEmpty { return Terminal.data(Overview.text) }
        if let slip = Misspelling(in: words, of: Self.self) {
            Terminal.words("Error: \(slip.message)")
            exit(withError: ExitCode(Exit.usage.rawValue))
        }
        await main(nil)
    }
}
