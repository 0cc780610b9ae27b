import TearoffFuzzing
import Testing

@testable import TearoffProtocol

@Suite("Accounts on the wire: each command asks for its role, and no password is shown")
struct AccountCommandTests {
    /// Goal: whatever form a command has, it asks for the role of its entry. Method: every form of every command.
    @Test func everyFormIsOfItsCommand() throws {
        for (arguments, command) in Samples.commands {
            let entry = try #require(
                CommandTable.entry(named: arguments.prefix(2).joined(separator: " "))
                    ?? CommandTable.entry(named: arguments[0]))
            #expect(command.id == entry.id, "\(arguments)")
        }
        #expect(Set(Samples.commands.map(\.command.id)) == Set(CommandID.allCases))
    }

    /// Goal: what anybody may send who is logged in is only what tells nothing of codes, lists and campaigns. Method: the
    /// list, written apart from the table.
    @Test func onlyTheseAskForNoRole() {
        let free = Set(CommandID.allCases.filter { CommandTable.need(of: $0) == .none }.map(\.rawValue))
        #expect(
            free == [
                "INFO", "CONFIG GET", "PING", "ECHO", "HELLO", "AUTH", "ACL WHOAMI", "SELECT", "RESET", "QUIT",
                "CLIENT ID",
                "CLIENT GETNAME", "CLIENT SETNAME", "CLIENT SETINFO", "CLIENT INFO", "CLIENT NO-EVICT",
                "CLIENT NO-TOUCH",
                "COMMAND", "COMMAND COUNT", "COMMAND LIST", "COMMAND INFO", "COMMAND DOCS", "COMMAND GETKEYS",
            ])
    }

    /// Goal: what writes is for who may write. Method: the flag that clients see, against the role.
    @Test func whoMayLookMayNotWrite() {
        for entry in CommandTable.all where entry.flags.contains(.write) {
            #expect([.role(.allocate), .role(.operate), .role(.admin)].contains(entry.need), "\(entry.id)")
        }
    }

    @Test(arguments: [
        "ACCOUNT CREATE a ROLES admin", "ACCOUNT CREATE a PASSWORD S3CRET-S3CRET",
        "ACCOUNT CREATE a ROLES S3CRET-S3CRET PASSWORD x", "ACCOUNT CREATE a ROLES admin PASSWORD S3CRET",
        "ACCOUNT CREATE a ROLES admin,admin PASSWORD S3CRET-S3CRET",
        "ACCOUNT CREATE a S3CRET-S3CRET PASSWORD ROLES admin",
        "ACCOUNT CREATE a ROLES admin PASSWORD S3CRET-S3CRET PASSWORD S3CRET-S3CRET",
        "ACCOUNT CREATE a ROLES admin PASSWORD S3CRET-S3CRET LISTS S3CRET/S3CRET",
        "ACCOUNT CREATE a ROLES admin PASSWORD S3CRET-S3CRET LISTS a,",
        "ACCOUNT CREATE S3CRET/S3CRET ROLES admin PASSWORD x",
        "ACCOUNT CREATE a ROLES admin PASSWORD S3CRET-S3CRET CAMPAIGNS a*b",
        "ACCOUNT SET a", "ACCOUNT SET a PASSWORD", "ACCOUNT SET a S3CRET-S3CRET x", "AUTH a S3CRET-S3CRET b",
    ])
    func aRefusalShowsNoArgument(line: String) throws {
        let outcome = try #require(Feed.single(Feed.resp(line.split(separator: " ").map(String.init))))
        let error = try #require(outcome.error)
        #expect(error.word == .syntax && !error.message.contains("S3CRET"), "\(error.message)")
    }

    /// Goal: no more than the bounds. Method: as many as there may be, and one more.
    @Test func boundsHold() throws {
        func accepts(_ option: String, _ value: String) throws -> Bool {
            let words = ["ACCOUNT", "SET", "a", option, value]
            return try #require(Feed.single(Feed.resp(words))).error == nil
        }
        let most = ArgumentLimits.reachPatterns
        let names = (0...most).map { "n\($0)*" }
        #expect(try accepts("LISTS", names.dropLast().joined(separator: ",")))
        #expect(try !accepts("LISTS", names.joined(separator: ",")))
        for (count, isGood) in [(7, false), (8, true), (1_024, true), (1_025, false)] {
            #expect(try accepts("PASSWORD", String(repeating: "p", count: count)) == isGood, "\(count)")
        }
        #expect(try !accepts("PASSWORD", "12345678\0"))
    }

    /// Goal: a password is in no text that a command prints. Method: print and dump the commands that have one.
    @Test func aPasswordIsNotPrinted() throws {
        for words in [
            ["AUTH", "S3CRET-S3CRET"], ["HELLO", "3", "AUTH", "a", "S3CRET-S3CRET"],
            [
                "ACCOUNT", "CREATE", "a", "ROLES", "admin", "PASSWORD", "S3CRET-S3CRET",
            ],
        ] {
            var decoder = CommandDecoder()
            let input = Feed.resp(words)
            _ = try decoder.decode(input.span, from: 0)
            let command = try Command(parsing: decoder, bytes: input.span)
            var dumped = ""
            dump(command, to: &dumped)
            // As text, and as an array of bytes would print it.
            for text in ["\(command)", String(reflecting: command), dumped] {
                #expect(!text.contains("S3CRET") && !text.contains("83, 51") && !text.contains("- 83"), "\(text)")
            }
        }
    }
}
