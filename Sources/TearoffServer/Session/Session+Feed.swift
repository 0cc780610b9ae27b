import TearoffEngine
import TearoffProtocol

/// Reads the feed, in the background.
extension Session {
    func runFeed(
        _ command: Command, _ engine: Engine, _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = server.feed else {
            writer.error(.noFeed, "the server keeps no feed")
            return .answered
        }
        let sight = sight
        switch command {
        case .feedRead(let from, let count, let block):
            desk.read(from: from, count: Int(count), waitMilliseconds: block) {
                // Behind the events: what they name is in it.
                later.reply($0) { writer, page in writer.feed(page, in: engine.latestCatalog, seenBy: sight) }
            }
            return .later
        case .feedInfo:
            writer.feed(desk.info, desk.settings)
            return .answered
        default: preconditionFailure("not a command of the feed")
        }
    }
}
