import Synchronization
package import TearoffCore
package import TearoffLog

/// One event loop's part of the engine: its lane, its copy of the catalog, and the tick's time. Used by that
/// loop only.
///
/// A tick: ``beginTick()``, any number of commands, then ``commit()``; replies whose frames are durable may
/// leave.
package final class LoopEngine {
    package let engine: Engine
    package let index: Int
    package private(set) var catalog: Catalog
    /// Grows with every new catalog: what was looked up in an older one may be out of date.
    package private(set) var catalogGeneration: UInt64 = 1
    package let writer: LaneWriter
    package private(set) var now: Timestamp
    package private(set) var counters = LoopCounters()
    private let batchBytesMax: Int
    private var encoder: AllocationEncoder
    /// Lists whose last code went into the frame; told to the control plane once it is durable.
    private var drained: [(frame: FrameNumber, list: ListID)] = []
    /// Lists that came down to their warning; reported after the tick, not under a shard's mutex.
    private var low: [(list: String, remaining: UInt64)] = []
    private var segmentStarted: ((LanePosition) -> Void)?
    private let control: ControlPort
    /// Bytes of log that this lane may hold before it asks for a snapshot: its share of the setting.
    private var snapshotDueBytes: UInt64

    /// - Parameter logBytes: this lane's share of what no snapshot covers at the start.
    init(
        engine: Engine, index: Int, catalog: Catalog, writer: LaneWriter, control: ControlPort,
        logBytes: UInt64
    ) {
        self.engine = engine
        let share = engine.settings.snapshotShareBytes
        snapshotDueBytes = share - min(share, logBytes)
        self.index = index
        self.catalog = catalog
        self.writer = writer
        self.control = control
        // The last record of a batch may go over the limit by its own size.
        batchBytesMax = min(engine.settings.batchBytesMax, writer.payloadBytesMax - Self.recordBytesMax)
        now = engine.now()
        encoder = AllocationEncoder(shardCount: engine.routing.shardCount)
    }

    /// More than any allocation takes in the log: two ids of 255 bytes and the numbers.
    private static let recordBytesMax = 1_024

    private var status: LaneStatus { engine.lanes[index] }

    /// Reads the clock, once for all commands of the tick.
    package func beginTick() {
        now = engine.now()
    }

    package func adopt(_ catalog: Catalog) {
        self.catalog = catalog
        catalogGeneration += 1
    }

    /// Whether the batch must be committed before another command is decided.
    package var isBatchFull: Bool { writer.batch.bytes.count >= batchBytesMax }
}

/// What a loop did since the start.
package struct LoopCounters: Sendable {
    package var given: UInt64 = 0
    package var repeated: UInt64 = 0
    package var refused: UInt64 = 0
    /// Commands that met a row in flight in another lane.
    package var parked: UInt64 = 0

    package init() {}
}

// MARK: - Allocating

extension LoopEngine {
    /// Decides an `ALLOC` and, when a new code is given, puts its record into the open batch.
    ///
    /// - Parameter userID: the marketing user id; empty when there is none.
    /// - Complexity: O(1) expected; one mutex.
    package func allocate(
        campaign: Campaign, user bytes: Span<UInt8>, userID: Span<UInt8>
    ) -> AllocationOutcome {
        let user = UserKey(bytes)
        let shard = Int(engine.routing.shard(of: bytes).rawValue)
        let list = catalog[campaign.list]
        let outcome = engine.shards[shard].state.withLock { state -> AllocationOutcome in
            switch state.shard.decide(user: user, bytes: bytes, campaign: campaign, list: list, now: now) {
            case .repeated(let row):
                return repeated(row, in: &state)
            case .refused(let refusal):
                return .refused(refusal)
            case .new(let record, let remaining):
                note(remaining: remaining, of: list)
                return new(record, userBytes: bytes, userID: userID, in: &state)
            }
        }
        count(outcome, list: list)
        return outcome
    }

    private func repeated(_ number: RowNumber, in state: inout ShardState) -> AllocationOutcome {
        let row = state.shard.rows[number]
        let dependency = state.inFlight.dependency(of: number, lanes: engine.lanes)
        if let dependency, dependency.lane != index { return .parked(dependency) }
        return .given(
            Allocation(
                code: row.code, isRepeat: true, givenAt: row.givenAt, frame: dependency?.frame ?? .none))
    }

    private func new(
        _ record: AllocationRecord, userBytes: Span<UInt8>, userID: Span<UInt8>, in state: inout ShardState
    ) -> AllocationOutcome {
        let frame = writer.openFrame
        do throws(ApplyError) {
            // The code was claimed from this loop's catalog, so its upload is in it.
            _ = try state.shard.apply(
                record, userBytes: userBytes, userID: userID, upload: catalog[record.code.upload])
        } catch {
            engine.fail(.apply(error))
            return .refused(.shardFull)
        }
        state.inFlight.append(LaneFrame(lane: index, frame: frame), lanes: engine.lanes)
        if writer.batch.isEmpty { status.noteWrite(to: frame) }
        encoder.encode(record, userBytes: userBytes, userID: userID, into: &writer.batch.bytes)
        writer.batch.recordCount += 1
        return .given(Allocation(code: record.code, isRepeat: false, givenAt: record.givenAt, frame: frame))
    }

