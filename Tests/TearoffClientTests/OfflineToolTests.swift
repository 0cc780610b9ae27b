import Foundation
import Testing

@testable import tearoffctl

@Suite("tearoffctl on a data directory: what it prints, and the exit code that the manual promises")
struct OfflineToolTests {
    /// Goal: the log is told whole and as the manual says. Method: the golden directory's dump against a text that was
    /// read by a person; made anew with `tearoffctl wal dump --data Tests/Golden/v2`.
    @Test func theWholeLogIsDumped() async throws {
        let expected = try String(
            contentsOf: DocumentationExampleTests.root.appending(path: "Tests/Expected/wal-dump-v2.txt"),
            encoding: .utf8)
        try await Tool.with { tool in
            try tool.makeDataDirectory("data")
            let run = try await tool.run("wal dump --data data")
            #expect(run == Tool.Run(exit: 0, output: expected, words: ""))
        }
    }

    /// Goal: no code is ever shown, in any form. Method: the codes of the golden directory in every command's output.
    @Test(
        arguments: ["wal dump --data data", "verify --data data", "snapshot list --data data"],
        ["", " --json"])
    func noCodeIsShown(line: String, form: String) async throws {
        try await Tool.with { tool in
            try tool.makeDataDirectory("data")
            let run = try await tool.run(line + form)
            #expect(run.exit == 0 && !run.output.isEmpty)
            #expect(!run.output.contains("SUMMER0") && !run.output.contains("HELLO10"))
        }
    }

    /// Goal: each line of JSON stands alone. Method: decode all, and count what they are.
    @Test func theDumpIsOneObjectALine() async throws {
        try await Tool.with { tool in
            try tool.makeDataDirectory("data")
            let lines = try await tool.run("wal dump --data data --json").output.split(separator: "\n")
            var counts: [String: Int] = [:]
            for line in lines {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                let type = try #require(object?["type"] as? String)
                #expect(object?["lane"] is String && object?["segment"] is Int)
                if type != "segment" { #expect(object?["frame"] is Int) }
                counts[type, default: 0] += 1
            }
            #expect(counts == ["segment": 6, "frame": 56, "record": 75])
        }
    }

    /// Goal: damage and what cannot be checked have their codes. Method: a table of directories.
    @Test(arguments: [
        ("verify --data damaged", Exit.damaged), ("verify --data unversioned", .damaged),
        ("wal dump --data damaged", .damaged), ("snapshot list --data chunkless", .damaged),
        ("verify --data none", .file), ("wal dump --data none", .file), ("snapshot list --data none", .file),
        ("verify --data .", .file), ("verify", .usage), ("wal dump --data data --lane first", .usage),
        ("wal dump --data data --lane 65535", .usage),
    ])
    func eachFaultHasItsExitCode(line: String, exit: Exit) async throws {
        try await Tool.with { tool in
            for name in ["data", "damaged", "unversioned", "chunkless"] { try tool.makeDataDirectory(name) }
            try tool.flip("damaged/wal/00000-0000000000000002.wal", at: 4_628)
            try tool.write("tearoff 9\n", to: "unversioned/IDENTITY")
            try FileManager.default.removeItem(
                at: tool.directory.appending(
                    path: "chunkless/blobs/11ea6b05194c9543d2044a9954dce892948b99743717f2294e90a08abb2a3fc6"))
            let run = try await tool.run(line)
            #expect(run.exit == exit.rawValue)
            #expect(!run.words.isEmpty)
        }
    }

    /// Goal: a script reads what was found. Method: the JSON of a damaged directory.
    @Test func damageIsInTheJSON() async throws {
        try await Tool.with { tool in
            try tool.makeDataDirectory("damaged")
            try tool.flip("damaged/wal/00000-0000000000000002.wal", at: 4_628)
            let run = try await tool.run("verify --data damaged --json")
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
            #expect(report["whole"] as? Bool == false && report["starts"] as? Bool == false)
            let damage = try #require((report["damage"] as? [[String: Any]])?.first)
            #expect(damage["file"] as? String == "wal/00000-0000000000000002.wal")
            #expect(damage["offset"] as? Int == 4_608 && damage["frame"] as? Int == 16)
        }
    }

    /// Goal: the doctor looks at the disk without a server, and leaves nothing there. Method: a copy's names before
    /// and after.
    @Test func theDoctorLeavesNothing() async throws {
        try await Tool.with { tool in
            try tool.makeDataDirectory("data")
            let before = try FileManager.default.subpathsOfDirectory(atPath: tool.directory.path)
                .filter { $0.hasPrefix("data/") }
            let run = try await tool.run("doctor --no-server --data data")
            #expect(
                run.output.contains("disk-latency") && run.output.contains("Tearoff's, format 2, 4 shards"))
            #expect(!run.output.contains("server "))
            let after = try FileManager.default.subpathsOfDirectory(atPath: tool.directory.path)
                .filter { $0.hasPrefix("data/") }
            #expect(Set(before) == Set(after))
        }
    }
}
