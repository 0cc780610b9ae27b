import Testing

@testable import TearoffLoad

@Suite("Replies: boundaries are found wherever reads cut them")
struct ReplyScannerTests {
    private static let replies = [
        "+OK\r\n", "$12\r\nABCDEFGHJKLM\r\n", "$0\r\n\r\n", "$-1\r\n", ":-42\r\n", "*0\r\n", "*-1\r\n",
        "-ERR what\r\n", "*2\r\n$4\r\n\r\n\r\n\r\n*2\r\n:1\r\n*1\r\n-NO\r\n", "*1\r\n$-1\r\n",
    ]
    private static let kinds = [
        "value", "value", "value", "null", "value", "value", "null", "error", "value", "value",
    ]

    /// Feeds pieces as a connection does: what was not read comes again in front of the next piece.
    private static func scan(_ pieces: [[UInt8]]) throws -> [String] {
        var scanner = ReplyScanner()
        var kinds: [String] = []
        var rest: [UInt8] = []
        for piece in pieces {
            rest += piece
            var position = 0
            while let reply = try scanner.next(rest.span, at: &position) {
                switch reply {
                case .value: kinds.append("value")
                case .null: kinds.append("null")
                case .error(let range):
                    #expect(String(decoding: rest[range], as: UTF8.self) == "ERR what")
                    kinds.append("error")
                }
            }
            rest.removeFirst(position)
        }
        #expect(rest.isEmpty)
        return kinds
    }

    /// Goal: one cut anywhere changes nothing.
    @Test func aCutAtAnyByteChangesNothing() throws {
        let bytes = Array(Self.replies.joined().utf8)
        for cut in 0...bytes.count {
            let kinds = try Self.scan([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(kinds == Self.kinds, "cut at \(cut)")
        }
    }

    /// Goal: nor do cuts everywhere.
    @Test func oneByteAtATimeChangesNothing() throws {
        #expect(try Self.scan(Self.replies.joined().utf8.map { [$0] }) == Self.kinds)
    }

    /// Goal: an array of many elements is one reply however deep it nests.
    @Test func aDeepArrayIsOneReply() throws {
        let text = String(repeating: "*1\r\n", count: 10_000) + ":1\r\n"
        #expect(try Self.scan([Array(text.utf8)]) == ["value"])
    }

    @Test(arguments: [
        "HTTP/1.1 400\r\n", "$x\r\n", "$12x\r\n", "*99999999999\r\n", "$99999999999\r\n", "\r\n",
    ])
    func whatIsNoReplyIsRefused(text: String) {
        #expect(throws: ReplyScanner.Violation.self) { try Self.scan([Array(text.utf8)]) }
    }

    @Test func aLineWithoutAnEndIsRefused() {
        let bytes = Array(("+" + String(repeating: "x", count: LoadLimits.replyLineBytesMax + 2)).utf8)
        #expect(throws: ReplyScanner.Violation.self) { try Self.scan([bytes]) }
    }
}
