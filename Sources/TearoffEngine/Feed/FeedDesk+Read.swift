import Synchronization
import TearoffCore
package import TearoffLog

/// Who reads, and what there is to read.
struct Readers {
    var view = FeedView()
    private var waiting: [(reader: FeedReader, since: UInt64)] = []
    private var timer = EarliestTimer()

    mutating func takeAll() -> [FeedReader] { take { _ in true } }

    /// - Parameter now: of the wall clock, here and below.
    /// - Returns: false when too many wait.
    fileprivate mutating func add(_ reader: FeedReader, now: UInt64) -> Bool {
        guard waiting.count < FeedDesk.readersMaximum else { return false }
        waiting.append((reader, now))
        return true
    }

    /// Those that there is something for by now.
    fileprivate mutating func takeReady() -> [FeedReader] { take { [view] in $0.reader.from < view.next } }

    /// - Parameter time: of the timer that rang.
    /// - Returns: those that have waited long enough.
    fileprivate mutating func takeOverdue(at time: UInt64, now: UInt64) -> [FeedReader] {
        timer.rang(time)
        // It has come, though the clock may have been set back meanwhile; or by so much that nobody knows any more.
        let latest = max(now, time)
        return take { latest >= $0.since + $0.reader.waitMilliseconds || now < $0.since }
    }

    /// - Returns: the time of the timer to be set; nil: none, or it is set.
    fileprivate mutating func nextTimer(now: UInt64) -> UInt64? {
        let next = waiting.map { $0.since + $0.reader.waitMilliseconds }.min()
        return next.flatMap { timer.set(in: $0 - min($0, now), now: now) }
    }

    private mutating func take(where isTaken: ((reader: FeedReader, since: UInt64)) -> Bool) -> [FeedReader] {
        defer { waiting.removeAll(where: isTaken) }
        return waiting.filter(isTaken).map(\.reader)
    }
}

/// Somebody who waits for an event.
struct FeedReader: Sendable {
    let from: FeedSequence
    let count: Int
    /// A minute at most (`ArgumentLimits`).
    let waitMilliseconds: UInt64
    let done: @Sendable (Result<FeedPage, ControlError>) -> Void
}

/// A stretch of the feed.
package struct FeedPage: Equatable, Sendable {
    /// How many events were asked for, before the first of these, that are not kept any more or cannot be read.
    package fileprivate(set) var missed: UInt64 = 0
    /// In the order of their numbers, without a hole.
    package fileprivate(set) var events: [FeedEvent] = []
    /// The number to go on with: behind the last of the events.
    package fileprivate(set) var next: UInt64

    package init(missed: UInt64 = 0, events: [FeedEvent] = [], next: UInt64) {
        self.missed = missed
        self.events = events
        self.next = next
    }

    /// Of the first of the events.
    package var first: UInt64 { next - UInt64(events.count) }
}

package enum FeedError: Error, Equatable, Sendable {
    /// Its files were not read yet.
    case notReady
    /// There is no such number yet: the reader knows another feed, or a later state of this one.
    case ahead(next: UInt64)
    case tooManyReaders(maximum: Int)
}

/// Where reading stopped: whoever goes on there need not search its file.
struct FeedPlaces {
    /// Readers that are remembered; a guess. Another one costs a walk over its file's headers.
    private static let countMaximum = 256
    private var places: [FeedSequence: (file: FeedSequence, offset: UInt64)] = [:]

    mutating func note(_ next: FeedSequence, file: FeedSequence, offset: UInt64) {
        if places.count >= Self.countMaximum { places = [:] }
        places[next] = (file, offset)
    }

    func offset(of next: FeedSequence, in file: FeedSequence) -> UInt64 {
        guard let place = places[next], place.file == file else { return 0 }
        return place.offset
    }
}

extension FeedDesk {
    /// Clients that wait for an event at once: each keeps a connection's reply open.
    package static let readersMaximum = 1_024

    /// Reads events in the background.
    ///
    /// - Parameters:
    ///   - from: number of the first one, from 1.
    ///   - count: most events; what a client asks for, so bounded before.
    ///   - waitMilliseconds: how long to wait for one when there is none; 0: not at all.
    ///   - done: called on some thread.
    package func read(
        from: UInt64, count: Int, waitMilliseconds: UInt64,
        done: @escaping @Sendable (Result<FeedPage, ControlError>) -> Void
    ) {
        let reader = FeedReader(
            from: FeedSequence(rawValue: from), count: count, waitMilliseconds: waitMilliseconds, done: done)
        engine.host.background { [self] in readOrWait(reader) }
    }

