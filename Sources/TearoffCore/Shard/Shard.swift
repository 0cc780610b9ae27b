/// One partition of the users: who got which code of which campaign, and when. A plain
/// single-threaded state machine.
///
/// `decide` takes a command and an instant and says what happens, `preview` what would happen; `apply` takes
/// the record of what did. None of them reads a clock, a file or a random number, so the same records give
/// the same shard.
package struct Shard: ~Copyable {
    package let id: ShardID
    package let shardCount: UInt16
    /// Makes the index unpredictable to those who choose user ids. Not part of the state.
    let seed: UInt64
    package internal(set) var lastSequence = SequenceNumber.none
    package internal(set) var rows = RowStore()
    package internal(set) var holds = HoldStore()
    var deadlines = DeadlineQueue()
    /// Holds that have not ended.
    var openHolds = 0
    var index = AllocationIndex()
    var arena = Arena()
    /// Indexed by upload id: the shard's share of the ledger.
    private var tallies: [CodeTally] = []
    /// Recovery only: rows that found another owner at their code; see ``settleAfterRecovery(position:)``.
    var contested: [RowNumber] = []

    package init(id: ShardID, shardCount: UInt16, seed: UInt64) {
        self.id = id
        self.shardCount = shardCount
        self.seed = seed
    }

    /// Says, without the shard, which memory ``decide(_:bytes:terms:now:day:holdUntil:)`` will wait for.
    package var directory: IndexDirectory { index.directory }

    /// The row that deciding on `key` will read, if the user is known: see ``RowStore/addressesToPrefetch(of:)``.
    package func rowToPrefetch(for key: AllocationKey) -> (first: UInt, last: UInt)? {
        index.candidate(hash: key.hash).map { rows.addressesToPrefetch(of: $0) }
    }

    /// Bytes in memory beside the rows themselves.
    package var indexByteCount: Int { index.byteCount + arena.byteCount }

    package func tally(of upload: UploadID) -> CodeTally {
        Int(upload.rawValue) < tallies.count ? tallies[Int(upload.rawValue)] : CodeTally()
    }
}

// MARK: - Deciding

extension Shard {
    /// What `ALLOC campaign user` or `HOLD campaign user` comes to at `now`. Claims a code when a new one is due;
    /// changes nothing else.
    ///
    /// - Parameter holdUntil: the hold's deadline; nil for an `ALLOC`.
    /// - Complexity: O(1) expected, O(log holds) for a user who has a hold; no allocation.
    package func decide(
        _ key: AllocationKey, bytes: Span<UInt8>, terms: CampaignTerms, now: Timestamp, day: Day,
        holdUntil: Timestamp? = nil
    ) -> AllocationDecision {
        let place = find(key, bytes: bytes)
        switch ruling(after: place.row, terms: terms, now: now) {
        case .repeated(let row): return .repeated(row)
        case .held(let hold): return holdUntil == nil ? .held(hold) : .repeated(hold.row)
        case .refused(let refusal): return .refused(refusal)
        case .new: break
        }
        if let conditions = terms.conditions {
            return decide(
                key, bytes: bytes, conditions: conditions, now: now, day: day, holdUntil: holdUntil, place: place)
        }
        guard let claim = terms.pool.claim() else { return .refused(.poolEmpty) }
        return .new(due(claim, key, now: now, holdUntil: holdUntil, place: place))
    }

    @inline(__always)
    func due(
        _ claim: Claim, _ key: AllocationKey, now: Timestamp, holdUntil: Timestamp?,
        place: AllocationIndex.Place
    ) -> DueAllocation {
        let record = AllocationRecord(
            shard: id, sequence: lastSequence.next, givenAt: now, campaign: key.campaign, code: claim.code,
            user: key.user, holdUntil: holdUntil)
        return DueAllocation(record: record, claim: claim, hash: key.hash, place: place)
    }

