import TearoffFuzzing
import Testing

@testable import TearoffProtocol

private func numberError(_ name: String, _ least: UInt64, _ most: UInt64) -> CommandError {
    .invalidArgument(name: name, rule: "a number from \(least) to \(most)")
}

private let overflowError = CommandError.invalidArgument(
    name: "lists", rule: "names of lists with commas between them, 16 at most")

@Suite("Command parsing: what is wrong is told, and secrets are not")
struct CommandParsingTests {
    static let long = String(repeating: "n", count: 65)

    static let refused: [(arguments: [String], error: CommandError)] = [
        (["GET", "x"], .unknownCommand(EscapedText("GET".utf8Span.span))),
        (["LIST INFO", "x"], .unknownCommand(EscapedText("LIST INFO".utf8Span.span))),
        (["LIST"], .unknownSubcommand(EscapedText("".utf8Span.span), of: "LIST")),
        (["CLIENT", "KILL"], .unknownSubcommand(EscapedText("KILL".utf8Span.span), of: "CLIENT")),
        (["COMMAND", "X"], .unknownSubcommand(EscapedText("X".utf8Span.span), of: "COMMAND")),
        (["ALLOC"], .wrongArgumentCount(.alloc)),
        (["ALLOC", "c"], .wrongArgumentCount(.alloc)),
        (["ALLOC", "c", "u", "USERID"], .wrongArgumentCount(.alloc)),
        (["ALLOC", "c", "u", "KEY"], .wrongArgumentCount(.alloc)),
        (["ALLOC", "c", "u", "KEY", "1", "key", "1"], .duplicateOption("KEY", of: .alloc)),
        (["ALLOC", "c", "u", "FULL", "full"], .duplicateOption("FULL", of: .alloc)),
        (["ALLOC", "c", "u", "USERID", "1", "USERID", "2"], .duplicateOption("USERID", of: .alloc)),
        (["ALLOC", "c", "u", "FAST"], .unknownOption(EscapedText("FAST".utf8Span.span), of: .alloc)),
        (["ALLOCMANY", "c"], .wrongArgumentCount(.allocMany)),
        (
            ["ALLOCMANY", "c", "u", "", "v"],
            .invalidArgument(name: "user 2", rule: "1 to 255 bytes; nobody was given a code")
        ),
        (["PREVIEW"], .wrongArgumentCount(.preview)),
        (["PREVIEW", "c", "u", "FULL"], .wrongArgumentCount(.preview)),
        (["LIST", "INFO"], .wrongArgumentCount(.listInfo)),
        (["USER", "HISTORY"], .wrongArgumentCount(.userHistory)),
        (["USER", "HISTORY", "u", "v"], .wrongArgumentCount(.userHistory)),
        (["CODE", "FIND", "c", "d"], .wrongArgumentCount(.codeFind)),
        (["CODE", "HISTORY", "c"], .unknownSubcommand(EscapedText("HISTORY".utf8Span.span), of: "CODE")),
        (["USER", "FIND", "u"], .unknownSubcommand(EscapedText("FIND".utf8Span.span), of: "USER")),
        (["LIST", "CREATE", "a", "FIXED", "x"], .wrongArgumentCount(.listCreate)),
        (["LIST", "CREATE", "a", "UNIQUE", "WARN"], .wrongArgumentCount(.listCreate)),
        (
            ["LIST", "CREATE", "a", "UNIQUE", "WARN", "1", "warn", "2"],
            .duplicateOption("WARN", of: .listCreate)
        ),
        (["LIST", "LOAD", "a", "CHUNK", "1"], .wrongArgumentCount(.listLoad)),
        (
            ["LIST", "LOAD", "a", "COMMIT", "1", "SKIPBAD", "DRYRUN", "REPLACE", "SKIPBAD"],
            .wrongArgumentCount(.listLoad)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "1", "DRYRUN", "dryrun"],
            .duplicateOption("DRYRUN", of: .listLoad)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "1", "DRYRUN", "BAD"],
            .unknownOption(EscapedText("BAD".utf8Span.span), of: .listLoad)
        ),
        (["LIST", "UNDO", "a"], .wrongArgumentCount(.listUndo)),
        (["LIST", "DELETE", "a"], .wrongArgumentCount(.listDelete)),
        (
            ["LIST", "DELETE", "a", "CONFIRM", "b"],
            .invalidArgument(name: "end", rule: "CONFIRM and the list's name once more; nothing was deleted")
        ),
        (
            ["LIST", "DELETE", "a", "CONFIRMED", "a"],
            .invalidArgument(name: "end", rule: "CONFIRM and the list's name once more; nothing was deleted")
        ),
        (["LIST", "UPLOADS"], .wrongArgumentCount(.listUploads)),
        (["LIST", "UPLOADS", "a", "FROM"], .wrongArgumentCount(.listUploads)),
        (["LIST", "UPLOADS", "a", "FROM", "1", "COUNT"], .wrongArgumentCount(.listUploads)),
        (["LIST", "UPLOADS", "a", "FROM", "1", "from", "2"], .duplicateOption("FROM", of: .listUploads)),
        (["LIST", "UPLOADS", "a", "COUNT", "1", "COUNT", "2"], .duplicateOption("COUNT", of: .listUploads)),
        (
            ["LIST", "UPLOADS", "a", "SINCE", "1"],
            .unknownOption(EscapedText("SINCE".utf8Span.span), of: .listUploads)
        ),
        (["LIST", "LOAD", "a", "BEGIN", "f", "g"], .wrongArgumentCount(.listLoad)),
        (
            ["LIST", "LOAD", "a", "STOP", "1"],
            .unknownOption(EscapedText("STOP".utf8Span.span), of: .listLoad)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "1", "BAD"],
            .unknownOption(EscapedText("BAD".utf8Span.span), of: .listLoad)
        ),
        (["LIST", "SET", "a", "LIMIT"], .wrongArgumentCount(.listSet)),
        (["LIST", "SET", "a", "CODE", "x", "LIMIT"], .wrongArgumentCount(.listSet)),
        (["LIST", "SET", "a", "WARN", "1", "NAME", "b"], .wrongArgumentCount(.listSet)),
        (["LIST", "SET", "a", "CODE", "x", "code", "y"], .duplicateOption("CODE", of: .listSet)),
        (["LIST", "SET", "a", "LIMIT", "1", "LIMIT", "1"], .duplicateOption("LIMIT", of: .listSet)),
        (["CAMPAIGN", "SET", "c", "LIST", "a"], .unknownOption(EscapedText("LIST".utf8Span.span), of: .campaignSet)),
        (["CAMPAIGN", "SET", "c", "QUOTA", "0"], numberError("n", 1, 4_294_967_295)),
        (["CAMPAIGN", "SET", "c", "DAYQUOTA", "268435456"], numberError("n", 1, 268_435_455)),
        (["CAMPAIGN", "SET", "c", "RATE", "x"], numberError("n", 1, 268_435_455)),
        (["CAMPAIGN", "SET", "c", "VALIDITY", "3651"], numberError("days", 1, 3_650)),
        (["CAMPAIGN", "SET", "c", "RATE", "1", "RATE", "2"], .duplicateOption("RATE", of: .campaignSet)),
        (["CAMPAIGN", "SET", "c", "TEST"], .wrongArgumentCount(.campaignSet)),
        (["CAMPAIGN", "SET", "c", "OVERFLOW", "a,,b"], overflowError),
        (["CAMPAIGN", "SET", "c", "OVERFLOW", "a,b c"], overflowError),
        (["CAMPAIGN", "SET", "c", "OVERFLOW", String(repeating: "a,", count: 16) + "a"], overflowError),
        (["LIST", "SET", "a", "PERUSER", "0"], numberError("n", 1, 4_294_967_295)),
        (["LIST", "SET", "a", "STOP", "3651"], numberError("days", 1, 3_650)),
        (["CAMPAIGN", "SET", "c", "RETURNS"], .wrongArgumentCount(.campaignSet)),
        (["CAMPAIGN", "SET", "c", "RETRIGGER", "window"], .wrongArgumentCount(.campaignSet)),
        (["CAMPAIGN", "CREATE", "c", "RETRIGGER", "once"], .wrongArgumentCount(.campaignCreate)),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "LIST", "b"],
            .duplicateOption("LIST", of: .campaignCreate)
        ),
        (["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETRIGGER"], .wrongArgumentCount(.campaignCreate)),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETRIGGER", "window"],
            .wrongArgumentCount(.campaignCreate)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETURNS", "reuse", "RETURNS", "reuse"],
            .duplicateOption("RETURNS", of: .campaignCreate)
        ),
        (["HOLD", "c", "u", "FOR"], .wrongArgumentCount(.hold)),
        (["HOLD", "c", "u", "FOR", "1s", "FULL", "full"], .duplicateOption("FULL", of: .hold)),
        (["HOLD", "c", "u", "FOR", "1s", "FOR"], .unknownOption(EscapedText("FOR".utf8Span.span), of: .hold)),
        (["CONFIRM", "c"], .wrongArgumentCount(.confirm)),
        (["RELEASE", "c", "u", "FULL"], .wrongArgumentCount(.release)),
        (["EXPORT", "BEGIN", "l", "ALL", "FREE"], .duplicateOption("GIVEN|FREE|ALL", of: .exportBegin)),
        (["EXPORT", "BEGIN", "l", "SINCE"], .wrongArgumentCount(.exportBegin)),
        (
            ["EXPORT", "BEGIN", "l", "BEFORE", "x"],
            .unknownOption(EscapedText("BEFORE".utf8Span.span), of: .exportBegin)
        ),
        (["AUDIT", "READ", "FROM"], .wrongArgumentCount(.auditRead)),
        (["AUDIT", "READ", "COUNT", "1", "COUNT", "2"], .duplicateOption("COUNT", of: .auditRead)),
        (["AUDIT", "READ", "SINCE", "1"], .unknownOption(EscapedText("SINCE".utf8Span.span), of: .auditRead)),
        (["AUDIT", "CHECK", "1"], .wrongArgumentCount(.auditCheck)),
        (["FEED", "READ"], .wrongArgumentCount(.feedRead)),
        (["LIST", "RECIPIENT", "june", "ADD", "EMAIL"], .wrongArgumentCount(.listRecipient)),
        (
            ["LIST", "RECIPIENT", "june", "ADD", "whsec_secret", "x"],
            .invalidArgument(name: "kind", rule: "EMAIL address or WEBHOOK url [SECRET secret]")
        ),
        (["DELIVERY", "RETRY", "0"], .invalidArgument(name: "number", rule: "a number from 1 to \(Int64.max)")),
        (
            ["LIST", "SET", "june", "WARNPERCENT", "100"],
            .invalidArgument(name: "percent", rule: "a number from 1 to 99")
        ),
        (["FEED", "READ", "1", "COUNT"], .wrongArgumentCount(.feedRead)),
        (["FEED", "READ", "1", "BLOCK", "1", "BLOCK", "2"], .duplicateOption("BLOCK", of: .feedRead)),
        (["FEED", "READ", "1", "SINCE", "1"], .unknownOption(EscapedText("SINCE".utf8Span.span), of: .feedRead)),
        (["EXPORT", "STOP"], .unknownSubcommand(EscapedText("STOP".utf8Span.span), of: "EXPORT")),
        (["HELLO", "4"], .unsupportedProtocol),
        (["HELLO", "3", "AUTH", "u"], .wrongArgumentCount(.hello)),
        (["HELLO", "3", "SETNAME", "a", "SETNAME", "b"], .duplicateOption("SETNAME", of: .hello)),
        (["COMMAND", "GETKEYS", "GET", "x"], .unknownCommand(EscapedText("GET".utf8Span.span))),
        (["COMMAND", "GETKEYS", "ALLOC"], .wrongArgumentCount(.alloc)),
    ]

    /// Goal: each mistake has its error. Method: a table of commands and the exact error.
    @Test(arguments: refused.indices)
    func aMistakeIsToldExactly(index: Int) {
        let (arguments, error) = Self.refused[index]
        #expect(Feed.single(Feed.resp(arguments))?.error == error)
        var writer = ReplyWriter()
        writer.error(error)
        #expect(String(decoding: writer.bytes, as: UTF8.self).hasPrefix("-\(error.word.rawValue) "))
    }

    static let outOfRange: [[String]] = [
        ["ALLOC", "", "u"], ["ALLOC", long, "u"], ["ALLOC", "c", ""],
        ["ALLOC", "c", String(repeating: "u", count: 256)], ["ALLOC", "c", "u", "USERID", ""],
        ["ALLOC", "c", "u", "KEY", ""], ["ALLOC", "c", "u", "KEY", String(repeating: "k", count: 256)],

        ["ALLOCMANY", "", "u"], ["ALLOCMANY", long, "u"],
        ["ALLOCMANY", "c", "u", String(repeating: "u", count: 256)],
        ["PREVIEW", ""], ["PREVIEW", long], ["PREVIEW", "c", ""],
        ["PREVIEW", "c", String(repeating: "u", count: 256)],
        ["HOLD", "c", "u", "FOR", "0"], ["HOLD", "c", "u", "FOR", "32d"], ["HOLD", "c", "u", "TILL", "1s"],
        ["EXPORT", "BEGIN", "a/b"], ["EXPORT", "BEGIN", "l", "FORMAT", "xml"], ["EXPORT", "READ", "x"],
        ["EXPORT", "BEGIN", "l", "COLUMNS", ""], ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETURNS", "x"],
        ["LIST", "SET", "a", "TTL", "1"], ["LIST", "SET", "a", "LIMIT", "0"], ["LIST", "SET", "a", "CODE", ""],
        ["LIST", "SET", "a", "LIMIT", "4294967296"], ["LIST", "SET", "a", "CODE", "x", "WARN", "1"],
        ["LIST", "SET", "a", "WARN", "-1"], ["LIST", "SET", "a", "NAME", "b/c"], ["LIST", "SET", "a", "NAME", ""],
        ["LIST", "INFO", ""], ["LIST", "INFO", long], ["LIST", "INFO", "a/b"], ["LIST", "INFO", "ä"],
        ["LIST", "CREATE", "a", "FIXED", "", "1"], ["LIST", "CREATE", "a", "FIXED", "x", "0"],
        ["LIST", "CREATE", "a", "FIXED", "x", "4294967296"], ["LIST", "CREATE", "a", "SHARED"],
        ["LIST", "CREATE", "a", "UNIQUE", "WARN", "-1"], ["LIST", "CREATE", "a", "UNIQUE", "TTL", "1"],
        ["LIST", "SET", "a", "EXPIRES", ""], ["LIST", "SET", "a", "EXPIRES", long],
        ["LIST", "LOAD", "a", "BEGIN", "x\ny"], ["LIST", "LOAD", "a", "ABORT", "x"],
        ["LIST", "UPLOADS", "a/b"], ["LIST", "UPLOADS", "a", "FROM", "x"],
        ["LIST", "UPLOADS", "a", "FROM", "-1"], ["LIST", "UPLOADS", "a", "COUNT", "0"],
        ["LIST", "UPLOADS", "a", "COUNT", "1001"],
        ["AUDIT", "READ", "FROM", "0"], ["AUDIT", "READ", "COUNT", "0"], ["AUDIT", "READ", "COUNT", "1001"],
        ["LIST", "LOAD", "a", "ERRORS", "1", "0", "0"], ["LIST", "LOAD", "a", "ERRORS", "1", "0", "10001"],
        ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETRIGGER", "weekly"], ["CODE", "FIND", ""],
        ["USER", "HISTORY", String(repeating: "u", count: 256)], ["SELECT", "-1"], ["HELLO", "three"],
        ["CLIENT", "SETNAME", "a b"], ["CLIENT", "NO-EVICT", "maybe"], ["INFO", "a b"],
        ["COMMAND", "GETKEYS", "PING"], ["COMMAND", "GETKEYS", "PREVIEW", "c"], ["AUTH", "", "p"],
    ]

    /// Goal: values outside their bounds never get through. Method: one example per bound; all are SYNTAX.
    @Test(arguments: outOfRange)
    func aValueOutOfBoundsIsASyntaxError(arguments: [String]) {
        let error = Feed.single(Feed.resp(arguments))?.error
        guard case .invalidArgument? = error else {
            Issue.record("\(arguments) gave \(String(describing: error))")
            return
        }
        #expect(error?.word == .syntax)
    }

    /// Goal: values at their bounds do get through. Method: the longest of each.
    @Test func valuesAtTheirBoundsAreAccepted() {
        let name = String(repeating: "n", count: 64)
        let value = String(repeating: "v", count: 255)
        for arguments in [
            ["ALLOC", name, value, "USERID", value, "KEY", value], ["LIST", "INFO", name],
            ["CODE", "FIND", value],
            ["LIST", "CREATE", name, "FIXED", value, "1"], ["USER", "HISTORY", value],
            ["PREVIEW", name, value], ["LIST", "LOAD", "a", "ERRORS", "9223372036854775807", "0", "10000"],
            ["LIST", "UPLOADS", name, "FROM", "9223372036854775807", "COUNT", "1000"],
            ["AUDIT", "READ", "FROM", "9223372036854775807", "COUNT", "1000"],
        ] {
            #expect(Feed.single(Feed.resp(arguments))?.command != nil, "\(arguments)")
        }
    }

    /// Goal: codes and passwords are never shown. Method: put a secret in each place where one may be
    /// mistyped to; no error text holds it.
    @Test(arguments: [
        ["AUTH", "a", "S3CRET", "x"], ["HELLO", "S3CRET"], ["HELLO", "3", "S3CRET"],
        ["HELLO", "3", "AUTH", "u", "p", "S3CRET"], ["HELLO", "3", "AUTH", "S3CRET"],
        ["LIST", "CREATE", "a", "S3CRET"], ["LIST", "CREATE", "a", "FIXED", "10", "S3CRET"],
        ["LIST", "CREATE", "a", "FIXED", "x", "10", "S3CRET"], ["LIST", "CREATE", "a", "UNIQUE", "S3CRET"],
        ["LIST", "SET", "a", "S3CRET", "CODE"], ["LIST", "SET", "a", "LIMIT", "S3CRET"],
        ["LIST", "SET", "a", "CODE", "S3CRET", "S3CRET"], ["LIST", "SET", "a", "CODE", "x", "S3CRET", "1"],
        ["CODE", "FIND", "S3CRET", "S3CRET"], ["LIST", "LOAD", "a", "CHUNK", "S3CRET", "x"],
        ["LIST", "LOAD", "a", "CHUNK", "1", "S3CRET", "S3CRET"],
    ])
    func noErrorShowsASecret(arguments: [String]) throws {
        let error = try #require(Feed.single(Feed.resp(arguments))?.error)
        #expect(!error.message.contains("S3CRET"))
    }

    /// Goal: hostile names cannot forge a reply line. Method: control bytes, quotes and great length.
    @Test func shownTextIsEscapedAndCut() {
        let hostile = "a\r\n'\\" + String(repeating: "z", count: 100)
        let message = Feed.single(Feed.resp([hostile]))?.error?.message
        let shown = #"a\x0D\x0A\x27\x5C"# + String(repeating: "z", count: 59) + "..."
        #expect(message == "unknown command '\(shown)'")
    }

    static let durations: [(text: String, milliseconds: UInt64?)] = [
        ("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("24h", 86_400_000), ("7d", 604_800_000),
        ("30", 30_000), ("24H", 86_400_000), ("5MS", 5), ("3650d", 315_360_000_000), ("3651d", nil),
        ("315360000000ms", 315_360_000_000), ("315360000001ms", nil), ("0", nil), ("0d", nil), ("", nil),
        ("h", nil), ("-1h", nil), ("1.5h", nil), ("1w", nil), ("1 h", nil), ("1hh", nil),
        ("9999999999999999d", nil), ("999999999999999d", nil), ("1ma", nil),
        // Wraps around to a legal value in 64 bits.
        ("213503982335d", nil),
    ]

    /// Goal: the grammar of durations. Method: a table with each unit, both bounds and malformed texts.
    @Test(arguments: durations.indices)
    func aDurationIsThisLong(index: Int) {
        let (text, expected) = Self.durations[index]
        #expect(DurationText.milliseconds(text.utf8Span.span) == expected)
    }

    /// Goal: the table and the parser agree. Method: each command with too few and too many arguments.
    @Test(arguments: CommandID.allCases)
    func theTableBoundsTheArguments(id: CommandID) {
        let entry = CommandTable.entry(id)
        let name = id.rawValue.split(separator: " ").map(String.init)
        func error(_ count: Int) -> CommandError? {
            Feed.single(Feed.resp(name + Array(repeating: "x", count: count - name.count)))?.error
        }
        if entry.minimum > name.count { #expect(error(entry.minimum - 1) == .wrongArgumentCount(id)) }
        if let maximum = entry.maximum, id != .command {
            let over = error(maximum + 1)
            // An `ALLOC` is not looked up in the table.
            #expect(id == .alloc ? over != nil : over == .wrongArgumentCount(id))
        }
        #expect(entry.syntax.allSatisfy { $0.hasPrefix(id.rawValue) })
        #expect(entry.nameCount == name.count && entry.minimum >= entry.nameCount)
    }

    /// Goal: no command is left without an example. Method: the samples' names against the table.
    @Test func everyCommandHasASample() {
        let sampled = Set(
            Samples.commands.compactMap { sample in
                CommandTable.entry(named: sample.arguments.prefix(2).joined(separator: " "))?.id
                    ?? CommandTable.entry(named: sample.arguments[0])?.id
            })
        #expect(sampled == Set(CommandID.allCases))
    }
}
