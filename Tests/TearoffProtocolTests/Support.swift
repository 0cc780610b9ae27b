import Testing

@testable import TearoffProtocol

/// A seeded generator: the same numbers everywhere.
struct SplitMix64 {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Every form of every command, with what it means.
enum Samples {
    static let window24h = RetriggerArgument.window(milliseconds: 86_400_000)

    static let commands: [(arguments: [String], command: Command)] =
        burst + lists + uploads + campaigns + server + connection + client + introspection

    static let burst: [(arguments: [String], command: Command)] = [
        (["ALLOC", "summer", "u1"], .alloc(AllocArguments(campaign: 1, user: 2, isFull: false))),
        (["alloc", "summer", "u 1"], .alloc(AllocArguments(campaign: 1, user: 2, isFull: false))),
        (["ALLOC", "summer", "u1", "FULL"], .alloc(AllocArguments(campaign: 1, user: 2, isFull: true))),
        (
            ["Alloc", "summer", "u1", "UserID", "m\n9", "full"],
            .alloc(AllocArguments(campaign: 1, user: 2, userID: 4, isFull: true))
        ),
        (
            ["ALLOC", "summer", "u1", "FULL", "USERID", "FULL"],
            .alloc(AllocArguments(campaign: 1, user: 2, userID: 5, isFull: true))
        ),
        (["ALLOC", "summer", "u1", "KEY", "k"], .alloc(AllocArguments(campaign: 1, user: 2, key: 4))),
        (
            ["ALLOC", "summer", "u1", "key", "KEY", "FULL", "UserID", "m"],
            .alloc(AllocArguments(campaign: 1, user: 2, userID: 7, key: 4, isFull: true))
        ),
        (["ALLOCMANY", "summer", "u1"], .allocMany(campaign: 1, firstUser: 2)),
        (["allocmany", "summer", "u 1", "FULL", "u 1"], .allocMany(campaign: 1, firstUser: 2)),
        (
            ["HOLD", "summer", "u1", "FOR", "15m"],
            .hold(AllocArguments(campaign: 1, user: 2), milliseconds: 900_000)
        ),
        (
            ["hold", "summer", "u1", "for", "1ms", "USERID", "m", "FULL"],
            .hold(AllocArguments(campaign: 1, user: 2, userID: 6, isFull: true), milliseconds: 1)
        ),
        (
            ["HOLD", "summer", "u1", "FOR", "2s", "FULL", "USERID", "m", "KEY", "k"],
            .hold(AllocArguments(campaign: 1, user: 2, userID: 7, key: 9, isFull: true), milliseconds: 2_000)
        ),
        (["CONFIRM", "summer", "u1"], .confirm(AllocArguments(campaign: 1, user: 2))),
        (["release", "summer", "u1"], .release(AllocArguments(campaign: 1, user: 2))),
        (["PREVIEW", "summer"], .preview(campaign: 1, user: nil)),
        (["preview", "summer", "u 1"], .preview(campaign: 1, user: 2)),
        (["USER", "HISTORY", "u1"], .userHistory(user: 2)),
        (["CODE", "FIND", "AB-1"], .codeFind(code: 2)),
    ]