    /// What ``decide(_:bytes:terms:now:day:holdUntil:)`` would make of an `ALLOC` at `now`. Claims no code and
    /// changes nothing.
    ///
    /// - Parameter key: nil for any user to whom the campaign has given nothing; `bytes` does not count then.
    /// - Complexity: that of deciding, beside that of ``Pool/peek()``.
    package func preview(
        _ key: AllocationKey?, bytes: Span<UInt8>, terms: CampaignTerms, now: Timestamp, day: Day
    ) -> AllocationPreview {
        let latest = key.flatMap { find($0, bytes: bytes).row }
        let ruling = ruling(after: latest, terms: terms, now: now)
        guard let conditions = terms.conditions else {
            return AllocationPreview(ruling, latest: latest, next: terms.pool.peek()?.code)
        }
        return preview(ruling, latest: latest, key, bytes: bytes, conditions: conditions, now: now, day: day)
    }

    /// The rules of allocation, which deciding and previewing share.
    ///
    /// - Parameter latest: the user's latest allocation in the campaign; nil when there is none.
    @inline(__always)
    private func ruling(
        after latest: RowNumber?, terms: CampaignTerms, now: Timestamp
    ) -> AllocationRuling {
        if terms.isExpired(at: now) { return .refused(.listExpired) }
        if let row = latest {
            switch verdict(on: row, terms: terms, now: now) {
            case .repeated:
                // The code may come from another list, which is past its expiry.
                guard let conditions = terms.conditions, conditions.hasExpired(rows[row].code, at: now) else {
                    return .repeated(row)
                }
            case .held(let hold): return .held(hold)
            case .over: break
            }
        }
        if let reason = terms.finished { return .refused(.finished(reason)) }
        if let pause = terms.pause { return .refused(pause) }
        if rows.count >= Int(CodeOwner.rowsMaximum(shardCount: shardCount)) { return .refused(.shardFull) }
        return .new
    }

    /// What a user's latest allocation means for the next request.
    enum Verdict {
        case repeated
        case held(PendingHold)
        /// Another code is due.
        case over
    }

    @inline(__always)
    func verdict(on row: RowNumber, terms: CampaignTerms, now: Timestamp) -> Verdict {
        let stamp = rows.stamp(of: row)
        if stamp.isHold { return verdict(onHold: row, terms: terms, now: now) }
        let repeats = terms.rule.repeats(givenAt: stamp.givenAt, now: now, lapsedAt: terms.lapsedAt)
        return repeats ? .repeated : .over
    }

    /// The latest allocation of a user in a campaign.
    package func latest(campaign: CampaignID, user: UserKey, bytes: Span<UInt8>) -> RowNumber? {
        latest(AllocationKey(campaign: campaign, user: user, bytes: bytes, seed: seed), bytes: bytes)
    }

    package func latest(_ key: AllocationKey, bytes: Span<UInt8>) -> RowNumber? { find(key, bytes: bytes).row }

    @inline(__always)
    func find(_ key: AllocationKey, bytes: Span<UInt8>) -> AllocationIndex.Place {
        index.find(hash: key.hash) { isRow($0, of: key, bytes: bytes) }
    }

    /// Whether the allocation in that row is of this campaign and user.
    package func isRow(_ number: RowNumber, of key: AllocationKey, bytes: Span<UInt8>) -> Bool {
        let row = rows[number]
        let user = key.user
        guard row.campaign == key.campaign, row.form == user.form, row.low == user.low else { return false }
        if !user.isLong { return row.high == user.high }
        let reference = ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high))
        return arena.withBytes(at: reference) { $0.hasSameBytes(as: bytes) }
    }
}

// MARK: - Applying

extension Shard {
    /// Adds what was just decided to the history and names the code's owner.
    ///
    /// - Parameters:
    ///   - userBytes: the user's id as text; used when the user is long.
    ///   - userID: the marketing user id; empty when there is none.
    /// - Precondition: nothing was applied since it was decided.
    /// - Throws: ``ApplyError``; the shard is unchanged then, and the caller must stop: one code may have two
    ///   users.
    package mutating func apply(
        _ due: borrowing DueAllocation, userBytes: Span<UInt8>, userID: Span<UInt8>
    ) throws(ApplyError) -> RowNumber {
        precondition(due.record.sequence == lastSequence.next, "an allocation that is not due any more")
        return try add(
            due.record, to: due.claim.place, at: due.place, hash: due.hash, userBytes: userBytes,
            userID: userID, isRecovering: false)
    }

