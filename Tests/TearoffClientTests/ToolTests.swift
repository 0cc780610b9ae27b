import Foundation
import TearoffClient
import TearoffProtocol
import Testing

@testable import tearoffctl

@Suite(
    "tearoffctl: data on standard output, words on standard error, and the exit code that the manual promises"
)
struct ToolTests {
    /// Goal: one code for each kind of error word. Method: a server that answers every command with the word.
    @Test(arguments: [
        (ErrorWord.noList, Exit.refused), (.exhausted, .refused), (.syntax, .refused),
        (.wrongPassword, .refused),
        (.busy, .busy), (.loading, .busy), (.shutdown, .busy), (.protocolViolation, .protocolViolation),
        (.unknownCommand, .protocolViolation),
    ])
    func anErrorWordBecomesItsExitCode(word: ErrorWord, exit: Exit) async throws {
        let script: FakeServer.Script = { _, writer in
            writer.error(word, "as the test says")
            return .reply
        }
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("list info june")
                #expect(
                    run
                        == Tool.Run(
                            exit: exit.rawValue, output: "", words: "\(word.rawValue) as the test says\n"))
            }
        }
    }

    /// Goal: the server's absence and its going away have a code. Method: a port that nobody uses, and a
    /// server that closes.
    @Test func anUnreachableServerHasItsExitCode() async throws {
        let port = try await FakeServer.with(answerOK) { $0.port }
        try await Tool.with(port: port) { tool in
            let run = try await tool.run("ping")
            #expect(run.exit == Exit.unreachable.rawValue)
            #expect(run.words == "127.0.0.1:\(port) does not answer: nothing listens there\n")
        }
        try await FakeServer.with({ _, _ in .close }) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("ping")
                #expect(run.exit == Exit.unreachable.rawValue)
            }
        }
    }

    /// Goal: a broken audit trail is told on both ways out, with its code. Method: a server that says so.
    @Test func aBrokenAuditTrailHasItsExitCode() async throws {
        let script: FakeServer.Script = { _, writer in
            SampleServer.map(
                &writer,
                [
                    ("records", 9), ("intact", false), ("broken-at", 7), ("problem", "it is so"),
                    ("hash", String(repeating: "00", count: 32)),
                ])
            return .reply
        }
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("audit --check")
                #expect(run.exit == Exit.brokenTrail.rawValue)
                #expect(run.output.contains("intact     no\nbroken-at  7\nproblem    it is so\n"))
                #expect(run.words.hasPrefix("The audit trail is broken at record 7: "))
            }
        }
    }

    /// Goal: events are lines that people and programs read, of the kinds that were asked for, and what is missing is
    /// told. Method: the sample's events, and a server that has lost some.
    @Test func eventsAreLines() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                let lines = try await tool.run("feed --event low,given")
                #expect(lines.exit == 0 && lines.output.split(separator: "\n").count == 2)
                #expect(lines.output.contains("       3  2026-06-02T10:00:00.000Z  low       list=june remaining="))
                let json = try await tool.run("feed --from 3 --json")
                #expect(json.output.hasPrefix(#"{"at":"2026-06-02T10:00:00.000Z","event":"low","#))
            }
        }
        let lossy: FakeServer.Script = { command, writer in
            writer.map(3)
            writer.bulk("events")
            writer.array(0)
            writer.bulk("next")
            writer.integer(41)
            writer.bulk("missed")
            writer.integer(command[2] == "41" ? 0 : 40)
            return .reply
        }
        try await FakeServer.with(lossy) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("feed --from 1")
                #expect(run.exit == 0 && run.words == "40 events before number 41 cannot be read any more.\n")
            }
        }
    }

    /// Goal: what is no Tearoff server is told apart. Method: a greeting that is no RESP.
    @Test func anotherProtocolHasItsExitCode() async throws {
        let script: FakeServer.Script = { _, writer in
            writer.bytes += [UInt8]("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            return .close
        }
        try await FakeServer.with(greets: false, script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("ping")
                #expect(run.exit == Exit.protocolViolation.rawValue)
            }
        }
    }

    /// Goal: a wrong command line is told before anything is sent. Method: one of each kind.
    @Test(arguments: [
        "nosuch", "list load june", "list create june --fixed A", "list create june --limit 5", "shutdown",
        "campaign create summer --list june --retrigger sometimes", "ping --server nowhere",
        "ping --server 127.0.0.1:7071 --port 1", "ping --port 99999", "list set june",
        "audit --check --from 1",
    ])
    func aWrongCommandLineIsUsage(line: String) async throws {
        try await FakeServer.with(answerOK) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run(line)
                #expect(run.exit == Exit.usage.rawValue)
                #expect(run.output.isEmpty && run.words.contains("Error: "))
                #expect(server.connectionCount == 0)
            }
        }
    }

    /// Goal: who gives a rule that is none is told those that there are. Method: one, to each command that takes it.
    @Test(arguments: ["campaign create summer --list june", "campaign set summer"])
    func aWrongRuleIsAnsweredWithTheRightOnes(line: String) async throws {
        try await Tool.with { tool in
            let run = try await tool.run("\(line) --retrigger sometimes")
            for rule in ["window 24h", "once", "always", "until-expiry"] { #expect(run.words.contains(rule)) }
        }
    }

    /// Goal: local files that cannot be used are told by name, before anything is sent. Method: one of each.
    @Test(arguments: [
        "list load june missing.txt", "list load june .", "list load june june.txt --report missing/bad.csv",
        "ping --password-file missing.txt",
    ])
    func aLocalFileErrorHasItsExitCode(line: String) async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\n", to: "june.txt")
                let run = try await tool.run(line)
                #expect(run.exit == Exit.file.rawValue)
                #expect(run.words.contains("missing") || run.words.contains(". is a directory"))
                #expect(server.commands.isEmpty)
            }
        }
    }

    /// Goal: options win over the environment, and IPv6 addresses can be named. Method: a wrong environment.
    @Test func optionsWinOverTheEnvironment() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: 1) { tool in
                for options in ["--server 127.0.0.1:\(server.port)", "--port \(server.port)"] {
                    let run = try await tool.run("ping \(options)")
                    #expect(run.output == "PONG\n")
                }
            }
        }
        #expect(
            ServerAddress(argument: "[::1]:7071") == .network(host: "::1", port: 7071, isEncrypted: false))
        #expect(ServerAddress(argument: "tls://a:1") == .network(host: "a", port: 1, isEncrypted: true))
        #expect(ServerAddress(argument: "unix:/run/a b:c") == .socket(path: "/run/a b:c"))
        for wrong in ["", ":7071", "host", "host:", "host:0", "::1:7071", "[]:1", "tls://", "tls://:1", "unix:"] {
            #expect(ServerAddress(argument: wrong) == nil, "\(wrong)")
        }
    }

    /// Goal: options that contradict each other are refused before anything is sent. Method: each pair.
    @Test(arguments: [
        "--socket a --server b:1", "--socket a --port 1", "--socket a --tls", "--socket a --password-file p",
        "--ca c", "--any-host-name", "--tls --certificate c", "--certificate c --certificate-key k",
        "--server tls://a", "--server b:1 --host a",
    ])
    func optionsThatContradictEachOtherAreRefused(options: String) async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                let exit = try await tool.run("ping \(options)").exit
                #expect(exit == Exit.usage.rawValue)
                #expect(server.connectionCount == 0)
            }
        }
    }

    /// Goal: the password comes from the file's first line and is sent, not shown. Method: a file with CR LF.
    @Test func thePasswordIsTheFilesFirstLine() async throws {
        let script: FakeServer.Script = { _, writer in
            writer.error(.wrongPassword, "no")
            return .close
        }
        try await FakeServer.with(greets: false, script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("open sesame\r\nsecond\n", to: "password")
                let run = try await tool.run("ping --password-file password")
                #expect(run == Tool.Run(exit: 1, output: "", words: "WRONGPASS no\n"))
                #expect(server.commands.first?.contains("open sesame") == true)
            }
        }
    }

    /// Goal: a history that is longer than one reply is shown whole. Method: a server with one upload more
    /// than a page, whose ids have gaps; and a list that has none.
    @Test func allPagesOfAHistoryAreShown() async throws {
        let count = TearoffClient.Limits.uploadsPage + 1
        let script: FakeServer.Script = { command, writer in
            let ids = (0..<count).map { 2 * $0 }.filter { $0 >= Int(command[4]) ?? 0 }
            let page = ids.prefix(Int(command[6]) ?? 0)
            writer.array(page.count)
            for id in page {
                SampleServer.map(
                    &writer,
                    [
                        ("upload", id), ("file", "f\(id)"), ("hash", nil), ("codes", 1), ("free", 1),
                        ("held", 0), ("given", 0), ("withdrawn", 0), ("burned", 0),
                        ("committed-at", "2026-06-01T08:00:00.000Z"), ("withdrawn-at", nil), ("imported", false),
                    ])
            }
            return .reply
        }
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("list uploads june")
                let rows = run.output.split(separator: "\n").dropFirst()
                let names = rows.map { $0.split(separator: " ")[1] }
                #expect(names.map(String.init) == (0..<count).map { "f\(2 * $0)" })
                #expect(server.commands.map { $0[4] } == ["0", "\(2 * count - 3)"])
            }
        }
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("list uploads empty")
                #expect(
                    run == Tool.Run(exit: 0, output: "", words: "Nothing was loaded into list empty yet.\n"))
            }
        }
    }

    /// Goal: `--wait` waits for a server that is loading. Method: LOADING twice.
    @Test func waitIsForALoadingServer() async throws {
        let asked = Counter()
        let script: FakeServer.Script = { _, writer in
            if asked.next() <= 2 { writer.error(.loading, "recovering") } else { writer.simple("PONG") }
            return .reply
        }
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("ping --wait 60")
                #expect(run.exit == 0)
            }
        }
    }
}

