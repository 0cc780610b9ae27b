import NIOCore
import NIOPosix
import TearoffCore
import TearoffEngine
import TearoffLog

/// One event loop: its engine, its ticks, and the connections whose replies wait. Touched by that loop only.
///
/// A tick: the loop reads all sockets that are ready, gathers their `ALLOC`s, and decides them together; then
/// ``endTick()`` makes one frame of all records, and lets the replies go whose frames are durable.
final class LoopContext {
    let eventLoop: any EventLoop
    let server: ServerState
    let index: Int
    /// nil while the data is being recovered, and after a stop.
    private(set) var engine: LoopEngine?
    private var preparedEngine: LoopEngine?
    private var tickIsScheduled = false
    private var sealIsScheduled = false
    /// When overdue holds will be ended; nil when it is not known that there are any.
    private var holdEndScheduledFor: Timestamp?
    /// Connections with replies that wait for a frame.
    private var held: [ConnectionHandler] = []
    /// Empty but while replies are let go.
    private var released: [ConnectionHandler] = []
    /// Connections whose next command did not fit into the batch.
    private var waitingForBatch: [ConnectionHandler] = []
    /// Connections that have had their turn.
    private var waitingForTurn: [ConnectionHandler] = []
    /// Tells that the loop has looked at its sockets.
    private var turnBell: TurnBell?
    /// What was read and is not decided yet.
    var burst = AllocationBurst()
    /// The memory of the one that was decided last.
    private var spareBurst = AllocationBurst()
    /// The latest look-ups, whose memory the next ones use again.
    var history = LookUp<HistoryEntry>()
    var places = LookUp<CodePlace>()
    private var latencies = TickLatencies()
    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    /// Of the accounts that the connections know; nil before the data is recovered.
    private var accountsGeneration: UInt64?
    /// Counts the looks at connections that keep it waiting.
    private(set) var sweep: UInt32 = 0
    private var sweepIsScheduled = false
    /// Reads the lane's eventfd.
    private var completions: (any Channel)?

    init(eventLoop: any EventLoop, server: ServerState, index: Int) {
        self.eventLoop = eventLoop
        self.server = server
        self.index = index
        server.note(latencies.histogram, of: index)
    }

    func listen(to turnBell: TurnBell) { self.turnBell = turnBell }

    /// Takes over the loop's part of the engine; nothing is served before ``start()``.
    func prepare(_ engine: LoopEngine) { preparedEngine = engine }

    var completionDescriptor: CInt { preparedEngine?.writer.completionDescriptor ?? -1 }

    func listen(to completions: any Channel) { self.completions = completions }

    func start() {
        engine = preparedEngine.take()
        renewConnections()
        if let deadline = engine?.earliestHoldEnd { scheduleHoldEnds(behind: deadline) }
    }

    /// Runs a piece of the engine's work, also before connections are served, and ends a tick.
    func perform(_ body: (LoopEngine) -> Void) {
        guard let engine = engine ?? preparedEngine else { return }
        beginRead()
        // The work may be a new catalog, and what it says is said behind what was read before: nothing may be decided
        // by an older one then. Who is answered can go on reading at once.
        while !burst.isEmpty { decideBurst() }
        body(engine)
        renewConnections()
    }

    /// Has every connection take over what has become of its account.
    private func renewConnections() {
        guard let accounts = engine?.catalog.accounts, accounts.generation != accountsGeneration else { return }
        accountsGeneration = accounts.generation
        for connection in connections.values { connection.renew(accounts) }
    }

    /// Commits, answers and seals; takes no further command, and closes every connection once its replies
    /// have left.
    func stop() {
        // Who waited for room, or for a turn, goes on with what was read of it.
        repeat {
            giveTurns()
            drain()
        } while !isDrained || !waitingForTurn.isEmpty
        engine = nil
        completions?.close(promise: nil)
        for connection in connections.values { connection.stop() }
    }
}

// MARK: - Connections

extension LoopContext {
    private var isDrained: Bool {
        guard let engine, engine.engine.failure == nil else { return true }
        return burst.isEmpty && engine.dueFrame == .none
    }

    func add(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = connection
        scheduleSweep()
    }

    func remove(_ connection: ConnectionHandler) { connections[ObjectIdentifier(connection)] = nil }
    func hold(_ connection: ConnectionHandler) { held.append(connection) }
    func waitForBatch(_ connection: ConnectionHandler) { waitingForBatch.append(connection) }

    /// Has it go on when the loop has looked at all of its sockets. All who wait have their next turns together.
    func waitForTurn(_ connection: ConnectionHandler) {
        if waitingForTurn.isEmpty { turnBell?.ring() }
        waitingForTurn.append(connection)
    }

    func giveTurns() {
        let waiting = waitingForTurn
        waitingForTurn = []
        for connection in waiting { connection.resume(from: .turnOver) }
    }

    /// Once a second, as long as there are connections, those whose clients take too long are closed.
    private func scheduleSweep() {
        if sweepIsScheduled || connections.isEmpty { return }
        sweepIsScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .seconds(1)) { bound.value.endSweep() }
    }

    private func endSweep() {
        sweepIsScheduled = false
        sweep &+= 1
        for connection in connections.values { connection.closeIfOverdue(server.settings.deadlines) }
        scheduleSweep()
    }
}

