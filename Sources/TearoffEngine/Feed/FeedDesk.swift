import Synchronization
import TearoffCore
import TearoffLog

/// The feed: everything that happens, with a number, for whoever wants to hear of it.
///
/// It follows the log, a moment behind it and in the background: an `ALLOC` does nothing for it. An event is told when
/// the feed has it on disk, so a number stands for one event for ever; and how far the log is told stands in the same
/// frame, so after a crash the feed goes on where it was. Log that is not told yet is not removed, unless the feed
/// cannot be written: then allocations go on, and readers are told of a gap.
package final class FeedDesk: Sendable {
    /// When a failed write or read is tried again.
    package static let retryMilliseconds: UInt64 = 1_000
    /// Looks at all lanes until two in a row are alike; between two commits there is time for hundreds.
    private static let markTries = 1_000

    let engine: Engine
    let storage: any FeedStorage
    let directory: DirectoryID
    package let settings: FeedSettings
    private let log: any LogStorage
    private let earlier: EarlierLives
    /// nil until the files were read.
    private let writer = Mutex<FeedWriter?>(nil)
    private let work = Mutex(Work())
    let readers = Mutex(Readers())
    let places = Mutex(FeedPlaces())
    /// Hears of each frame, on the writer's thread.
    private let follower = Mutex<Follower?>(nil)

    typealias Follower =
        @Sendable (_ first: FeedSequence, _ end: FeedSequence, _ warnings: [ToldWarning]) -> Void

    /// What the writer does, and what makes it go on.
    private struct Work {
        /// Also while it rests.
        var isRunning = false
        var isResting = false
        /// Of the present or the next rest.
        var rest: UInt64 = 0
        var hasNews = false
        var isStopped = false
        var isWarning = false
        /// Lanes whose next commit makes it go on.
        var awaited: Set<LaneID> = []
        var timer = EarliestTimer()
        var told: [LaneID: LaneProgress] = [:]
        var fault: FeedFault?
        var faultCount: UInt64 = 0
        /// Who waits until all lanes are told so far.
        var waiting: [(target: [LaneID: FrameNumber], done: @Sendable () -> Void)] = []

        /// - Returns: the rest's number; nil when somebody waits for more.
        mutating func beginRest() -> UInt64? {
            guard waiting.isEmpty else { return nil }
            isResting = true
            return rest
        }

        mutating func endRest() {
            isResting = false
            rest += 1
        }

        /// - Returns: what those are to hear whose target is reached.
        mutating func note(_ lanes: [LaneID: LaneProgress]) -> [@Sendable () -> Void] {
            told = lanes
            let isReached = { (target: [LaneID: FrameNumber]) in
                target.allSatisfy { $0.value <= lanes[$0.key]?.frame ?? FrameNumber.none }
            }
            defer { waiting.removeAll { isReached($0.target) } }
            return waiting.filter { isReached($0.target) }.map(\.done)
        }
    }

    init(
        engine: Engine, log: any LogStorage, storage: any FeedStorage, directory: DirectoryID,
        settings: FeedSettings, earlier: EarlierLives
    ) {
        self.engine = engine
        self.log = log
        self.storage = storage
        self.directory = directory
        self.settings = settings
        self.earlier = earlier
    }
}

/// What can be read of the feed.
struct FeedView: Equatable, Sendable {
    var files: [FeedShelf.File] = []
    var next = FeedSequence.first
    /// Whether the files were read; there is nothing to read before.
    var isOpen = false

    var oldest: FeedSequence { files.first?.first ?? next }
}

package struct FeedInfo: Equatable, Sendable {
    /// nil when there is no event.
    package let oldest: UInt64?
    /// nil when there never was any.
    package let newest: UInt64?
    package let byteCount: UInt64
    package let fileCount: Int
    /// nil when all is well.
    package let fault: FeedFault?
    package let faultCount: UInt64
}

extension FeedDesk {
    package var info: FeedInfo {
        let view = readers.withLock { $0.view }
        let (fault, faultCount) = work.withLock { ($0.fault, $0.faultCount) }
        let newest = view.next.rawValue - 1
        return FeedInfo(
            oldest: view.oldest < view.next ? view.oldest.rawValue : nil, newest: newest > 0 ? newest : nil,
            byteCount: view.files.reduce(0) { $0 + $1.byteCount }, fileCount: view.files.count, fault: fault,
            faultCount: faultCount)
    }

    /// Has `body` called with each frame from now on, once that is on disk. Before the start.
    func follow(_ body: @escaping Follower) { follower.withLock { $0 = body } }

    /// The number that the next event gets.
    var nextSequence: FeedSequence { readers.withLock { $0.view.next } }

    var isStopped: Bool { work.withLock { $0.isStopped } }

    private var statuses: [LaneStatus] { engine.lanes + [engine.controlLane] }
}

// MARK: - Running

extension FeedDesk {
    package func start() { goOn() }

    /// Writes no more, and answers everybody who waits.
    package func stop() {
        work.withLock { $0.isStopped = true }
        giveUp()
        for reader in readers.withLock({ $0.takeAll() }) { read(reader) }
    }

    /// Calls `done`, on some thread, when all that is durable by now is told; or when that cannot be: a feed that
    /// cannot be written must not fill the disk with log.
    func whenTold(_ done: @escaping @Sendable () -> Void) {
        let target = durableFrames
        enum Next { case done, run, goOn }
        let next = work.withLock { work -> Next in
            guard work.fault == nil, !work.isStopped else { return .done }
            work.waiting.append((target, done))
            guard work.isResting else { return .goOn }
            work.endRest()
            return .run
        }
        switch next {
        case .done: done()
        case .goOn: goOn()
        case .run: engine.host.background { [self] in run() }
        }
    }

