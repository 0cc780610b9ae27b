import Synchronization
import TearoffProtocol

/// The answers of a small installation, in the shapes of docs/PROTOCOL.md. It keeps no state.
enum SampleServer {
    static let script: FakeServer.Script = { command, writer in
        answer(command, &writer)
    }

    private static func answer(_ command: [String], _ writer: inout ReplyWriter) -> FakeServer.Answer {
        switch (command[0], command.count > 1 ? command[1] : "") {
        case ("PING", _): writer.simple("PONG")
        case ("ALLOC", "summer"):
            if command.contains("order-18") {
                writer.error(
                    .keyReuse,
                    "the key was used in the last 24 hours with another campaign, user, user id or command; nothing "
                        + "was done, and what it stood for stands")
            } else if command.last == "FULL" {
                allocation(isReplayed: command.contains("KEY") ? true : nil, &writer)
            } else {
                writer.bulk("K7QP-2M4X")
            }
        case ("ALLOCMANY", "summer"), ("ALLOCMANY", "always"): many(command.dropFirst(2), &writer)
        case ("HOLD", "summer"): hold(&writer)
        case ("RELEASE", "summer") where command[2] == "u1":
            writer.error(.given, "the user has a code of campaign 'summer' for good")
        case ("CONFIRM", "summer") where command[2] == "late":
            writer.error(.noHold, "no code of campaign 'summer' is held for this user")
        case ("ALLOC", let name), ("ALLOCMANY", let name): writer.error(.noCampaign, "no campaign '\(name)'")
        case ("PREVIEW", let name): preview(name, isKnown: command.last == "u1", &writer)
        case ("LIST", "ALL"):
            writer.array(2)
            list("june", &writer)
            list("ten-off", &writer)
        case ("LIST", "INFO") where command[2] == "june": list("june", &writer)
        case ("LIST", "INFO"): writer.error(.noList, "no list '\(command[2])'")
        case ("LIST", "UPLOADS"): uploads(command, &writer)
        case ("LIST", "UNDO") where command[3] == "4":
            writer.array(1)
            upload(4, isWithdrawn: true, &writer)
        case ("LIST", "UNDO"): writer.error(.noUpload, "list '\(command[2])' has no upload \(command[3])")
        case ("LIST", "IMPORT"): writer.integer(Int64(SampleUpload.given.rawValue))
        case ("LIST", "ARCHIVE") where command[2] == "empty":
            writer.error(.inUse, "list 'empty' is not past its expiry; only an expired list can be archived")
        case ("LIST", "ARCHIVE"), ("LIST", "RETURN"), ("LIST", "DELETE"): writer.ok()
        case ("LIST", "LOAD"): return SampleUpload.answer(command, &writer)
        case ("CAMPAIGN", "ALL"):
            writer.array(2)
            campaign(&writer, isStopped: false)
            campaign(&writer, isStopped: true)
        case ("CAMPAIGN", "INFO") where ["autumn", "nosuch"].contains(command[2]):
            writer.error(.noCampaign, "no campaign '\(command[2])'")
        case ("CAMPAIGN", "INFO"): campaign(&writer, isStopped: false, isAlways: command[2] == "always")
        case ("USER", _): history(command[2], &writer)
        case ("CODE", _): code(command[2], &writer)
        case ("EXPORT", "BEGIN") where command[2] == "june":
            map(
                &writer,
                [
                    ("export", command.contains("1f.2a.0.3b") ? 2 : 1), ("cursor", "1f.2a.0.3b"),
                    ("at", "2026-06-01T08:30:00.125Z"),
                ])
        case ("EXPORT", "BEGIN"): writer.error(.noList, "no list '\(command[2])'")
        case ("EXPORT", "READ"): return export(command[2], &writer)
        case ("AUDIT", "READ"): audit(from: command.firstIndex(of: "FROM").map { command[$0 + 1] }, &writer)
        case ("AUDIT", "CHECK"):
            map(
                &writer,
                [
                    ("records", 3), ("intact", true), ("broken-at", nil), ("problem", nil),
                    ("hash", String(repeating: "3c", count: 32)),
                ])
        case ("FEED", "INFO"): map(&writer, [("oldest", 1), ("newest", 3), ("bytes", 912), ("problem", nil)])
        case ("FEED", "READ"): feed(from: Int(command[2]) ?? 1, &writer)
        case ("LIST", "RECIPIENT"): recipient(command, &writer)
        case ("LIST", "RECIPIENTS"):
            writer.array(1)
            map(&writer, [("kind", "email"), ("address", "ops@example.org"), ("problem", nil)])
        case ("DELIVERY", "INFO"):
            map(
                &writer,
                [
                    ("next", 812), ("open", 0), ("dead", 1), ("dropped", 0), ("missed", 0), ("sent", 17), ("mail", nil),
                    ("problem", nil),
                ])
        case ("DELIVERY", "LIST"):
            writer.array(1)
            map(
                &writer,
                [
                    ("delivery", 18), ("state", "dead"), ("sequence", 811), ("at", "2026-06-01T08:30:00.125Z"),
                    ("event", "low"), ("list", "june"), ("address", "ops@example.org"), ("attempts", 10),
                    ("tried-at", "2026-06-04T12:00:00.000Z"), ("problem", "Timeout was reached"),
                ])
        case ("DELIVERY", "RETRY"): writer.integer(1)
        case ("ACCOUNT", "LIST"):
            writer.array(2)
            account("ada", "admin", campaigns: "*", &writer)
            account("shop", "allocate", campaigns: "summer*", &writer)
        case ("ACCOUNT", "SHOW"): account("shop", "allocate", campaigns: "summer*", &writer)
        case ("ACCOUNT", _): writer.ok()
        case ("SNAPSHOT", _):
            map(&writer, [("snapshot", 3), ("bytes-written", 1_048_576), ("milliseconds", 41)])
        case ("BACKUP", "monday"):
            map(
                &writer,
                [
                    ("backup", "monday"), ("snapshot", 4), ("at", "2026-06-01T08:30:00.125Z"), ("blobs", 9),
                    ("linked", 9), ("bytes", 1_048_576), ("milliseconds", 52),
                ])
        case ("BACKUP", let name):
            writer.error(.exists, "there is a '\(name)' among the backups already; nothing was written")
        case ("INFO", ""): writer.bulk(figures)
        case ("INFO", _): writer.bulk("# Server\r\nversion:1.0\r\ntcp_port:7071\r\n")
        case ("SHUTDOWN", _): return .close
        default: writer.ok()
        }
        return .reply
    }

