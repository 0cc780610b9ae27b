import Synchronization
import TearoffCore
package import TearoffEngine
package import TearoffLog

/// Everything that a life of the engine hands to other threads, kept until the test lets it run.
package final class Mailbox: Sendable {
    package enum Work: Sendable {
        case background(@Sendable () -> Void)
        case loop(Int, @Sendable (LoopEngine) -> Void)
        case control(@Sendable (ControlPlane) -> Void)
    }

    private struct State {
        var background: [@Sendable () -> Void] = []
        var loops: [[@Sendable (LoopEngine) -> Void]]
        var control: [@Sendable (ControlPlane) -> Void] = []
        var expiry: UInt64?
        var timers: [(due: UInt64, work: @Sendable () -> Void)] = []
        var events: [EngineEvent] = []
        var giveWayCount = 0
    }

    private let state: Mutex<State>

    package init(loopCount: Int) {
        state = Mutex(State(loops: Array(repeating: [], count: loopCount)))
    }

    package var events: [EngineEvent] { state.withLock { $0.events } }
    /// How often long work has given way.
    package var giveWayCount: Int { state.withLock { $0.giveWayCount } }
    /// When the control plane wants to be called for the next expiry.
    package var expiry: UInt64? { state.withLock { $0.expiry } }
    package var hasBackgroundWork: Bool { state.withLock { !$0.background.isEmpty } }
    package var hasControlWork: Bool { state.withLock { !$0.control.isEmpty } }
    package var hasLoopWork: Bool { state.withLock { $0.loops.contains { !$0.isEmpty } } }
    package var hasWork: Bool {
        state.withLock { !$0.background.isEmpty || !$0.control.isEmpty || $0.loops.contains { !$0.isEmpty } }
    }

    /// Takes the first piece of one kind of work. Loops and control keep their order; background work has
    /// none, so any piece of it may be next.
    ///
    /// - Parameter choose: a number below its argument: which kind, and which piece of background work.
    package func next(_ choose: (Int) -> Int) -> Work? {
        state.withLock { state in
            let loops = state.loops.indices.filter { !state.loops[$0].isEmpty }
            let kinds = (state.control.isEmpty ? 0 : 1) + loops.count + (state.background.isEmpty ? 0 : 1)
            if kinds == 0 { return nil }
            var kind = choose(kinds)
            if !state.control.isEmpty {
                if kind == 0 { return .control(state.control.removeFirst()) }
                kind -= 1
            }
            if kind < loops.count { return .loop(loops[kind], state.loops[loops[kind]].removeFirst()) }
            return .background(state.background.remove(at: choose(state.background.count)))
        }
    }

    /// Fires the timer when it is due, as a server's loop would.
    package func takeExpiry(now: UInt64) -> Bool {
        state.withLock { state in
            guard let expiry = state.expiry, expiry <= now else { return false }
            state.expiry = nil
            return true
        }
    }

    /// Takes the work whose time has come.
    package func takeTimers(now: UInt64) -> [@Sendable () -> Void] {
        state.withLock { state in
            defer { state.timers.removeAll { $0.due <= now } }
            return state.timers.filter { $0.due <= now }.map(\.work)
        }
    }

    package var timerCount: Int { state.withLock { $0.timers.count } }

    /// Takes all work that waits for some time.
    package func takeAllTimers() -> [@Sendable () -> Void] { takeTimers(now: .max) }

    package func host(_ clock: WallClock) -> EngineHost {
        let background: SegmentSupply.Background = { [self] work in state.withLock { $0.background.append(work) } }
        return EngineHost(
            wallMilliseconds: { clock.milliseconds }, day: { Day.utc(containing: $0) },
            background: background, segments: background,
            later: { [self] wait, work in
                state.withLock { $0.timers.append((clock.milliseconds + wait, work)) }
            },
            giveWay: { [self] in state.withLock { $0.giveWayCount += 1 } },
            report: { [self] event in state.withLock { $0.events.append(event) } })
    }

    package func loopPort(_ index: Int) -> LoopPort {
        LoopPort { [self] body in state.withLock { $0.loops[index].append(body) } }
    }

    package var controlPort: ControlPort {
        ControlPort(
            execute: { [self] body in state.withLock { $0.control.append(body) } },
            scheduleExpiry: { [self] at in state.withLock { $0.expiry = at } })
    }
}

/// A wall clock that goes where the test puts it.
package final class WallClock: Sendable {
    private let now: Mutex<UInt64>
    private let interruption = Mutex<(@Sendable () -> Void)?>(nil)

    package init(_ milliseconds: UInt64) { now = Mutex(milliseconds) }

    package var milliseconds: UInt64 {
        get {
            interruption.withLock { $0.take() }?()
            return now.withLock { $0 }
        }
        set { now.withLock { $0 = newValue } }
    }

    /// Has something happen the next time that the clock is read: what another thread could do in the midst of a piece of
    /// work.
    package func interruptNextReading(_ body: (@Sendable () -> Void)?) { interruption.withLock { $0 = body } }
}

/// What some `done` was called with, and how often.
package final class Reply<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    package init() {}

    package func set(_ value: Value) { values.withLock { $0.append(value) } }
    package var value: Value? { values.withLock { $0.last } }
    package var count: Int { values.withLock { $0.count } }
}

/// Stands in for SHA-256 as the simulated blob store does.
package final class FakeHasher: ContentHasher {
    private var bytes: [UInt8] = []

    package init() {}

    package func update(_ more: Span<UInt8>) {
        for index in more.indices { bytes.append(more[index]) }
    }

    package func finish() -> BlobID { SimulatedBlobStore.identity(of: bytes) }
}
