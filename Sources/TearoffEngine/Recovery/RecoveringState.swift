import Synchronization
import TearoffCore
import TearoffLog

/// A state that is being read back.
struct RecoveringState {
    let source: RecoverySource
    let manifest: Manifest?
    private(set) var catalog = Catalog()
    private(set) var revision: UInt64 = 0
    private(set) var trail = AuditTrail()
    let shards: [ShardCell]
    /// Of snapshot and log, those that are over among them.
    var keys: [KeyUse] = []
    var at = Timestamp.zero
    var laneStarts: [LaneID: LaneStart] = [:]
    /// Where each lane's frames end.
    var laneEnds: [FramePlace] = []
    private(set) var lives: [LifeStart] = []
    var notices: [RecoveryNotice]
    var counters = RecoveredState.Counters()

    init(_ source: RecoverySource, manifest: Manifest?, notices: [RecoveryNotice]) {
        self.source = source
        self.manifest = manifest
        self.notices = notices
        shards = (0..<source.shardCount).map { id in
            ShardCell(Shard(id: ShardID(rawValue: id), shardCount: source.shardCount, seed: source.seed))
        }
    }
}

// MARK: - Catalog

extension RecoveringState {
    mutating func readSnapshotCatalog() throws(SnapshotFault) {
        guard let manifest else { return }
        guard manifest.shards.count == shards.count else {
            throw .unusable("it has \(manifest.shards.count) shards, the directory has \(shards.count)")
        }
        do throws(RecoveryError) {
            for record in manifest.catalog.records { try apply(record, in: nil) }
        } catch {
            throw .refused(error)
        }
        for lapse in manifest.catalog.lapses { catalog.restoreLapse(lapse.at, of: lapse.list) }
        revision = manifest.revision
        // The catalog is of a moment behind the history's.
        at = manifest.catalog.records.reduce(manifest.at) { max($0, $1.at) }
    }

    mutating func readSnapshotTrail() throws(SnapshotFault) {
        guard let manifest else { return }
        do throws(AuditFault) {
            try manifest.audit.check(source.blobs, source.makeHasher)
        } catch {
            throw .unusable("the audit trail is broken at record \(error.number): \(error.problem)")
        }
        trail = manifest.audit
    }

    mutating func readControlLane(_ segments: LaneCatalog) throws(RecoveryError) {
        if passOver(.control, segments) { return }
        let reader = try LaneReader(.control, from: position(of: .control), in: segments, storage: source.log)
        while let frame = try reader.next() {
            let payload = reader.payload
            for entry in try Self.entries(payload.span, of: frame) { try apply(entry, in: frame) }
            counters.framesRead += 1
        }
        note(reader.end)
    }

    private static func entries(
        _ payload: Span<UInt8>, of frame: FrameInfo
    ) throws(RecoveryError) -> [ControlEntry] {
        do throws(RecordError) {
            return try ControlEntry.decodeAll(payload)
        } catch {
            throw RecoveryError(
                contradiction: "its checksum matches, but its records cannot be read: \(error)", in: frame)
        }
    }

    private mutating func apply(_ entry: ControlEntry, in frame: FrameInfo) throws(RecoveryError) {
        switch entry {
        case .lifeStarted(let start):
            lives.append(start)
            at = max(at, start.at)
        case .change(let record, let number):
            if number <= revision { return }
            guard number == revision + 1 else {
                throw RecoveryError(
                    contradiction: "change \(number) of the catalog follows on change \(revision)", in: frame)
            }
            try apply(record, in: frame)
            revision = number
            at = max(at, record.at)
        case .audit(let record):
            if record.number <= trail.end.number { return }
            guard trail.append(record, source.makeHasher()) else {
                throw RecoveryError(
                    contradiction: "record \(record.number) of the audit trail does not follow on the one "
                        + "before",
                    in: frame)
            }
            at = max(at, record.at)
        }
    }

