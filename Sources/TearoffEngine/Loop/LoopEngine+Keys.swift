package import TearoffCore
package import TearoffLog

/// What an `ALLOC` or a `HOLD` under an idempotency key came to on its loop.
package enum KeyedOutcome: Sendable {
    /// The key is new, and kept when a code was given, or would have been if it were not away.
    case decided(AllocationOutcome)
    /// The key was used before with the same arguments: what was answered then.
    case replayed(Allocation)
    /// The key was used before, with other arguments.
    case reused(frame: FrameNumber)
    /// As ``AllocationOutcome/parked(_:)``.
    case parked(LaneFrame)
    /// As many keys are kept as may be; nothing was done.
    case full
}

/// A key as it comes with a command.
package struct KeyArguments: Sendable {
    /// The key, and behind it the marketing user id.
    let text: [UInt8]
    let keyByteCount: UInt8
    /// For how long a `HOLD` asks; 0 for an `ALLOC`.
    let holdMilliseconds: UInt32

    /// - Parameters:
    ///   - key: 1 to ``Limits/keyBytes`` bytes.
    ///   - userID: as much at most; empty when there is none.
    ///   - holdMilliseconds: nil for an `ALLOC`.
    package init(key: Span<UInt8>, userID: Span<UInt8>, holdMilliseconds: UInt64?) {
        precondition(key.count >= 1 && key.count <= Limits.keyBytes, "a key of \(key.count) bytes")
        text = key.copy + userID.copy
        keyByteCount = UInt8(key.count)
        self.holdMilliseconds = UInt32(holdMilliseconds ?? 0)
    }
}

extension LoopEngine {
    /// Decides an `ALLOC` or a `HOLD` under a key, unless the key was used in the last 24 hours: then it tells what was
    /// answered, or that it was something else. A code that is given, or was, goes into the open batch with the key
    /// behind it, so that a crash takes both or neither.
    ///
    /// - Parameters: as of ``allocate(_:terms:holdUntil:at:user:userID:in:)``.
    /// - Complexity: O(1) expected; two mutexes.
    package func allocate(
        _ request: AllocationRequest, under key: KeyArguments, terms: CampaignTerms, holdUntil: Timestamp?,
        at moment: TickMoment, user: Span<UInt8>, userID: Span<UInt8>, in tick: inout Tick
    ) -> KeyedOutcome {
        let hash = engine.keys.hash(of: key.text.span.extracting(0..<Int(key.keyByteCount)))
        for isLastTry in [false, true] {
            let outcome: KeyedOutcome = engine.keys.withPart(of: hash) { part in
                part.dropExpired(at: moment.now)
                if let kept = part.find(hash, at: moment.now) {
                    return again(kept, request, key, user: user, in: &tick)
                }
                if engine.keys.isFull { return .full }
                let outcome = decide(
                    request, under: key, terms: terms, holdUntil: holdUntil, at: moment, user: user,
                    userID: userID,
                    in: &tick)
                if let use = outcome.use { part.append(KeptKey(use: use, hash: hash, frame: moment.frame)) }
                return .decided(outcome.outcome)
            }
            guard case .full = outcome, !isLastTry else { return outcome }
            // Not inside the part: those that are over may be in any other.
            engine.keys.dropExpired(at: moment.now)
        }
        return .full
    }

    /// A key is used once more.
    private func again(
        _ kept: KeptKey, _ request: AllocationRequest, _ key: KeyArguments, user: Span<UInt8>,
        in tick: inout Tick
    ) -> KeyedOutcome {
        let isDurable = engine.lanes[kept.frame.lane].durableFrame >= kept.frame.frame
        if !isDurable, kept.frame.lane != index {
            tick.counters.parked += 1
            return .parked(kept.frame)
        }
        let frame = isDurable ? FrameNumber.none : kept.frame.frame
        guard let code = code(of: kept.use, ifAskedBy: request, key, user: user) else {
            return .reused(frame: frame)
        }
        let upload = upload(code.upload)
        if upload.codes.isAway {
            tick.counters.refused += 1
            return .decided(.refused(.codeAway))
        }
        tick.counters.replayed += 1
        return .replayed(
            Allocation(
                place: upload.position(of: code.ordinal), isRepeat: kept.use.answer.isRepeat,
                times: kept.use.answer.times, frame: frame))
    }

    /// The code that was the answer; nil when something else was asked.
    private func code(
        of use: KeyUse, ifAskedBy request: AllocationRequest, _ key: KeyArguments, user: Span<UInt8>
    ) -> CodeID? {
        guard use.text == key.text, use.keyByteCount == key.keyByteCount,
            use.answer.holdMilliseconds == key.holdMilliseconds, Int(use.shard.rawValue) == request.shard
        else { return nil }
        return engine.withShard(request.shard) { cell in
            cell.withState { state in
                let isSame = state.shard.isRow(use.row, of: request.key, bytes: user)
                return isSame ? state.shard.rows[use.row].code : nil
            }
        }
    }

    /// Decides a command whose key is new.
    ///
    /// - Returns: and what is to be remembered of the key, when a code was given.
    private func decide(
        _ request: AllocationRequest, under key: KeyArguments, terms: CampaignTerms, holdUntil: Timestamp?,
        at moment: TickMoment, user: Span<UInt8>, userID: Span<UInt8>, in tick: inout Tick
    ) -> (outcome: AllocationOutcome, use: KeyUse?) {
        let decided = engine.withShard(request.shard) {
            $0.allocate(
                request.key, under: key, terms: terms, holdUntil: holdUntil, at: moment, in: status,
                user: user,
                userID: userID, engine: engine)
        }
        let answered = decided.answered
        let outcome = outcome(
            of: decided.decision, request, terms: terms, holdUntil: holdUntil, at: moment, user: user, userID: userID,
            in: &tick)
        guard let answered else { return (outcome, nil) }
        // Also of a code that is away, since the shard has counted the record.
        tick.add(answered.record, userBytes: user, text: key.text.span)
        guard case .given(let allocation) = outcome else { return (outcome, answered.use) }
        return (.given(allocation.waiting(for: moment.frame.frame)), answered.use)
    }
}
