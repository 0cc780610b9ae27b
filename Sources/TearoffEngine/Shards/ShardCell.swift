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
    /// In milliseconds: the earliest deadline of a hold; the highest number when there is none.
    private let deadline = Atomic<UInt64>(.max)

    init(_ shard: consuming sending Shard) {
        directory = shard.directory
        state = Mutex(ShardState(shard: shard))
    }

    /// All rows are durable: they were read back.
    func settleAfterRecovery() {
        state.withLock { state in
            state.inFlight = InFlightRows(firstRow: state.shard.rows.count)
            noteDeadline(of: state.shard)
        }
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
        /// The row waits for `dependency`; nil when it is durable. `behind` is the shard's last record by now.
        case repeated(CodeID, AllocationTimes, dependency: LaneFrame?, behind: SequenceNumber)
        /// A hold was confirmed, as the record says that is to be put into the frame.
        case confirmed(HoldEndRecord, CodeID)
        /// What became of the user's hold is in flight in another lane; nothing was done.
        case parked(LaneFrame)
        case refused(AllocationRefusal)
        /// The shard is unchanged, and the engine must stop.
        case failed(ApplyError)
    }

    /// Decides an `ALLOC`, and applies it when a new code is due.
    ///
    /// The record itself is written by the caller, outside of the mutex: the lane is told of the frame inside, so
    /// that whoever sees the row also sees what it waits for.
    func allocate(
        _ key: AllocationKey, terms: CampaignTerms, holdUntil: Timestamp?, at moment: TickMoment,
        in lane: LaneStatus, user: Span<UInt8>, userID: Span<UInt8>, engine: Engine
    ) -> Decision {
        noteWaitIfTaken()
        return withState { state in
            decide(
                key, terms: terms, holdUntil: holdUntil, at: moment, in: lane, user: user, userID: userID,
                engine: engine, &state)
        }
    }

    @inline(__always)
    private func decide(
        _ key: AllocationKey, terms: CampaignTerms, holdUntil: Timestamp?, at moment: TickMoment,
        in lane: LaneStatus, user: Span<UInt8>, userID: Span<UInt8>, engine: Engine, _ state: inout ShardState
    ) -> Decision {
        if let frame = state.foreignChange(key, user, at: moment, engine) { return .parked(frame) }
        if terms.conditions != nil,
            let frame = state.foreignRow(key, user, terms: terms, at: moment, engine)
        {
            return .parked(frame)
        }
        switch state.shard.decide(
            key, bytes: user, terms: terms, now: moment.now, day: moment.day, holdUntil: holdUntil)
        {
        case .refused(let refusal): return .refused(refusal)
        case .repeated(let number): return state.repeated(number, engine)
        case .held(let hold):
            let code = state.shard.rows[hold.row].code
            return .confirmed(
                state.end(
                    hold, .confirmed, terms: terms, pool: { _ in terms.pool }, at: moment, in: lane,
                    engine: engine), code)
        case .new(let due):
            let row: RowNumber
            do throws(ApplyError) {
                row = try state.shard.apply(due, userBytes: user, userID: userID)
            } catch {
                return .failed(error)
            }
            state.inFlight.append(moment.frame, lanes: engine.lanes)
            if holdUntil != nil {
                state.inFlight.noteChange(of: row, in: moment.frame, lanes: engine.lanes)
                noteDeadline(of: state.shard)
            }
            lane.noteWrite(to: moment.frame.frame)
            return .new(due)
        }
    }
}

// MARK: - Importing

extension ShardCell {
    /// Adds what another system gave. The record is to be put into the frame.
    ///
    /// - Parameter counting: runs inside, so that quotas that are counted anew have the row or do not.
    func takeOver(
        _ key: AllocationKey, code: CodePosition, givenAt: Timestamp, at moment: TickMoment, in lane: LaneStatus,
        user: Span<UInt8>, engine: Engine, counting: () -> Void
    ) -> Result<ImportRecord, ApplyError> {
        withState { state in
            do throws(ApplyError) {
                let record = try state.shard.takeOver(
                    key, code: code, givenAt: givenAt, now: moment.now, userBytes: user)
                state.inFlight.append(moment.frame, lanes: engine.lanes)
                lane.noteWrite(to: moment.frame.frame)
                counting()
                return .success(record)
            } catch {
                return .failure(error)
            }
        }
    }
}

// MARK: - Under a key

extension ShardCell {
    /// What became of an `ALLOC` under a key that is new.
    struct KeyedDecision: ~Copyable, Sendable {
        let decision: Decision
        /// Nil when no code is the answer yet. The record goes behind that of the decision, into the same frame.
        let answered: (record: KeyRecord, use: KeyUse)?
    }

