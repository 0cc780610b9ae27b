import TearoffFuzzing
import Testing

@testable import TearoffProtocol

@Suite("Commands: where the input is cut makes no difference")
struct CommandSplitTests {
    /// Goal: no example is misread to begin with. Method: each one whole, in RESP and as a line.
    @Test(arguments: Samples.commands.indices)
    func bothFormsGiveTheSameCommand(index: Int) {
        let sample = Samples.commands[index]
        let expected = Outcome(arguments: sample.arguments.map { Array($0.utf8) }, command: sample.command)
        #expect(Feed.single(Feed.resp(sample.arguments)) == expected)
        #expect(Feed.single(Samples.inline(sample.arguments)) == expected)
        #expect(Feed.single(Samples.inline(sample.arguments, end: "\n")) == expected)
    }

    /// Goal: a partial read is never misread. Method: every command cut at every byte, and in single bytes.
    @Test(arguments: Samples.commands.indices)
    func everySplitEqualsTheWhole(index: Int) {
        let sample = Samples.commands[index]
        for input in [Feed.resp(sample.arguments), Samples.inline(sample.arguments)] {
            let whole = Feed.steps(input)
            for cut in 0...input.count { #expect(Feed.steps(input, cuts: [cut]) == whole, "cut at \(cut)") }
            #expect(Feed.steps(input, cuts: Array(0..<input.count)) == whole)
        }
    }

    /// Goal: until its last byte a command is incomplete. Method: every prefix of every command.
    @Test func everyPrefixNeedsMore() {
        for sample in Samples.commands {
            for input in [Feed.resp(sample.arguments), Samples.inline(sample.arguments)] {
                for length in 0..<input.count { #expect(Feed.steps([UInt8](input[..<length])).isEmpty) }
            }
        }
    }

    /// Goal: pipelined commands keep their bounds. Method: all samples in one stream, mixed forms, odd cuts.
    @Test func pipelinedCommandsComeOutOneByOne() {
        var input: [UInt8] = []
        for (index, sample) in Samples.commands.enumerated() {
            input += index.isMultiple(of: 2) ? Feed.resp(sample.arguments) : Samples.inline(sample.arguments)
        }
        let expected = Samples.commands.map {
            Step.outcome(Outcome(arguments: $0.arguments.map { Array($0.utf8) }, command: $0.command))
        }
        #expect(Feed.steps(input) == expected)
        for stride in [1, 2, 3, 7, 64] {
            #expect(
                Feed.steps(input, cuts: Array(Swift.stride(from: 0, to: input.count, by: stride))) == expected
            )
        }
    }

    /// Goal: the input may move between reads. Method: the rest arrives in a buffer where the start differs.
    @Test func aCommandMayMoveWhileItIsIncomplete() throws {
        let input = Feed.resp(["ALLOC", "summer", "u1"])
        for cut in 0..<input.count {
            var decoder = CommandDecoder()
            let first = Array("PING\r\n".utf8) + input[..<cut]
            #expect(try decoder.decode(first.span, from: 6) == .needMore)
            #expect(try decoder.decode(input.span, from: 0) == .command(end: input.count))
            #expect(Array(input[decoder.argument(2)]) == Array("u1".utf8))
        }
    }

    /// Goal: nothing to do is no command. Method: empty lines and empty arrays between two commands.
    @Test func emptyLinesAndArraysHaveNoArguments() {
        let steps = Feed.steps(Array("\r\n\n  \t \r\n*0\r\nPING\r\n".utf8))
        #expect(steps.count == 5)
        #expect(steps.prefix(4).allSatisfy { $0 == .outcome(Outcome(arguments: [])) })
        #expect(steps.last == .outcome(Outcome(arguments: [Array("PING".utf8)], command: .ping(nil))))
    }

    /// Goal: binary arguments pass untouched. Method: every byte value in a user.
    @Test func anArgumentMayHoldEveryByte() {
        let user = (0...255).dropLast().map { UInt8($0) }
        var writer = CommandWriter()
        writer.command([Array("ALLOC".utf8), Array("c".utf8), user])
        #expect(Feed.single(writer.bytes)?.arguments.last == user)
    }
}

@Suite("Inline lines: quotes mean what redis-cli means by them")
struct InlineQuotingTests {
    static let table: [(line: String, words: [String])] = [
        (#"a b"#, ["a", "b"]),
        ("\t a \t b\r", ["a", "b"]),
        (#""a b" c"#, ["a b", "c"]),
        (#"x "a\"b\\c""#, ["x", #"a"b\c"#]),
        (#""\n\r\t\b\a""#, ["\n\r\t\u{08}\u{07}"]),
        (#""\x41\x7a\x4G\q""#, ["Azx4Gq"]),
        (#"'a\'b\n' d"#, [#"a'b\n"#, "d"]),
        (#""" '' e"#, ["", "", "e"]),
        (#"pre"fix x" y"#, ["prefix x", "y"]),
        (#"a 'x' b\"#, ["a", "x", #"b\"#]),
    ]
    static let unbalanced = [#"a "b"#, #"a 'b"#, #""a"b"#, #"'a'b"#, #""a\"#, #""a\""#, #"'a\'"#, #""a"'b'"#]

    /// Goal: each rule of quoting. Method: a table of lines and their words.
    @Test(arguments: table.indices)
    func aQuotedLineHasTheseWords(index: Int) {
        let (line, words) = Self.table[index]
        let outcome = Feed.single(Array("\(line)\n".utf8))
        #expect(outcome?.arguments == words.map { Array($0.utf8) })
    }

    /// Goal: an escape can name any byte. Method: `\xHH` for all 256.
    @Test func hexadecimalEscapesNameEveryByte() {
        for byte in UInt8.min...UInt8.max {
            let hex = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            #expect(Feed.single(Array("ECHO \"\\x\(hex)\"\r\n".utf8))?.arguments.last == [byte])
        }
    }

    /// Goal: a slip of the quotes costs one line, not the connection. Method: bad lines, each before a PING.
    @Test(arguments: unbalanced)
    func unbalancedQuotesAreToldAndTheNextLineRuns(line: String) {
        let steps = Feed.steps(Array("\(line)\r\nPING\r\n".utf8))
        let ping = Outcome(arguments: [Array("PING".utf8)], command: .ping(nil))
        #expect(steps == [.unbalancedQuotes, .outcome(ping)])
        #expect(CommandError.unbalancedQuotes.word == .syntax)
    }

    /// Goal: what is no line of text is known as soon as it comes, not when a line ends; the lines before it count.
    /// Method: each control character behind a PING, alone and between quotes, with nothing behind it; tabs and CRs.
    @Test func controlCharactersAreRefusedWhereTheyStand() {
        let ping = Step.outcome(Outcome(arguments: [Array("PING".utf8)], command: .ping(nil)))
        for byte in (UInt8.min..<0x20) + [0x7F] where byte != UInt8(ascii: "\n") {
            for before in ["PING\n", "PING\nECHO \"a"] {
                let isBlank = byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
                let steps = Feed.steps(Array(before.utf8) + [byte])
                #expect(steps == (isBlank ? [ping] : [ping, .failed(.controlCharacter(byte))]), "byte \(byte)")
            }
        }
    }

    /// Goal: a browser cannot be made to run commands. Method: the lines that only HTTP has.
    @Test(arguments: ["POST / HTTP/1.1\r\n", "Host: localhost:7071\r\n", "host: x\n"])
    func httpIsRefused(line: String) {
        #expect(Feed.steps(Array(line.utf8)) == [.failed(.httpRequest)])
    }
}

@Suite("Decoder limits: at the limit is fine, one more is refused by name")
struct DecoderLimitTests {
    static let small = DecoderLimits(
        inlineLineBytes: 20, bulkBytes: 8, uploadChunkBytes: 16, argumentCount: 6, commandBytes: 80,
        manyArgumentCount: 9, manyCommandBytes: 100)

    private func steps(_ text: String) -> [Step] { Feed.steps(Array(text.utf8), limits: Self.small) }

    private func accepts(_ text: String) -> Bool {
        guard case .outcome? = steps(text).first else { return false }
        return true
    }

    /// Goal: the bound on lines. Method: 20 and 21 bytes, with both line ends and with none yet.
    @Test func linesAreBounded() {
        let atLimit = "PING " + String(repeating: "x", count: 15)
        #expect(accepts(atLimit + "\r\n") && accepts(atLimit + "\n"))
        #expect(steps(atLimit + "\r").isEmpty)
        for over in [atLimit + "x\r\n", atLimit + "x\n", atLimit + "xx"] {
            #expect(steps(over) == [.failed(.lineTooLong(limit: 20))])
        }
    }

    /// Goal: the bound on arguments. Method: 8 and 9 bytes; the longer is refused by its length alone.
    @Test func bulksAreBounded() {
        #expect(accepts("*2\r\n$4\r\nPING\r\n$8\r\n12345678\r\n"))
        #expect(steps("*2\r\n$4\r\nPING\r\n$9\r\n") == [.failed(.bulkTooLong(limit: 8))])
    }

    /// Goal: only chunks of an upload are longer. Method: the same length behind LIST, early, and elsewhere.
    @Test func onlyChunksOfAnUploadAreLonger() {
        let chunk = "$16\r\n0123456789abcdef\r\n"
        #expect(accepts("*4\r\n$4\r\nlist\r\n$4\r\nLOAD\r\n$1\r\na\r\n\(chunk)"))
        let failed = [Step.failed(.bulkTooLong(limit: 8))]
        #expect(steps("*4\r\n$4\r\nPING\r\n$4\r\nLOAD\r\n$1\r\na\r\n\(chunk)") == failed)
        #expect(steps("*4\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n\(chunk)") == failed)
        let over = [Step.failed(.bulkTooLong(limit: 16))]
        #expect(steps("*4\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n$1\r\na\r\n$17\r\n") == over)
    }

    /// Goal: the bound on counts, in both forms. Method: six and seven arguments.
    @Test func argumentsAreCounted() {
        #expect(accepts("a b c d e f\n"))
        #expect(steps("a b c d e f g\n") == [.failed(.tooManyArguments(limit: 6))])
        #expect(accepts("*6\r\n" + String(repeating: "$1\r\na\r\n", count: 6)))
        #expect(steps("*7\r\n$1\r\na\r\n") == [.failed(.tooManyArguments(limit: 6))])
    }

    /// Goal: many arguments within their bounds are bounded together. Method: 80 and 81 bytes in all.
    @Test func commandsAreBounded() {
        let head = "*6\r\n$4\r\nLIST\r\n$4\r\nLOAD\r\n$1\r\na\r\n$16\r\n0123456789abcdef\r\n"
        #expect(head.utf8.count == 54)
        #expect(accepts(head + "$8\r\n01234567\r\n" + "$6\r\n012345\r\n"))
        let over = head + "$8\r\n01234567\r\n" + "$7\r\n0123456\r\n"
        #expect(steps(over) == [.failed(.commandTooLong(limit: 80))])
    }

    /// Goal: an ALLOCMANY, in any case, may have more arguments and bytes, and nothing else may. Method: 9 and 10
    /// arguments, 100 and 101 bytes; names that look like it, and the inline form.
    @Test func anAllocManyIsLonger() {
        var limits = Self.small
        (limits.bulkBytes, limits.inlineLineBytes) = (9, 30)
        func steps(_ text: String) -> [Step] { Feed.steps(Array(text.utf8), limits: limits) }
        func accepts(_ text: String) -> Bool { if case .outcome? = steps(text).first { true } else { false } }
        let users = String(repeating: "$1\r\nu\r\n", count: 7)
        #expect(accepts("*9\r\n$9\r\naLLoCMaNY\r\n$1\r\nc\r\n\(users)"))
        #expect(steps("*9\r\n$9\r\nALLOCMANY\r\n").isEmpty)
        for name in ["$5\r\nALLOC", "$9\r\nBLLOCMANY", "$9\r\nALLOCMANX", "$8\r\nLLOCMANY"] {
            #expect(steps("*9\r\n\(name)\r\n") == [.failed(.tooManyArguments(limit: 6))], "\(name)")
        }
        #expect(steps("*10\r\n") == [.failed(.tooManyArguments(limit: 9))])
        let five = String(repeating: "$8\r\n01234567\r\n", count: 5)
        let most = "*7\r\n$9\r\nALLOCMANY\r\n$5\r\nccccc\r\n\(five)"
        #expect(most.utf8.count == 100)
        #expect(accepts(most))
        let over = "*7\r\n$9\r\nALLOCMANY\r\n$6\r\ncccccc\r\n\(five)"
        #expect(steps(over) == [.failed(.commandTooLong(limit: 100))])
        #expect(steps("ALLOCMANY c 1 2 3 4 5\n") == [.failed(.tooManyArguments(limit: 6))])
        // The next command has the usual bounds again.
        let next = "*9\r\n$9\r\nALLOCMANY\r\n$1\r\nc\r\n\(users)*7\r\n$1\r\na\r\n"
        #expect(steps(next).last == .failed(.tooManyArguments(limit: 6)))
    }

    /// Goal: a long list's memory is given back. Method: as many users as there may be, forgotten.
    @Test func aLongListIsForgotten() throws {
        let users = Array(repeating: "u", count: ArgumentLimits.manyUsersMax)
        let input = Feed.resp(["ALLOCMANY", "c"] + users)
        var decoder = CommandDecoder()
        #expect(try decoder.decode(input.span, from: 0) == .command(end: input.count))
        #expect(decoder.arguments(from: 2).count == users.count && decoder.ranges.count == users.count + 2)
        decoder.forgetLongList()
        #expect(decoder.ranges.isEmpty && decoder.argumentCount == 0)
        let ping = Array("*1\r\n$4\r\nPING\r\n".utf8)
        #expect(try decoder.decode(ping.span, from: 0) == .command(end: ping.count))
        decoder.forgetLongList()
        #expect(decoder.argumentCount == 1)
    }

    /// Goal: the real limits are those of the manual. Method: one chunk of 1 MiB, and lengths one over.
    @Test func standardLimitsHold() {
        let mebibyte = String(repeating: "x", count: 1 << 20)
        #expect(Feed.single(Feed.resp(["LIST", "LOAD", "a", "CHUNK", "1", mebibyte]))?.command != nil)
        let over = Array("*2\r\n$4\r\nECHO\r\n$65537\r\n".utf8)
        #expect(Feed.steps(over) == [.failed(.bulkTooLong(limit: 65_536))])
        let many = Array("*1025\r\n$4\r\nECHO\r\n".utf8)
        #expect(Feed.steps(many) == [.failed(.tooManyArguments(limit: 1_024))])
        #expect(Feed.steps(Array("*100003\r\n".utf8)) == [.failed(.tooManyArguments(limit: 100_002))])
        let before = Feed.steps(Array("*11\r\n".utf8), limits: .unauthenticated)
        #expect(before == [.failed(.tooManyArguments(limit: 10))])
    }

    static let malformed: [(input: String, error: ProtocolError)] = [
        ("*-1\r\n", .invalidArgumentCount), ("*+1\r\n", .invalidArgumentCount),
        ("*\r\n", .invalidArgumentCount), ("*01\r\n", .invalidArgumentCount),
        ("*1x\r\n", .invalidArgumentCount), ("*1\rx", .invalidArgumentCount),
        ("*12345678901", .invalidArgumentCount), ("*1\n", .invalidArgumentCount),
        ("*1\r\nx", .expectedBulk(got: UInt8(ascii: "x"))), ("*1\r\n$-1\r\n", .invalidBulkLength),
        ("*1\r\n$4 \r\n", .invalidBulkLength), ("*1\r\n$\r\n", .invalidBulkLength),
        ("*1\r\n$4\r\nPINGx", .missingLineEnd), ("*1\r\n$4\r\nPING\rx", .missingLineEnd),
        ("*1\r\n$9999999999\r\n", .bulkTooLong(limit: 65_536)),
    ]

    /// Goal: broken framing is told by name, at every split. Method: a table; and the error stays.
    @Test(arguments: malformed.indices)
    func brokenFramingIsRefused(index: Int) {
        let (text, error) = Self.malformed[index]
        let input = Array(text.utf8)
        for cut in 0...input.count { #expect(Feed.steps(input, cuts: [cut]) == [.failed(error)]) }
        var decoder = CommandDecoder()
        for _ in 0..<2 {
            #expect(throws: error) { _ = try decoder.decode(input.span, from: 0) }
        }
        decoder.reset()
        let ping = Array("PING\n".utf8)
        #expect(throws: Never.self) { _ = try decoder.decode(ping.span, from: 0) }
        #expect(!error.message.isEmpty)
    }
}

@Suite("ALLOC is recognised at a glance when it is sent the usual way, and left to the decoder otherwise")
struct PlainAllocTests {
    private static func plain(_ arguments: [String]) -> PlainAlloc? {
        PlainAlloc(Feed.resp(arguments).span, from: 0)
    }

    /// Goal: all users and names that the protocol allows. Method: the shortest and the longest.
    @Test(arguments: [1, 9, 10, 36, 99, 100, 255])
    func everyLengthOfUser(count: Int) throws {
        let user = String(repeating: "7", count: count)
        let input = Feed.resp(["ALLOC", "summer", user])
        let found = PlainAlloc(input.span, from: 0)
        let plain = try #require(found)
        #expect(Array(input[plain.user]) == Array(user.utf8))
        #expect(Array(input[plain.campaign]) == Array("summer".utf8))
        #expect(plain.end == input.count)
    }

    /// Goal: only whole commands of that form. Method: other words, options, empty and overlong arguments.
    @Test func whatIsOtherwiseIsLeftToTheDecoder() {
        #expect(Self.plain(["ALLOC", "c", "u", "FULL"]) == nil)
        #expect(Self.plain(["ALLOC", "c"]) == nil)
        #expect(Self.plain(["ALLOX", "c", "u"]) == nil)
        #expect(Self.plain(["alloc", "c", "u"]) == Self.plain(["ALLOC", "c", "u"]))
        #expect(Self.plain(["\u{01}LLOC", "c", "u"]) == nil)
        #expect(Self.plain(["ALLOC", "", "u"]) == nil)
        #expect(Self.plain(["ALLOC", "c", ""]) == nil)
        #expect(Self.plain(["ALLOC", String(repeating: "c", count: 64), "u"]) != nil)
        #expect(Self.plain(["ALLOC", String(repeating: "c", count: 65), "u"]) == nil)
        #expect(Self.plain(["ALLOC", "c", String(repeating: "u", count: 256)]) == nil)
    }

    /// Goal: half a command is never taken for a whole one, and nothing behind the input is read. Method: cut at
    /// every byte.
    @Test func halfACommandIsNone() {
        let input = Feed.resp(["ALLOC", "summer", "user-1"])
        for count in input.indices {
            let found = PlainAlloc(Array(input[..<count]).span, from: 0)
            #expect(found == nil, "\(count) bytes")
        }
    }
}
