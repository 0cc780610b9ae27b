import ArgumentParser
import Foundation
import TearoffLoad

/// `tearoff-bench`: loads a RESP server and tells how long its replies took.
@main
struct TearoffBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tearoff-bench",
        abstract: "Loads a RESP server over real sockets and measures the latencies.",
        discussion: """
            Closed loop, as redis-benchmark: every connection writes --depth commands, awaits
            their replies, and writes the next:

              tearoff-bench --server 127.0.0.1:7071 --campaigns summer -c 50 -P 16 -n 1000000

            Open loop: commands are sent at times fixed beforehand, whatever is outstanding, and
            latencies count from those times, so that a stall of the server shows:

              tearoff-bench --campaigns summer --rate 50000 --arrivals poisson --duration 30 \\
                --warm-up 5 --series latency.csv

            The same --seed asks for the same users again; 30 % repeats; Redis with a script:

              tearoff-bench --campaigns a,b --users new --repeat-share 0.3 --seed 7
              tearoff-bench --server 127.0.0.1:6379 --campaigns c \\
                --command 'EVALSHA <sha> 2 codes:{campaign} u:{campaign}:{user}'

            A password comes from TEAROFF_PASSWORD or --password-file, never from the command
            line. The figures go to standard output, everything else to standard error.

            Exit codes:
              0    every reply came, none an unexpected error
              1    error replies (but those of --allow-error), or commands without a reply
              64   the command line is wrong
              69   the server cannot be reached, was lost, or said nothing for 60 seconds
              70   the other side does not speak RESP
              74   a local file cannot be read or written
            """)

    @Option(help: "The server as HOST:PORT.")
    var server = ServerAddress(host: "127.0.0.1", port: 7_071)

    @OptionGroup(title: "Load")
    var options: PlanOptions

    @Option(help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("An error that is no failure, by its first word.", valueName: "word"))
    var allowError: [String] = []

    @Option(help: ArgumentHelp("Write latencies for each 100 ms of the run, as CSV.", valueName: "file"))
    var series: String?

    @Flag(help: "Show the figures as one JSON object.")
    var json = false

    @Flag(help: "Show the figures as a CSV header and row.")
    var csv = false

    func validate() throws {
        if json, csv { throw ValidationError("Give either --json or --csv.") }
    }

    func run() throws {
        let plan = try options.plan(hasSeries: series != nil)
        let password = try password()
        System.raiseDescriptorLimit()
        let outcome: Run.Outcome
        do throws(Worker.Failure) {
            outcome = try Run(plan, server: server, password: password).run()
        } catch {
            throw Exit(error).failure("\(server): \(error)")
        }
        let report = LoadReport(outcome.tally, threads: outcome.threads, load: plan.summary)
        if let series { try write(outcome.tally.recorder.seriesCSV, to: series) }
        print(json ? try report.json() : csv ? report.csv : report.text)
        if report.generator.isBottleneck, json || csv { Self.say("the generator is the bottleneck") }
        if !report.isClean(allowing: Set(allowError)) { throw ExitCode(Exit.errors.rawValue) }
    }

    private func password() throws -> String? {
        guard let passwordFile else { return ProcessInfo.processInfo.environment["TEAROFF_PASSWORD"] }
        do {
            let text = try String(contentsOfFile: passwordFile, encoding: .utf8)
            return String(text.prefix { !$0.isNewline })
        } catch {
            throw Exit.file.failure("\(passwordFile) cannot be read: \(error.localizedDescription)")
        }
    }

    private func write(_ text: String, to path: String) throws {
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw Exit.file.failure("\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    fileprivate static func say(_ words: String) {
        FileHandle.standardError.write(Data("tearoff-bench: \(words)\n".utf8))
    }
}

/// The exit codes beside 0 and the parser's own; `--help` lists them.
enum Exit: Int32 {
    case errors = 1
    case unreachable = 69
    case protocolViolation = 70
    case file = 74

    init(_ failure: Worker.Failure) {
        self =
            switch failure {
            case .system, .closed, .silence: .unreachable
            case .notRESP: .protocolViolation
            case .refused: .errors
            }
    }

    /// Says why, and gives what is to be thrown.
    func failure(_ words: String) -> ExitCode {
        TearoffBench.say(words)
        return ExitCode(rawValue)
    }
}
