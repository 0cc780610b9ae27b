import ArgumentParser
import Testing

@testable import tearoffctl

@Suite("Somebody who does not know the tool yet is helped on")
struct FirstStepsTests {
    /// Goal: a screen of 24 lines has it all, a prompt included. Method: what is printed, against the parser's tree.
    @Test func allCommandsAreOnOneScreen() async throws {
        try await Tool.with { tool in
            let run = try await tool.run([])
            #expect(run.exit == 0 && run.words.isEmpty)
            let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 24 && lines.allSatisfy { $0.count <= 80 })
            let words = Set(run.output.split { " ,|\n".contains($0) }.map(String.init))
            for command in Tearoffctl.configuration.subcommands {
                for named in [command] + command.configuration.subcommands {
                    #expect(words.contains(named.configuration.commandName ?? ""))
                }
            }
        }
    }

    /// Goal: a slip of the fingers names what was meant. Method: slips, words that are near nothing, and what is right.
    @Test(arguments: [
        ("list crate june", "tearoffctl list create"), ("lsit all", "tearoffctl list"),
        ("campain create", "tearoffctl campaign"), ("snapshot lst", "tearoffctl snapshot list"),
        ("LIST all", "tearoffctl list"), ("user histroy u1", "tearoffctl user history"),
    ])
    func theNearestNameIsTold(line: String, meant: String) async throws {
        let slip = try #require(Misspelling(in: Tool.words(line), of: Tearoffctl.self))
        #expect(slip.message.hasSuffix("Did you mean '\(meant)'?"))
        try await Tool.with { tool in
            let run = try await tool.run(line)
            #expect(run == Tool.Run(exit: Exit.usage.rawValue, output: "", words: "Error: \(slip.message)\n"))
        }
    }

    @Test func whatIsNearNothingIsNotGuessed() throws {
        let slip = try #require(Misspelling(in: ["list", "\u{1B}frobnicate"], of: Tearoffctl.self))
        #expect(
            slip.message
                == "There is no command 'tearoffctl list ?frobnicate', "
                + "but: create, load, import-given, info, uploads, undo, archive, return, delete, all, set, "
                + "recipient.")
        let right = [
            "list", "list all --json", "alloc summer u1", "--help", "help list", "list help", "snapshot --json",
        ]
        for line in right {
            #expect(Misspelling(in: Tool.words(line), of: Tearoffctl.self) == nil, "\(line)")
        }
    }

    /// Goal: a narrow screen cuts what matters least, and only as far as it must. Method: widths of a small table.
    @Test func aNarrowScreenCutsTheLeastImportantColumn() {
        func lines(_ width: Int?) -> [Substring] {
            let row = Record([
                "number": .integer(1), "before": .text("state=active-now"), "after": .text("state=finished"),
            ])
            return Table(
                columns: ["number", "before", "after"], rows: [row], cuts: ["before", "after"], screenWidth: width
            ).text.split(separator: "\n")
        }
        #expect(lines(nil)[1] == "     1  state=active-now  state=finished")
        #expect(lines(40) == lines(nil))
        #expect(lines(36)[1] == "     1  state=activ…  state=finished")
        #expect(lines(30)[1] == "     1  state…  state=finished")
        #expect(lines(23)[1] == "     1  state…  state=…")
        // There is no room for both.
        #expect(lines(21) == ["NUMBER  AFTER", "     1  state=finish…"])
        #expect(lines(5) == ["NUMBER", "     1"])
    }

    /// Goal: a person reads only which faults there were, a script all kinds. Method: the same bad file for both.
    @Test func onlyAScriptReadsOfFaultsThatThereAreNot() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                try tool.write("A\n", to: "bad.txt")
                let told = try await tool.run("list load june bad.txt").output
                #expect(told.contains("comma") && !told.contains("control"))
                let json = try await tool.run("list load june bad.txt --json").output
                #expect(json.contains("\"comma\" : 2") && json.contains("\"control\" : 0"))
            }
        }
    }

    /// Goal: an undo is never a slip. Method: nobody to ask; the server is not even told.
    @Test func anUndoWantsAYes() async throws {
        try await Tool.with(port: 1) { tool in
            let run = try await tool.run("list undo june 4 --yes")
            #expect(run.exit == Exit.unreachable.rawValue)
        }
        try await FakeServer.with(SampleServer.script) { server in
            try await Tool.with(port: server.port) { tool in
                let run = try await tool.run("list undo june 4")
                #expect(run.exit == Exit.usage.rawValue && run.words.contains("--yes") && run.output.isEmpty)
            }
        }
    }
}