    private func note(remaining: UInt64, of list: List) {
        if remaining == 0 { drained.append((writer.openFrame, list.id)) }
        if remaining == list.warnAt { low.append((list.name, remaining)) }
    }

    private func listIsDrained(_ list: ListID) {
        control.execute { $0.listIsDrained(list) }
    }

    private func count(_ outcome: AllocationOutcome, list: List) {
        switch outcome {
        case .given(let allocation):
            if allocation.isRepeat { counters.repeated += 1 } else { counters.given += 1 }
        case .refused(let refusal):
            counters.refused += 1
            if refusal == .poolEmpty { listIsDrained(list.id) }
        case .parked: counters.parked += 1
        }
    }

    /// The upload of a code that a row names. The row may be newer than this loop's catalog.
    package func upload(_ id: UploadID) -> Upload {
        if !catalog.hasUpload(id) { adopt(engine.latestCatalog) }
        return catalog[id]
    }

    /// The campaign that a row names; see ``upload(_:)``.
    package func campaign(_ id: CampaignID) -> Campaign {
        if !catalog.hasCampaign(id) { adopt(engine.latestCatalog) }
        return catalog[id]
    }
}

// MARK: - Committing

extension LoopEngine {
    /// Makes one frame of the tick's batch and writes it.
    ///
    /// - Returns: how far it came; ``durableFrame`` says which replies may leave.
    /// - Throws: the failure that poisoned the lane; the engine has failed then.
    package func commit() throws(EngineFailure) -> CommitProgress {
        try advance { () throws(LogFailure) in
            let hadBatch = !writer.batch.isEmpty
            let progress = try writer.commit(timeMilliseconds: now.milliseconds)
            if hadBatch && writer.batch.isEmpty { encoder.startFrame() }
            return progress
        }
    }

    /// Goes on with what is in flight: when the descriptor is readable, or a segment has become ready.
    package func poll() throws(EngineFailure) -> CommitProgress {
        try advance { () throws(LogFailure) in try writer.poll() }
    }

    /// Vouches for the last frame when nothing else will soon.
    package func sealIfNeeded() throws(EngineFailure) -> CommitProgress {
        try advance { () throws(LogFailure) in
            writer.needsSeal ? try writer.seal(timeMilliseconds: now.milliseconds) : .idle
        }
    }

    /// Commits and seals all there is, and waits for it: the end of a clean shutdown.
    package func drain() throws(EngineFailure) {
        _ = try commit()
        _ = try advance { () throws(LogFailure) in try writer.drain() }
        // What was put into the batch while an earlier frame was in flight.
        _ = try commit()
        _ = try advance { () throws(LogFailure) in try writer.drain() }
        _ = try sealIfNeeded()
        _ = try advance { () throws(LogFailure) in try writer.drain() }
    }

    package var durableFrame: FrameNumber { writer.durableFrame }

    private func advance(
        _ step: () throws(LogFailure) -> CommitProgress
    ) throws(EngineFailure) -> CommitProgress {
        do throws(LogFailure) {
            let progress = try step()
            let durable = writer.durableFrame
            if durable != status.durableFrame { status.advance(to: durable) }
            for (list, remaining) in low { engine.host.report(.listLow(list: list, remaining: remaining)) }
            low.removeAll()
            while let first = drained.first, first.frame <= durable {
                drained.removeFirst()
                listIsDrained(first.list)
            }
            requestSnapshotIfDue()
            if !writer.newSegmentIsPending, let started = segmentStarted.take() { started(writer.position) }
            return progress
        } catch {
            engine.fail(.log(error))
            throw .log(error)
        }
    }
}

// MARK: - Snapshots

extension LoopEngine {
    /// Moves the lane to a new segment with the next commit.
    ///
    /// - Parameter done: called on this loop with the place where the new segment begins.
    func startNewSegment(done: @escaping (LanePosition) -> Void) {
        writer.startNewSegment()
        segmentStarted = done
        snapshotDueBytes = writer.counters.writtenBytes + engine.settings.snapshotShareBytes
    }

    private func requestSnapshotIfDue() {
        guard engine.settings.snapshotLogBytes > 0, writer.counters.writtenBytes > snapshotDueBytes else {
            return
        }
        // Should this one not be written (another is under way, or the disk refuses), the next mark asks
        // again.
        snapshotDueBytes = writer.counters.writtenBytes + engine.settings.snapshotShareBytes
        control.execute { control in control.snapshot { _ in } }
    }
}
