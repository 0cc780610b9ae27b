import TearoffCore
import TearoffEngine
import TearoffLog

/// What the feed tells, and whom the warnings reach.
extension Story {
    /// A reader goes on where it was, or looks at something again.
    mutating func readFeed() throws -> String {
        guard let feed = life.control.feed else { return "none" }
        let reply = expect("a reader of the feed", Reply<Result<FeedPage, ControlError>>())
        let from = UInt64(1 + (told.isEmpty || roll(3) == 0 ? roll(told.count + 1) : told.count))
        feed.read(from: from, count: 1 + roll(40), waitMilliseconds: 0) { reply.set($0) }
        for _ in 0..<50 where reply.count == 0 { life.step() }
        guard case .success(let page)? = reply.value else { return "from \(from): nothing" }
        try note(page)
        return "from \(from): \(page.events.count)"
    }

    /// A number stands for one event in all lives.
    private mutating func note(_ page: FeedPage) throws {
        for (number, event) in zip(page.first..., page.events) {
            guard let before = told.updateValue(event, forKey: number) else {
                if event.kind == .gap { try noteGap() }
                continue
            }
            if before != event { throw Broken(.feed, "\(number) of the feed was \(before), and is \(event)") }
        }
    }

    mutating func noteFeedFaults() {
        feedHasFailed = feedHasFailed || life.events.contains { if case .feedFailed = $0 { true } else { false } }
    }

    /// Log that a feed which could not go on had not told may be gone, and then it says so: of what was given by then.
    private mutating func noteGap() throws {
        noteFeedFaults()
        guard feedHasFailed else { throw Broken(.feed, "a feed that never failed has a gap") }
        untold.formUnion(owners.keys)
        untold.formUnion(pending.map(\.code) + pendingBookings.map(\.code))
    }

    /// All of the feed is there from its first event on, and has every code that was acknowledged.
    mutating func checkFeed() throws {
        guard life.control.feed != nil else { return }
        life.tellAll()
        var next: UInt64 = 1
        while true {
            let page = try life.feedPage(from: next)
            guard page.missed == 0 else { throw Broken(.feed, "\(page.missed) events behind \(next) are missed") }
            try note(page)
            if page.events.isEmpty { break }
            next = page.next
        }
        guard told.count + 1 == next else { throw Broken(.feed, "\(told.count) events were told, of \(next - 1)") }
        try checkLetters()
        let catalog = life.engine.latestCatalog
        var named: [CodeID: Set<String>] = [:]
        for case .allocation(let allocation, _) in told.values.map(\.kind) {
            let user = String(decoding: allocation.user, as: UTF8.self)
            named[allocation.code, default: []].insert(catalog[allocation.campaign].name + "/" + user)
        }
        // It does not tell of what another system gave.
        for (code, key) in owners where !untold.contains(code) && !catalog[code.upload].isImport {
            guard named[code]?.contains(key) == true else {
                throw Broken(.feed, "the feed does not tell of \(code), which is \(key)'s: \(named[code] ?? [])")
            }
        }
    }

    /// Whoever gets a warning twice can tell: it has the same id, and the same id is no other warning's.
    private func checkLetters() throws {
        var known: [String: Notice] = [:]
        for letter in world.courier.letters {
            guard let before = known.updateValue(letter.notice, forKey: letter.notice.id) else { continue }
            guard before.kind == letter.notice.kind, before.list == letter.notice.list else {
                throw Broken(.feed, "\(before) and \(letter.notice) have one id")
            }
        }
    }
}
