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

    @Argument(help: "The list's name.")
    var name: String

    @Argument(help: "The file, or - for standard input.")
    var file: String

    @Flag(help: "Take the good lines over and leave the bad ones out.")
    var skipBad = false

    @Flag(help: "Judge the file as if to take it over, and keep nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Write every bad line's number and reason there, as CSV.", valueName: "file"))
    var report: String?

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let source = FileForList(
            list: name, path: file, noun: "rows", skipBad: skipBad, isDryRun: dryRun, report: report)
        try await source.send(
            output, begin: { try await client.beginImport(list: name, fileName: $0) },
            judge: { [dryRun, skipBad] upload in
                try await dryRun ? upload.dryRun(skipBad: skipBad) : upload.commit(skipBad: skipBad)
            })
    }
}
