import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TearoffEngine

/// The threads: event loops for the sockets, one that lets clients in, one for the control plane, and a few for slow work.
final class LoopGroup: Sendable {
    let sockets: MultiThreadedEventLoopGroup
    /// Accepts connections, at a lower priority: those who are in go before those who come, however many these are.
    let door: MultiThreadedEventLoopGroup
    let control: MultiThreadedEventLoopGroup
    let background: NIOThreadPool
    private let segments: NIOThreadPool
    /// A loop that has ended must not be given a timer.
    private let timersAreOver = Mutex(false)

    /// Four: a snapshot or a backup, a commit of an upload, the feed, and one thing more.
    private static let backgroundThreads = 4
    /// Commits wait for them, whatever else is under way.
    private static let segmentThreads = 2

    /// Threads of a recovery at most: it has work for one for each shard, and one more that reads.
    private static let recoveryThreadsMaximum = 17

    init(loopCount: Int) {
        sockets = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        door = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        door.next().execute { BackgroundPriority.lowerThisThread() }
        control = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        background = NIOThreadPool(numberOfThreads: Self.backgroundThreads)
        background.start()
        segments = NIOThreadPool(numberOfThreads: Self.segmentThreads)
        segments.start()
    }

    func runInBackground(_ body: @escaping @Sendable () -> Void) { Self.run(body, on: background) }
    func makeSegments(_ body: @escaping @Sendable () -> Void) { Self.run(body, on: segments) }

    static func run(_ body: @escaping @Sendable () -> Void, on pool: NIOThreadPool) {
        // A cancelled piece of work is one that the end of the process makes superfluous.
        pool.submit { state in
            guard case .active = state else { return }
            BackgroundPriority.lowerThisThread()
            body()
        }
    }

    /// Without it a loop that is woken on this core waits for the scheduler's next tick, up to 4 ms: niceness does not
    /// shorten that where the kernel is built without preemption.
    static func giveWay() { _ = sched_yield() }

    /// Once the loops end nothing is run any more, as of what waits then.
    func run(inMilliseconds wait: UInt64, _ body: @escaping @Sendable () -> Void) {
        timersAreOver.withLock { areOver in
            if !areOver { control.next().scheduleTask(in: .milliseconds(Int64(wait)), body) }
        }
    }

    /// A recovery has the machine for itself: it takes all cores, up to ``recoveryThreadsMaximum``.
    static var recoveryWorkers: RecoveryWorkers {
        let threads = min(System.coreCount, recoveryThreadsMaximum)
        return RecoveryWorkers(count: threads) { pieces, body in
            let next = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: min(threads, pieces)) { _ in
                while true {
                    // Relaxed: the number alone is shared. Beginning and end of the call publish the rest.
                    let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if piece >= pieces { return }
                    body(piece)
                }
            }
        }
    }

    /// Ends the event loops; the door hears of each connection's end, so it goes behind them. Background work is not
    /// waited for: a snapshot or upload that is cut short leaves nothing.
    func shutDown() async {
        timersAreOver.withLock { $0 = true }
        do {
            try await sockets.shutdownGracefully()
            try await door.shutdownGracefully()
            try await control.shutdownGracefully()
        } catch {
            // The process is about to end, and nothing depends on its threads any more.
            return
        }
    }
}

/// Lets the event loops go first where cores are few: a snapshot, an upload or a new connection may take longer, a reply
/// may not.
private enum BackgroundPriority {
    /// Half way down from the loops. At 19 a busy server would hold back the next log segment, and so itself.
    private static let niceness: CInt = 10

    /// On Linux niceness belongs to a thread, and 0 names the calling one; a new thread has that of its maker. Where it may
    /// not be changed, all are alike.
    static func lowerThisThread() {
        let process = __priority_which_t(PRIO_PROCESS.rawValue)
        _ = setpriority(process, 0, getpriority(process, id_t(getpid())) + niceness)
    }
}
