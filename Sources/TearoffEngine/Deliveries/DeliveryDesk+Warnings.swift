import Synchronization
import TearoffCore
import TearoffLog

/// How it hears of warnings, and writes down who is to be told of them.
extension DeliveryDesk {
    /// - Parameters:
    ///   - first, end: of the events that were told, and are on disk.
    func hear(_ first: FeedSequence, _ end: FeedSequence, _ warnings: [ToldWarning]) {
        let isNews = work.withLock { work -> Bool in
            work.beginning = work.beginning ?? first
            if work.isBehind { return true }
            if var heard = work.heard, heard.end == first,
                heard.warnings.count + warnings.count <= DeliveryLimits.open
            {
                heard.end = end
                heard.warnings += warnings
                work.heard = heard
            } else if work.heard == nil {
                work.heard = Stretch(first: first, end: end, warnings: warnings)
            } else {
                work.heard = nil
                work.isBehind = true
            }
            let unseen = work.heard.map { $0.end.rawValue - $0.first.rawValue } ?? 0
            return work.isBehind || !warnings.isEmpty || unseen > DeliveryLimits.eventsUnsaved
        }
        if isNews { goOn() }
    }

    /// - Returns: why the feed cannot be read; what is written down already does not wait for it.
    func takeWarnings() -> StorageError? {
        let (heard, isBehind) = work.withLock { work in
            defer {
                work.heard = nil
                work.isBehind = false
            }
            return (work.heard, work.isBehind)
        }
        guard let next = book.withLock({ $0?.book.next }) else { return nil }
        if let heard, !isBehind, heard.first <= next, next <= heard.end,
            take(heard.warnings.filter { $0.sequence >= next }, upTo: heard.end)
        {
            return nil
        }
        guard isBehind || heard != nil else { return nil }
        do throws(StorageError) {
            try catchUp()
            return nil
        } catch {
            work.withLock { $0.isBehind = true }
            return error
        }
    }

    /// - Returns: false when there is no room for all of them; none is taken then.
    private func take(_ warnings: [ToldWarning], upTo end: FeedSequence) -> Bool {
        let catalog = engine.latestCatalog
        let letters = warnings.flatMap { told in
            catalog[told.list].recipients.map { (told: told, address: $0.address) }
        }
        let now = wallTime
        return book.withLock { book in
            guard let room = book?.book.room, letters.count <= room else { return false }
            for letter in letters {
                book?.change { $0.add(letter.told, to: letter.address, due: now) }
            }
            book?.book.next = end
            return true
        }
    }

    /// Reads the feed from where the book is to its end, or until the book is full.
    private func catchUp() throws(StorageError) {
        while let book = book.withLock({ $0?.book }), book.next < feed.nextSequence,
            !work.withLock({ $0.isStopping })
        {
            // What does not fit would be read again and again.
            guard book.room >= Limits.recipients else {
                return work.withLock { $0.isBehind = true }
            }
            let next = book.next
            let page = try feed.readNow(from: next, count: DeliveryLimits.eventsPerPage)
            if page.missed > 0 {
                self.book.withLock { book in
                    book?.change { book in
                        book.missedCount += page.missed
                        book.next = FeedSequence(rawValue: page.first)
                    }
                }
                engine.host.report(.deliveriesMissed(events: page.missed))
            }
            for (index, event) in page.events.enumerated() {
                guard case .warning(let list, let warning) = event.kind else { continue }
                let sequence = FeedSequence(rawValue: page.first).advanced(by: index)
                let told = ToldWarning(sequence: sequence, at: event.at, list: list, warning: warning)
                guard take([told], upTo: sequence.advanced(by: 1)) else {
                    return work.withLock { $0.isBehind = true }
                }
            }
            _ = take([], upTo: FeedSequence(rawValue: page.next))
        }
    }
}
