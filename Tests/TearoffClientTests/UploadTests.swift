import Synchronization
import TearoffProtocol
import Testing

@testable import TearoffClient

@Suite("An upload is sent in order, a few chunks ahead", .timeLimit(.minutes(1)))
struct UploadTests {
    /// Goal: the chunks arrive whole and in order, then the commit. Method: 50 chunks; the server's view.
    @Test func chunksArriveInOrder() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let chunks = (0..<50).map { [UInt8]("\($0)\n".utf8) }
            let report = try await client.upload(
                list: "june", fileName: "june.txt", chunks: AsyncStream(chunks))
            #expect(
                report.status == .loaded && report.codes == 100_000 && report.upload == 1 && report.bad == 0)
            #expect(server.commands.first == ["LIST", "LOAD", "june", "BEGIN", "june.txt"])
            #expect(server.commands.dropFirst().prefix(50).map(\.last) == (0..<50).map { "\($0)\n" })
            #expect(server.commands.last == ["LIST", "LOAD", "june", "COMMIT", "7"])
        }
    }

    /// Goal: no more chunks travel than the window holds. Method: a server that answers chunks only when a
    /// PING comes behind them, and counts how many it holds at most.
    @Test func theWindowIsBounded() async throws {
        let held = Mutex((seen: 0, now: 0, most: 0))
        let script: FakeServer.Script = { command, writer in
            if command[0] == "PING" {
                let released = held.withLock { held in
                    defer { held.now = 0 }
                    return held.now
                }
                for _ in 0..<released { writer.integer(1) }
                writer.simple("PONG")
                return .reply
            }
            if command[3] == "BEGIN" {
                writer.integer(7)
                return .reply
            }
            held.withLock { held in
                held.seen += 1
                held.now += 1
                held.most = max(held.most, held.now)
            }
            return .silence
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let upload = try await client.beginUpload(list: "june")
            for _ in 0..<TearoffClient.Limits.uploadWindow { try await upload.send([0x41]) }
            async let sending: Void = Self.send(20, to: upload)
            // Every PING lets go what is held, until the server has seen all.
            while held.withLock({ $0.seen }) < 20 + TearoffClient.Limits.uploadWindow {
                try await client.ping()
            }
            try await client.ping()
            try await sending
            #expect(held.withLock { $0.most } == TearoffClient.Limits.uploadWindow)
        }
    }

    private static func send(_ count: Int, to upload: TearoffClient.Upload) async throws(TearoffError) {
        for _ in 0..<count { try await upload.send([0x41]) }
    }

    /// Goal: the first refusal is the one that is told. Method: the second chunk is refused with LIMIT, and
    /// what follows with NOUPLOAD, as a server does that has dropped the upload.
    @Test func theFirstRefusalIsTold() async throws {
        let count = Counter()
        let script: FakeServer.Script = { command, writer in
            switch command[3] {
            case "BEGIN": writer.integer(7)
            default:
                let number = count.next()
                if number == 1 { writer.integer(1) }
                if number == 2 { writer.error(.limit, "too many codes") }
                if number > 2 { writer.error(.noUpload, "no upload 7") }
            }
            return .reply
        }
        try await FakeServer.with(script) { server in
            let client = try await server.connect()
            let upload = try await client.beginUpload(list: "june")
            let error = try await failure { () throws(TearoffError) in
                for _ in 0..<3 { try await upload.send([0x41]) }
                return try await upload.commit()
            }
            #expect(error.code == .limit)
        }
    }

    /// Goal: a refused upload tells its lines page by page. Method: 25 bad lines, pages of 20.
    @Test func badLinesComeInPages() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let upload = try await server.connect().beginUpload(list: "june", fileName: "worse.txt")
            try await upload.send([0x41])
            let report = try await upload.commit()
            #expect(report.status == .refused && report.upload == nil && report.bad == 25)
            #expect(report.badByKind == [.comma: 24, .whitespace: 1])
            let first = try await upload.badLines(count: 20)
            #expect(first.first == TearoffClient.BadLine(line: 2, reason: "white space in the line"))
            #expect(first.count == 20)
            #expect(try await upload.badLines(from: 20, count: 20).map(\.line) == [22, 23, 24, 25, 26])
            #expect(try await upload.badLines(from: 25, count: 20).isEmpty)
        }
    }

    /// Goal: a dry run is asked for as such, and reads like a commit without an upload's id. Method: a good
    /// file and one with bad lines, each with its words on the wire.
    @Test func aDryRunIsACommitThatMakesNothing() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let good = try await client.beginUpload(list: "june", fileName: "june.txt")
            try await good.send([0x41])
            let report = try await good.dryRun()
            #expect(report.status == .loaded && report.codes == 100_000 && report.upload == nil)
            #expect(server.commands.last == ["LIST", "LOAD", "june", "COMMIT", "7", "DRYRUN"])
            #expect(report.withdrawn == nil)
            let replacing = try await client.beginUpload(list: "june", fileName: "june.txt")
            #expect(try await replacing.commit(skipBad: true, replace: true).withdrawn == 2_480)
            #expect(server.commands.last?.suffix(2) == ["SKIPBAD", "REPLACE"])

            let bad = try await client.beginUpload(list: "june", fileName: "worse.txt")
            #expect(try await bad.dryRun().status == .refused)
            #expect(try await bad.badLines(count: 20).count == 20)
            #expect(try await bad.dryRun(skipBad: true).status == .loaded)
            let words = try #require(server.commands.last)
            #expect(words.suffix(2) == ["SKIPBAD", "DRYRUN"])
            #expect(throws: Never.self) { try CommandTests.parse(words) }
        }
    }

    /// Goal: an aborted upload is told to the server. Method: chunks in flight, then the abort.
    @Test func abortIsSentBehindTheChunks() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let upload = try await server.connect().beginUpload(list: "june")
            try await upload.send([0x41])
            try await upload.abort()
            #expect(server.commands.map { $0[3] } == ["BEGIN", "CHUNK", "ABORT"])
        }
    }
}

extension AsyncStream where Element: Sendable {
    fileprivate init(_ elements: [Element]) {
        self.init { continuation in
            for element in elements { continuation.yield(element) }
            continuation.finish()
        }
    }
}