    /// Decides an `ALLOC`, as ``allocate(_:terms:holdUntil:at:in:user:userID:engine:)`` does, and has the key follow on
    /// it in the shard's sequence.
    func allocate(
        _ key: AllocationKey, under arguments: KeyArguments, terms: CampaignTerms, holdUntil: Timestamp?,
        at moment: TickMoment, in lane: LaneStatus, user: Span<UInt8>, userID: Span<UInt8>, engine: Engine
    ) -> KeyedDecision {
        noteWaitIfTaken()
        return withState { state in
            let decision = decide(
                key, terms: terms, holdUntil: holdUntil, at: moment, in: lane, user: user, userID: userID,
                engine: engine, &state)
            guard let (times, isRepeat) = decision.answer(holdUntil: holdUntil, at: moment) else {
                return KeyedDecision(decision: decision, answered: nil)
            }
            let record = state.shard.keyRecord(
                key,
                answer: KeyAnswer(
                    usedAt: moment.now, times: times, holdMilliseconds: arguments.holdMilliseconds,
                    isRepeat: isRepeat),
                keyByteCount: arguments.keyByteCount)
            do throws(ApplyError) {
                let use = try state.shard.apply(record, userBytes: user, text: arguments.text.span)
                lane.noteWrite(to: moment.frame.frame)
                return KeyedDecision(decision: decision, answered: (record, use))
            } catch {
                return KeyedDecision(decision: .failed(error), answered: nil)
            }
        }
    }
}

extension ShardCell.Decision {
    /// The times of the code that is the answer, and whether it is a repeat; nil when nothing is answered with a code, or
    /// not before a frame of another lane is durable.
    fileprivate borrowing func answer(
        holdUntil: Timestamp?, at moment: TickMoment
    ) -> (times: AllocationTimes, isRepeat: Bool)? {
        switch self {
        case .new: (AllocationTimes(givenAt: moment.now, holdUntil: holdUntil), false)
        case .confirmed: (AllocationTimes(givenAt: moment.now, holdUntil: nil), true)
        case .repeated(_, let times, let dependency, _):
            dependency.map { $0.lane == moment.frame.lane } ?? true ? (times, true) : nil
        case .parked: nil
        case .refused: nil
        case .failed: nil
        }
    }
}

// MARK: - Repeating

extension ShardCell {
    /// Decides what an `ALLOC` can be answered with without a record.
    ///
    /// - Returns: nil when it would take one; nothing was done then.
    func repeatOnly(
        _ key: AllocationKey, terms: CampaignTerms, at moment: TickMoment, user: Span<UInt8>, engine: Engine
    ) -> Decision? {
        withState { state in
            if let frame = state.foreignChange(key, user, at: moment, engine) { return .parked(frame) }
            switch state.shard.preview(key, bytes: user, terms: terms, now: moment.now, day: moment.day).ruling {
            case .refused(let refusal): return .refused(refusal)
            case .repeated(let number): return state.repeated(number, engine)
            case .held, .new: return nil
            }
        }
    }
}

// MARK: - Holds

extension ShardCell {
    /// What became of a `CONFIRM` or a `RELEASE` in its shard.
    enum EndDecision: Sendable {
        case ended(EndedHold)
        /// The code is given already; the row waits for `dependency`.
        case given(dependency: LaneFrame?)
        /// Nothing is held; the user's latest row, if there is one, waits for `dependency`.
        case nothing(dependency: LaneFrame?)
        case listExpired
        case parked(LaneFrame)
    }

    /// - Parameter reason: confirmed or released.
    func endHold(
        _ reason: HoldEnd.Reason, of key: AllocationKey, terms: CampaignTerms, pool: (UploadID) -> Pool,
        at moment: TickMoment, in lane: LaneStatus, user: Span<UInt8>, engine: Engine
    ) -> EndDecision {
        withState { state in
            if let frame = state.foreignChange(key, user, at: moment, engine) { return .parked(frame) }
            switch state.shard.decideEnd(reason, of: key, bytes: user, terms: terms, now: moment.now) {
            case .listExpired: return .listExpired
            case .given(let row):
                return .given(dependency: state.inFlight.dependency(of: row, lanes: engine.lanes))
            case .nothing(let row):
                return .nothing(
                    dependency: row.flatMap { state.inFlight.dependency(of: $0, lanes: engine.lanes) })
            case .pending(let hold):
                let record = state.end(
                    hold, reason, terms: terms, pool: pool, at: moment, in: lane, engine: engine)
                return .ended(EndedHold(record: record, row: hold.row, code: state.shard.rows[hold.row].code))
            }
        }
    }

