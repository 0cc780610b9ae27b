import Dispatch
import Foundation
import Logging
import Synchronization
import TearoffServer
import TearoffSettings

/// `tearoffd`: the server.
@main
enum Main {
    static func main() async {
        let arguments = CommandLine.arguments
        if arguments.contains("--help") || arguments.contains("-h") {
            print(Help.text)
            exit(ExitCode.ok.rawValue)
        }
        if arguments.contains("--version") {
            print("tearoffd \(Server.version)")
            exit(ExitCode.ok.rawValue)
        }
        do throws(SettingsReader.Failure) {
            let reader = try SettingsReader(arguments: arguments, environment: ProcessInfo.processInfo.environment)
            let level = try reader.logLevel
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = level
                return handler
            }
            let server = Server(settings: try reader.settings(), logger: Logger(label: "tearoffd"))
            let signals = await Signals()
            let code = await server.run(stopRequests: signals.names, reloadRequests: signals.reloads)
            // Without what libraries do at an exit: threads of a recovery that was cut short may still be in them.
            _exit(code.rawValue)
        } catch {
            FileHandle.standardError.write(Data("tearoffd: \(error.message)\n".utf8))
            exit(error.code.rawValue)
        }
    }
}

/// SIGTERM and SIGINT ask for a stop; a second one ends the process at once. SIGHUP asks to read the certificates
/// again.
private final class Signals {
    let names: AsyncStream<String>
    let reloads: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    /// Returns when every signal finds its source. Until then SIGTERM and SIGINT end the process, which has begun
    /// nothing, and SIGHUP is superfluous.
    init() async {
        let (names, send) = AsyncStream.makeStream(of: String.self)
        self.names = names
        // Those that come while one is waiting are answered with it.
        let (reloads, reload) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.reloads = reloads
        // Writing to a closed connection is an error of that connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let queue = DispatchQueue(label: "signals")
        let counter = Counter()
        var sources = [await Self.source(of: SIGHUP, on: queue) { reload.yield() }]
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            sources.append(
                await Self.source(of: number, on: queue) {
                    if counter.increment() > 1 { _exit(128 + number) }
                    send.yield(name)
                })
        }
        self.sources = sources
    }

    /// Dispatch replaces what the signal does by itself (libdispatch, event_epoll.c), some time after the source was
    /// resumed: one that was ignored before would be lost until then.
    private static func source(
        of number: Int32, on queue: DispatchQueue, _ handler: @escaping @Sendable () -> Void
    ) async -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: handler)
        await withCheckedContinuation { registered in
            source.setRegistrationHandler { registered.resume() }
            source.resume()
        }
        return source
    }
}

/// How many signals came.
private final class Counter: Sendable {
    private let count = Mutex(0)

    func increment() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
