import Foundation
import Synchronization
import TearoffClient
import TearoffProtocol
import Testing

@testable import tearoffctl

@Suite("tearoffctl alloc --users: every user one line, and after a break it goes on")
struct ToolAllocTests {
    private static let line = "alloc summer --users users.txt --out codes.csv"

    private static func run(
        _ script: @escaping FakeServer.Script = SampleServer.script,
        _ body: (Tool, FakeServer) async throws -> Void
    ) async throws {
        try await FakeServer.with(script) { server in
            try await Tool.with(port: server.port) { try await body($0, server) }
        }
    }

    /// The users of each `ALLOCMANY`.
    private static func batches(_ server: FakeServer) -> [[String]] {
        server.commands.filter { $0[0] == "ALLOCMANY" }.map { Array($0.dropFirst(2)) }
    }

    /// A server that previews the codes that it gives.
    private static let consistent: FakeServer.Script = { command, writer in
        guard command[0] == "PREVIEW" else { return SampleServer.script(command, &writer) }
        let isKnown = command[1] == "summer"
        SampleServer.map(
            &writer,
            [
                ("status", isKnown ? "repeat" : "new"), ("code", "CODE-\"\(command[2])\""),
                ("given-at", isKnown ? "2026-06-01T08:30:00.125Z" : nil), ("expires-at", nil),
                ("list", "june"),
                ("reason", nil), ("next-code", nil),
            ])
        return .reply
    }

