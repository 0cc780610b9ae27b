import Synchronization
import TearoffCore
package import TearoffLog

/// Sends the warnings that the feed tells to the recipients of their lists.
///
/// It hears of them from the feed, in the background: no commit and no loop does anything for it. Each is written down
/// before it is tried first, and struck out when it is sent, so it is sent at least once whatever happens in between.
/// What it does not hear of (it was not running, or too much is open), it reads in the feed.
package final class DeliveryDesk: Sendable {
    /// When a failed write or read is tried again.
    package static let retryMilliseconds: UInt64 = 1_000

    let engine: Engine
    let feed: FeedDesk
    private let storage: any DeliveryStorage
    let courier: any Courier
    let directory: DirectoryID
    let settings: DeliverySettings
    /// nil until the file was read. Only one run at a time, and ``retry(_:done:)``, change it.
    let book = Mutex<OpenBook?>(nil)
    let work = Mutex(Work())

    struct OpenBook {
        var book: DeliveryBook
        /// Of `book`, as it is on disk.
        var savedNext: FeedSequence
        var isChanged = false

        mutating func change<Value>(_ body: (inout DeliveryBook) -> Value) -> Value {
            isChanged = true
            return body(&book)
        }
    }

    /// What is to be done next.
    struct Work {
        var isRunning = false
        var hasNews = false
        /// No try begins any more; one more run keeps how far it came.
        var isStopping = false
        /// Where a desk without a file begins: at the first frame that it hears of. nil before.
        var beginning: FeedSequence?
        /// What the feed has told and nobody has looked at: one stretch without a hole.
        var heard: Stretch?
        /// Something was told that is not in there: the feed must be read.
        var isBehind = true
        /// nil: there is nobody to be told any more.
        var receipts: [(number: UInt64, receipt: CourierReceipt?)] = []
        /// By the delivery: to whom. Each recipient at most once.
        var underWay: [UInt64: String] = [:]
        var isTesting = false
        /// Who waits until what was changed is on disk.
        var waiting: [@Sendable (StorageError?) -> Void] = []
        var timer = EarliestTimer()
        var fault: StorageError?
        var sentCount: UInt64 = 0

        /// What becomes of a run that is over.
        mutating func next(after fault: StorageError?) -> Next {
            // It counts as running from then on, so that nothing is begun, and written, any more.
            if isStopping { return waiting.isEmpty ? .nothing : .run }
            if fault != nil { return .retry }
            isRunning = hasNews
            return hasNews ? .run : .nothing
        }
    }

    enum Next {
        case nothing
        case run
        /// In ``retryMilliseconds``.
        case retry
    }

    struct Stretch {
        let first: FeedSequence
        var end: FeedSequence
        var warnings: [ToldWarning]
    }

    init(
        engine: Engine, feed: FeedDesk, storage: any DeliveryStorage, courier: any Courier, directory: DirectoryID,
        settings: DeliverySettings
    ) {
        self.engine = engine
        self.feed = feed
        self.storage = storage
        self.courier = courier
        self.directory = directory
        self.settings = settings
        feed.follow { [weak self] first, end, warnings in self?.hear(first, end, warnings) }
    }
}

package struct DeliveryInfo: Sendable {
    /// The number in the feed that comes next; nil before the file was read.
    package let next: UInt64?
    package let open: [Delivery]
    package let dead: [Delivery]
    package let droppedCount: UInt64
    package let missedCount: UInt64
    /// Since the start.
    package let sentCount: UInt64
    package let mailProblem: String?
    /// nil when all is well.
    package let fault: StorageError?
}

extension DeliveryDesk {
    /// What tries are put off by: a pause goes on while the server is off.
    var wallTime: Timestamp { Timestamp(milliseconds: engine.host.wallMilliseconds()) }

    package var info: DeliveryInfo {
        let book = book.withLock { $0?.book }
        return work.withLock { work in
            DeliveryInfo(
                next: book?.next.rawValue, open: book?.open ?? [], dead: book?.dead ?? [],
                droppedCount: book?.droppedCount ?? 0, missedCount: book?.missedCount ?? 0,
                sentCount: work.sentCount, mailProblem: courier.mailProblem, fault: work.fault)
        }
    }

    /// Begins no try any more, and keeps how far it came. What is under way may be tried once more after the next
    /// start.
    ///
    /// - Parameter done: called on some thread, once that is on disk or could not be written; nothing is written after
    ///   it.
    package func stop(done: @escaping @Sendable () -> Void) {
        work.withLock { work in
            work.isStopping = true
            work.waiting.append { _ in done() }
        }
        goOn()
    }
}

// MARK: - Running

extension DeliveryDesk {
    /// There is something new.
    func goOn() {
        let isIdle = work.withLock { work in
            defer {
                work.hasNews = work.isRunning
                work.isRunning = true
            }
            return !work.isRunning
        }
        if isIdle { engine.host.background { [self] in run() } }
    }

    private func run() {
        // What they wait for was changed before.
        let waiting = work.withLock { work in
            defer { (work.waiting, work.hasNews) = ([], false) }
            return work.waiting
        }
        let fault = runOnce()
        let (isNew, next) = work.withLock { work in
            defer { work.fault = fault }
            return (work.fault == nil, work.next(after: fault))
        }
        if isNew, let fault { engine.host.report(.deliveriesFailed(fault)) }
        for done in waiting { done(fault) }
        switch next {
        case .nothing: break
        case .run: engine.host.background { [self] in run() }
        case .retry:
            engine.host.later(Self.retryMilliseconds) { [self] in
                engine.host.background { [self] in run() }
            }
        }
    }

    /// - Returns: what failed; the next run goes on there.
    private func runOnce() -> StorageError? {
        let isStopping = work.withLock { $0.isStopping }
        do throws(StorageError) {
            if !isStopping { try open() }
            settle()
            let unheard = isStopping ? nil : takeWarnings()
            try save()
            beginTries()
            return unheard
        } catch {
            return error
        }
    }

    private func open() throws(StorageError) {
        guard book.withLock({ $0 == nil }), let beginning = work.withLock({ $0.beginning }) else { return }
        // Without a file nothing before now is sent: nobody was there to be told.
        var opened = OpenBook(book: DeliveryBook(next: beginning), savedNext: beginning, isChanged: true)
        if let bytes = try storage.read() {
            do throws(RecordError) {
                let read = try DeliveryBook(decoding: bytes.span, directory: directory)
                opened = OpenBook(book: read, savedNext: read.next)
            } catch {
                try storage.setAside()
                engine.host.report(.deliveriesDamaged)
            }
        }
        // An older copy of the feed, or one that began anew.
        if opened.book.next > feed.nextSequence {
            opened.book.next = feed.nextSequence
            opened.isChanged = true
        }
        book.withLock { $0 = opened }
    }

    private func save() throws(StorageError) {
        let isStopping = work.withLock { $0.isStopping }
        let saving = book.withLock { book -> DeliveryBook? in
            guard let opened = book else { return nil }
            let unsaved = opened.book.next.rawValue - min(opened.book.next, opened.savedNext).rawValue
            guard
                opened.isChanged || unsaved > DeliveryLimits.eventsUnsaved || (isStopping && unsaved > 0)
            else { return nil }
            book?.isChanged = false
            return opened.book
        }
        if let saving {
            do throws(StorageError) {
                try storage.replace(saving.encode(directory: directory))
                book.withLock { $0?.savedNext = saving.next }
            } catch {
                book.withLock { $0?.isChanged = true }
                throw error
            }
        }
    }
}
