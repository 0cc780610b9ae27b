/// One partition of the users: who got which code of which campaign, and when. A plain
/// single-threaded state machine.
///
/// `decide` takes a command and an instant and says what would happen; `apply` takes the record of what did.
/// Neither reads a clock, a file or a random number, so the same records give the same shard.
package struct Shard: ~Copyable {
    package let id: ShardID
    package let shardCount: UInt16
    /// Makes the index unpredictable to those who choose user ids. Not part of the state.
    private let seed: UInt64
    package private(set) var lastSequence = SequenceNumber.none
    package private(set) var rows = RowStore()
    private var index = AllocationIndex()
    private var arena = Arena()
    /// Indexed by upload id: the shard's share of *given* in the ledger.
    private var givenByUpload: [UInt64] = []

    package init(id: ShardID, shardCount: UInt16, seed: UInt64) {
        self.id = id
        self.shardCount = shardCount
        self.seed = seed
    }

    /// Bytes in memory beside the rows themselves.
    package var indexByteCount: Int { index.byteCount + arena.byteCount }

    package func givenCount(of upload: UploadID) -> UInt64 {
        Int(upload.rawValue) < givenByUpload.count ? givenByUpload[Int(upload.rawValue)] : 0
    }
}

// MARK: - Deciding

extension Shard {
    /// What `ALLOC campaign user` comes to at `now`. Claims a code when a new one is due; changes nothing
    /// else.
    ///
    /// - Complexity: O(1) expected; no allocation.
    package func decide(
        user: UserKey, bytes: Span<UInt8>, campaign: Campaign, list: borrowing List, now: Timestamp
    ) -> AllocationDecision {
        if list.isExpired(at: now) { return .refused(.listExpired) }
        if let row = latest(campaign: campaign.id, user: user, bytes: bytes),
            campaign.rule.repeats(givenAt: rows[row].givenAt, now: now, lapsedAt: list.lapsedAt)
        {
            return .repeated(row)
        }
        if case .finished(let reason, _) = campaign.state { return .refused(.finished(reason)) }
        if rows.count >= Int(CodeOwner.rowsMaximum(shardCount: shardCount)) { return .refused(.shardFull) }
        guard let claim = list.pool.claim() else { return .refused(.poolEmpty) }
        let record = AllocationRecord(
            shard: id, sequence: lastSequence.next, givenAt: now, campaign: campaign.id, code: claim.code,
            user: user)
        return .new(record, remaining: claim.remaining)
    }

    /// The latest allocation of a user in a campaign.
    package func latest(campaign: CampaignID, user: UserKey, bytes: Span<UInt8>) -> RowNumber? {
        index.find(hash: hash(campaign: campaign, user: user, bytes: bytes)) {
            isRow($0, of: campaign, user: user, bytes: bytes)
        }
    }

    /// Every factor holds the seed or what the seed made, so that nobody can choose users that all meet in
    /// one place; a long user's own hash has no seed and cannot serve here.
    private func hash(campaign: CampaignID, user: UserKey, bytes: Span<UInt8>) -> UInt32 {
        let ofUser =
            user.isLong
            ? ByteHash.hash(bytes, seed: seed)
            : ByteHash.fold(user.low ^ seed, user.high ^ (seed &<< 32 | seed &>> 32))
        let whole = ByteHash.fold(ofUser, UInt64(campaign.rawValue) << 8 | UInt64(user.form))
        return UInt32(truncatingIfNeeded: whole >> 32)
    }

    private func isRow(
        _ number: RowNumber, of campaign: CampaignID, user: UserKey, bytes: Span<UInt8>
    ) -> Bool {
        let row = rows[number]
        guard row.campaign == campaign, row.form == user.form, row.low == user.low else { return false }
        if !user.isLong { return row.high == user.high }
        let reference = ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high))
        return arena.withBytes(at: reference) { $0.hasSameBytes(as: bytes) }
    }
}

// MARK: - Applying

