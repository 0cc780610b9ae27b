import ArgumentParser
import Foundation
import TearoffClient

struct FeedCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed", abstract: "What happens, as it happens.",
        discussion: """
            The newest events, or those from a number on; --follow waits for more, also
            over a restart of the server, until Ctrl-C:

              tearoffctl feed --follow
              tearoffctl feed --from 1 --follow --json | consumer

            With --json each event is a line of its own. Its number is never used for
            another event: who keeps the last one goes on behind it.
            """)

    @Option(
        help: ArgumentHelp("The number of the first; the newest hundred without it.", valueName: "number"))
    var from: Int?

    @Option(help: ArgumentHelp("Only events of these kinds, as given,low.", valueName: "kinds"))
    var event: String?

    @Flag(help: "Go on with what happens from now on, until Ctrl-C.")
    var follow = false

    @OptionGroup var options: ServerOptions

    func run(_ client: TearoffClient, _ output: Output) async throws {
        let reader = FeedReader(
            kinds: event.map { Set($0.split(separator: ",").map(String.init)) }, isJSON: output.isJSON)
        let next = try await first(client)
        guard follow else {
            return try await reader.readAll(client, from: next)
        }
        let options = options
        try await Interruption.race(
            { try await reader.follow(client, from: next, options) },
            interrupted: { throw ExitCode.success })
    }

    private func first(_ client: TearoffClient) async throws -> Int {
        if let from { return max(1, from) }
        let info = try await client.feedInfo()
        return max(info.oldest ?? 1, (info.newest ?? 0) - FeedReader.eventsUsual + 1)
    }
}

/// Brings events to standard output.
struct FeedReader: Sendable {
    /// What is shown without a number to begin with.
    static let eventsUsual = 100
    /// A wait of this length costs the server next to nothing, and a lost connection is noticed in time.
    private static let waitForEvent = Duration.seconds(10)
    private static let waitForServer = Duration.seconds(1)

    /// nil: all.
    let kinds: Set<String>?
    let isJSON: Bool

    func readAll(_ client: TearoffClient, from first: Int) async throws(TearoffError) {
        var next = first
        var isAtEnd = false
        while !isAtEnd {
            let page = try await client.feed(from: next, count: TearoffClient.Limits.feedPage)
            show(page)
            isAtEnd = page.next == next
            next = page.next
        }
    }

    /// Goes on until the task is cancelled, over lost connections.
    func follow(_ first: TearoffClient, from number: Int, _ options: ServerOptions) async throws {
        var client: TearoffClient? = first
        var next = number
        while !Task.isCancelled {
            do throws(TearoffError) {
                if let client { next = try await readOn(client, from: next) }
            } catch {
                guard Self.passes(error) else { throw error }
                Terminal.words("\(Failure(error).message); trying again")
                await client?.close()
                client = nil
            }
            if client == nil { client = try await reconnect(options) }
        }
    }

    private func readOn(_ client: TearoffClient, from next: Int) async throws(TearoffError) -> Int {
        let page = try await client.feed(
            from: next, count: TearoffClient.Limits.feedPage, wait: Self.waitForEvent)
        show(page)
        return page.next
    }

    /// - Returns: nil when it is to be tried again.
    private func reconnect(_ options: ServerOptions) async throws -> TearoffClient? {
        try await Task.sleep(for: Self.waitForServer)
        do {
            return try await options.connect()
        } catch let error as TearoffError {
            guard Self.passes(error) else { throw error }
            return nil
        }
    }

    /// Whether it may be over in a while. A reader may ask again: nothing is changed by it.
    private static func passes(_ error: TearoffError) -> Bool {
        switch error.code {
        case .unreachable, .connectionLost, .timeout, .loading, .shutdown, .busy: true
        default: false
        }
    }

    private func show(_ page: TearoffClient.FeedPage) {
        if page.missed > 0 {
            let events = BadLineReport.count(page.missed, "event")
            Terminal.words(
                "\(events) before number \(page.next - page.events.count) cannot be read any more.")
        }
        for event in page.events where kinds?.contains(event.event) ?? true {
            let record = Record(event)
            Terminal.data(isJSON ? Output.json(record.dictionary, isLine: true) : Self.line(record))
        }
    }

    /// Number, time and kind in columns, then what else there is.
    private static func line(_ record: Record) -> String {
        let number = record["sequence"].shown
        let kind = record["event"].shown
        let left = String(repeating: " ", count: max(0, 8 - number.count))
        let right = String(repeating: " ", count: max(0, 10 - kind.count))
        let rest = record.fields.dropFirst(3).map { "\($0.name)=\($0.cell.shown)" }.joined(separator: " ")
        return "\(left)\(number)  \(record["at"].shown)  \(kind)\(right)\(rest)"
    }
}
