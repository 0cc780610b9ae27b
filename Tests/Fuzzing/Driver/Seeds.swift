import Foundation
import TearoffCore
import TearoffFuzzing
import TearoffLog

/// The inputs that a corpus begins with, by target: what the golden directories hold, and the manual's examples.
struct Seeds {
    private(set) var inputs: [String: [[UInt8]]] = [:]

    init(repository: URL) throws {
        let golden = repository.appending(path: "Tests/Golden")
        for version in try names(in: golden) {
            let directory = golden.appending(path: version)
            try addSegments(directory.appending(path: "wal"))
            try addBlobs(directory.appending(path: "blobs"))
            for name in try names(in: directory.appending(path: "snapshots")) {
                add("manifest", [3] + (try bytes(directory.appending(path: "snapshots/\(name)"))))
            }
        }
        try addCommands(repository.appending(path: "docs/PROTOCOL.md"))
        addReplies()
        addFiles()
        addDeliveries()
        addLabel()
        addSettings()
    }

    private mutating func add(_ target: String, _ input: [UInt8]) { inputs[target, default: []].append(input) }

    // MARK: Golden directories

    private mutating func addSegments(_ folder: URL) throws {
        for name in try names(in: folder) {
            let file = try bytes(folder.appending(path: name))
            add("segment-header", [1] + file[..<SegmentHeader.byteCount])
            guard let header = try? SegmentHeader(parsing: file.span) else { continue }
            let end = file.lastIndex { $0 != 0 } ?? 0
            guard end >= LogLimits.segmentHeaderBytes else { continue }
            let isControl = header.id.lane == .control
            let options: UInt8 = (isControl ? 1 : 0) | (header.blockBytes == LogLimits.blockBytesMin ? 2 : 0) | 12
            let frames = file[LogLimits.segmentHeaderBytes...end]
            add("segment", [options] + frames)
            for payload in FuzzedPayloads.of([options] + frames) { add(isControl ? "control" : "records", payload) }
        }
    }

    private mutating func addBlobs(_ folder: URL) throws {
        let chunks = ["TOH1": "history-chunk", "TOW1": "hold-chunk", "TOK1": "key-chunk"]
        for name in try names(in: folder) {
            let file = try bytes(folder.appending(path: name))
            var content: [UInt8] = []
            guard PackedBlob.unpack(file.span, countMax: 8 << 20, into: &content) else {
                add("code-blob", file)
                add("upload", [1] + file)
                continue
            }
            add("packed-blob", file)
            if let target = chunks[String(decoding: content.prefix(4), as: UTF8.self)] { add(target, content) }
        }
    }

    // MARK: The manual

    /// The commands that stand in examples behind `> `, and the forms, which are indented.
    private mutating func addCommands(_ manual: URL) throws {
        for line in String(decoding: try bytes(manual), as: UTF8.self).split(separator: "\n") {
            guard let mark = ["> ", "    "].first(where: line.hasPrefix) else { continue }
            let command = line.dropFirst(mark.count)
            guard command.first?.isUppercase == true else { continue }
            add("inline", Array(command.utf8))
            add("command", [0x70] + Array("\(command)\r\n".utf8))
            let array = Feed.resp(command.split(separator: " ").map(String.init))
            add("command", [0x70] + array)
            add("command", [0x73] + array + array)
        }
        for user in ["u1", "6f9619ff-8b86-d011-b42d-00c04fc964ff"] {
            add("plain-alloc", [1] + Array("6\r\nsummer\r\n$\(user.utf8.count)\r\n\(user)\r\n".utf8))
        }
    }

    private mutating func addReplies() {
        let replies = [
            "+OK\r\n", "-EXHAUSTED list 'june' has no free code\r\n", ":-42\r\n", "$4\r\nK7QP\r\n", "$-1\r\n",
            "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(12345678901234567890\r\n",
            "!5\r\nERR x\r\n", "=7\r\ntxt:abc\r\n", "%1\r\n+k\r\n$1\r\nv\r\n", "~2\r\n:1\r\n:2\r\n", ">1\r\n+x\r\n",
        ]
        for reply in replies { add("reply", [0x70] + Array(reply.utf8)) }
        add("reply", [0x71] + Array(replies.joined().utf8))
    }

    // MARK: Files

    private mutating func addFiles() {
        add("upload", [0x80] + Array("\u{FEFF}K7QP-2M4X\r\nM5XC-7H2D\n\nK7QP-2M4X\nwith space\na,b\n\u{E9}\n".utf8))
        let rows = #"""
            code,user,campaign,given_at
            K7QP-2M4X,u1,summer,2026-06-01T08:30:00Z
            "M5XC,7H2D","u ""2""",summer,2026-06-01
            M5XC-7H2D,u2,winter,2026-06-01 08:30:00+02:00

            """#
        add("import", [0x80] + Array(rows.utf8))
        add("import", [0x30] + Array(rows.replacing("\n", with: "\r\n").utf8))
    }

    private mutating func addDeliveries() {
        var book = DeliveryBook(next: FeedSequence(rawValue: 9))
        add("deliveries", [3] + book.encode(directory: FuzzedPayloads.directory))
        let at = Timestamp(milliseconds: 1_700_000_000_000)
        let warnings: [FeedWarning] = [
            .low(remaining: 3), .empty, .share(remaining: 9, percent: 10), .forecast(remaining: 7, hours: 6),
            .expiring(days: 3), .expired,
        ]
        for (number, warning) in warnings.enumerated() {
            book.open.append(
                Delivery(
                    number: UInt64(number), sequence: .first, at: at, list: ListID(rawValue: 1), warning: warning,
                    address: "a@b.example", due: at))
        }
        add("deliveries", [3] + book.encode(directory: FuzzedPayloads.directory))
        for input in FuzzedPayloads.feedFiles(at: at) { add("feed-file", [1] + input) }
    }

    private mutating func addLabel() {
        let label = BackupLabel(
            directory: FuzzedPayloads.directory, shardCount: 16, snapshot: 3,
            manifest: ContentHash(bytes: [UInt8](repeating: 7, count: ContentHash.byteCount)),
            at: Timestamp(milliseconds: 1_700_000_000_000), blobCount: 4, byteCount: 1_000, serverVersion: "1.0")
        let lines = String(decoding: label.encoded, as: UTF8.self).split(separator: "\n").dropLast()
        add("backup-label", [1] + Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    private mutating func addSettings() {
        add("config", [0] + Array(#"{"threads": 4, "listen": "127.0.0.1:7100", "expectData": true}"#.utf8))
        add("config", [0] + Array(#"{"logMechanism": "pwritev2", "segmentKib": 1024, "timeZone": "UTC"}"#.utf8))
        add("config", [0] + Array(#"{"feedRepeats": "yes", "compressionLevel": -1, "smtpServer": "a:25"}"#.utf8))
        add("config", [2] + Array("--threads\n4\n--listen=[::1]:7100\n--expect-data\n--max-connections\n5".utf8))
        add("config", [3] + Array("THREADS=4\nLISTEN=localhost:0\nEXPECT_DATA=true\nSNAPSHOT_LOG_MIB=9".utf8))
    }
}

private func names(in folder: URL) throws -> [String] {
    guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
}

private func bytes(_ file: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: file)) }