// MARK: - Ticks

extension LoopContext {
    /// To be called before the first command of a read: the clock is read once a tick, and the tick will be
    /// ended.
    func beginRead() {
        guard !tickIsScheduled else { return }
        tickIsScheduled = true
        engine?.beginTick()
        latencies.beginTick()
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.endTick() }
    }

    /// Decides and answers what was gathered: when there is enough of it, when a command of another kind comes
    /// behind it, and before each step of the log.
    func decideBurst() {
        guard !burst.isEmpty, let engine else { return }
        // Taken out first: what a connection does when it is answered may be to gather.
        var decided = AllocationBurst()
        swap(&decided, &spareBurst)
        swap(&decided, &burst)
        if engine.isBatchFull {
            for run in decided.runs {
                run.connection.goBack(to: decided.entry(run.entries.lowerBound), .batchFull)
            }
        } else {
            decided.decide(engine)
            for run in decided.runs { run.connection.answer(run, of: decided, engine) }
        }
        for run in decided.runs { run.connection.settleBehindBurst() }
        decided.removeAll()
        swap(&decided, &spareBurst)
    }

    func endTick() {
        tickIsScheduled = false
        var frame = FrameNumber.none
        advance { engine throws(EngineFailure) in
            frame = engine.dueFrame
            return try engine.commit()
        }
        scheduleSeal()
        if let deadline = engine?.takeNextHoldEnd() { scheduleHoldEnds(behind: deadline) }
        if let engine {
            let counters = engine.counters
            latencies.endTick(answers: counters.answered, frame: frame, durable: engine.durableFrame)
            server.note(counters, of: index, connections: connections.count, lane: engine.writer)
        }
    }

    /// A write has completed, or a segment has become ready. What was put into the batch meanwhile is
    /// committed next.
    func proceed() {
        advance { engine throws(EngineFailure) in try engine.poll() }
        advance { engine throws(EngineFailure) in try engine.commit() }
        if let engine { latencies.release(durable: engine.durableFrame) }
        scheduleSeal()
    }

    private func advance(_ step: (LoopEngine) throws(EngineFailure) -> CommitProgress) {
        decideBurst()
        guard let engine else { return }
        do throws(EngineFailure) {
            _ = try step(engine)
        } catch {
            return fail(error)
        }
        if let failure = engine.engine.failure { return fail(failure) }
        release(durable: engine.durableFrame)
        if !waitingForBatch.isEmpty && !engine.isBatchFull {
            let waiting = waitingForBatch
            waitingForBatch = []
            for connection in waiting { connection.resume(from: .batchFull) }
        }
    }

    private func release(durable: FrameNumber) {
        if held.isEmpty { return }
        // Whoever still waits holds again; two arrays in turns, so that none is made each tick.
        swap(&held, &released)
        for connection in released { connection.release(durable: durable) }
        released.removeAll(keepingCapacity: true)
    }

    /// Nothing can be promised any more: whoever waits gets an error instead.
    private func fail(_ failure: EngineFailure) {
        held = []
        waitingForBatch = []
        for connection in connections.values { connection.fail(failure) }
        server.engineFailed()
    }

    /// Vouches for the last frame once the lane has been idle, so that damage to it would be noticed.
    private func scheduleSeal() {
        guard let engine, engine.writer.needsSeal, !sealIsScheduled else { return }
        sealIsScheduled = true
        let frame = engine.durableFrame
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(ServerLimits.sealAfterMilliseconds)) {
            bound.value.seal(ifStillAt: frame)
        }
    }

    private func seal(ifStillAt frame: FrameNumber) {
        sealIsScheduled = false
        if engine?.durableFrame == frame {
            advance { engine throws(EngineFailure) in try engine.sealIfNeeded() }
        } else {
            scheduleSeal()
        }
    }

    /// Ends the holds whose deadlines will have passed by then.
    private func scheduleHoldEnds(behind deadline: Timestamp) {
        if let scheduled = holdEndScheduledFor, scheduled <= deadline { return }
        guard let engine else { return }
        holdEndScheduledFor = deadline
        // One more, since a hold can be confirmed at its deadline; and never at once again, should another lane
        // still have to write that a hold began.
        let delay = Int64(deadline.millisecondsSince(engine.engine.now())) + 1
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(delay)) { bound.value.endHolds(scheduledFor: deadline) }
    }

    private func endHolds(scheduledFor deadline: Timestamp) {
        // An earlier one was scheduled meanwhile, and will look for all others.
        guard holdEndScheduledFor == deadline, let engine else { return }
        holdEndScheduledFor = nil
        beginRead()
        engine.endOverdueHolds()
        if let next = engine.earliestHoldEnd { scheduleHoldEnds(behind: next) }
    }

    /// Commits what was read, seals, and lets go of every reply that may leave.
    private func drain() {
        advance { engine throws(EngineFailure) in
            try engine.drain()
            return .durable
        }
    }
}
