import ArgumentParser
import Foundation
import TearoffCore
import TearoffLog
import TearoffOffline
import TearoffStorage

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes a data directory of a backup.",
        discussion: """
            Nobody knows what was given after the backup, and no code may be given
            twice. So say how many codes of each list are not to be given any more:

              tearoffctl restore --backup monday --data /var/lib/tearoff --burn 100000
              tearoffctl restore --backup monday --data /var/lib/tearoff --burn-all

            or that the old server has given nothing since:

              tearoffctl restore --backup monday --data /var/lib/tearoff \\
                  --nothing-was-given-since

            Without one of these it asks, if there is a terminal. The backup is read
            through before anything is made, and stays as it is.
            """)

    @Option(help: ArgumentHelp("The backup's directory. Nothing in it is changed.", valueName: "dir"))
    var backup: String

    @Option(help: ArgumentHelp("The data directory to make: a new or an empty one.", valueName: "dir"))
    var data: String

    @Option(
        help: ArgumentHelp(
            "Burn of each list what went back, and so many codes from its next one on. Take more than can have been "
                + "given.", valueName: "count"))
    var burn: UInt64?

    @Flag(help: "Burn all free codes of every list: only new uploads give codes.")
    var burnAll = false

    @Flag(help: "Burn nothing: you vouch that nothing was given after the backup.")
    var nothingWasGivenSince = false

    @Flag(help: "Show the lists as JSON.")
    var json = false

    func validate() throws {
        guard (burn == nil ? 0 : 1) + (burnAll ? 1 : 0) + (nothingWasGivenSince ? 1 : 0) <= 1 else {
            throw ValidationError("Give one of --burn, --burn-all and --nothing-was-given-since.")
        }
        guard burn != 0 else {
            throw ValidationError(
                "--burn must be at least 1; where nothing was given, say --nothing-was-given-since.")
        }
    }

    func run() throws {
        try Failure.told {
            let opened = try BackupDirectory(path: backup)
            let burning = try chosen ?? BurningQuestion(takenAt: opened.label.at).ask()
            let display = VerifyDisplay()
            let restore = Restore(opened, burning: burning, now: Self.now) { display.note($0) }
            let report = try made { try restore.run(into: data, name: backup, by: Self.origin) }
            display.finish()
            let lists = report.lists.map { Record(list: $0.name, $0.ledger) }
            Output(isJSON: json).show(
                lists, columns: lists.first?.fields.map(\.name) ?? [], none: "It has no list.")
            Terminal.words(
                """
                \(data) has the state of \(opened.label.at.iso8601). Burned: \(report.codesBurned) free codes, and \
                \(report.holdsEnded) that were held.
                A file that was loaded after that must not be loaded again: its codes may have been given. Never start \
                the old directory again beside this one.
                """)
        }
    }

    private var chosen: Burning? {
        if let burn { return .next(burn) }
        if burnAll { return .all }
        return nothingWasGivenSince ? .nothing : nil
    }

    private static var now: Timestamp {
        Timestamp(milliseconds: UInt64(max(0, Date().timeIntervalSince1970 * 1_000)))
    }

    /// Who stands at this machine, as far as it knows.
    private static var origin: Origin {
        Origin(user: NSUserName(), client: "tearoffctl restore", address: "")
    }

    /// Turns what went wrong with the new directory into words.
    private func made<Report>(_ body: () throws -> Report) throws -> Report {
        do {
            return try body()
        } catch let error as DataDirectoryError {
            throw Failure(error, data)
        } catch let error as StorageError {
            throw Failure(
                .file,
                "\(data): \(error). What is there of it is no data directory: remove it and restore again.")
        }
    }
}

/// Asks a person what is to be burned.
struct BurningQuestion {
    let takenAt: Timestamp

    /// - Throws: ``Failure`` when nobody can be asked, or the answer is none.
    func ask() throws -> Burning {
        guard Terminal.canAsk else {
            throw Failure(
                .usage,
                "Nobody knows what was given after the backup, and it must not be given again: say --burn COUNT, "
                    + "--burn-all or --nothing-was-given-since. Nothing was made.")
        }
        Terminal.words(
            """
            The backup knows what was given up to \(takenAt.iso8601). What was given later must not be given again, \
            and nobody knows how much that was.
              a number  burns so many codes of each list, from its next one on: take more than can have been given
              all       burns all free codes of every list: only new uploads give codes
              nothing   burns none: you vouch that nothing was given since
            """)
        Terminal.words("How many codes of each list are burned?")
        let answer = readLine() ?? ""
        guard let burning = Self.burning(answer) else {
            throw Failure(
                .usage, "'\(answer)' is none of a number from 1, all and nothing. Nothing was made.")
        }
        return burning
    }

    static func burning(_ answer: String) -> Burning? {
        switch answer.trimmingCharacters(in: .whitespaces).lowercased() {
        case "all": return .all
        case "nothing": return .nothing
        case let text:
            guard let count = UInt64(text), count > 0 else { return nil }
            return .next(count)
        }
    }
}