    func publish(_ view: FeedView) {
        let ready = readers.withLock { readers in
            readers.view = view
            return readers.takeReady()
        }
        for reader in ready { engine.host.background { [self] in read(reader) } }
    }

    /// Answers a reader with what there is.
    func read(_ reader: FeedReader) {
        do throws(StorageError) {
            reader.done(.success(try page(reader, readers.withLock { $0.view })))
        } catch {
            reader.done(.failure(.storage(error)))
        }
    }

    /// - Throws: what the storage does.
    func readNow(from: FeedSequence, count: Int) throws(StorageError) -> FeedPage {
        let reader = FeedReader(from: from, count: count, waitMilliseconds: 0, done: { _ in })
        return try page(reader, readers.withLock { $0.view })
    }

    private func readOrWait(_ reader: FeedReader) {
        let view = readers.withLock { $0.view }
        guard view.isOpen else { return reader.done(.failure(.feed(.notReady))) }
        guard reader.from <= view.next else {
            return reader.done(.failure(.feed(.ahead(next: view.next.rawValue))))
        }
        if reader.from < view.next || reader.waitMilliseconds == 0 || isStopped { return read(reader) }
        enum Place { case waiting, full, ready }
        let place = readers.withLock { readers -> Place in
            if reader.from < readers.view.next { return .ready }
            return readers.add(reader, now: engine.host.wallMilliseconds()) ? .waiting : .full
        }
        switch place {
        case .ready: read(reader)
        case .full: reader.done(.failure(.feed(.tooManyReaders(maximum: Self.readersMaximum))))
        case .waiting: setTimer()
        }
    }

    /// One for all who wait: those who are answered before leave nothing behind.
    private func setTimer() {
        let now = engine.host.wallMilliseconds()
        guard let time = readers.withLock({ $0.nextTimer(now: now) }) else { return }
        engine.host.later(time - now) { [self] in
            // Asked inside: a reader that came since would seem to be of a time before the clock was set back.
            let overdue = readers.withLock { $0.takeOverdue(at: time, now: engine.host.wallMilliseconds()) }
            for reader in overdue { engine.host.background { [self] in read(reader) } }
            setTimer()
        }
    }

    /// - Throws: what the storage does. A file that retention has just removed is asked for once more, as what it was.
    private func page(_ reader: FeedReader, _ view: FeedView) throws(StorageError) -> FeedPage {
        do throws(StorageError) {
            return try page(from: reader.from, count: reader.count, view)
        } catch {
            let latest = readers.withLock { $0.view }
            guard error.problem == .missing, latest != view else { throw error }
            return try page(from: reader.from, count: reader.count, latest)
        }
    }

    private func page(
        from asked: FeedSequence, count: Int, _ view: FeedView
    ) throws(StorageError) -> FeedPage {
        let from = max(asked, view.oldest)
        var page = FeedPage(missed: from.rawValue - asked.rawValue, next: from.rawValue)
        guard from < view.next, var index = view.files.lastIndex(where: { $0.first <= from }) else {
            return page
        }
        while index < view.files.count, page.events.count < count {
            if try read(view.files[index], into: &page, count: count) { return page }
            index += 1
        }
        // What stood behind the last event can be read no more.
        if page.events.isEmpty, page.next < view.next.rawValue {
            page.missed += view.next.rawValue - page.next
            page.next = view.next.rawValue
        }
        return page
    }

    /// - Returns: whether the page ends here, since it is full or a hole follows.
    private func read(
        _ file: FeedShelf.File, into page: inout FeedPage, count: Int
    ) throws(StorageError) -> Bool {
        let next = FeedSequence(rawValue: page.next)
        let offset = places.withLock { $0.offset(of: next, in: file.first) }
        var reader = FeedFileReader(
            file.first, from: offset, to: file.byteCount, storage: storage, directoryID: directory)
        while true {
            switch try reader.next() {
            case .end: return false
            case .damage: continue
            case .frame(let header):
                guard header.end.rawValue > page.next else { continue }
                if header.first.rawValue > page.next {
                    if !page.events.isEmpty { return true }
                    page.missed += header.first.rawValue - page.next
                    page.next = header.first.rawValue
                }
                let events = try reader.decode(header).events.dropFirst(
                    Int(page.next - header.first.rawValue))
                let taken = events.prefix(count - page.events.count)
                page.events += taken
                page.next += UInt64(taken.count)
                let isWhole = taken.count == events.count
                places.withLock {
                    $0.note(
                        FeedSequence(rawValue: page.next), file: file.first,
                        offset: isWhole ? reader.offset : reader.frameOffset)
                }
                if page.events.count == count { return true }
            }
        }
    }
}