@Suite("tearoffctl list load: all or nothing, and every bad line told")
struct ToolLoadTests {
    /// Goal: the first 20 bad lines are shown, all are in the report, and the code says it. Method: 25 bad
    /// lines.
    @Test func aRefusedFileIsReportedLineByLine() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\nB C\n", to: "worse.txt")
                let run = try await tool.run("list load june worse.txt --report bad.csv")
                #expect(run.exit == Exit.badLines.rawValue)
                let lines = run.words.split(separator: "\n")
                #expect(
                    lines.first
                        == "worse.txt was refused: 25 bad lines (comma 24, whitespace 1). Nothing was kept.")
                #expect(lines.count { $0.hasPrefix("  line ") } == 20)
                #expect(lines.contains("  line 2: white space in the line") && lines.contains("  and 5 more"))
                #expect(lines.contains("bad.csv has 25 bad lines."))
                #expect(lines.last?.contains("--skip-bad") == true)
                let report = try tool.read("bad.csv").split(separator: "\n")
                #expect(report.count == 26)
                #expect(report.prefix(3) == ["line,reason", "2,white space in the line", "3,a comma"])
            }
        }
    }

    /// Goal: a dry run says that nothing was kept, and its exit code what a load would have. Method: each
    /// outcome, its last words and the word on the wire; a report of the bad lines.
    @Test(arguments: [
        (
            "june.txt", Exit?.none,
            "A dry run: nothing was kept. To load june.txt would add 100000 codes to list june."
        ),
        ("same.txt", nil, "List june has this very file already: loading it would change nothing."),
        ("empty.txt", .badLines, "empty.txt would be refused: it has no code. Nothing was kept."),
        (
            "worse.txt", .badLines,
            "Correct the file and load it again, or leave the bad lines out with --skip-bad."
        ),
    ])
    func aDryRunKeepsNothingAndSaysSo(file: String, exit: Exit?, words: String) async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\n", to: file)
                let run = try await tool.run("list load june \(file) --dry-run --report bad.csv")
                #expect(run.exit == exit?.rawValue ?? 0)
                #expect(run.words.split(separator: "\n").last.map(String.init) == words)
                #expect(run.output.contains(/\nupload +-\n$/))
                let commits = server.commands.filter { $0[3] == "COMMIT" }
                #expect(commits.map(\.last) == ["DRYRUN"])
                let report = try tool.read("bad.csv").split(separator: "\n")
                #expect(report.count == (file == "worse.txt" ? 26 : 1))
            }
        }
    }

    /// Goal: --replace is asked for, and what goes is told. Method: for good, and a dry run.
    @Test func whatAReplacementTakesIsTold() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\nB C\n", to: "bad.txt")
                let run = try await tool.run("list load june bad.txt --replace --skip-bad")
                #expect(run.exit == 0 && run.output.contains(/\nupload +1\nwithdrawn +2480\n$/))
                #expect(run.words == "Left out 3 lines: comma 2, whitespace 1.\n")
                let tried = try await tool.run("list load june bad.txt --replace --skip-bad --dry-run")
                #expect(
                    tried.words == """
                        Would leave out 3 lines: comma 2, whitespace 1.
                        A dry run: nothing was kept. To load bad.txt would add 100000 codes to list june and take 2480 free ones out.

                        """)
                #expect(server.commands.filter { $0[3] == "COMMIT" }.allSatisfy { $0.contains("REPLACE") })
            }
        }
    }

    /// Goal: in a dry run with --skip-bad, too, the report has every bad line. Method: 25 bad lines.
    @Test func aDryRunWithoutTheBadLinesTellsThem() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\nB C\n", to: "worse.txt")
                let run = try await tool.run("list load june worse.txt --dry-run --skip-bad --report bad.csv")
                #expect(run.exit == 0)
                #expect(
                    run.words == """
                        Would leave out 25 bad lines: comma 24, whitespace 1.
                        bad.csv has 25 bad lines.
                        A dry run: nothing was kept. To load worse.txt would add 100000 codes to list june.

                        """)
            }
        }
    }

    /// Goal: standard input is a file like any other, whole, and in JSON the result is the same for scripts.
    /// Method: more than one chunk through a pipe; the server's view of the bytes.
    @Test func standardInputIsLoadedWhole() async throws {
        let text = String(repeating: "K7QP2M4X\n", count: 150_000)
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run(["list", "load", "june", "-", "--json"]) { _, input in
                    try input.write(contentsOf: Data(text.utf8))
                }
                #expect(run.exit == 0)
                #expect(run.output.contains(#""status" : "loaded""#))
                let chunks = server.commands.filter { $0[3] == "CHUNK" }
                #expect(chunks.count > 1)
                #expect(chunks.map { $0[5] }.joined() == text)
            }
        }
    }

    /// Goal: Ctrl-C drops the upload and says so. Method: a pipe that stays open; the signal comes when the
    /// server has seen a chunk.
    @Test func interruptionDropsTheUpload() async throws {
        let (chunks, sawChunk) = AsyncStream<Void>.makeStream()
        let script: FakeServer.Script = { command, writer in
            if command.count > 3, command[3] == "CHUNK" { sawChunk.yield() }
            return SampleServer.script(command, &writer)
        }
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run(["list", "load", "june", "-"]) { process, input in
                    try input.write(contentsOf: Data(repeating: 0x41, count: 600 << 10))
                    for await _ in chunks { break }
                    process.interrupt()
                    while process.isRunning { await Task.yield() }
                }
                #expect(run.exit == Exit.interrupted.rawValue)
                #expect(run.words.contains("nothing of standard-input was kept"))
                #expect(server.commands.last?[3] == "ABORT")
            }
        }
    }

    /// Goal: the progress line tells share, rate and time left. Method: its pure form at chosen times.
    @Test func theProgressLineTellsShareRateAndTimeLeft() {
        let known = LoadProgress(name: "june.txt", totalBytes: 130_000_000)
        #expect(
            known.line(bytes: 58_500_000, lines: 4_500_000, elapsed: .seconds(4))
                == "june.txt  [#########-----------] 45 %  58.5 MB  1.13 M codes/s  ETA 0:05")
        #expect(
            known.line(bytes: 130_000_000, lines: 10_000_000, elapsed: .seconds(10))
                == "june.txt  [####################] 100 %  130 MB  1.0 M codes/s")
        let pipe = LoadProgress(name: "standard-input", totalBytes: nil)
        #expect(pipe.line(bytes: 0, lines: 0, elapsed: .zero) == "standard-input  0 B  0 codes/s")
        #expect(LoadProgress.clock(3_723) == "1:02:03" && LoadProgress.clock(59) == "0:59")
        #expect(LoadProgress.short(999.6) == ("1.0", "k") && LoadProgress.short(999) == ("999", ""))
    }

    /// Goal: a reason with a comma does not add a column. Method: the quoting rule.
    @Test func reasonsAreQuotedAsCSVWants() {
        #expect(CSV.quoted("a comma") == "a comma")
        #expect(CSV.quoted("a \"b\", c") == "\"a \"\"b\"\", c\"")
    }
}
