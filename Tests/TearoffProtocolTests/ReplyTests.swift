import TearoffFuzzing
import Testing

@testable import TearoffProtocol

@Suite("Replies: what is written is what is read")
struct ReplyRoundTripTests {
    static let samples: [(wire: String, reply: Reply)] = [
        ("+OK\r\n", .simple("OK")), ("-ERR no\r\n", .error("ERR no")), (":-42\r\n", .integer(-42)),
        (":9223372036854775807\r\n", .integer(.max)), ("$0\r\n\r\n", .bulk([])),
        ("$4\r\na\r\nb\r\n", .bulk(Array("a\r\nb".utf8))), ("$-1\r\n", .null), ("*-1\r\n", .null),
        ("_\r\n", .null), ("*0\r\n", .array([])), ("#t\r\n", .boolean(true)), ("#f\r\n", .boolean(false)),
        (",1.5\r\n", .double(1.5)), (",inf\r\n", .double(.infinity)), (",-inf\r\n", .double(-.infinity)),
        ("(-123456789012345678901234567890\r\n", .bigNumber("-123456789012345678901234567890")),
        ("=7\r\ntxt:abc\r\n", .verbatim(format: "txt", text: Array("abc".utf8))),
        ("!6\r\nERR no\r\n", .error("ERR no")), ("~1\r\n:1\r\n", .set([.integer(1)])),
        (">1\r\n+x\r\n", .push([.simple("x")])),
        (
            "*2\r\n*1\r\n:1\r\n%1\r\n+k\r\n*0\r\n",
            .array([.array([.integer(1)]), .map([ReplyPair(key: .simple("k"), value: .array([]))])])
        ),
    ]