    static let lists: [(arguments: [String], command: Command)] = [
        (["LIST", "CREATE", "a", "UNIQUE"], .listCreate(name: "a", kind: .unique, expires: nil, warn: nil)),
        (
            ["LIST", "CREATE", "a", "unique", "WARN", "10", "EXPIRES", "2030-01-31"],
            .listCreate(name: "a", kind: .unique, expires: "2030-01-31", warn: 10)
        ),
        (
            ["LIST", "CREATE", "f", "FIXED", "UNIQUE", "4294967295", "EXPIRES", "2030-01-31 10:00"],
            .listCreate(
                name: "f", kind: .fixed(code: Array("UNIQUE".utf8), limit: .max),
                expires: "2030-01-31 10:00", warn: nil)
        ),
        (["LIST", "INFO", "a.b_c:d-9"], .listInfo("a.b_c:d-9")),
        (["LIST", "UPLOADS", "a"], .listUploads(list: "a", from: 0, count: 1_000)),
        (["list", "uploads", "a", "from", "7"], .listUploads(list: "a", from: 7, count: 1_000)),
        (["LIST", "UPLOADS", "a", "COUNT", "3"], .listUploads(list: "a", from: 0, count: 3)),
        (
            ["LIST", "UPLOADS", "FROM", "COUNT", "3", "FROM", "7"],
            .listUploads(list: "FROM", from: 7, count: 3)
        ),
        (["LIST", "UNDO", "a", "4"], .listUndo(list: "a", upload: 4)),
        (["LIST", "ARCHIVE", "a"], .listArchive("a")),
        (["LIST", "RETURN", "a"], .listReturn("a")),
        (["LIST", "DELETE", "a", "confirm", "a"], .listDelete("a")),
        (["LIST", "ALL"], .listAll),
        (["LIST", "SET", "a", "EXPIRES", "never"], .listSetExpires(name: "a", expires: nil)),
        (["LIST", "SET", "a", "WARN", "0"], .listSetWarning(name: "a", warn: 0)),
        (["list", "set", "a", "warn", "Never"], .listSetWarning(name: "a", warn: nil)),
        (["LIST", "SET", "a", "PERUSER", "2"], .listEdit(name: "a", .perUser(2))),
        (["LIST", "SET", "a", "OTHERLISTS", "refuse"], .listEdit(name: "a", .otherLists(refuses: true))),
        (["LIST", "SET", "a", "otherlists", "ALLOW"], .listEdit(name: "a", .otherLists(refuses: false))),
        (["LIST", "SET", "a", "peruser", "none"], .listEdit(name: "a", .perUser(nil))),
        (["LIST", "SET", "a", "STOP", "3650"], .listEdit(name: "a", .stopDays(3_650))),
        (["LIST", "SET", "a", "STOP", "NONE"], .listEdit(name: "a", .stopDays(nil))),
        (
            ["LIST", "SET", "a", "CODE", "LIMIT"],
            .listSetFixed(name: "a", code: Array("LIMIT".utf8), limit: nil)
        ),
        (["LIST", "SET", "a", "limit", "1"], .listSetFixed(name: "a", code: nil, limit: 1)),
        (
            ["LIST", "SET", "a", "LIMIT", "4294967295", "code", "X"],
            .listSetFixed(name: "a", code: Array("X".utf8), limit: .max)
        ),
        (["LIST", "SET", "a", "NAME", "never"], .listRename(name: "a", newName: "never")),
        (
            ["LIST", "SET", "a", "expires", "2030-01-31"],
            .listSetExpires(name: "a", expires: "2030-01-31")
        ),
    ]