    /// Whether a hold's deadline has passed, without the mutex.
    func hasOverdueHold(at now: Timestamp) -> Bool { deadline.load(ordering: .relaxed) < now.milliseconds }

    /// In milliseconds; nil when there is no hold.
    var nextDeadline: UInt64? {
        let deadline = deadline.load(ordering: .relaxed)
        return deadline == .max ? nil : deadline
    }

    /// Ends the hold whose deadline passed first.
    ///
    /// - Parameter terms: of a campaign.
    /// - Returns: nil when there is none, or when its beginning is in flight in another lane.
    func endOverdueHold(
        terms: (CampaignID) -> CampaignTerms, pool: (UploadID) -> Pool, at moment: TickMoment,
        in lane: LaneStatus, engine: Engine
    ) -> EndedHold? {
        withState { state in
            defer { noteDeadline(of: state.shard) }
            guard let hold = state.shard.overdueHold(at: moment.now) else { return nil }
            if let frame = state.inFlight.change(of: hold.row, lanes: engine.lanes),
                frame.lane != moment.frame.lane
            {
                return nil
            }
            let row = state.shard.rows[hold.row]
            let record = state.end(
                hold, .expired, terms: terms(row.campaign), pool: pool, at: moment, in: lane, engine: engine)
            return EndedHold(record: record, row: hold.row, code: row.code)
        }
    }

    private func noteDeadline(of shard: borrowing Shard) {
        deadline.store(shard.nextDeadline?.milliseconds ?? .max, ordering: .relaxed)
    }
}

/// A hold that has just ended, whose record is to be put into the frame.
struct EndedHold: Sendable {
    let record: HoldEndRecord
    let row: RowNumber
    let code: CodeID
}

/// A shard, and which of its rows a crash could still take away.
package struct ShardState: ~Copyable {
    package var shard: Shard
    var inFlight: InFlightRows

    init(shard: consuming Shard) {
        inFlight = InFlightRows(firstRow: shard.rows.count)
        self.shard = shard
    }

    /// The frame in another lane that what became of the user's hold waits for: nothing may be decided on that
    /// before. Nil nearly always.
    @inline(__always)
    fileprivate mutating func foreignChange(
        _ key: AllocationKey, _ user: Span<UInt8>, at moment: TickMoment, _ engine: Engine
    ) -> LaneFrame? {
        guard inFlight.hasChanges else { return nil }
        inFlight.forgetDurableChanges(engine.lanes)
        guard inFlight.hasChanges, let row = shard.latest(key, bytes: user),
            let frame = inFlight.change(of: row, lanes: engine.lanes), frame.lane != moment.frame.lane
        else { return nil }
        return frame
    }

    @inline(__always)
    fileprivate func repeated(_ number: RowNumber, _ engine: Engine) -> ShardCell.Decision {
        .repeated(
            shard.rows[number].code, shard.times(of: number),
            dependency: inFlight.dependency(of: number, lanes: engine.lanes), behind: shard.lastSequence)
    }

    /// The frame in another lane that a row waits for which counts for how many codes the user may have.
    @inline(never)
    fileprivate func foreignRow(
        _ key: AllocationKey, _ user: Span<UInt8>, terms: CampaignTerms, at moment: TickMoment, _ engine: Engine
    ) -> LaneFrame? {
        var frame: LaneFrame?
        for campaigns in terms.campaignsThatCount where frame == nil {
            // The same ones that the decision looks at.
            shard.forEachRow(of: key.user, bytes: user, in: campaigns, maximum: Limits.countedRows) { number, _ in
                let dependency = inFlight.dependency(of: number, lanes: engine.lanes)
                if let dependency, dependency.lane != moment.frame.lane { frame = dependency }
                return frame == nil
            }
        }
        return frame
    }

    /// - Parameter pool: of the list that the hold's code came from, whatever the campaign draws from by now.
    fileprivate mutating func end(
        _ hold: PendingHold, _ reason: HoldEnd.Reason, terms: CampaignTerms, pool: (UploadID) -> Pool,
        at moment: TickMoment, in lane: LaneStatus, engine: Engine
    ) -> HoldEndRecord {
        let record = shard.end(hold, reason, returns: terms.returns, now: moment.now)
        if record.end.codeIsFree { pool(shard.rows[hold.row].code.upload).expectReturn() }
        if reason != .confirmed { terms.giveBack() }
        inFlight.noteChange(of: hold.row, in: moment.frame, lanes: engine.lanes)
        lane.noteWrite(to: moment.frame.frame)
        return record
    }
}
