import ArgumentParser
import TearoffCore
import TearoffLog
import TearoffOffline
import TearoffStorage

struct SnapshotRestoreCommand: OfflineCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes another data directory of a snapshot.",
        discussion: """
            Of one snapshot of a stopped server's directory, where the log behind it is
            not wanted, or cannot be read:

              tearoffctl snapshot restore 7 --data /var/lib/tearoff \\
                  --to /var/lib/tearoff-7 --burn 100000

            Else start the server on the directory as it is: that loses nothing. What was
            given after the snapshot must not be given again, so say how much that may be,
            as for tearoffctl restore; what the log tells of it is burned in any case. The
            old directory stays as it is.
            """)

    @Argument(help: ArgumentHelp("The snapshot; snapshot list shows them.", valueName: "number"))
    var number: UInt64

    @OptionGroup var options: DirectoryOptions

    @Option(help: ArgumentHelp("The data directory to make: a new or an empty one.", valueName: "dir"))
    var to: String

    @OptionGroup var burned: BurningOptions

    @OptionGroup var newKey: NewKeyOptions

    func run(_ output: Output) throws {
        guard !isInside else {
            throw Failure(.usage, "\(to) lies in \(options.data), in which nothing is changed. Nothing was made.")
        }
        // One that has lost its log is what this is for.
        let directory = try options.open(locks: true, expectsLog: false)
        let source = try source(in: directory)
        let since = LogSince(source.manifest, in: directory)
        Terminal.words(words(of: since, source.manifest))
        let burning = try burned.chosen ?? BurningQuestion(of: source, noun: "snapshot").ask()
        guard burning != .nothing || !since.hasGiven else {
            throw Failure(
                .usage,
                "The log tells that codes were given after snapshot \(number): say --burn COUNT or --burn-all. "
                    + "Nothing was made.")
        }
        try source.restore(
            into: to, burning: burning, givenBelow: since.givenBelow, as: "tearoffctl snapshot restore",
            key: try newKey.key(else: try options.key.read()), output)
        extendLifetime(directory)
    }

    /// Whether what is made would lie in the directory that is read.
    private var isInside: Bool {
        let parent = to.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
        let root = to.hasPrefix("/") ? "/" : "./"
        return BackupShelf(path: root + parent).isInside(options.data)
    }

    private func source(in directory: ReadOnlyDirectory) throws -> RestoreSource {
        do throws(RecoveryError) {
            return try RestoreSource(snapshot: number, of: directory, path: options.data)
        } catch {
            guard error.kind == .missing else { throw error }
            throw Failure(
                .file, "There is no snapshot \(number) in \(options.data); tearoffctl snapshot list shows them.")
        }
    }

    private func words(of since: LogSince, _ manifest: Manifest) -> String {
        let taken = "Snapshot \(number) is of \(manifest.at.iso8601)."
        if since.isEmpty { return "\(taken) The log tells of nothing behind it." }
        let left =
            "\(since.allocations) codes that were given or held, and \(since.changes) changes of lists and campaigns"
        guard let problem = since.problem else {
            return """
                \(taken) The log tells of what is left behind: \(left). A start of the server on \
                \(options.data) would keep all of that.
                """
        }
        return """
            \(taken) The log behind it cannot be read whole (\(problem.file): \(problem.problem)); it tells of \
            what is left behind: at least \(left).
            """
    }
}
