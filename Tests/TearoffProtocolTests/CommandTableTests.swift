import Testing

@testable import TearoffProtocol

@Suite("COMMAND: clients learn the truth about the commands")
struct CommandTableTests {
    private func read(
        _ version: RESPVersion, _ write: (inout ReplyWriter) -> Void
    ) throws -> Reply {
        var writer = ReplyWriter(version: version)
        write(&writer)
        var decoder = ReplyDecoder()
        let (reply, end) = try #require(try decoder.decode(writer.bytes.span, from: 0))
        #expect(end == writer.bytes.count, "an announced count is wrong")
        return reply
    }

    private func elements(_ reply: Reply) -> [Reply] {
        switch reply {
        case .array(let elements), .set(let elements): elements
        default: []
        }
    }

    /// Goal: replies are well formed in both versions. Method: read each back whole, and count.
    @Test(arguments: [RESPVersion.resp2, .resp3])
    func theRepliesAreWhole(version: RESPVersion) throws {
        let count = CommandTable.topLevelNames.count
        let all = elements(try read(version) { CommandTable.writeAll(to: &$0) })
        #expect(all.count == count && all.allSatisfy { elements($0).count == 10 })
        #expect(try read(version) { CommandTable.writeInfo([], to: &$0) } == .array(all))
        #expect(try read(version) { CommandTable.writeCount(to: &$0) } == .integer(Int64(count)))
        let names = elements(try read(version) { CommandTable.writeList(to: &$0) })
        #expect(names.compactMap(\.text) == CommandTable.topLevelNames.map { $0.lowercased() })
        let docs = try read(version) { CommandTable.writeDocs([], to: &$0) }
        #expect(docs.pairs?.count == count)
        #expect(docs["list"]?["subcommands"]?["list|load"]?["summary"]?.text != nil)
        let withSubcommands = all.flatMap { elements(elements($0)[9]) }.count + count
        #expect(withSubcommands == CommandID.allCases.count + CommandTable.containers.count)
    }

    /// Goal: cluster-aware clients route by user. Method: key positions of the three kinds of commands.
    @Test func keysAreWhereTheUserIs() throws {
        let reply = try read(.resp3) {
            CommandTable.writeInfo(["ALLOC", "user|history", "ping", "get", "preview", "allocmany"], to: &$0)
        }
        let rows = elements(reply)
        let keys = rows.map { elements($0).dropFirst(3).prefix(3).map { $0 } }
        let second: [Reply] = [.integer(2), .integer(2), .integer(1)]
        #expect(keys == [second, second, [.integer(0), .integer(0), .integer(0)], [], second, second])
        #expect(rows[3] == .null)
        #expect(elements(rows[0])[8] != .array([]) && elements(rows[2])[8] == .array([]))
    }

    /// Goal: names are found in any form, unknown ones left out. Method: DOCS of four names.
    @Test func docsOfNamesLeaveOutUnknownOnes() throws {
        let reply = try read(.resp3) {
            CommandTable.writeDocs(["alloc", "LIST|create", "nothing", "client"], to: &$0)
        }
        #expect(reply.pairs?.compactMap(\.key.text) == ["alloc", "list|create", "client"])
        #expect(reply["alloc"]?["group"]?.text == "allocation")
    }

    /// Goal: GETKEYS shows the key itself. Method: one command in each form, through the decoder.
    @Test(arguments: ["COMMAND GETKEYS ALLOC c u1\n", "COMMAND GETKEYS USER HISTORY \"u1\"\n"])
    func getKeysTellsTheUser(line: String) throws {
        var decoder = CommandDecoder()
        let input = Array(line.utf8)
        _ = try decoder.decode(input.span, from: 0)
        let bytes = decoder.source == .input ? input : decoder.unescaped
        guard case .commandGetKeys(let keys) = try Command(parsing: decoder, bytes: bytes.span) else {
            Issue.record("not GETKEYS")
            return
        }
        let reply = try read(.resp2) {
            CommandTable.writeKeys(keys, of: decoder, bytes: bytes.span, to: &$0)
        }
        #expect(reply == .array([.bulk(Array("u1".utf8))]))
    }
}
