// MARK: - Deciding

extension Shard {
    /// ``verdict(on:terms:now:)`` for a row that is a hold.
    @inline(never)
    func verdict(onHold row: RowNumber, terms: CampaignTerms, now: Timestamp) -> Verdict {
        guard let index = holds.index(of: row) else { preconditionFailure("a row is marked as a hold") }
        let hold = holds[index]
        if hold.isWaiting(at: now) { return .held(PendingHold(index: index, row: row)) }
        guard let end = hold.end, end.reason == .confirmed else { return .over }
        return terms.rule.repeats(givenAt: end.at, now: now, lapsedAt: terms.lapsedAt) ? .repeated : .over
    }

    /// What `CONFIRM campaign user` or `RELEASE campaign user` comes to at `now`. Changes nothing.
    ///
    /// - Parameter reason: confirmed or released.
    package func decideEnd(
        _ reason: HoldEnd.Reason, of key: AllocationKey, bytes: Span<UInt8>, terms: CampaignTerms, now: Timestamp
    ) -> HoldDecision {
        if reason == .confirmed, terms.isExpired(at: now) { return .listExpired }
        guard let row = find(key, bytes: bytes).row else { return .nothing(nil) }
        guard let index = holds.index(of: row) else { return .given(row) }
        let hold = holds[index]
        if hold.isWaiting(at: now) { return .pending(PendingHold(index: index, row: row)) }
        return hold.end?.reason == .confirmed ? .given(row) : .nothing(row)
    }

    /// The hold whose deadline passed first and that has not ended; nil when there is none.
    ///
    /// - Complexity: O(log holds) amortised.
    package mutating func overdueHold(at now: Timestamp) -> PendingHold? {
        while let first = deadlines.first, first.deadline < now {
            let hold = holds[first.hold]
            if hold.end == nil { return PendingHold(index: first.hold, row: hold.row) }
            deadlines.removeFirst()
        }
        return nil
    }

    /// The earliest deadline of a hold that may not have ended; nil when there is none.
    package var nextDeadline: Timestamp? { deadlines.first?.deadline }

    /// The times of a row that stands.
    @inline(__always)
    package func times(of row: RowNumber) -> AllocationTimes {
        let stamp = rows.stamp(of: row)
        return stamp.isHold ? timesOfHold(row) : AllocationTimes(givenAt: stamp.givenAt, holdUntil: nil)
    }

    @inline(never)
    private func timesOfHold(_ row: RowNumber) -> AllocationTimes {
        let standing = standing(of: row)
        return AllocationTimes(givenAt: standing.givenAt, holdUntil: standing.holdUntil)
    }

    package func standing(of row: RowNumber) -> AllocationStanding {
        AllocationStanding(of: rows[row], hold(of: row))
    }

    /// The row of the hold that a record made, whatever became of it; nil when there is none.
    ///
    /// - Complexity: O(log holds).
    package func row(ofHold sequence: SequenceNumber) -> Row? {
        holds.index(of: sequence).map { rows[holds[$0].row] }
    }

    /// The row's hold; nil when it is none.
    package func hold(of row: RowNumber) -> Hold? {
        rows[row].isHold ? holds.index(of: row).map { holds[$0] } : nil
    }
}

// MARK: - Applying

extension Shard {
    /// Ends a hold that was just found pending, and says what the log is to keep of it.
    ///
    /// A code that is free again stays where it is until ``HoldEndRecord`` is durable: then its strip is to forget
    /// the owner, and the pool is to have it back.
    package mutating func end(
        _ pending: PendingHold, _ reason: HoldEnd.Reason, returns: ReturnRule, now: Timestamp
    ) -> HoldEndRecord {
        let end = HoldEnd(reason, codeIsFree: reason != .confirmed && returns == .reuse, at: now)
        let record = HoldEndRecord(
            shard: id, sequence: lastSequence.next, hold: holds[pending.index].sequence, end: end)
        close(pending.index, end)
        lastSequence = record.sequence
        return record
    }

