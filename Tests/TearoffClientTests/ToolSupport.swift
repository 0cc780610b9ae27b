import Foundation
import Testing

/// The built `tearoffctl`, run as a process of its own: what scripts see is what is tested.
struct Tool {
    struct Run: Equatable {
        let exit: Int32
        let output: String
        let words: String
    }

    /// A directory that is removed with the test.
    let directory: URL
    private let port: Int?

    /// - Parameter port: of the server that the tool finds in its environment.
    static func with<Value>(port: Int? = nil, _ body: (Tool) async throws -> Value) async throws -> Value {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tearoffctl-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(Tool(directory: directory, port: port))
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: directory.appending(path: name))
    }

    /// A copy of the data directory that the present format's golden test keeps.
    func makeDataDirectory(_ name: String) throws {
        try FileManager.default.copyItem(
            at: DocumentationExampleTests.root.appending(path: "Tests/Golden/v2"),
            to: directory.appending(path: name))
    }

    func flip(_ file: String, at offset: Int) throws {
        var bytes = try Data(contentsOf: directory.appending(path: file))
        bytes[offset] ^= 0x10
        try bytes.write(to: directory.appending(path: file))
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: directory.appending(path: name), encoding: .utf8)
    }

    /// Runs the tool to its end.
    ///
    /// - Parameter whileRunning: gets the process and the writing end of its standard input, which is closed
    ///   after.
    func run(
        _ arguments: [String], environment: [String: String] = [:],
        whileRunning: (Process, FileHandle) async throws -> Void = { _, _ in }
    ) async throws -> Run {
        let process = Process()
        // The test's executable lies beside the tool's.
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "tearoffctl")
        process.arguments = arguments
        process.currentDirectoryURL = directory
        var variables = ProcessInfo.processInfo.environment
        variables["TEAROFF_SERVER"] = port.map { "127.0.0.1:\($0)" }
        // The help is as wide as the terminal says.
        variables["COLUMNS"] = "80"
        process.environment = variables.merging(environment) { $1 }
        let run = UUID().uuidString
        let (output, words) = (
            directory.appending(path: run + ".out"), directory.appending(path: run + ".err")
        )
        for file in [output, words] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: words)
        let input = Pipe()
        process.standardInput = input
        let ended = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in ended.continuation.finish() }
        try process.run()
        try await whileRunning(process, input.fileHandleForWriting)
        try input.fileHandleForWriting.close()
        for await _ in ended.stream {}
        return Run(
            exit: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
            words: try String(contentsOf: words, encoding: .utf8))
    }

    func run(_ line: String) async throws -> Run { try await run(Self.words(line)) }

    /// Cuts a line at its blanks, except inside double quotes.
    static func words(_ line: String) -> [String] {
        line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
            index.isMultiple(of: 2) ? part.split(separator: " ").map(String.init) : [String(part)]
        }
    }
}