extension Shard {
    /// Adds an allocation to the history and names its owner in the upload.
    ///
    /// - Parameters:
    ///   - userBytes: the user's id as text; used when the user is long.
    ///   - userID: the marketing user id; empty when there is none.
    /// - Throws: ``ApplyError``; the shard is unchanged then, and the caller must stop: one code may have two
    ///   users.
    package mutating func apply(
        _ record: AllocationRecord, userBytes: Span<UInt8>, userID: Span<UInt8>, upload: Upload
    ) throws(ApplyError) -> RowNumber {
        precondition(upload.id == record.code.upload, "code of another upload than \(upload.id.rawValue)")
        guard record.shard == id else { throw .wrongShard(expected: id, found: record.shard) }
        guard record.sequence > lastSequence else {
            throw .sequenceTwice(shard: id, sequence: record.sequence)
        }
        guard Int(record.code.ordinal) < upload.count else { throw .ordinalBeyondUpload(record.code) }
        let number = RowNumber(rawValue: UInt32(rows.count))
        guard let owner = CodeOwner(shard: id, row: number, shardCount: shardCount) else {
            throw .shardFull(id)
        }
        guard upload.codes.setOwner(owner, of: record.code.ordinal) else {
            throw .codeGivenTwice(record.code)
        }

        let previous = latest(campaign: record.campaign, user: record.user, bytes: userBytes)
        rows.append(
            Row(
                user: record.user, userBytes: record.user.isLong ? arena.append(userBytes) : .none,
                givenAt: record.givenAt, code: record.code, campaign: record.campaign, previous: previous,
                userID: userID.isEmpty ? .none : arena.append(userID)))
        let hash = hash(campaign: record.campaign, user: record.user, bytes: userBytes)
        index.set(number, replacing: previous, hash: hash)
        count(record.code.upload)
        lastSequence = record.sequence
        return number
    }

    private mutating func count(_ upload: UploadID) {
        let position = Int(upload.rawValue)
        while givenByUpload.count <= position { givenByUpload.append(0) }
        givenByUpload[position] += 1
    }

    /// Raises the last sequence number to what a snapshot covered, when its last records left no row.
    package mutating func advance(to sequence: SequenceNumber) {
        if sequence > lastSequence { lastSequence = sequence }
    }
}

// MARK: - Looking up

extension Shard {
    /// The allocations of a user in a campaign, latest first.
    package func history(
        campaign: CampaignID, user: UserKey, bytes: Span<UInt8>, maximum: Int
    ) -> [RowNumber] {
        var found: [RowNumber] = []
        var next = latest(campaign: campaign, user: user, bytes: bytes)
        while let row = next, found.count < maximum {
            found.append(row)
            next = rows[row].previous
        }
        return found
    }

    /// Appends the row's user as the caller wrote it.
    package func appendUser(of row: Row, to output: inout [UInt8]) {
        if row.form == UserKey.long {
            append(ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high)), to: &output)
        } else {
            UserKey(form: row.form, low: row.low, high: row.high).appendText(to: &output)
        }
    }

    /// Appends the row's marketing user id; nothing when it has none.
    package func appendUserID(of row: Row, to output: inout [UInt8]) {
        if row.userID != .none { append(row.userID, to: &output) }
    }

    private func append(_ reference: ArenaReference, to output: inout [UInt8]) {
        arena.withBytes(at: reference) { bytes in
            output.append(bytes)
        }
    }
}

// MARK: - Cutting

/// The history of a shard at one instant, sharing what cannot change any more: a snapshot reads it at
/// leisure.
package struct ShardCut: Sendable {
    package let id: ShardID
    package let lastSequence: SequenceNumber
    package let rows: RowStore
    private let arena: Arena

    init(id: ShardID, lastSequence: SequenceNumber, rows: RowStore, arena: Arena) {
        self.id = id
        self.lastSequence = lastSequence
        self.rows = rows
        self.arena = arena
    }

    package func user(of row: Row) -> (key: UserKey, bytes: [UInt8]) {
        guard row.form == UserKey.long else {
            return (UserKey(form: row.form, low: row.low, high: row.high), [])
        }
        let reference = ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high))
        let bytes = arena.copy(reference)
        return (UserKey(bytes.span), bytes)
    }

    package func userID(of row: Row) -> [UInt8] {
        row.userID == .none ? [] : arena.copy(row.userID)
    }
}

extension Shard {
    /// - Complexity: O(chunks), some microseconds; at the next append the last chunk and the last arena block
    ///   are copied, at most 1.2 MiB.
    package func cut() -> ShardCut {
        ShardCut(id: id, lastSequence: lastSequence, rows: rows, arena: arena)
    }
}

extension Arena {
    fileprivate func copy(_ reference: ArenaReference) -> [UInt8] {
        withBytes(at: reference) { $0.copy }
    }
}
