import ArgumentParser
import Synchronization
import TearoffOffline
import TearoffStorage

struct VerifyCommand: OfflineCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks a whole data directory, and changes nothing in it.",
        discussion: """
            Of a stopped server, or of a backup:

              tearoffctl verify --data /var/lib/tearoff

            Every blob, snapshot and frame of the log is read, also those that a start
            would not need; then all is read back in memory as a start would do it. It
            says what a start would leave behind, and where damage is: file, byte and
            frame. The exit code is 3 when there is any.

            No server can start on the directory meanwhile.
            """)

    @OptionGroup var options: DirectoryOptions

    func run(_ output: Output) throws {
        let directory = try options.open(locks: true)
        let display = VerifyDisplay()
        let found = Verifier(directory, progress: { display.note($0) }).run()
        display.finish()
        let report = VerifyReport(found, directory.identity)
        if output.isJSON {
            Terminal.data(Output.json(report))
        } else {
            output.show(
                report.parts, columns: ["part", "files", "bytes", "frames", "records", "state"], none: "")
            if let list = report.lists.first {
                Terminal.data("")
                output.show(report.lists, columns: list.fields.map(\.name), none: "")
            }
        }
        for line in report.words { Terminal.words(line) }
        guard found.isWhole else { throw Failure(.damaged, report.verdict) }
        Terminal.words(report.verdict)
    }
}

/// Shows how far a check is; each stage counts its own bytes.
final class VerifyDisplay: Sendable {
    private struct State {
        var stage: VerificationProgress.Stage
        var display: ProgressDisplay
    }

    private let state = Mutex<State?>(nil)

    func note(_ progress: VerificationProgress) {
        state.withLock { state in
            if state?.stage != progress.stage {
                let line = LoadProgress(
                    name: progress.stage.rawValue, noun: "records", totalBytes: Int(progress.total))
                state = State(
                    stage: progress.stage,
                    display: ProgressDisplay(line, isLive: Terminal.wordsAreSeenLive))
            }
            state?.display.update(bytes: Int(progress.done), lines: Int(progress.records))
        }
    }

    func finish() { state.withLock { $0?.display.finish() } }
}
