import Foundation
import TearoffClient
import Testing

@Suite("The examples in the documentation compile and run")
struct DocumentationExampleTests {
    /// Goal: the class's example is this code. Method: it runs here, and its lines are looked for in the
    /// source.
    @Test func theFirstExampleRuns() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let port = server.port
            let code = try await { () async throws(TearoffError) -> String in
                let client = try await TearoffClient.connect(host: "127.0.0.1", port: port)
                let code = try await client.allocateCode(campaign: "summer", user: "u1")
                await client.close()
                return code
            }()
            #expect(code == "K7QP-2M4X")
        }
        try expectExample(
            in: "TearoffClient.swift",
            """
            let client = try await TearoffClient.connect(host: "127.0.0.1")
            let code = try await client.allocateCode(campaign: "summer", user: "u1")
            await client.close()
            """)
    }

    /// Goal: the upload's example is this code. Method: as above.
    @Test func theUploadExampleRuns() async throws {
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let upload = try await client.beginUpload(list: "june", fileName: "june.txt")
            try await upload.send([UInt8]("K7QP-2M4X\nB3RT-9W1Z\n".utf8))
            let report = try await upload.commit()
            #expect(report.status == .loaded)
        }
        try expectExample(
            in: "Upload/Upload.swift",
            #"""
            let upload = try await client.beginUpload(list: "june", fileName: "june.txt")
            try await upload.send([UInt8]("K7QP-2M4X\nB3RT-9W1Z\n".utf8))
            let report = try await upload.commit()
            """#)
    }

    /// Goal: the raw command's example is this code. Method: as above.
    @Test func theRawCommandExampleRuns() async throws {
        typealias Command = TearoffClient.Command
        try await FakeServer.with(SampleServer.script) { server in
            let client = try await server.connect()
            let reply = try await client.send(Command("LIST", "INFO", "june"))
            #expect(reply["free"] == .integer(99_998))
        }
        try expectExample(
            in: "Command.swift", #"let reply = try await client.send(Command("LIST", "INFO", "june"))"#)
    }

    private func expectExample(in file: String, _ code: String) throws {
        let source = try String(
            contentsOf: Self.root.appending(path: "Sources/TearoffClient/\(file)"), encoding: .utf8)
        let comments = source.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { $0.hasPrefix("///     ") }.map { $0.dropFirst(8) }.joined(separator: "\n")
        #expect(comments.contains(code), "\(file)")
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