    /// Goal: users come through as they stand in the file, and back as CSV. Method: a byte order mark, both line ends,
    /// blank lines, quotes, a comma, blanks, a CR inside, no end behind the last; one who gets no code.
    @Test func everyUserHasALine() async throws {
        try await Self.run { tool, server in
            try tool.write(
                "\u{FEFF}u1\r\n\n \t\r\na,b\nq\"x\r\n=1+1\n ü \nc\rd\ne,\u{301}\nlate", to: "users.txt")
            let run = try await tool.run("\(Self.line) --json")
            #expect(run.exit == Exit.refused.rawValue)
            #expect(run.words == "codes.csv is complete; 1 user got no code: EXHAUSTED 1.\n")
            #expect(
                Self.batches(server) == [["u1", "a,b", "q\"x", "=1+1", " ü ", "c\rd", "e,\u{301}", "late"]])
            let lines = [
                "user,code,status", "u1,K7QP-2M4X,repeat", "\"a,b\",\"CODE-\"\"a,b\"\"\",new",
                "\"q\"\"x\",\"CODE-\"\"q\"\"x\"\"\",new", "=1+1,\"CODE-\"\"=1+1\"\"\",new",
                " ü ,\"CODE-\"\" ü \"\"\",new", "\"c\rd\",\"CODE-\"\"c\rd\"\"\",new",
                "\"e,\u{301}\",\"CODE-\"\"e,\u{301}\"\"\",new", "late,,EXHAUSTED", "",
            ]
            #expect(try tool.read("codes.csv") == lines.joined(separator: "\r\n"))
            #expect(
                run.output.split(separator: "\n").map { $0.replacing(" ", with: "") } == [
                    "{", "\"blank\":2,", "\"kept\":0,", "\"new\":6,", "\"refused\":1,", "\"repeat\":1,",
                    "\"users\":8", "}",
                ])
            let path = tool.directory.appending(path: "codes.csv").path
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    /// Goal: a bad file is refused by line before anything is sent that gives. Method: each fault, and no user.
    @Test func aBadFileOfUsersIsRefusedWhole() async throws {
        try await Self.run { tool, server in
            let long = String(repeating: "x", count: 255)
            try tool.write("\(long)\r\n\(long)y\nu\n", to: "users.txt")
            var run = try await tool.run(Self.line)
            #expect(
                run
                    == Tool.Run(
                        exit: 2, output: "",
                        words: """
                              line 2: more than 255 bytes
                            users.txt has 1 bad line. Nobody was given a code.

                            """))
            try Data([0x75, 0x0A, 0xFF, 0x0A]).write(to: tool.directory.appending(path: "users.txt"))
            run = try await tool.run(Self.line)
            #expect(run.exit == 2 && run.words.contains("line 2: not UTF-8"))
            try tool.write("\n\n", to: "users.txt")
            run = try await tool.run(Self.line)
            #expect(run == Tool.Run(exit: 2, output: "", words: "users.txt has no user.\n"))
            for path in ["missing.txt", "."] {
                run = try await tool.run("alloc summer --users \(path) --out codes.csv")
                #expect(run.exit == Exit.file.rawValue)
            }
            #expect(server.commands.isEmpty)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: tool.directory.path).contains("codes.csv")
                    == false)
        }
    }

    /// Goal: what cannot be is told before anything is sent. Method: options that do not go together; a campaign that is
    /// not there makes no file.
    @Test func aWrongCommandLineIsTold() async throws {
        try await Self.run { tool, server in
            try tool.write("u1\n", to: "users.txt")
            for words in [
                "", "u1 --users users.txt --out codes.csv", "--users users.txt", "--out codes.csv",
                "--users users.txt --out codes.csv --user-id 7", "u1 --allow-second-codes",
            ] {
                #expect(try await tool.run("alloc summer \(words)").exit == Exit.usage.rawValue, "\(words)")
            }
            #expect(server.commands.isEmpty)
            let run = try await tool.run("alloc autumn --users users.txt --out codes.csv")
            #expect(run == Tool.Run(exit: 1, output: "", words: "NOCAMPAIGN no campaign 'autumn'\n"))
            #expect(throws: (any Error).self) { try tool.read("codes.csv") }
        }
    }

    /// Goal: wherever the file was cut off, the next run completes it, asks for no user whose line is whole, and every
    /// user has one line. Method: 2,500 users; the file cut at each byte of its first lines, around a batch's end and at
    /// the end.
    @Test func aFileCutAnywhereIsCompleted() async throws {
        try await Self.run(Self.consistent) { tool, server in
            let users = (0..<2_500).map { $0 % 7 == 0 ? "a,\($0)" : "user-\($0)" }
            try tool.write(users.joined(separator: "\n") + "\n", to: "users.txt")
            #expect(try await tool.run(Self.line).exit == 0)
            let whole = try tool.read("codes.csv")
            #expect(Self.batches(server).map(\.count) == [1_000, 1_000, 500])
            #expect(Self.batches(server).flatMap { $0 } == users)
            let bytes = Array(whole.utf8)
            let ends = bytes.indices.filter { bytes[$0] == 0x0A }
            let cuts =
                Array(stride(from: 0, through: 60, by: 3)) + [
                    ends[1_000], ends[1_000] + 1, ends[1_000] + 2,
                    ends[1_700] + 5, bytes.count - 1, bytes.count,
                ]
            for cut in cuts {
                let before = Self.batches(server).flatMap { $0 }.count
                try Data(bytes[..<cut]).write(to: tool.directory.appending(path: "codes.csv"))
                let run = try await tool.run(Self.line)
                #expect(run.exit == 0, "cut at \(cut): \(run.words)")
                #expect(try tool.read("codes.csv") == whole, "cut at \(cut)")
                let kept = max(0, ends.count { $0 < cut } - 1)
                #expect(
                    Self.batches(server).flatMap { $0 }.dropFirst(before).elementsEqual(users[kept...]),
                    "cut at \(cut)")
                #expect(run.output.contains("kept     \(kept)\n"))
            }
        }
    }

    /// Goal: nothing of a torn line stays. Method: one that is longer than the whole line of its user, the last one.
    @Test func aTornLineIsCutOff() async throws {
        try await Self.run(Self.consistent) { tool, server in
            try tool.write("u2\nu3\n", to: "users.txt")
            let first = "user,code,status\r\nu2,\"CODE-\"\"u2\"\"\",new\r\n"
            try tool.write("\(first)u3,\(String(repeating: "X", count: 200))", to: "codes.csv")
            #expect(try await tool.run(Self.line).exit == 0)
            #expect(try tool.read("codes.csv") == "\(first)u3,\"CODE-\"\"u3\"\"\",new\r\n")
            #expect(Self.batches(server) == [["u3"]])
        }
    }

    /// Goal: a file that is not of these users is never touched, and nobody is given anything. Method: one of each
    /// difference, whole lines and torn ones.
    @Test(arguments: [
        "something else", "user,code\r\n", "user,code,status\n", "user,code,status\r\nu2,C,new\r\n",
        "user,code,status\r\nu1,K7QP-2M4X,repeat\r\nu2,C,new\r\nu3,D,new\r\n",
        "user,code,status\r\nu1,,new\r\n",
        "user,code,status\r\nu1,C,EXHAUSTED\r\n", "user,code,status\r\nu1,C,new\n",
        "user,code,status\r\nu1\r\n",
        "user,code,status\r\nu1,C,\r\n", "user,code,status\r\nu1,C,new\r\nother", "user,code,status\r\nx",
        "user,code,status\r\nu11", "user,code,status\r\n\r\n",
    ])
    func aForeignFileIsLeftAlone(text: String) async throws {
        try await Self.run(Self.consistent) { tool, server in
            try tool.write("u1\nu2\n", to: "users.txt")
            try tool.write(text, to: "codes.csv")
            let run = try await tool.run(Self.line)
            #expect(
                run.exit == Exit.file.rawValue && run.words.contains("does not belong to these users (line "))
            #expect(try tool.read("codes.csv") == text)
            #expect(Self.batches(server).isEmpty)
        }
    }

    /// Goal: a file of another campaign, or one behind the window, is not gone on with, unless it is said. Method: the
    /// line that says `new` is asked about; a server that would give the user another code.
    @Test func aFileOfAnotherCampaignIsRefused() async throws {
        try await Self.run(Self.consistent) { tool, server in
            try tool.write("u1\nu2\nu3\n", to: "users.txt")
            let text = "user,code,status\r\nu1,X,new\r\n"
            let good = "user,code,status\r\nu1,\"CODE-\"\"u1\"\"\",new\r\nu2,Y,repeat\r\n"
            try tool.write(text, to: "codes.csv")
            var run = try await tool.run(Self.line)
            #expect(
                run.exit == Exit.file.rawValue
                    && run.words.contains("would not repeat the code in line 2 of codes.csv"))
            #expect(!run.words.contains("X") && Self.batches(server).isEmpty)
            #expect(try tool.read("codes.csv") == text)
            try tool.write(good, to: "codes.csv")
            run = try await tool.run(Self.line.replacing("summer", with: "winter"))
            #expect(run.exit == Exit.file.rawValue && Self.batches(server).isEmpty)
            #expect(try await tool.run(Self.line).exit == 0)
            #expect(Self.batches(server) == [["u3"]])
            try tool.write(text, to: "codes.csv")
            #expect(try await tool.run("\(Self.line) --allow-second-codes").exit == 0)
            #expect(Self.batches(server) == [["u3"], ["u2", "u3"]])
        }
    }

    /// Goal: with the rule `always` nothing begins that could not be gone on with, unless it is said.
    @Test func aCampaignThatAlwaysGivesIsRefused() async throws {
        try await Self.run { tool, server in
            try tool.write("u1\nu2\n", to: "users.txt")
            let line = Self.line.replacing("summer", with: "always")
            let run = try await tool.run(line)
            #expect(run.exit == Exit.usage.rawValue && run.words.contains("--allow-second-codes"))
            #expect(Self.batches(server).isEmpty)
            #expect(try await tool.run("\(line) --allow-second-codes").exit == 0)
            #expect(Self.batches(server) == [["u1", "u2"]])
        }
    }

    /// Goal: when the connection ends, what came before is in the file, and the words say what to do. Method: a server
    /// that closes at the third batch; then one that goes on.
    @Test func aLostConnectionLeavesAFileToGoOnWith() async throws {
        let count = Mutex(0)
        let users = (0..<3_200).map { "user-\($0)" }
        try await Self.run({ command, writer in
            guard command[0] == "ALLOCMANY" else { return Self.consistent(command, &writer) }
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number == 3 ? .close : Self.consistent(command, &writer)
        }) { tool, server in
            try tool.write(users.joined(separator: "\n"), to: "users.txt")
            var run = try await tool.run(Self.line)
            #expect(run.exit == Exit.unreachable.rawValue && run.output.isEmpty)
            #expect(run.words.hasSuffix("What codes.csv has is good: run the same command again to go on.\n"))
            let part = try tool.read("codes.csv")
            #expect(part.hasSuffix("\r\n") && part.count { $0 == "\r\n" } <= 2_001)
            run = try await tool.run(Self.line)
            #expect(run.exit == 0)
            let lines = try tool.read("codes.csv").split(separator: "\r\n").dropFirst()
            #expect(lines.map { String($0.prefix { $0 != "," }) } == users)
            #expect(try tool.read("codes.csv").hasPrefix(part))
        }
    }

    /// Goal: a user whom another connection was about is asked for again, and only that one. Method: a server that says
    /// BUSY twice; and one that never says anything else.
    @Test func aBusyUserIsAskedForAgain() async throws {
        let busyTurns = Mutex(2)
        let script: FakeServer.Script = { command, writer in
            guard command[0] == "ALLOCMANY" else { return Self.consistent(command, &writer) }
            let isBusy = busyTurns.withLock { turns in
                turns -= 1
                return turns >= 0
            }
            writer.array(command.count - 2)
            for user in command.dropFirst(2) {
                writer.array(2)
                if isBusy && user == "u2" { writer.null() } else { writer.bulk("C-\(user)") }
                writer.bulk(isBusy && user == "u2" ? "BUSY" : "new")
            }
            return .reply
        }
        try await Self.run(script) { tool, server in
            try tool.write("u1\nu2\nu3\n", to: "users.txt")
            #expect(try await tool.run(Self.line).exit == 0)
            #expect(Self.batches(server) == [["u1", "u2", "u3"], ["u2"], ["u2"]])
            let text = "user,code,status\r\nu1,C-u1,new\r\nu2,C-u2,new\r\nu3,C-u3,new\r\n"
            #expect(try tool.read("codes.csv") == text)
            busyTurns.withLock { $0 = .max }
            let run = try await tool.run("alloc summer --users users.txt --out other.csv")
            #expect(run.exit == Exit.busy.rawValue && run.words.contains("other.csv"))
            #expect(try tool.read("other.csv") == "user,code,status\r\n")
        }
    }

    /// Goal: Ctrl-C ends it with its code, and two runs never write one file. Method: a server that is silent at the
    /// first batch; a second run meanwhile.
    @Test func interruptedAndLocked() async throws {
        let (batches, sawBatch) = AsyncStream<Void>.makeStream()
        try await Self.run({ command, writer in
            guard command[0] == "ALLOCMANY" else { return Self.consistent(command, &writer) }
            sawBatch.yield()
            return .silence
        }) { tool, server in
            try tool.write("u1\nu2\n", to: "users.txt")
            let run = try await tool.run(Tool.words(Self.line)) { process, _ in
                for await _ in batches { break }
                let second = try await tool.run(Self.line)
                #expect(
                    second
                        == Tool.Run(
                            exit: 74, output: "", words: "codes.csv is being written by another run.\n"))
                process.interrupt()
                while process.isRunning { await Task.yield() }
            }
            #expect(run.exit == Exit.interrupted.rawValue)
            #expect(
                run.words.hasSuffix(
                    "Interrupted.\nWhat codes.csv has is good: run the same command again to go on.\n"))
        }
    }

    /// Goal: memory does not grow with a line. Method: the pure reader on a line of many pieces, and its limits.
    @Test func aLongLineIsCutShort() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(Array(repeating: 0x78, count: 1 << 20) + Array("\nab\n\nc".utf8)).write(to: path)
        var reader = LineReader(try FileHandle(forReadingFrom: path), path: "f", bytesMaximum: 9)
        var found: [(Int, Bool, UInt64)] = []
        while let line = try reader.next() { found.append((line.bytes.count, line.isEnded, reader.offset)) }
        #expect(found.map(\.0) == [10, 2, 0, 1] && found.map(\.1) == [true, true, true, false])
        let mebibyte: UInt64 = 1 << 20
        #expect(found.map { $0.2 - mebibyte } == [1, 4, 5, 6])
    }
}