    /// Of a server whose disk is slow. Without a process, which a test's machine would not have.
    private static let figures = """
        # Server\r
        tearoff_version:0.2.0\r
        threads:2\r
        uptime_in_seconds:3600\r
        \r
        # Clients\r
        connected_clients:12\r
        maxclients:10000\r
        \r
        # Persistence\r
        loading:0\r
        log_mechanism:io_uring\r
        log_segment_waits:0\r
        log_flush_microseconds:15000\r

        """

    static func map(_ writer: inout ReplyWriter, _ pairs: [(String, Any?)]) {
        writer.map(pairs.count)
        for (key, value) in pairs {
            writer.bulk(key)
            switch value {
            case let value as Int: writer.integer(Int64(value))
            case let value as Bool: writer.boolean(value)
            case let value as String: writer.bulk(value)
            default: writer.null()
            }
        }
    }

    private static func allocation(isReplayed: Bool?, _ writer: inout ReplyWriter) {
        map(
            &writer,
            [
                ("code", "K7QP-2M4X"), ("status", "repeat"), ("given-at", "2026-06-01T08:30:00.125Z"),
                ("expires-at", "2026-12-31T23:59:59.999Z"), ("list", "june"), ("ordinal", 1),
            ] + (isReplayed.map { [("replayed", $0)] } ?? []))
    }

    /// `u1` has a code already, `late` comes too late, and everybody else gets one that tells the name.
    private static func many(_ users: ArraySlice<String>, _ writer: inout ReplyWriter) {
        writer.array(users.count)
        for user in users {
            writer.array(2)
            switch user {
            case "u1":
                writer.bulk("K7QP-2M4X")
                writer.bulk("repeat")
            case "late":
                writer.null()
                writer.bulk("EXHAUSTED")
            default:
                writer.bulk("CODE-\"\(user)\"")
                writer.bulk("new")
            }
        }
    }

    /// Export 1 has one row, export 2 none; each is at its end when it is asked again.
    private static func export(_ id: String, _ writer: inout ReplyWriter) -> FakeServer.Answer {
        let head = "coupon code,external id,user id,coupon given date,coupon expiry date\r\n"
        let row = "K7QP-2M4X,u1,crm-7,2026-06-01T08:30:00.125Z,2026-12-31T23:59:59.999Z\r\n"
        let isFirst = reads.withLock { reads in
            reads += 1
            return reads % 2 == 1
        }
        writer.bulk(isFirst ? head + (id == "1" ? row : "") : "")
        return .reply
    }

