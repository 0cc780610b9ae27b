import ArgumentParser
import TearoffClient

struct ListImportGivenCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-given", abstract: "Takes over codes that another system has given.",
        discussion: """
            The file is CSV (RFC 4180) with four columns and, if you like, a heading:

              code,user,campaign,given_at
              K7QP-2M4X,u1,summer,2026-06-01T08:30:00Z

            The time is ISO 8601 with a zone, or milliseconds since 1970. The campaign is
            there already, and draws from the list. From then on each user has that code,
            as if it had been given here at that time: the window goes on, and nobody
            else ever gets it.

              tearoffctl list import-given june given.csv

            Do this before you load the list's codes: those of the import are then told
            as duplicates, and left out with `list load --skip-bad`.

            What would come of it, without keeping anything; and all bad lines, as CSV:

              tearoffctl list import-given june given.csv --dry-run --report bad.csv

            To do it again changes nothing that is there, and adds what is not: after a
            crash, or with corrected lines. Ctrl-C drops what was not sent whole.
            """)

    @OptionGroup var source: FileForList

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await source.send(
            "rows", output, begin: { try await client.beginImport(list: source.name, fileName: $0) },
            judge: { [dryRun = source.dryRun, skipBad = source.skipBad] upload in
                try await dryRun ? upload.dryRun(skipBad: skipBad) : upload.commit(skipBad: skipBad)
            })
    }
}