    static let uploads: [(arguments: [String], command: Command)] = [
        (["LIST", "IMPORT", "a"], .listImport(list: "a", filename: nil)),
        (["list", "import", "a", "given.csv"], .listImport(list: "a", filename: "given.csv")),
        (["LIST", "LOAD", "a", "BEGIN"], .listLoadBegin(list: "a", filename: nil)),
        (["LIST", "LOAD", "a", "begin", "ä b.txt"], .listLoadBegin(list: "a", filename: "ä b.txt")),
        (
            ["LIST", "LOAD", "a", "CHUNK", "7", "AB\r\n\"CD\"\n"],
            .listLoadChunk(list: "a", upload: 7, bytes: 5)
        ),
        (["LIST", "LOAD", "a", "CHUNK", "7", ""], .listLoadChunk(list: "a", upload: 7, bytes: 5)),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7"],
            .listLoadCommit(list: "a", upload: 7, skipBad: false, dryRun: false, replaces: false)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "skipbad"],
            .listLoadCommit(list: "a", upload: 7, skipBad: true, dryRun: false, replaces: false)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "dryrun"],
            .listLoadCommit(list: "a", upload: 7, skipBad: false, dryRun: true, replaces: false)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "SKIPBAD", "DRYRUN"],
            .listLoadCommit(list: "a", upload: 7, skipBad: true, dryRun: true, replaces: false)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "DRYRUN", "SKIPBAD"],
            .listLoadCommit(list: "a", upload: 7, skipBad: true, dryRun: true, replaces: false)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "Replace"],
            .listLoadCommit(list: "a", upload: 7, skipBad: false, dryRun: false, replaces: true)
        ),
        (
            ["LIST", "LOAD", "a", "COMMIT", "7", "DRYRUN", "REPLACE", "SKIPBAD"],
            .listLoadCommit(list: "a", upload: 7, skipBad: true, dryRun: true, replaces: true)
        ),
        (["LIST", "LOAD", "a", "ABORT", "7"], .listLoadAbort(list: "a", upload: 7)),
        (
            ["LIST", "LOAD", "a", "ERRORS", "7", "0", "20"],
            .listLoadErrors(list: "a", upload: 7, from: 0, count: 20)
        ),
    ]

    static let campaigns: [(arguments: [String], command: Command)] = [
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a"],
            .campaignCreate(name: "c", list: "a", retrigger: nil)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "RETRIGGER", "window", "24h", "LIST", "a"],
            .campaignCreate(name: "c", list: "a", retrigger: window24h)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETRIGGER", "once"],
            .campaignCreate(name: "c", list: "a", retrigger: .once)
        ),
        (
            ["campaign", "create", "c", "list", "a", "retrigger", "ALWAYS"],
            .campaignCreate(name: "c", list: "a", retrigger: .always)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETRIGGER", "until-expiry"],
            .campaignCreate(name: "c", list: "a", retrigger: .untilExpiry)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "LIST", "a", "RETURNS", "reuse"],
            .campaignCreate(name: "c", list: "a", retrigger: nil, returns: .reuse)
        ),
        (
            ["CAMPAIGN", "CREATE", "c", "returns", "Quarantine", "LIST", "a", "RETRIGGER", "once"],
            .campaignCreate(name: "c", list: "a", retrigger: .once, returns: .quarantine)
        ),
        (
            [
                "CAMPAIGN", "CREATE", "c", "LIST", "a", "TEST", "TRY", "QUOTA", "5", "DAYQUOTA", "268435455",
                "RATE", "1", "START", "2030-01-31", "END", "2030-02-01T10:00", "VALIDITY", "30", "OVERFLOW",
                "b,c.d",
            ],
            .campaignCreate(
                name: "c", list: "a", retrigger: nil,
                edits: [
                    .test(Array("TRY".utf8)), .quota(5), .quotaPerDay(268_435_455), .rate(1),
                    .start("2030-01-31"), .end("2030-02-01T10:00"), .validity(30), .overflow(["b", "c.d"]),
                ])
        ),
        (
            [
                "CAMPAIGN", "SET", "c", "test", "none", "QUOTA", "NONE", "DAYQUOTA", "none", "RATE", "none",
                "START", "none", "END", "None", "VALIDITY", "none", "OVERFLOW", "NONE", "RETURNS", "reuse",
            ],
            .campaignSet(
                name: "c", retrigger: nil, returns: .reuse,
                edits: [
                    .test(nil), .quota(nil), .quotaPerDay(nil), .rate(nil), .start(nil), .end(nil),
                    .validity(nil), .overflow([]),
                ])
        ),
        (
            ["CAMPAIGN", "SET", "c", "RETRIGGER", "window", "24h"],
            .campaignSet(name: "c", retrigger: window24h, returns: nil)
        ),
        (
            ["campaign", "set", "c", "returns", "reuse", "retrigger", "once"],
            .campaignSet(name: "c", retrigger: .once, returns: .reuse)
        ),
        (["CAMPAIGN", "INFO", "c"], .campaignInfo("c")),
        (["CAMPAIGN", "ALL"], .campaignAll),
        (["CAMPAIGN", "FINISH", "c"], .campaignFinish("c")),
        (["CAMPAIGN", "RESUME", "c"], .campaignResume("c")),
    ]

    static let server: [(arguments: [String], command: Command)] = [
        (["EXPORT", "BEGIN", "june"], .exportBegin(ExportArguments(list: "june"))),
        (
            ["export", "begin", "june", "all", "format", "jsonl", "COLUMNS", "status,coupon-code"],
            .exportBegin(
                exportArguments { arguments in
                    arguments.selection = .all
                    arguments.isJSONLines = true
                    arguments.columns = "status,coupon-code"
                })
        ),
        (
            [
                "EXPORT", "BEGIN", "june", "SINCE", "0.1", "FREE", "UNTIL", "2026-06-30", "CAMPAIGN", "c", "AFTER",
                "2026-05-31", "FORMAT", "CSV",
            ],
            .exportBegin(
                exportArguments { arguments in
                    arguments.selection = .free
                    arguments.since = "0.1"
                    arguments.campaign = "c"
                    arguments.after = "2026-05-31"
                    arguments.until = "2026-06-30"
                })
        ),
        (["EXPORT", "READ", "3"], .exportRead(3)),
        (["EXPORT", "END", "3"], .exportEnd(3)),
        (["AUDIT", "READ"], .auditRead(from: nil, count: 100)),
        (["audit", "read", "count", "1000", "from", "1"], .auditRead(from: 1, count: 1_000)),
        (["AUDIT", "CHECK"], .auditCheck),
        (["FEED", "READ", "1"], .feedRead(from: 1, count: 100, block: 0)),
        (["feed", "read", "7", "block", "60000", "count", "1000"], .feedRead(from: 7, count: 1_000, block: 60_000)),
        (["FEED", "INFO"], .feedInfo),
        (["DELIVERY", "INFO"], .deliveryInfo),
        (["DELIVERY", "LIST"], .deliveryList),
        (["DELIVERY", "RETRY", "17"], .deliveryRetry(17)),
        (["DELIVERY", "RETRY", "all"], .deliveryRetry(nil)),
        (["LIST", "RECIPIENTS", "june"], .listRecipients("june")),
        (["LIST", "RECIPIENT", "june", "TEST"], .recipientTest(list: "june")),
        (["LIST", "RECIPIENT", "june", "REMOVE", "a@b"], .recipientRemove(list: "june", address: "a@b")),
        (["LIST", "RECIPIENT", "june", "add", "email", "a@b"], .recipientAdd(list: "june", .email("a@b"))),
        (
            ["LIST", "RECIPIENT", "june", "ADD", "WEBHOOK", "http://h", "SECRET", "whsec_x"],
            .recipientAdd(list: "june", .webhook(url: "http://h", secret: "whsec_x"))
        ),
        (["LIST", "SET", "june", "WARNPERCENT", "10"], .listWarn(name: "june", .percent(10))),
        (["LIST", "SET", "june", "WARNHOURS", "never"], .listWarn(name: "june", .hours(nil))),
        (["LIST", "SET", "june", "WARNDAYS", "2,14"], .listWarn(name: "june", .days([14, 2]))),
        (["LIST", "SET", "june", "WARNDAYS", "DEFAULT"], .listWarn(name: "june", .days(nil))),
        (["LIST", "SET", "june", "WARNDAYS", "NEVER"], .listWarn(name: "june", .days([]))),
        (
            [
                "ACCOUNT", "CREATE", "shop", "ROLES", "allocate,REVEAL", "PASSWORD", "correct horse", "campaigns",
                "summer*,a",
            ],
            .accountCreate(
                name: "shop",
                account {
                    $0.roles = [.allocate, .reveal]
                    $0.password = Secret(Array("correct horse".utf8))
                    $0.campaigns = ["summer*", "a"]
                })
        ),
        (["account", "set", "shop", "LISTS", "*"], .accountSet(name: "shop", account { $0.lists = [] })),
        (["ACCOUNT", "DELETE", "shop"], .accountDelete("shop")),
        (["ACCOUNT", "LIST"], .accountList),
        (["ACCOUNT", "SHOW", "shop"], .accountShow("shop")),
        (["SNAPSHOT"], .snapshot),
        (["BACKUP", "2026-06-01_a:b"], .backup(name: "2026-06-01_a:b")),
        (["INFO"], .info(section: nil)),
        (["info", "Server"], .info(section: "server")),
        (["SHUTDOWN"], .shutdown),
        (["CONFIG", "GET", "save", "append*"], .configGet(["save", "append*"])),
    ]

    private static func account(_ set: (inout AccountArguments) -> Void) -> AccountArguments {
        var arguments = AccountArguments()
        set(&arguments)
        return arguments
    }

    private static func exportArguments(_ set: (inout ExportArguments) -> Void) -> ExportArguments {
        var arguments = ExportArguments(list: "june")
        set(&arguments)
        return arguments
    }

    static let connection: [(arguments: [String], command: Command)] = [
        (["PING"], .ping(nil)),
        (["ping", ""], .ping(1)),
        (["ECHO", "a\"b'c\\d"], .echo(1)),
        (["HELLO"], .hello(HelloArguments())),
        (["HELLO", "2"], .hello(HelloArguments(version: .resp2))),
        (
            ["HELLO", "3", "SETNAME", "n", "AUTH", "default", "p w"],
            .hello(
                HelloArguments(
                    version: .resp3, credentials: Credentials(account: "default", password: Secret(Array("p w".utf8))),
                    clientName: "n"))
        ),
        (["AUTH", "pw"], .auth(Credentials(account: nil, password: Secret(Array("pw".utf8))))),
        (["AUTH", "joe", "pw"], .auth(Credentials(account: "joe", password: Secret(Array("pw".utf8))))),
        (["ACL", "WHOAMI"], .whoAmI),
        (["SELECT", "0"], .select(0)),
        (["RESET"], .reset),
        (["QUIT"], .quit),
    ]

    static let client: [(arguments: [String], command: Command)] = [
        (["CLIENT", "ID"], .clientID),
        (["CLIENT", "GETNAME"], .clientGetName),
        (["CLIENT", "SETNAME", "worker-1"], .clientSetName("worker-1")),
        (["CLIENT", "SETNAME", ""], .clientSetName("")),
        (["CLIENT", "SETINFO", "LIB-NAME", "redis-py"], .clientSetInfo),
        (["CLIENT", "INFO"], .clientInfo),
        (["CLIENT", "LIST"], .clientList),
        (["CLIENT", "NO-EVICT", "on"], .clientNoEvict),
        (["CLIENT", "NO-TOUCH", "OFF"], .clientNoTouch),
    ]

    static let introspection: [(arguments: [String], command: Command)] = [
        (["COMMAND"], .commandAll),
        (["COMMAND", "COUNT"], .commandCount),
        (["COMMAND", "LIST"], .commandList),
        (["COMMAND", "INFO"], .commandInfo([])),
        (["COMMAND", "INFO", "alloc", "get"], .commandInfo(["alloc", "get"])),
        (["COMMAND", "DOCS", "list|load"], .commandDocs(["list|load"])),
        (["COMMAND", "GETKEYS", "ALLOC", "summer", "u1"], .commandGetKeys([4])),
        (["COMMAND", "GETKEYS", "USER", "HISTORY", "u1"], .commandGetKeys([4])),
        (["COMMAND", "GETKEYS", "PREVIEW", "summer", "u1"], .commandGetKeys([4])),
    ]

    /// The inline form: words that need it quoted as redis-cli writes them.
    static func inline(_ arguments: [String], end: String = "\r\n") -> [UInt8] {
        Array((arguments.map(quoted).joined(separator: " ") + end).utf8)
    }

    private static func quoted(_ word: String) -> String {
        let needsQuotes =
            word.isEmpty || word.utf8.contains { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x22 || $0 == 0x27 }
        guard needsQuotes else { return word }
        var text = "\""
        for byte in word.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\r"): text += "\\r"
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\\(Character(Unicode.Scalar(byte)))"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\""
    }
}
