import ArgumentParser
import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffOffline
import TearoffStorage

/// What is not to be given any more, of every command that makes a data directory.
struct BurningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Burn of each list what went back, and so many codes from its next one on. Take more than can have been "
                + "given.", valueName: "count"))
    var burn: UInt64?

    @Flag(help: "Burn all free codes of every list: only new uploads give codes.")
    var burnAll = false

    @Flag(help: "Burn nothing: you vouch that nothing was given since.")
    var nothingWasGivenSince = false

    var chosen: Burning? {
        if let burn { return .next(burn) }
        if burnAll { return .all }
        return nothingWasGivenSince ? .nothing : nil
    }

    func validate() throws {
        guard (burn == nil ? 0 : 1) + (burnAll ? 1 : 0) + (nothingWasGivenSince ? 1 : 0) <= 1 else {
            throw ValidationError("Give one of --burn, --burn-all and --nothing-was-given-since.")
        }
        guard burn != 0 else {
            throw ValidationError(
                "--burn must be at least 1; where nothing was given, say --nothing-was-given-since.")
        }
    }
}

/// Asks a person what is to be burned.
struct BurningQuestion {
    let takenAt: Timestamp
    let noun: String

    /// - Parameter noun: what it is made of: a backup or a snapshot.
    init(of source: RestoreSource, noun: String) {
        takenAt = source.manifest.at
        self.noun = noun
    }

    /// - Throws: ``Failure`` when nobody can be asked, or the answer is none.
    func ask() throws -> Burning {
        guard Terminal.canAsk else {
            throw Failure(
                .usage,
                "Nobody knows what was given after the \(noun), and it must not be given again: say --burn COUNT, "
                    + "--burn-all or --nothing-was-given-since. Nothing was made.")
        }
        Terminal.words(
            """
            The \(noun) knows what was given up to \(takenAt.iso8601). What was given later must not be given again, \
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

extension RestoreSource {
    /// Makes the directory, and shows what it serves.
    ///
    /// - Parameters:
    ///   - client: who the audit trail says has asked.
    ///   - key: encrypts the directory; nil: it is not encrypted.
    func restore(
        into data: String, burning: Burning, givenBelow: [UploadID: UInt64] = [:], as client: String, key: OperatorKey?,
        _ output: Output
    ) throws {
        let now = Timestamp(milliseconds: UInt64(max(0, Date().timeIntervalSince1970 * 1_000)))
        // Who stands at this machine, as far as it knows.
        let origin = Origin(user: NSUserName(), client: client, address: "")
        let display = VerifyDisplay()
        let restore = Restore(self, burning: burning, givenBelow: givenBelow, now: now, key: key) { display.note($0) }
        let report: Restore.Report
        do {
            report = try restore.run(into: data, by: origin)
        } catch let error as DataDirectoryError {
            throw Failure(error, data)
        } catch let error as StorageError {
            throw Failure(
                .file,
                "\(data): \(error). What is there of it is no data directory: remove it and restore again.")
        }
        display.finish()
        let lists = report.lists.map { Record(list: $0.name, $0.ledger) }
        output.show(lists, columns: lists.first?.fields.map(\.name) ?? [], none: "It has no list.")
        Terminal.words(
            """
            \(data) has the state of \(manifest.at.iso8601). Burned: \(report.codesBurned) free codes, and \
            \(report.holdsEnded) that were held.
            A file that was loaded after that must not be loaded again: its codes may have been given. Never start \
            the old directory again beside this one.
            """)
    }
}