    private static let reads = Mutex(0)

    private static func audit(from: String?, _ writer: inout ReplyWriter) {
        let acts: [[(String, Any?)]] = [
            [
                ("at", "2026-06-01T08:00:00.000Z"), ("user", "default"), ("client", "anna"),
                ("address", "192.0.2.7:50122"), ("act", "LIST CREATE"), ("object", "june"), ("before", nil),
                ("after", "kind=unique expires=2026-12-31T23:59:59.999Z warn=10000"),
            ],
            [
                ("at", "2026-06-02T10:00:00.000Z"), ("user", "default"), ("client", nil),
                ("address", "192.0.2.7:50410"), ("act", "LIST SET"), ("object", "june"),
                ("before", "warn=10000"), ("after", "warn=5000"),
            ],
            [
                ("at", "2027-01-01T00:00:00.000Z"), ("user", "system"), ("client", nil), ("address", nil),
                ("act", "CAMPAIGN FINISH"), ("object", "summer"), ("before", "state=active"),
                ("after", "state=finished reason=expired"),
            ],
        ]
        let first = from.flatMap { Int($0) } ?? 1
        writer.array(max(0, 4 - first))
        for number in first..<max(first, 4) {
            let hashes: [(String, Any?)] = [
                ("previous", String(repeating: number == 1 ? "00" : "\(number - 1)c", count: 32)),
                ("hash", String(repeating: "\(number)c", count: 32)),
            ]
            map(&writer, [("number", number)] + acts[number - 1] + hashes)
        }
    }

    private static func account(_ name: String, _ roles: String, campaigns: String, _ writer: inout ReplyWriter) {
        map(
            &writer,
            [
                ("name", name), ("roles", roles), ("lists", "*"), ("campaigns", campaigns),
                ("changed-at", "2026-06-01T08:30:00.125Z"),
            ])
    }

    private static func feed(from: Int, _ writer: inout ReplyWriter) {
        let events: [[(String, Any?)]] = [
            [
                ("at", "2026-06-01T08:00:00.000Z"), ("event", "uploaded"), ("list", "june"), ("upload", 1),
                ("codes", 100_000), ("file", "june.txt"),
            ],
            [
                ("at", "2026-06-01T08:30:00.125Z"), ("event", "given"), ("campaign", "summer"), ("list", "june"),
                ("user", "u1"), ("user-id", "crm-7"), ("code", "K7QP-2M4X"), ("hold-until", nil),
            ],
            [("at", "2026-06-02T10:00:00.000Z"), ("event", "low"), ("list", "june"), ("remaining", 10_000)],
        ]
        writer.map(3)
        writer.bulk("events")
        writer.array(max(0, 4 - from))
        for number in from..<max(from, 4) { map(&writer, [("sequence", number)] + events[number - 1]) }
        writer.bulk("next")
        writer.integer(Int64(max(from, 4)))
        writer.bulk("missed")
        writer.integer(0)
    }

    private static func hold(_ writer: inout ReplyWriter) {
        map(
            &writer,
            [
                ("code", "W3RT-9K2B"), ("status", "new"), ("hold-until", "2026-06-01T08:45:00.125Z"),
                ("given-at", "2026-06-01T08:30:00.125Z"), ("expires-at", "2026-12-31T23:59:59.999Z"),
                ("list", "june"), ("ordinal", 2),
            ])
    }

    /// `winter` was stopped, and `summer` has given `u1` a code.
    private static func preview(_ campaign: String, isKnown: Bool, _ writer: inout ReplyWriter) {
        guard campaign == "summer" || campaign == "winter" else {
            return writer.error(.noCampaign, "no campaign '\(campaign)'")
        }
        let isStopped = campaign == "winter"
        let code = isKnown ? "K7QP-2M4X" : "B3RT-9W1Z"
        map(
            &writer,
            [
                ("status", isStopped ? "refused" : isKnown ? "repeat" : "new"),
                ("code", isStopped ? nil : code),
                ("given-at", isKnown && !isStopped ? "2026-06-01T08:30:00.125Z" : nil),
                ("expires-at", "2026-12-31T23:59:59.999Z"), ("list", "june"),
                ("reason", isStopped ? "FINISHED campaign 'winter' was stopped" : nil),
                ("next-code", "B3RT-9W1Z"),
            ])
    }