    private var durableFrames: [LaneID: FrameNumber] {
        let active = statuses.map { ($0.lane, $0.durableFrame) }
        return earlier.ends.mapValues(\.frame).merging(active) { $1 }
    }

    /// Those who wait for what will not be told are let go.
    private func giveUp() {
        let waiting = work.withLock { work in
            defer { work.waiting = [] }
            return work.waiting
        }
        for wait in waiting { wait.done() }
    }

    /// There is something new.
    private func goOn() {
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
        guard !isStopped, engine.failure == nil else { return giveUp() }
        let result = Result { () throws(FeedFault) in try writeOnce() }
        switch result {
        case .failure(let fault):
            note(fault)
            giveUp()
            engine.host.later(Self.retryMilliseconds) { [self] in engine.host.background { [self] in run() } }
        case .success(let isMore):
            let rest = isMore ? nil : work.withLock { $0.beginRest() }
            guard let rest else { return engine.host.background { [self] in run() } }
            engine.host.later(settings.restMilliseconds) { [self] in end(rest) }
        }
    }

    private func note(_ fault: FeedFault) {
        let isNew = work.withLock { work in
            defer { work.fault = fault }
            work.faultCount += 1
            return work.fault == nil
        }
        if isNew { engine.host.report(.feedFailed(fault)) }
    }

    /// - Returns: whether there is more to be written at once.
    private func writeOnce() throws(FeedFault) -> Bool {
        guard let marks else { return true }
        let mayWarn = work.withLock { !$0.isWarning }
        let written = try writer.withLock { writer throws(FeedFault) in
            var open: FeedWriter
            if let writer { open = writer } else { open = try makeWriter() }
            // Also after a failure: what the files had before is known, and what a failed write left is not believed.
            defer { writer = open }
            let first = open.next
            let isMore = try open.write(through: marks)
            let changes = mayWarn ? open.dueWarnings() : []
            return Written(
                first: first, view: FeedView(files: open.files, next: open.next, isOpen: true),
                lanes: open.told.lanes,
                isMore: isMore, changes: changes, warnings: open.toldWarnings, nextLook: open.nextLook)
        }
        let reached = work.withLock { work in
            work.fault = nil
            work.isWarning = work.isWarning || !written.changes.isEmpty
            return work.note(written.lanes)
        }
        for wait in reached { wait() }
        publish(written.view)
        follower.withLock { $0 }?(written.first, written.view.next, written.warnings)
        if !written.changes.isEmpty { warn(written.changes) }
        setTimer(written.nextLook)
        return written.isMore
    }

    private struct Written: Sendable {
        let first: FeedSequence
        let view: FeedView
        let lanes: [LaneID: LaneProgress]
        let isMore: Bool
        let changes: [FeedChange]
        let warnings: [ToldWarning]
        let nextLook: Timestamp?
    }

    private func makeWriter() throws(FeedFault) -> FeedWriter {
        do throws(StorageError) {
            let writer = try FeedWriter(
                engine: engine, log: log, feed: storage, directory: directory, settings: settings,
                earlier: earlier)
            if writer.isDamaged { engine.host.report(.feedDamaged) }
            return writer
        } catch {
            throw .feed(error)
        }
    }

    /// How far each lane is durable, all at one moment, so that no event is told before one that it came from; nil
    /// when the lanes would not hold still.
    private var marks: [LaneID: FrameNumber]? {
        var before = durableFrames
        for _ in 0..<Self.markTries {
            let now = durableFrames
            if now == before { return now }
            before = now
        }
        return nil
    }

    /// Tells the warnings once all claims are durable that they may rest on: a crash must not make them untrue.
    private func warn(_ changes: [FeedChange]) {
        engine.whenDurable(engine.barrierBehindClaims()) { [self] in
            engine.host.background { [self] in
                writer.withLock { $0?.tell(changes) }
                work.withLock { $0.isWarning = false }
                goOn()
            }
        }
    }

    private func end(_ rest: UInt64) {
        let hasNews = work.withLock { work -> Bool? in
            guard work.isResting, work.rest == rest else { return nil }
            work.endRest()
            work.isRunning = false
            return work.hasNews
        }
        // Ended before its time.
        guard let hasNews else { return }
        if hasNews { return goOn() }
        for status in statuses { goOn(behind: status) }
    }

    /// Goes on when the lane has become durable further than is told.
    private func goOn(behind status: LaneStatus) {
        let told = work.withLock { work in
            guard work.awaited.insert(status.lane).inserted else { return FrameNumber?.none }
            return work.told[status.lane]?.frame ?? FrameNumber.none
        }
        guard let told else { return }
        status.whenDurable(told.next) { [self] in
            work.withLock { _ = $0.awaited.remove(status.lane) }
            goOn()
        }
    }

    private func setTimer(_ nextLook: Timestamp?) {
        let now = engine.host.wallMilliseconds()
        let wait = nextLook.map { $0.millisecondsSince(engine.now()) } ?? .max
        guard let time = work.withLock({ $0.timer.set(in: wait, now: now) }) else { return }
        engine.host.later(time - now) { [self] in
            work.withLock { $0.timer.rang(time) }
            goOn()
        }
    }
}
