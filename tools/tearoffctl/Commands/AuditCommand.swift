import ArgumentParser
import TearoffClient

struct AuditCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who changed what, from where and when.",
        discussion: """
            The newest acts, the last one at the bottom; or from a number on:

              tearoffctl audit
              tearoffctl audit --from 1 --count 1000

            Each record holds the hash of the one before (--json shows them), so none
            can be changed or taken away unseen. The server follows the whole chain:

              tearoffctl audit --check
            """)

    @Option(help: ArgumentHelp("The number of the first; the newest without it.", valueName: "number"))
    var from: UInt32?

    @Option(help: ArgumentHelp("How many: 1 to 1000, 100 without it.", valueName: "n"))
    var count: UInt32?

    @Flag(help: "Follow the whole chain; exit code 65 when it is broken.")
    var check = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        if check, from != nil || count != nil {
            throw ValidationError("--check looks at the whole trail: leave --from and --count out.")
        }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        if check { return try await followChain(client, output) }
        let entries = try await client.auditTrail(from: from.map(Int.init), count: count.map(Int.init))
        output.show(
            entries.map { Record($0) },
            columns: ["number", "at", "user", "client", "address", "act", "object", "before", "after"],
            cuts: ["address", "client", "before", "after"],
            none: "There is nothing in the audit trail here.")
    }

    private func followChain(_ client: TearoffClient, _ output: Output) async throws {
        let verdict = try await client.checkAuditTrail()
        output.show(Record(verdict))
        guard let fault = verdict.fault else { return }
        throw Failure(
            .brokenTrail,
            """
            The audit trail is broken at record \(fault.number): somebody changed it, or the disk did. Nothing was \
            changed now. Keep a copy of the data directory, and compare with a backup.
            """)
    }
}
