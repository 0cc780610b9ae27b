import ArgumentParser
import Dispatch
import Foundation
import TearoffLog

/// `tearoff-echo`: the yardstick of the benchmarks.
@main
struct TearoffEcho: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tearoff-echo",
        abstract: "Answers every RESP command with the same code: tearoffd without its work.",
        discussion: """
            The first line of output is "listening on 127.0.0.1:PORT". SIGTERM and SIGINT end it.

              tearoff-echo --listen 127.0.0.1:7100
              tearoff-echo --listen 127.0.0.1:7100 --log /var/tmp/echo

            Exit codes: 0 ended by a signal; 64 the command line is wrong; 69 it cannot listen there;
            74 the log cannot be written.
            """)

    @Option(help: "Where to listen; port 0 lets the kernel choose.")
    var listen = Endpoint(host: "127.0.0.1", port: 7_100)

    @Option(help: "Event loops.")
    var threads = 1

    @Option(
        help: ArgumentHelp(
            "Write one durable frame per tick here before its replies leave.", valueName: "directory"))
    var log: String?

    @Option(help: "Every flush of the log takes that much longer.")
    var flushDelayMicroseconds: UInt32 = 0

    func validate() throws {
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be from 1 to 64.") }
    }

    func run() async throws {
        let signals = StopSignals()
        let directory: LogDirectory?
        do {
            directory = try log.map {
                try LogDirectory(path: $0, flushDelayMicroseconds: flushDelayMicroseconds)
            }
        } catch {
            Exit.log.end("the log cannot be begun: \(error)")
        }
        let server = await startServer(directory)
        // Not `print`, which keeps the line back when the output is a pipe.
        FileHandle.standardOutput.write(Data("listening on \(listen.host):\(server.port)\n".utf8))
        await signals.first()
        try await server.stop()
        try await directory?.close()
    }

    private func startServer(_ directory: LogDirectory?) async -> EchoServer {
        do {
            return try await EchoServer.start(
                host: listen.host, port: listen.port, threads: threads,
                log: directory, failed: { Exit.log.end("\($0)") })
        } catch let error as LogFailure {
            Exit.log.end("the log cannot be begun: \(error)")
        } catch {
            Exit.unavailable.end("cannot listen on \(listen.host):\(listen.port): \(error)")
        }
    }
}

/// How the process ends before its time; those of sysexits.h.
enum Exit: Int32 {
    case unavailable = 69
    case log = 74

    func end(_ message: String) -> Never {
        FileHandle.standardError.write(Data("tearoff-echo: \(message)\n".utf8))
        exit(rawValue)
    }
}

/// `HOST:PORT`.
struct Endpoint: ExpressibleByArgument, CustomStringConvertible {
    let host: String
    let port: Int
    var description: String { "\(host):\(port)" }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), colon > argument.startIndex,
            let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        self.init(host: String(argument[..<colon]), port: Int(port))
    }
}

/// SIGTERM and SIGINT, which ask for a clean end.
struct StopSignals {
    private let requests: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (requests, send) = AsyncStream.makeStream(of: Void.self)
        self.requests = requests
        // Writing to a closed connection is an error of that connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { send.yield() }
            source.resume()
            return source
        }
    }

    func first() async {
        for await _ in requests { return }
    }
}
