import Synchronization
package import TearoffCore
import TearoffLog

/// What all loops share: the shards behind their mutexes, how far each lane is durable, and the latest
/// catalog.
@safe package final class Engine: Sendable {
    package let routing: UserRouting
    package let clock: EngineClock
    package let shards: [ShardCell]
    /// The same once more, for those who enter one for each command: ``withShard(_:_:)``.
    private let uncountedShards: [Unmanaged<ShardCell>]
    package let keys: KeyBook
    /// The shards' own, for ``AllocationKey``.
    let seed: UInt64
    /// By loop index.
    package let lanes: [LaneStatus]
    let controlLane: LaneStatus
    package let settings: EngineSettings
    let host: EngineHost
    /// A loop whose own copy is older than a row that it meets takes this one.
    private let catalog: Mutex<Catalog>
    /// Of that catalog, so that a loop sees without the mutex that it has the latest one.
    private let generation: Atomic<UInt64>
    private let failed = Mutex<EngineFailure?>(nil)
    private let diskIsFull = Atomic<Bool>(false)

    init(
        routing: UserRouting, clock: EngineClock, shards: [ShardCell], keys: KeyBook, seed: UInt64,
        lanes: [LaneStatus], controlLane: LaneStatus, catalog: Catalog, settings: EngineSettings, host: EngineHost
    ) {
        self.routing = routing
        self.clock = clock
        self.shards = shards
        unsafe uncountedShards = shards.map { unsafe Unmanaged.passUnretained($0) }
        self.keys = keys
        self.seed = seed
        self.lanes = lanes
        self.controlLane = controlLane
        self.catalog = Mutex(catalog)
        generation = Atomic(catalog.generation)
        self.settings = settings
        self.host = host
    }

    /// Lends a shard without counting a reference up and down, which takes two atomic operations.
    @inline(__always)
    func withShard<Result: ~Copyable>(_ index: Int, _ body: (ShardCell) -> Result) -> Result {
        var result: Result?
        // SAFETY: `shards` keeps every cell as long as the engine.
        unsafe uncountedShards[index]._withUnsafeGuaranteedRef { result = body($0) }
        switch consume result {
        case .some(let result): return result
        case nil: preconditionFailure("a shard was lent and did not come back")
        }
    }

    /// How often an `ALLOC` found its shard's mutex taken by another thread, since the start.
    package var mutexWaits: UInt64 { shards.reduce(0) { $0 + $1.mutexWaits } }

    package var latestCatalog: Catalog { catalog.withLock { $0 } }

    /// Acquiring, with the releasing store below: whoever sees the generation finds the catalog.
    var latestGeneration: UInt64 { generation.load(ordering: .acquiring) }

    func publish(_ catalog: Catalog) {
        self.catalog.withLock { $0 = catalog }
        generation.store(catalog.generation, ordering: .releasing)
    }

    package func now() -> Timestamp {
        clock.now(wall: Timestamp(milliseconds: host.wallMilliseconds()))
    }
}

// MARK: - Failure

extension Engine {
    package var failure: EngineFailure? { failed.withLock { $0 } }

    /// Ends the engine. The first reason stays; it is reported once.
    package func fail(_ reason: EngineFailure) {
        let isFirst = failed.withLock { failed in
            defer { failed = failed ?? reason }
            return failed == nil
        }
        if isFirst { host.report(.engineFailed(reason)) }
    }
}

// MARK: - Space

extension Engine {
    /// Whether the log's disk has less room than it must have for new codes to be given. Whoever looks at the disk says
    /// so; loops learn it at their next tick.
    package var isDiskFull: Bool { diskIsFull.load(ordering: .relaxed) }

    /// - Parameter freeBytes: what is left on the disk.
    package func noteDisk(isFull: Bool, freeBytes: UInt64) {
        guard diskIsFull.exchange(isFull, ordering: .relaxed) != isFull else { return }
        host.report(isFull ? .diskFull(freeBytes: freeBytes) : .diskHasRoom(freeBytes: freeBytes))
    }
}

// MARK: - Waiting

extension Engine {
    /// What must be durable before anything that was decided until now can be relied upon.
    package func barrier() -> [LaneFrame] {
        lanes.indices.map { LaneFrame(lane: $0, frame: lanes[$0].writtenFrame) }
    }

    /// As ``barrier()``, behind all claims that any pool shows by now: a loop claims a code, and notes the
    /// frame that its record goes into, inside one shard's mutex.
    func barrierBehindClaims() -> [LaneFrame] {
        for shard in shards { shard.withState { state in _ = state.shard.lastSequence } }
        return barrier()
    }

    /// Calls `body` once, on some thread, when all these frames are durable.
    package func whenDurable(_ frames: [LaneFrame], _ body: @escaping @Sendable () -> Void) {
        guard let next = frames.first(where: { lanes[$0.lane].durableFrame < $0.frame }) else {
            return body()
        }
        lanes[next.lane].whenDurable(next.frame) { [self] in whenDurable(frames, body) }
    }
}

// MARK: - Ledger