    /// Ends a hold as a record says that was read back.
    ///
    /// - Parameter position: where a code stands.
    /// - Throws: ``ApplyError``; the shard is unchanged then.
    package mutating func apply(
        _ record: HoldEndRecord, position: (CodeID) -> CodePosition
    ) throws(ApplyError) {
        guard record.shard == id else { throw .wrongShard(expected: id, found: record.shard) }
        guard record.sequence > lastSequence else {
            throw .sequenceTwice(shard: id, sequence: record.sequence)
        }
        guard let index = holds.index(of: record.hold), holds[index].end == nil else {
            throw .noHold(record.hold)
        }
        close(index, record.end)
        if record.end.codeIsFree { disown(holds[index].row, position: position) }
        lastSequence = record.sequence
    }

    private mutating func close(_ index: Int, _ end: HoldEnd) {
        let upload = rows[holds[index].row].code.upload
        count(upload, from: .held, to: end.codeState)
        holds.end(index, end)
        openHolds -= 1
        // Those that ended long before their deadlines would else be kept until then.
        if deadlines.count > 2 * openHolds + Self.deadlinesKept {
            let holds = holds
            deadlines.retain { holds[$0].end == nil }
        }
    }

    /// Below so many ended ones the queue is not gone through.
    private static var deadlinesKept: Int { 1_024 }

    /// Notes that the row that was just added is a hold.
    mutating func add(_ hold: Hold) {
        rows.markAsHold(hold.row)
        count(rows[hold.row].code.upload, from: .given, to: hold.codeState)
        if hold.end == nil {
            deadlines.insert(.init(deadline: hold.deadline, hold: holds.count))
            openHolds += 1
        }
        holds.append(hold)
    }
}

// MARK: - Restoring

extension Shard {
    /// Ends every open hold, and burns its code: behind the backup that this shard is from it may have been confirmed,
    /// or have gone back and been given to somebody else. Before any claim.
    ///
    /// - Returns: how many there were.
    package mutating func burnOpenHolds(at now: Timestamp) -> Int {
        let open = (0..<holds.count).filter { holds[$0].end == nil }
        for index in open {
            _ = end(
                PendingHold(index: index, row: holds[index].row), .expired, returns: .quarantine, now: now)
        }
        return open.count
    }
}

// MARK: - Recovering

extension Shard {
    /// Puts back a hold that a snapshot kept, whose row is there already.
    ///
    /// - Throws: ``ApplyError/noHold(_:)`` when there is no such row, or it is not behind the hold before.
    package mutating func restore(_ hold: Hold, position: (CodeID) -> CodePosition) throws(ApplyError) {
        guard Int(hold.row.rawValue) < rows.count else { throw .noHold(hold.sequence) }
        if holds.count > 0 {
            let last = holds[holds.count - 1]
            guard hold.row > last.row, hold.sequence > last.sequence else { throw .noHold(hold.sequence) }
        }
        add(hold)
        if hold.codeState == .free { disown(hold.row, position: position) }
    }

    /// The row's code went back: whoever has it now is another row.
    private func disown(_ row: RowNumber, position: (CodeID) -> CodePosition) {
        guard let owner = CodeOwner(shard: id, row: row, shardCount: shardCount) else { return }
        let place = position(rows[row].code)
        place.strip.removeOwner(owner, at: place.position)
    }

    /// Names the owners of the codes that had another one when their rows were read back, now that it is known
    /// which holds went back. To be called once all shards are there.
    ///
    /// - Throws: ``ApplyError/codeGivenTwice(_:)``.
    package mutating func settleAfterRecovery(position: (CodeID) -> CodePosition) throws(ApplyError) {
        for row in contested where hold(of: row)?.codeState != .free {
            let place = position(rows[row].code)
            guard let owner = CodeOwner(shard: id, row: row, shardCount: shardCount) else {
                throw .shardFull(id)
            }
            guard place.strip.setOwner(owner, at: place.position) else {
                throw .codeGivenTwice(rows[row].code)
            }
        }
        contested = []
    }
}
