import ArgumentParser
import Foundation
import Testing

@testable import tearoffctl

@Suite("docs/CLI.md says what tearoffctl does")
struct ManualTests {
    private static func manual() throws -> [Substring] {
        try String(contentsOf: DocumentationExampleTests.root.appending(path: "docs/CLI.md"), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The names of all commands without subcommands, in the order of the help.
    private static func names(of command: any ParsableCommand.Type, under prefix: [String] = []) -> [String] {
        let subcommands = command.configuration.subcommands
        guard !subcommands.isEmpty else { return [prefix.joined(separator: " ")] }
        return subcommands.flatMap { names(of: $0, under: prefix + [$0.configuration.commandName ?? ""]) }
    }

    /// Goal: no command is missing and none invented. Method: headings against the parser's own tree.
    @Test func everyCommandHasItsSection() throws {
        let headings = try Self.manual().filter { $0.hasPrefix("### ") }.map { String($0.dropFirst(4)) }
        #expect(Set(headings) == Set(Self.names(of: Tearoffctl.self)))
        #expect(headings.count == Set(headings).count)
    }

    /// Goal: every exit code is documented, in the page and in the help. Method: their tables against the
    /// enum.
    @Test func everyExitCodeHasItsRow() throws {
        let codes = [0] + Exit.allCases.map(\.rawValue)
        let rows = try Self.manual().compactMap { line -> Int32? in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return cells.count == 2 ? Int32(cells[0]) : nil
        }
        #expect(rows == codes)
        let help = Tearoffctl.configuration.discussion.split(separator: "\n").compactMap { line in
            Int32(line.trimmingCharacters(in: .whitespaces).split(separator: " ").first ?? "")
        }
        #expect(help == codes)
    }

    /// Goal: every example prints what the page says. Method: each block is run against the sample server,
    /// standard output before standard error, and the page's text compared. (Lines of CSV end with CR LF, those of
    /// the page do not.)
    @Test func everyExampleRuns() async throws {
        let blocks = try Self.manual().joined(separator: "\n").components(separatedBy: "```text\n")
            .dropFirst()
            .map { $0.components(separatedBy: "```")[0] }
        #expect(blocks.count > 20)
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                for file in ["june.txt", "bad.txt", "same.txt", "given.csv"] { try tool.write("A\n", to: file) }
                try tool.write("correct-horse\n", to: "shop.password")
                try tool.makeDataDirectory("tearoff-data")
                try tool.makeDataDirectory("damaged")
                try tool.flip("damaged/wal/00000-0000000000000002.wal", at: 4_628)
                try tool.write("u1\n\nu4\n", to: "users.txt")
                for block in blocks {
                    let lines = block.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
                    try #require(lines.count == 2 && lines[0].hasPrefix("$ tearoffctl "))
                    let run = try await tool.run(String(lines[0].dropFirst("$ tearoffctl ".count)))
                    #expect(
                        (run.output + run.words).replacing("\r\n", with: "\n") == String(lines[1]), "\(lines[0])")
                }
            }
        }
    }
}