    private static func list(_ name: String, _ writer: inout ReplyWriter) {
        let isJune = name == "june"
        map(
            &writer,
            [
                ("name", name), ("kind", isJune ? "unique" : "fixed"), ("uploaded", isJune ? 100_000 : 5_000),
                ("free", isJune ? 99_998 : 5_000), ("held", 0), ("given", isJune ? 2 : 0), ("withdrawn", 0),
                ("burned", 0), ("expires-at", isJune ? "2026-12-31T23:59:59.999Z" : nil), ("expired", false),
                ("archived-at", nil), ("warn-at", isJune ? 10_000 : nil), ("low", false),
                ("warn-percent", nil), ("warn-hours", nil), ("warn-days", "7,3,1"), ("recipients", 0),
                ("stop-days", nil),
                ("per-user", isJune ? 2 : nil), ("other-lists", isJune ? "refuse" : "allow"),
                ("uploads", isJune ? 1 : 0),
                ("campaigns", isJune ? 2 : 0),
            ])
    }

    private static func recipient(_ command: [String], _ writer: inout ReplyWriter) {
        switch command[3] {
        case "REMOVE": writer.ok()
        case "TEST":
            writer.array(1)
            map(
                &writer, [("kind", "email"), ("address", "ops@example.org"), ("delivered", true), ("problem", nil)])
        default:
            map(&writer, [("kind", "email"), ("address", command[5]), ("secret", nil), ("problem", nil)])
        }
    }

    private static func uploads(_ command: [String], _ writer: inout ReplyWriter) {
        guard let of = ["june": [1, 4], "ten-off": [2], "empty": []][command[2]] else {
            return writer.error(.noList, "no list '\(command[2])'")
        }
        let rows = of.filter { $0 >= Int(command[4]) ?? 0 }.prefix(Int(command[6]) ?? 0)
        writer.array(rows.count)
        for row in rows { upload(row, &writer) }
    }

    private static func upload(_ id: Int, isWithdrawn: Bool = false, _ writer: inout ReplyWriter) {
        let known = [1: [100_000, 99_998, 0, 2, 0], 2: [5_000, 5_000, 0, 0, 0]]
        let figures = known[id] ?? [2_500, 2_480, 10, 7, 3]
        map(
            &writer,
            [
                ("upload", id), ("file", id == 1 ? "june.txt" : nil),
                ("hash", id == 2 ? nil : String(repeating: "\(id)b", count: 32)), ("codes", figures[0]),
                ("free", isWithdrawn ? 0 : figures[1]), ("held", figures[2]), ("given", figures[3]),
                ("withdrawn", isWithdrawn ? figures[1] : 0), ("burned", figures[4]),
                ("committed-at", id == 4 ? "2026-06-02T10:00:00.000Z" : "2026-06-01T08:00:00.000Z"),
                ("withdrawn-at", isWithdrawn ? "2026-06-02T10:05:00.000Z" : nil),
                ("imported", false), ("user", id == 4 ? "default" : nil), ("client", nil),
                ("address", id == 4 ? "192.0.2.7:50410" : nil), ("blank", id == 4 ? 1 : nil),
                ("bad", id == 4 ? 3 : nil), ("comma", id == 4 ? 1 : nil), ("in-other-list", id == 4 ? 2 : nil),
            ])
    }

    private static func campaign(_ writer: inout ReplyWriter, isStopped: Bool, isAlways: Bool = false) {
        map(
            &writer,
            [
                ("name", isStopped ? "winter" : "summer"), ("list", "june"),
                ("retrigger", isStopped ? "once" : isAlways ? "always" : "window 24h"),
                ("returns", isStopped ? "reuse" : "quarantine"),
                ("state", isStopped ? "finished" : "active"),
                ("reason", isStopped ? "stopped" : nil),
                ("finished-at", isStopped ? "2026-06-02T10:00:00.000Z" : nil),
                ("created-at", "2026-06-01T08:00:00.000Z"),
                ("starts-at", nil), ("ends-at", isStopped ? nil : "2026-11-30T23:59:59.999Z"), ("validity-days", nil),
                ("quota", nil),
                ("day-quota", isStopped ? nil : 10_000), ("rate", nil), ("overflow", isStopped ? nil : "ten-off"),
                ("test", nil),
            ])
    }

