import ArgumentParser
import TearoffClient

struct ListLoadCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Adds the codes of a file to a list, all or nothing.",
        discussion: """
            The file is UTF-8 text with one code per line; blank lines are skipped.

              tearoffctl list load june june.txt

            A line with a comma, white space inside, a control character, invalid
            UTF-8, more than 255 bytes, or a code that stands there already refuses
            the whole file: nothing is kept, and the first 20 bad lines are shown.
            All of them go to a CSV file, or are left out:

              tearoffctl list load june june.txt --report bad.csv
              tearoffctl list load june june.txt --skip-bad

            What would come of it, without keeping anything:

              tearoffctl list load june june.txt --dry-run

            For a list whose codes are to be others from now on: the free codes of all
            earlier files go, and those that users have stay theirs:

              tearoffctl list load june better.txt --replace

            The same file again changes nothing. Ctrl-C drops the upload.
            A dash reads standard input:

              zcat june.txt.gz | tearoffctl list load june -
            """)

    @OptionGroup var source: FileForList

    @Flag(help: "Take the free codes of all earlier files out of the list.")
    var replace = false

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        try await source.send(
            "codes", output, begin: { try await client.beginUpload(list: source.name, fileName: $0) },
            judge: { [dryRun = source.dryRun, skipBad = source.skipBad, replace] upload in
                try await dryRun
                    ? upload.dryRun(skipBad: skipBad, replace: replace)
                    : upload.commit(skipBad: skipBad, replace: replace)
            })
    }
}
