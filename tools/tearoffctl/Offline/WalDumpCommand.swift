import ArgumentParser
import TearoffLog
import TearoffOffline

struct WalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal", abstract: "The log of a data directory.", subcommands: [WalDumpCommand.self])
}

/// `control`, or a loop's number.
struct LaneArgument: ExpressibleByArgument {
    let lane: LaneID

    init?(argument: String) {
        if argument == "\(LaneID.control)" {
            lane = .control
        } else {
            guard let number = UInt16(argument), number != LaneID.control.rawValue else { return nil }
            lane = LaneID(rawValue: number)
        }
    }
}

struct WalDumpCommand: OfflineCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Shows the log's frames and records, and changes nothing in it.",
        discussion: """
            All of it, or one lane or segment, or from some frame on:

              tearoffctl wal dump --data /var/lib/tearoff
              tearoffctl wal dump --data /var/lib/tearoff --lane control
              tearoffctl wal dump --data /var/lib/tearoff --lane 0 --from-frame 1200 --json

            With --json there is an object a line. Codes are never shown: a record names
            them by upload and ordinal. Behind damage it goes on with the next frame that
            can be read, and the exit code is 3.

            It may run beside a server; the last frame of a lane may be under way then.
            """)

    @Option(help: ArgumentHelp("Only this lane: control, or a loop's number.", valueName: "lane"))
    var lane: LaneArgument?

    @Option(help: ArgumentHelp("Only segments of this number.", valueName: "number"))
    var segment: UInt64?

    @Option(help: ArgumentHelp("Only frames from this one on.", valueName: "number"))
    var fromFrame: UInt64?

    @OptionGroup var options: DirectoryOptions

    func run(_ output: Output) throws {
        let selection = LogDump.Selection(
            lane: lane?.lane, segment: segment.map { SegmentNumber(rawValue: $0) },
            fromFrame: fromFrame.map { FrameNumber(rawValue: $0) })
        var printer = DumpPrinter(isJSON: output.isJSON)
        let isWhole = try LogDump(try options.open(locks: false), selection).run { item throws(Failure) in
            try printer.show(item)
        }
        try printer.flush()
        if !isWhole {
            throw Failure(
                .damaged,
                "Some of the log cannot be read. Whether that was acknowledged, tearoffctl verify tells.")
        }
    }
}
