package import Synchronization
package import TearoffCore

/// A shard behind its mutex. Any loop may enter; none stays for more than one decision, a look-up, or finding the
/// rows of a burst.
package final class ShardCell: Sendable {
    /// Whether somebody is inside. Stands before the mutex so that both are in one cache line.
    private let isTaken = Atomic<Bool>(false)
    package let state: Mutex<ShardState>
    /// The shard's own, which needs no mutex.
    let directory: IndexDirectory
    private let waits = Atomic<UInt64>(0)

    init(_ shard: consuming sending Shard) {
        directory = shard.directory
        state = Mutex(ShardState(shard: shard))
    }

    /// All rows are durable: they were read back.
    func settleAfterRecovery() {
        state.withLock { $0.inFlight = InFlightRows(firstRow: $0.shard.rows.count) }
    }
}

// MARK: - Entering

extension ShardCell {
    /// How often an `ALLOC` found the mutex taken.
    package var mutexWaits: UInt64 { waits.load(ordering: .relaxed) }

    /// Lends the shard to whoever comes while the engine runs; recovery, which has no `ALLOC`s beside it, may
    /// take the mutex itself.
    @inline(__always)
    package func withState<Result: ~Copyable>(
        _ body: (inout sending ShardState) -> sending Result
    ) -> sending Result {
        state.withLock { state in
            // Relaxed: it is for counting only. Plain stores, where a mutex that is tried first would ask the
            // kernel each time that it is taken, and send its owner there, too: 1.3 µs for
            // a wait of 0.2.
            isTaken.store(true, ordering: .relaxed)
            defer { isTaken.store(false, ordering: .relaxed) }
            return body(&state)
        }
    }

    /// A wait that begins between this look and the mutex is missed; the time for that is a few nanoseconds.
    @inline(__always)
    private func noteWaitIfTaken() {
        if isTaken.load(ordering: .relaxed) { waits.wrappingAdd(1, ordering: .relaxed) }
    }
}

// MARK: - Allocating

extension ShardCell {
    /// What became of an `ALLOC` in its shard.
    enum Decision: ~Copyable, Sendable {
        /// Given and in the history; its record is to be put into the frame that the lane was told of.
        case new(DueAllocation)
        /// The row waits for `dependency`; nil when it is durable.
        case repeated(CodeID, givenAt: Timestamp, dependency: LaneFrame?)
        case refused(AllocationRefusal)
        /// The shard is unchanged, and the engine must stop.
        case failed(ApplyError)
    }

    /// Decides an `ALLOC`, and applies it when a new code is due.
    ///
    /// The record itself is written by the caller, outside of the mutex: the lane is told of the frame inside, so
    /// that whoever sees the row also sees what it waits for.
    func allocate(
        _ key: AllocationKey, terms: CampaignTerms, at moment: TickMoment, in lane: LaneStatus,
        user: Span<UInt8>, userID: Span<UInt8>, engine: Engine
    ) -> Decision {
        noteWaitIfTaken()
        return withState { state in
            switch state.shard.decide(key, bytes: user, terms: terms, now: moment.now) {
            case .refused(let refusal): return .refused(refusal)
            case .repeated(let number):
                let row = state.shard.rows[number]
                return .repeated(
                    row.code, givenAt: row.givenAt,
                    dependency: state.inFlight.dependency(of: number, lanes: engine.lanes))
            case .new(let due):
                do throws(ApplyError) {
                    _ = try state.shard.apply(due, userBytes: user, userID: userID)
                } catch {
                    return .failed(error)
                }
                state.inFlight.append(moment.frame, lanes: engine.lanes)
                lane.noteWrite(to: moment.frame.frame)
                return .new(due)
            }
        }
    }
}

/// A shard, and which of its rows a crash could still take away.
package struct ShardState: ~Copyable {
    package var shard: Shard
    var inFlight: InFlightRows

    init(shard: consuming Shard) {
        inFlight = InFlightRows(firstRow: shard.rows.count)
        self.shard = shard
    }
}
