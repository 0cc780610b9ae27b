import ArgumentParser
import Dispatch
import Foundation
import TearoffClient

struct TopCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "A live view: rate, latency, lists that run low, log and snapshots.",
        discussion: """
            Until q or Ctrl-C, also over a restart of the server:

              tearoffctl top
              tearoffctl top --interval 5 --ascii

            For scripts, one look at the next second, or a line of JSON each second:

              tearoffctl top --once
              tearoffctl top --json

            Rates and latencies are those since the look before. A latency counts from when
            the server reads a command to when its answer may leave. Colours are left out
            where NO_COLOR is set.
            """)

    @Option(help: ArgumentHelp("Seconds between two looks, 0.1 to 60.", valueName: "seconds"))
    var interval = 1.0

    @Flag(help: "One look, then the end.")
    var once = false

    @Flag(help: "No characters beyond ASCII, as where the locale is not UTF-8.")
    var ascii = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (0.1...60).contains(interval) else { throw ValidationError("--interval must be 0.1 to 60 seconds.") }
    }

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let poll = TopPoll(options: options, interval: .milliseconds(Int(interval * 1_000)))
        if output.isJSON || once { return try await tell(poll, client, output) }
        guard let screen = LiveScreen() else {
            throw Failure(.usage, "Standard input and output are no terminal: use --once or --json.")
        }
        try await show(poll, client, on: screen)
    }

    private var emptyState: TopState {
        TopState(server: options.address.description, interval: interval)
    }

    // MARK: - For scripts

    private func tell(_ poll: TopPoll, _ client: TearoffClient, _ output: Output) async throws {
        let (once, style, empty) = (once, style, emptyState)
        try await Interruption.race(
            {
                var state = empty
                for await look in poll.looks(client) {
                    look.note(in: &state)
                    if once, let problem = state.problem { throw Failure(.unreachable, problem) }
                    guard let record = Record(state) else { continue }
                    if output.isJSON {
                        Terminal.data(Output.json(record.dictionary, isLine: true))
                    } else {
                        let screen = TopScreen(state: state, width: 80, height: .max, style: style)
                        Terminal.data(screen.lines.joined(separator: "\n"))
                    }
                    if once { return }
                }
            }, interrupted: { throw ExitCode.success })
    }

    // MARK: - For people

    private enum Event: Sendable {
        case look(TopPoll.Look)
        case key(UInt8)
        case resized
        case end
    }

    private func show(_ poll: TopPoll, _ client: TearoffClient, on screen: consuming LiveScreen) async throws {
        let (events, continuation) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(16))
        let sources = Self.sources(continuation)
        let polling = Task {
            for await look in poll.looks(client) { continuation.yield(.look(look)) }
        }
        defer {
            polling.cancel()
            for source in sources { source.cancel() }
        }
        var state = emptyState
        for await event in events {
            switch event {
            case .look(let look): look.note(in: &state)
            case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")), .end: return
            case .key, .resized: break
            }
            let (width, height) = Terminal.screenSize ?? (80, 24)
            screen.show(TopScreen(state: state, width: width, height: height, style: style).lines)
        }
    }

    private static func sources(_ events: AsyncStream<Event>.Continuation) -> [any DispatchSourceProtocol] {
        let keys = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
        keys.setEventHandler {
            let bytes = FileHandle.standardInput.availableData
            events.yield(bytes.first.map(Event.key) ?? .end)
        }
        let signals: [(CInt, Event)] = [(SIGINT, .end), (SIGTERM, .end), (SIGHUP, .end), (SIGWINCH, .resized)]
        let heard = signals.map { number, event in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { events.yield(event) }
            return source
        }
        keys.resume()
        for source in heard { source.resume() }
        return [keys] + heard
    }

    private var style: TopScreen.Style {
        let environment = ProcessInfo.processInfo.environment
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let isUTF8 = locale.uppercased().replacing("-", with: "").contains("UTF8")
        let wantsColour = (environment["NO_COLOR"] ?? "").isEmpty
        return TopScreen.Style(
            isASCII: ascii || !isUTF8, isColoured: wantsColour && !once && isatty(STDOUT_FILENO) == 1)
    }
}

/// Asks the server at intervals, over lost connections.
struct TopPoll: Sendable {
    /// Lists change slowly, and there may be many.
    private static let listInterval = Duration.seconds(5)

    let options: ServerOptions
    let interval: Duration

    enum Look: Sendable {
        case info(String, lists: [TearoffClient.ListInfo]?)
        case lost(String)

        func note(in state: inout TopState) {
            switch self {
            case .info(let text, let lists):
                state.add(TopSample(info: text))
                if let lists { state.add(lists) }
            case .lost(let problem): state.lose(problem)
            }
        }
    }

    func looks(_ client: TearoffClient) -> AsyncStream<Look> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                await run(client, continuation)
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func run(_ first: TearoffClient, _ looks: AsyncStream<Look>.Continuation) async {
        var client: TearoffClient? = first
        var listsAt: ContinuousClock.Instant?
        while !Task.isCancelled {
            do {
                let connection: TearoffClient
                if let client { connection = client } else { connection = try await options.connect() }
                client = connection
                let text = try await connection.info()
                let isDue = listsAt.map { .now - $0 >= Self.listInterval } ?? true
                let lists = isDue ? try await connection.lists() : nil
                if isDue { listsAt = .now }
                looks.yield(.info(text, lists: lists))
            } catch {
                let problem = (error as? TearoffError).map { Failure($0).message } ?? "\(error)"
                looks.yield(.lost(problem))
                await client?.close()
                client = nil
            }
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }
}

extension Record {
    /// nil before there is a second look to compare with.
    init?(_ state: TopState) {
        guard let sample = state.sample, let moment = state.moment else { return nil }
        func rounded(_ rate: Double) -> Cell { .integer(Int(rate.rounded())) }
        let low = state.lists.filter(\.isLow).map(\.name)
        self.init([
            "at": .time(Date(timeIntervalSince1970: Double(sample.microseconds) / 1e6)),
            "codes-per-second": rounded(moment.codes), "repeats-per-second": rounded(moment.repeats),
            "refused-per-second": rounded(moment.refusals), "holds-per-second": rounded(moment.holds),
            "p50-microseconds": Cell(moment.p50), "p99-microseconds": Cell(moment.p99),
            "p999-microseconds": Cell(moment.p999), "log-bytes-per-second": rounded(moment.logBytes),
            "frames-per-second": rounded(moment.frames),
            "flush-microseconds": .integer(sample["log_flush_microseconds"]),
            "snapshot": .integer(sample["snapshot_latest"]),
            "snapshot-in-progress": .boolean(sample["snapshot_in_progress"] == 1),
            "feed-newest": .integer(sample["feed_newest"]), "feed-failing": .boolean(sample["feed_failing"] == 1),
            "clients": .integer(sample["connected_clients"]), "memory-bytes": .integer(sample["used_memory_rss"]),
            "low-lists": low.isEmpty ? .none : .text(low.joined(separator: ",")),
        ])
    }
}