    /// - Parameter frame: nil for one of a snapshot.
    private mutating func apply(_ record: ControlRecord, in frame: FrameInfo?) throws(RecoveryError) {
        guard catalog.accepts(record) else {
            let problem = "a change names what does not exist"
            guard let frame else { throw RecoveryError(.contradictory, file: "snapshots", problem: problem) }
            throw RecoveryError(contradiction: problem, in: frame)
        }
        catalog.apply(record)
    }

    /// Reads the codes of all lists that are to have theirs in memory, once it is known which these are: the blobs of a
    /// list that was deleted may be gone.
    mutating func readCodes() throws(RecoveryError) {
        for list in catalog.presentLists where !list.isArchived {
            let codes = try StoredCodes.read(
                list, from: source.blobs, seed: source.seed, workers: source.workers, progress: source.progress)
            catalog.bringBack(list.id, codes: codes)
        }
    }
}

// MARK: - The end

extension RecoveringState {
    /// What contradicts the rest may rest on a frame that is lost at the end of a lane, which nothing else tells from one
    /// that was never acknowledged: so these ends are named, too.
    func explained(_ error: RecoveryError) -> RecoveryError {
        guard error.kind == .contradictory else { return error }
        let torn = notices.compactMap { notice in
            if case .tornTail(let place) = notice { "unreadable is \(place)" } else { nil }
        }
        let ends = laneEnds.map { "; a lane ends before \($0)" }
        return error.adding((torn.map { "; \($0)" } + ends).joined())
    }

    /// A code that was held and went back may have been given by another shard, which was read back earlier.
    private func settleOwners() throws(RecoveryError) {
        do throws(ApplyError) {
            for shard in shards {
                try shard.state.withLock { state throws(ApplyError) in
                    try state.shard.settleAfterRecovery(position: catalog.position(of:))
                }
            }
        } catch {
            throw RecoveryError(contradiction: "a record contradicts the others: \(error)", in: nil)
        }
    }

    /// The keys that are kept still, in the order in which they were used.
    private func keptKeys() throws(RecoveryError) -> [KeyUse] {
        let kept = keys.filter { $0.answer.isKept(at: at) }
        for use in kept {
            let rows = shards[Int(use.shard.rawValue)].state.withLock { $0.shard.rows.count }
            guard Int(use.row.rawValue) < rows else {
                throw RecoveryError(
                    .contradictory, file: "snapshots", problem: "a key names an allocation that does not exist")
            }
        }
        return kept.sorted {
            ($0.answer.usedAt, $0.shard, $0.sequence) < ($1.answer.usedAt, $1.shard, $1.sequence)
        }
    }

    /// Frees what was claimed and never acknowledged, and checks every ledger.
    mutating func finish(newestSnapshot: UInt64) throws(RecoveryError) -> RecoveredState {
        try settleOwners()
        var ledgers: [Ledger] = []
        for list in catalog.lists {
            list.pool.settleAfterRecovery()
            var ledger = Ledger(uploaded: list.uploadedCount, free: 0, given: 0)
            ledger.add(list.pool.counts)
            for shard in shards {
                shard.state.withLock { state in
                    for upload in list.uploads { ledger.add(state.shard.tally(of: upload.id)) }
                }
            }
            guard ledger.holds else {
                throw RecoveryError(
                    contradiction: "the ledger of list \(list.name) does not hold: \(ledger)", in: nil)
            }
            ledgers.append(ledger)
        }
        for shard in shards { shard.settleAfterRecovery() }
        let fullChunks = manifest?.shards.map { history in
            Array(history.chunks.prefix(Int(history.rowCount) / HistoryChunk.rowsMaximum))
        }
        return RecoveredState(
            catalog: catalog, ledgers: ledgers, revision: revision, trail: trail, shards: shards, at: at,
            laneStarts: laneStarts, snapshotNumber: newestSnapshot,
            fullChunks: fullChunks ?? shards.map { _ in [] }, keys: try keptKeys(),
            notices: notices,
            counters: counters)
    }
}
