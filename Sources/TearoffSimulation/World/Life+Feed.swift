import TearoffCore
package import TearoffEngine
package import TearoffLog

extension FeedSettings {
    /// More than any test writes.
    package static let ample = FeedSettings(bytesMaximum: 1 << 30, ageMillisecondsMaximum: 30 * day)
}

extension Life {
    /// Lets the feed come to the end of the log, and to warnings that rest on it.
    package func tellAll() {
        settle()
        for _ in 0..<4 { pass(FeedSettings.ample.restMilliseconds) }
    }

    package func askForFeed(
        from: UInt64 = 1, count: Int = 1_000, wait: UInt64 = 0
    ) throws -> Reply<Result<FeedPage, ControlError>> {
        let reply = Reply<Result<FeedPage, ControlError>>()
        try required(control.feed).read(from: from, count: count, waitMilliseconds: wait) { reply.set($0) }
        settle()
        return reply
    }

    package func feedPage(from: UInt64 = 1, count: Int = 1_000) throws -> FeedPage {
        try required(try askForFeed(from: from, count: count).value).get()
    }

    /// All events that are kept.
    package func feed() throws -> [FeedEvent] {
        var (events, next): ([FeedEvent], UInt64) = ([], 1)
        while true {
            let page = try feedPage(from: next)
            if page.events.isEmpty { return events }
            events += page.events
            next = page.next
        }
    }

    /// The same in words.
    package func feedWords() throws -> [String] { try feed().map(words) }

    package func words(_ event: FeedEvent) -> String {
        switch event.kind {
        case .gap: "gap"
        case .warning(_, let warning): "\(warning)"
        case .change(let change): String("\(change)".prefix { $0 != "(" })
        case .allocation(let allocation, let step):
            "\(Self.word(step)) \(String(decoding: allocation.user, as: UTF8.self)) \(text(allocation.code))"
        }
    }

    private static func word(_ step: FeedStep) -> String {
        switch step {
        case .given: "given"
        case .held: "held"
        case .repeated: "repeated"
        case .ended(let reason, let codeIsFree): "\(reason)\(codeIsFree ? " free" : "")"
        }
    }

    /// What the feed must have told of allocations, from the shards alone: each row, and each end of a hold.
    package func feedOracle() -> [String] {
        var words: [String] = []
        for cut in engine.shards.map({ cell in cell.withState { $0.shard.cut() } }) {
            for number in 0..<UInt32(cut.rows.count) {
                let row = cut.rows[RowNumber(rawValue: number)]
                // What another system gave happened there.
                if engine.latestCatalog[row.code.upload].isImport { continue }
                let user = String(decoding: cut.user(of: row).bytes, as: UTF8.self)
                var bytes: [UInt8] = []
                bytes.append(addingCapacity: 255) { cut.appendUser(of: row, to: &$0) }
                let name = user.isEmpty ? String(decoding: bytes, as: UTF8.self) : user
                let hold = cut.holds.index(of: RowNumber(rawValue: number)).map { cut.holds[$0] }
                words.append("\(hold == nil ? "given" : "held") \(name) \(text(row.code))")
                guard let end = hold?.end else { continue }
                words.append("\(end.reason)\(end.codeIsFree ? " free" : "") \(name) \(text(row.code))")
            }
        }
        return words.sorted()
    }

    /// What the feed has told of allocations.
    package func feedAllocations() throws -> [String] {
        try feed().compactMap { event in
            if case .allocation = event.kind { words(event) } else { nil }
        }.sorted()
    }
}