extension Engine {
    /// These lists and their ledgers at one instant: all shards are held, so no claim and no record is under way.
    ///
    /// The lists are those of the latest catalog, whatever was found: their pools share the holes with those of older
    /// catalogs, so a code of a refill that the caller has not heard of may count there already. A list that is deleted
    /// by now has the ledger that it ended with.
    ///
    /// - Complexity: O(lists * (uploads * shards + strips in use)).
    package func ledgers(of lists: [List]) -> [(list: List, ledger: Ledger)] {
        withAllShards(from: 0, [(list: List, ledger: Ledger)]()) { found in
            let catalog = latestCatalog
            found = lists.map { older in
                let list = catalog[older.id]
                if let deletion = list.deletion { return (list, deletion.ledger) }
                var ledger = Ledger(uploaded: list.uploadedCount, free: 0, given: 0)
                ledger.add(list.pool.counts)
                return (list, ledger)
            }
        } leaving: { shard, found in
            for index in found.indices where !found[index].list.isDeleted {
                for upload in found[index].list.uploads { found[index].ledger.add(shard.tally(of: upload.id)) }
            }
        }
    }

    /// The ledgers of single uploads of a list at one instant, as of ``checkedLedgers(of:)``.
    ///
    /// The pool counts a list's free codes in one figure, so an upload's are those that no shard's tally has:
    /// a code's claim and the change of the tally are one step inside the mutex of the shard, a code that
    /// goes back leaves the tally in one step with becoming free, and here all shards are held. Nothing else
    /// takes a code, but for a withdrawal, which takes all of an upload's.
    ///
    /// - Complexity: O(uploads * shards + strips).
    package func checkedLedgers(of uploads: ArraySlice<UploadReceipt>, in list: List) -> [Ledger] {
        let receipts = Array(uploads)
        let empty = receipts.map { Ledger(uploaded: $0.count, free: 0, given: 0) }
        let ledgers = withAllShards(from: 0, empty) { shard, ledgers in
            for (index, upload) in receipts.enumerated() { ledgers[index].add(shard.tally(of: upload.id)) }
        } innermost: { ledgers in
            let catalog = latestCatalog
            for index in ledgers.indices {
                // Here too: an import takes codes from these and gives them to users, in the shards.
                ledgers[index].burned += catalog[receipts[index].id].codes.burnedCount
                // More taken than uploaded must be told, not trap: the ledger does not hold then.
                let rest = ledgers[index].uploaded - min(ledgers[index].taken, ledgers[index].uploaded)
                if receipts[index].withdrawnAt == nil {
                    ledgers[index].free = rest
                } else {
                    ledgers[index].withdrawn = rest
                }
            }
        }
        for ledger in ledgers { failUnlessItHolds(ledger, of: list) }
        return ledgers
    }

    /// Locks the shards one inside the other, in the order of their ids, which nobody does otherwise.
    ///
    /// - Parameters:
    ///   - entering: of each shard, before `innermost`.
    ///   - innermost: runs while all are held.
    ///   - leaving: of each shard, which is still as it was then.
    private func withAllShards<Figures: Sendable>(
        from index: Int, _ figures: Figures, entering: (borrowing Shard, inout Figures) -> Void = { _, _ in },
        innermost: (inout Figures) -> Void, leaving: (borrowing Shard, inout Figures) -> Void = { _, _ in }
    ) -> Figures {
        var figures = figures
        guard index < shards.count else {
            innermost(&figures)
            return figures
        }
        return shards[index].withState { state in
            entering(state.shard, &figures)
            figures = withAllShards(
                from: index + 1, figures, entering: entering, innermost: innermost, leaving: leaving)
            leaving(state.shard, &figures)
            return figures
        }
    }

    /// Counts anew what campaigns have given of their quotas, while no code is given.
    ///
    /// - Complexity: O(allocations), some nanoseconds each: of ten million some 30 ms. Once for all of these campaigns.
    func count(_ campaigns: [Campaign]) {
        guard let last = campaigns.map(\.id).max() else { return }
        let today = host.day(now())
        let none = [CampaignCount](repeating: CampaignCount(), count: Int(last.rawValue) + 1)
        _ = withAllShards(from: 0, none) { shard, counts in
            shard.add(to: &counts, since: today.first)
        } innermost: { counts in
            for campaign in campaigns {
                let count = counts[Int(campaign.id.rawValue)]
                campaign.meter.finishCounting(total: count.total, since: today.first, inDay: count.sinceThen)
            }
        }
    }

    /// All shards at one instant.
    func cuts(from index: Int = 0) -> [ShardCut] {
        guard index < shards.count else { return [] }
        return shards[index].withState { state in
            let rest = cuts(from: index + 1)
            return [state.shard.cut()] + rest
        }
    }

    /// Codes of a list that are held: exact when no hold begins or ends meanwhile.
    func heldCount(of list: List) -> UInt64 {
        shards.reduce(0) { sum, shard in
            sum
                + shard.withState { state in
                    list.uploads.reduce(0) { $0 + state.shard.tally(of: $1.id).held }
                }
        }
    }

    /// As ``ledgers(of:)``; stops the engine when one does not hold.
    package func checkedLedgers(of lists: [List]) -> [(list: List, ledger: Ledger)] {
        let found = ledgers(of: lists)
        for (list, ledger) in found { failUnlessItHolds(ledger, of: list) }
        return found
    }

    private func failUnlessItHolds(_ ledger: Ledger, of list: List) {
        if !ledger.holds { fail(.ledger(list: list.name, ledger)) }
    }
}