    /// Goal: each type reads as itself, however it is cut. Method: a table, every split, single bytes.
    @Test(arguments: samples.indices)
    func everySplitReadsTheSameReply(index: Int) {
        let (wire, reply) = Self.samples[index]
        let input = Array(wire.utf8)
        let expected = ReplyFeed.Result(replies: ["\(reply)"])
        for cut in 0...input.count { #expect(ReplyFeed.replies(input, cuts: [cut]) == expected) }
        #expect(ReplyFeed.replies(input, cuts: Array(0..<input.count)) == expected)
        for length in 0..<input.count {
            #expect(ReplyFeed.replies([UInt8](input[..<length])) == ReplyFeed.Result())
        }
    }

    private static func writeEverything(_ version: RESPVersion) -> [UInt8] {
        var writer = ReplyWriter(version: version)
        writer.ok()
        writer.simple("two\r\nlines")
        writer.error(.exhausted, "no\ncode")
        for value in [0, 9, 10, 99, 100, 12_345, -1, Int64.min, .max] { writer.integer(value) }
        writer.bulk(Array("a\r\nb".utf8).span)
        writer.bulk("ä")
        writer.null()
        writer.bulkOrNull(nil)
        writer.map(2)
        writer.bulk("flag")
        writer.boolean(true)
        writer.bulk("share")
        writer.double(0.25)
        writer.set(1)
        writer.array(0)
        return writer.bytes
    }

    /// Goal: RESP3 keeps every type. Method: write one of each, read them back at every split.
    @Test func resp3KeepsTheTypes() {
        let bytes = Self.writeEverything(.resp3)
        let tail: [Reply] = [
            .null, .null,
            .map([
                ReplyPair(key: .bulk(Array("flag".utf8)), value: .boolean(true)),
                ReplyPair(key: .bulk(Array("share".utf8)), value: .double(0.25)),
            ]), .set([.array([])]),
        ]
        check(bytes, Self.head + tail)
    }

    /// Goal: RESP2 gets only what RESP2 has. Method: the same calls; maps are flat, booleans numbers.
    @Test func resp2FlattensTheTypes() {
        let bytes = Self.writeEverything(.resp2)
        let flat: [Reply] = [
            .bulk(Array("flag".utf8)), .integer(1), .bulk(Array("share".utf8)), .bulk(Array("0.25".utf8)),
        ]
        check(bytes, Self.head + [.null, .null, .array(flat), .array([.array([])])])
        #expect(!bytes.contains(UInt8(ascii: "%")) && !bytes.contains(UInt8(ascii: "_")))
    }

    private static let head: [Reply] = [
        .simple("OK"), .simple("two  lines"), .error("EXHAUSTED no code"), .integer(0), .integer(9),
        .integer(10), .integer(99), .integer(100), .integer(12_345), .integer(-1), .integer(.min),
        .integer(.max), .bulk(Array("a\r\nb".utf8)), .bulk(Array("ä".utf8)),
    ]

    private func check(_ bytes: [UInt8], _ replies: [Reply]) {
        let expected = ReplyFeed.Result(replies: replies.map { "\($0)" })
        for cut in 0...bytes.count { #expect(ReplyFeed.replies(bytes, cuts: [cut]) == expected) }
    }

    /// Goal: callers read maps alike in both versions. Method: the same map, written twice.
    @Test(arguments: [RESPVersion.resp2, .resp3])
    func aMapIsReadByNameInBothVersions(version: RESPVersion) throws {
        var writer = ReplyWriter(version: version)
        writer.map(2)
        for (key, value) in [("code", "AB"), ("status", "new")] {
            writer.bulk(key)
            writer.bulk(value)
        }
        var decoder = ReplyDecoder()
        let reply = try #require(try decoder.decode(writer.bytes.span, from: 0)).reply
        #expect(reply["status"]?.text == "new")
        #expect(reply["nothing"] == nil)
        #expect(Reply.integer(1).pairs == nil)
    }
}

@Suite("Reply decoder: damage and excess are refused by name")
struct ReplyDecoderLimitTests {
    static let small = ReplyLimits(lineBytes: 10, bulkBytes: 8, elementCount: 4, depth: 2, replyBytes: 40)

    static let refused: [(input: String, error: ReplyError)] = [
        ("x\r\n", .unknownType(UInt8(ascii: "x"))), ("|1\r\n", .unknownType(UInt8(ascii: "|"))),
        (":1x\r\n", .invalidNumber), (":\r\n", .invalidNumber), (",x\r\n", .invalidNumber),
        ("(1-\r\n", .invalidNumber), ("(--1\r\n", .invalidNumber), ("$-2\r\n", .invalidNumber),
        ("%-1\r\n", .invalidNumber), ("#x\r\n", .invalidBoolean), ("#tt\r\n", .invalidBoolean),
        ("_x\r\n", .invalidNull), ("=3\r\ntxt\r\n", .invalidVerbatim), ("=4\r\ntxtx\r\n", .invalidVerbatim),
        ("$1\r\nabc", .missingLineEnd), ("+a\rb", .missingLineEnd),
        ("+12345678901\r\n", .lineTooLong(limit: 10)), ("+123456789012", .lineTooLong(limit: 10)),
        ("$9\r\n", .bulkTooLong(limit: 8)), ("*5\r\n", .tooManyElements(limit: 4)),
        ("%3\r\n", .tooManyElements(limit: 4)), ("*1\r\n*1\r\n*1\r\n", .tooDeep(limit: 2)),
        ("*4\r\n" + String(repeating: "$8\r\n12345678\r\n", count: 4), .replyTooLong(limit: 40)),
    ]

    /// Goal: each refusal has its name. Method: a table; the error stays at the next call.
    @Test(arguments: refused.indices)
    func aBrokenReplyIsRefused(index: Int) {
        let (text, error) = Self.refused[index]
        #expect(ReplyFeed.replies(Array(text.utf8), limits: Self.small).error == error)
        var decoder = ReplyDecoder(limits: Self.small)
        let input = Array(text.utf8)
        for _ in 0..<2 { #expect(throws: error) { _ = try decoder.decode(input.span, from: 0) } }
    }

    /// Goal: the bounds themselves are allowed. Method: a reply at each.
    @Test(arguments: [
        "+1234567890\r\n", "$8\r\n12345678\r\n", "*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n", "*1\r\n*1\r\n:1\r\n",
    ])
    func repliesAtTheBoundsAreRead(text: String) {
        let result = ReplyFeed.replies(Array(text.utf8), limits: Self.small)
        #expect(result.error == nil && result.replies.count == 1)
    }

    /// Goal: text that is no text is told. Method: an invalid byte in a simple string.
    @Test func invalidUTF8IsRefused() {
        #expect(ReplyFeed.replies([UInt8(ascii: "+"), 0xFF, 13, 10]).error == .invalidUTF8)
    }
}