    /// Adds an allocation that was read back to the history, and names the owner of its code, unless another row
    /// is that: one that was held and has gone back, as may be read back later, from another shard or from the
    /// snapshot's holds. ``settleAfterRecovery(position:)`` tells.
    ///
    /// - Parameters: as above.
    /// - Throws: ``ApplyError``; the shard is unchanged then.
    package mutating func apply(
        _ record: AllocationRecord, userBytes: Span<UInt8>, userID: Span<UInt8>, upload: Upload
    ) throws(ApplyError) -> RowNumber {
        precondition(upload.id == record.code.upload, "code of another upload than \(upload.id.rawValue)")
        guard record.shard == id else { throw .wrongShard(expected: id, found: record.shard) }
        guard record.sequence > lastSequence else {
            throw .sequenceTwice(shard: id, sequence: record.sequence)
        }
        guard Int(record.code.ordinal) < upload.count else { throw .ordinalBeyondUpload(record.code) }
        let key = AllocationKey(
            campaign: record.campaign, user: record.user, bytes: userBytes, seed: seed)
        if upload.isImport {
            // A snapshot tells all rows alike.
            return try addImported(record, key, code: upload.position(of: record.code.ordinal), userBytes: userBytes)
        }
        return try add(
            record, to: upload.position(of: record.code.ordinal), at: find(key, bytes: userBytes),
            hash: key.hash, userBytes: userBytes, userID: userID, isRecovering: true)
    }

    private mutating func add(
        _ record: AllocationRecord, to code: CodePosition, at place: AllocationIndex.Place, hash: UInt32,
        userBytes: Span<UInt8>, userID: Span<UInt8>, isRecovering: Bool
    ) throws(ApplyError) -> RowNumber {
        let number = RowNumber(rawValue: UInt32(rows.count))
        guard let owner = CodeOwner(shard: id, row: number, shardCount: shardCount) else {
            throw .shardFull(id)
        }
        if !code.strip.setOwner(owner, at: code.position) {
            guard isRecovering else { throw .codeGivenTwice(record.code) }
            contested.append(number)
        }
        rows.append(
            Row(
                user: record.user, userBytes: record.user.isLong ? arena.append(userBytes) : .none,
                givenAt: record.givenAt, code: record.code, campaign: record.campaign, previous: place.row,
                userID: userID.isEmpty ? .none : arena.append(userID)))
        index.set(number, at: place, hash: hash)
        count(record.code.upload, from: .free, to: .given)
        lastSequence = record.sequence
        if let deadline = record.holdUntil {
            add(Hold(sequence: record.sequence, row: number, deadline: deadline))
        }
        return number
    }

    @inline(__always)
    mutating func count(_ upload: UploadID, from old: CodeState, to new: CodeState) {
        let position = Int(upload.rawValue)
        while tallies.count <= position { tallies.append(CodeTally()) }
        tallies[position].move(from: old, to: new)
    }

    /// Raises the last sequence number to what a snapshot covered, when its last records left no row.
    package mutating func advance(to sequence: SequenceNumber) {
        if sequence > lastSequence { lastSequence = sequence }
    }
}

// MARK: - Looking up

extension Shard {
    /// Shows the allocations of a user in a campaign, latest first.
    package func forEachAllocation(
        campaign: CampaignID, user: UserKey, bytes: Span<UInt8>, maximum: Int,
        _ body: (RowNumber, Row) -> Void
    ) {
        forEachRow(of: user, bytes: bytes, in: CollectionOfOne(campaign), maximum: maximum) { number, row in
            body(number, row)
            return true
        }
    }

    /// Appends the row's user as the caller wrote it.
    package func appendUser(of row: Row, to output: inout [UInt8]) {
        output.append(addingCapacity: Arena.entryBytesMaximum) { arena.appendUser(of: row, to: &$0) }
    }

    /// Appends the row's marketing user id; nothing when it has none.
    package func appendUserID(of row: Row, to output: inout [UInt8]) {
        output.append(addingCapacity: Arena.entryBytesMaximum) { arena.appendUserID(of: row, to: &$0) }
    }
}
