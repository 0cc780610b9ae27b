import ArgumentParser
import TearoffOffline

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Writes a snapshot; lists those of a data directory, or restores one.",
        discussion: """
            Without a subcommand it writes one, on the server:

              tearoffctl snapshot
            """,
        subcommands: [SnapshotWriteCommand.self, SnapshotListCommand.self, SnapshotRestoreCommand.self],
        defaultSubcommand: SnapshotWriteCommand.self)
}

struct SnapshotListCommand: OfflineCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the snapshots of a data directory, and changes nothing in it.",
        discussion: """
            What each holds, and whether all of its blobs are there; with --check
            whether each blob is intact, too:

              tearoffctl snapshot list --data /var/lib/tearoff --check

            It may run beside a server; a snapshot that the server removes meanwhile
            looks damaged then.
            """)

    @Flag(help: "Read every blob, and compare it with its hash.")
    var check = false

    @OptionGroup var options: DirectoryOptions

    func run(_ output: Output) throws {
        let snapshots = try SnapshotSurvey.all(in: try options.open(locks: false), checksBlobs: check)
        let columns = [
            "snapshot", "at", "revision", "lists", "campaigns", "rows", "holds", "blobs", "missing", "bytes",
            "state",
        ]
        output.show(snapshots.map { Record($0) }, columns: columns, none: "There is no snapshot.")
        let problems = snapshots.compactMap(\.problem)
        if !problems.isEmpty {
            throw Failure(.damaged, problems.map { "Damage: \($0)" }.joined(separator: "\n"))
        }
    }
}