    private static func history(_ user: String, _ writer: inout ReplyWriter) {
        guard user == "u1" else { return writer.array(0) }
        writer.array(1)
        map(
            &writer,
            [
                ("campaign", "summer"), ("list", "june"), ("code", "K7QP-2M4X"), ("ordinal", 1),
                ("user-id", "crm-7"), ("status", "given"), ("given-at", "2026-06-01T08:30:00.125Z"),
                ("hold-until", nil), ("returned-at", nil), ("expires-at", "2026-12-31T23:59:59.999Z"),
            ])
    }

    private static func code(_ code: String, _ writer: inout ReplyWriter) {
        writer.array(1)
        guard code == "K7QP-2M4X" else { return map(&writer, [("state", "unknown")]) }
        map(
            &writer,
            [
                ("state", "given"), ("list", "june"), ("upload", 1), ("ordinal", 1), ("user", "u1"),
                ("user-id", "crm-7"), ("campaign", "summer"), ("given-at", "2026-06-01T08:30:00.125Z"),
                ("hold-until", nil), ("expires-at", "2026-12-31T23:59:59.999Z"),
            ])
    }
}

/// Uploads by the file's name, which the upload's id stands for from then on.
private enum SampleUpload: Int {
    case good = 7
    case threeBad, unchanged, empty, manyBad
    /// Codes that another system gave.
    case given

    init(fileName: String) {
        switch fileName {
        case "bad.txt": self = .threeBad
        case "worse.txt": self = .manyBad
        case "same.txt": self = .unchanged
        case "empty.txt": self = .empty
        default: self = .good
        }
    }

    private var badCount: Int {
        switch self {
        case .threeBad: 3
        case .manyBad: 25
        case .good, .unchanged, .empty, .given: 0
        }
    }

    static func answer(_ command: [String], _ writer: inout ReplyWriter) -> FakeServer.Answer {
        if command[3] == "BEGIN" {
            if command[2] == "nosuch" {
                writer.error(.noList, "no list 'nosuch'")
            } else {
                writer.integer(Int64(SampleUpload(fileName: command.count > 4 ? command[4] : "").rawValue))
            }
            return .reply
        }
        let upload = Int(command[4]).flatMap(SampleUpload.init) ?? .good
        switch command[3] {
        case "CHUNK": writer.integer(Int64(command[5].utf8.count))
        case "COMMIT": upload.commit(Set(command.dropFirst(5)), &writer)
        case "ERRORS": upload.errors(from: Int(command[5]) ?? 0, count: Int(command[6]) ?? 0, &writer)
        default: writer.ok()
        }
        return .reply
    }

    /// Line 2 has white space, every later one a comma.
    private func errors(from: Int, count: Int, _ writer: inout ReplyWriter) {
        let count = min(count, max(0, badCount - from))
        writer.array(count)
        for number in from..<from + count {
            writer.array(2)
            writer.integer(Int64(number + 2))
            writer.bulk(number == 0 ? "white space in the line" : "a comma")
        }
    }

    private func commit(_ options: Set<String>, _ writer: inout ReplyWriter) {
        let isDryRun = options.contains("DRYRUN")
        let status =
            switch self {
            case .good, .given: "loaded"
            case .unchanged: "unchanged"
            case .empty: "refused"
            case .threeBad, .manyBad: options.contains("SKIPBAD") ? "loaded" : "refused"
            }
        let imported: [(String, Any?)] =
            self == .given
            ? ["columns", "bad-user", "bad-campaign", "bad-time", "future"].map { ($0, 0) }
                + [("given", 2), ("already", 0)] : []
        let withdrawn: [(String, Any?)] = options.contains("REPLACE") ? [("withdrawn", 2_480)] : []
        SampleServer.map(
            &writer,
            [
                ("status", status), ("upload", status == "refused" || isDryRun ? nil : 1),
                ("codes", self == .empty ? 0 : self == .given ? 2 : 100_000), ("blank", 0), ("bad", badCount),
                ("invalid-utf8", 0),
                ("comma", max(0, badCount - 1)), ("whitespace", min(1, badCount)), ("control", 0),
                ("too-long", 0),
                ("duplicate-in-file", 0), ("duplicate-in-list", 0), ("in-other-list", 0),
            ] + imported + withdrawn)
    }
}
