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
    /// Grows with all known terms: those that were looked up before may be out of date.
    package private(set) var termsGeneration: UInt64 = 1
    /// By campaign id: terms that were asked for since the catalog was adopted, or the disk filled up or had room again.
    private var knownTerms: [CampaignTerms?] = []
    /// What the known terms say of the disk.
    private var isDiskFull = false
    package let writer: LaneWriter
    let status: LaneStatus
    package private(set) var now: Timestamp
    package private(set) var day: Day
    private let batchBytesMax: Int
    private let tellsRepeats: Bool
    /// From how many bytes on the batch takes no more before it is committed: ``batchBytesMax``, or less while
    /// somebody waits for more room.
    private var batchBytesFull: Int
    private var tick: Tick
    /// For ``prefetch(_:)``: the count of repeats when it was called last.
    var repeatsBefore: UInt64 = 0
    /// The list that the tick found without a code last: told once, not for each of many users.
    private var emptyList: ListID?
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
        status = engine.lanes[index]
        self.catalog = catalog
        self.writer = writer
        self.control = control
        // The last burst of a batch may go over the limit by its own size.
        batchBytesMax = min(
            engine.settings.batchBytesMax,
            writer.payloadBytesMax - Self.burstMaximum * AllocationEncoder.recordBytesMax)
        precondition(batchBytesMax > 0, "segments too small for one burst")
        tellsRepeats = engine.settings.feed?.tellsRepeats ?? false
        batchBytesFull = batchBytesMax
        now = engine.now()
        day = engine.host.day(now)
        tick = Tick(shardCount: engine.routing.shardCount)
    }

    /// Requests that may be decided without asking ``isBatchFull`` in between. A guess: several times what a
    /// processor has cache misses under way at once.
    package static let burstMaximum = 64

    /// Reads the clock, once for all commands of the tick.
    package func beginTick() {
        now = engine.now()
        emptyList = nil
        if engine.isDiskFull != isDiskFull {
            isDiskFull.toggle()
            forgetTerms()
        }
        if !day.contains(now) { day = engine.host.day(now) }
    }

    package func adopt(_ catalog: Catalog) {
        self.catalog = catalog
        forgetTerms()
    }

    private func forgetTerms() {
        termsGeneration += 1
        knownTerms.removeAll(keepingCapacity: true)
    }

    /// Whether the batch must be committed before another burst is decided.
    package var isBatchFull: Bool { isBatchFull(tick) }

    func isBatchFull(_ tick: borrowing Tick) -> Bool { tick.byteCount >= batchBytesFull }

    /// Whether the open batch has room for so many bytes. If not, it is full for everybody until it is committed:
    /// else others would take the room that this one waits for.
    ///
    /// - Parameter bytes: as many as one frame holds at most.
    func hasRoom(for bytes: Int) -> Bool {
        precondition(bytes <= writer.payloadBytesMax, "\(bytes) bytes for one frame")
        if tick.byteCount + bytes <= writer.payloadBytesMax { return true }
        batchBytesFull = min(batchBytesFull, writer.payloadBytesMax - bytes + 1)
        return false
    }

    package var counters: LoopCounters { tick.counters }
}

// MARK: - Allocating

/// What all decisions of a burst share.
package struct TickMoment: Sendable {
    package let now: Timestamp
    /// The day that it is in.
    let day: Day
    /// The frame that new records go into.
    let frame: LaneFrame
}

extension LoopEngine {
    /// Between this and the last decision of a burst, the tick does not end.
    package var moment: TickMoment {
        TickMoment(now: now, day: day, frame: LaneFrame(lane: index, frame: writer.openFrame))
    }

    /// - Parameter user: 1 to ``Limits/userBytes`` bytes.
    package func request(_ user: Span<UInt8>, terms: CampaignTerms) -> AllocationRequest {
        AllocationRequest(
            key: AllocationKey(campaign: terms.campaign, user: user, seed: engine.seed),
            shard: Int(engine.routing.shard(of: user).rawValue))
    }

    /// The terms of a campaign; nil when there is none of that name.
    package func terms(ofCampaign name: Span<UInt8>) -> CampaignTerms? {
        guard let name = String(validating: name.copy, as: UTF8.self),
            let campaign = catalog.campaign(named: name)
        else { return nil }
        return terms(of: campaign.id)
    }

    /// The terms of the campaign that a row names. The row may be newer than this loop's catalog.
    package func terms(of id: CampaignID) -> CampaignTerms {
        let index = Int(id.rawValue)
        if index < knownTerms.count, let known = knownTerms[index] { return known }
        if index >= catalog.campaigns.count { adopt(engine.latestCatalog) }
        while knownTerms.count <= index { knownTerms.append(nil) }
        let terms = catalog.terms(of: id, isDiskFull: isDiskFull)
        knownTerms[index] = terms
        return terms
    }

    package func listName(_ id: ListID) -> String { catalog.lists[Int(id.rawValue)].name }

    /// The list that a code came from, which a campaign that overflows may have changed, and how long the user can
    /// redeem it.
    package func source(
        of code: CodeID, givenAt: Timestamp, terms: CampaignTerms
    ) -> (listName: String, expiresAt: Timestamp?) {
        let list = catalog.lists[Int(upload(code.upload).list.rawValue)]
        return (
            list.name, terms.validity.expiry(givenAt: givenAt, listExpiresAt: list.expiresAt, day: day(containing:))
        )
    }

    private func day(containing time: Timestamp) -> Day { day.contains(time) ? day : engine.host.day(time) }

    /// Opens the tick once for all decisions of a burst.
    @inline(__always)
    package func withTick<Result>(_ body: (inout Tick) -> Result) -> Result { body(&tick) }

    /// Decides an `ALLOC` or a `HOLD` and, when a new code is given, puts its record into the open batch.
    ///
    /// - Parameters:
    ///   - terms: the same that the request was made with.
    ///   - holdUntil: the deadline of a hold; nil for an `ALLOC`, which confirms one that waits.
    ///   - moment: of this tick, and of this burst.
    ///   - userID: the marketing user id; empty when there is none.
    ///   - tick: the one of ``withTick(_:)``.
    /// - Complexity: O(1) expected; one mutex; no allocation.
    package func allocate(
        _ request: AllocationRequest, terms: CampaignTerms, holdUntil: Timestamp? = nil, at moment: TickMoment,
        user: Span<UInt8>, userID: Span<UInt8>, in tick: inout Tick
    ) -> AllocationOutcome {
        let decision = engine.withShard(request.shard) {
            $0.allocate(
                request.key, terms: terms, holdUntil: holdUntil, at: moment, in: status, user: user,
                userID: userID, engine: engine)
        }
        return outcome(
            of: decision, request, terms: terms, holdUntil: holdUntil, at: moment, user: user, userID: userID,
            in: &tick)
    }

    /// Puts the record of what was decided into the open batch, if it has one.
    ///
    /// - Parameters: as those that it was decided with.
    @inline(__always)
    func outcome(
        of decision: consuming ShardCell.Decision, _ request: AllocationRequest, terms: CampaignTerms,
        holdUntil: Timestamp?, at moment: TickMoment, user: Span<UInt8>, userID: Span<UInt8>, in tick: inout Tick
    ) -> AllocationOutcome {
        switch decision {
        case .new(let due):
            tick.add(due, terms: terms, frame: moment.frame.frame, userBytes: user, userID: userID)
            return .given(
                Allocation(
                    place: due.claim.place, isRepeat: false,
                    times: AllocationTimes(givenAt: moment.now, holdUntil: holdUntil),
                    frame: moment.frame.frame))
        case .repeated(let code, let times, let dependency, let behind):
            if let dependency, dependency.lane != index {
                tick.counters.parked += 1
                return .parked(dependency)
            }
            let upload = upload(code.upload)
            if upload.codes.isAway {
                tick.counters.refused += 1
                return .refused(.codeAway)
            }
            tick.counters.repeated += 1
            if tellsRepeats {
                let record = RepeatRecord(
                    shard: ShardID(rawValue: UInt16(request.shard)), behind: behind, at: moment.now,
                    campaign: terms.campaign, code: code, user: request.key.user, holdUntil: times.holdUntil)
                tick.add(record, userBytes: user, userID: userID)
            }
            return .given(
                Allocation(
                    place: upload.position(of: code.ordinal), isRepeat: true, times: times,
                    frame: dependency?.frame ?? .none))
        case .confirmed(let record, let code):
            tick.add(record, list: terms.list, pool: terms.pool, frame: moment.frame.frame)
            return .given(
                Allocation(
                    place: upload(code.upload).position(of: code.ordinal), isRepeat: true,
                    times: AllocationTimes(givenAt: moment.now, holdUntil: nil), frame: moment.frame.frame))
        case .parked(let frame):
            tick.counters.parked += 1
            return .parked(frame)
        case .refused(let refusal):
            tick.counters.refused += 1
            if refusal == .poolEmpty, emptyList != terms.list {
                emptyList = terms.list
                listIsDrained(terms.list)
            }
            return .refused(refusal)
        case .failed(let error):
            engine.fail(.apply(error))
            return .refused(.shardFull)
        }
    }

    func listIsDrained(_ list: ListID) {
        control.execute { $0.listIsDrained(list) }
    }

    /// The upload of a code that a row names. The row may be newer than this loop's catalog.
    package func upload(_ id: UploadID) -> Upload {
        // By its arrays alone: a method of the catalog would have all of it copied.
        let index = Int(id.rawValue)
        if index >= catalog.uploads.count { adopt(engine.latestCatalog) }
        return catalog.uploads[index]
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
            let earlier = try writer.poll()
            // While an earlier frame is on its way, the batch stays open and grows.
            if writer.isBusy { return earlier }
            if !tick.isEmpty {
                tick.hand(over: &writer.batch)
                batchBytesFull = batchBytesMax
            }
            return try writer.commit(timeMilliseconds: now.milliseconds)
        }
    }

    /// Goes on with what is in flight: when the descriptor is readable, or a segment has become ready.
    package func poll() throws(EngineFailure) -> CommitProgress {
        try advance { () throws(LogFailure) in try writer.poll() }
    }

    /// Vouches for the last frame when nothing else will soon.
    package func sealIfNeeded() throws(EngineFailure) -> CommitProgress {
        try advance { () throws(LogFailure) in
            writer.needsSeal && tick.isEmpty ? try writer.seal(timeMilliseconds: now.milliseconds) : .idle
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

    /// The frame that the records of the open batch go into; ``FrameNumber/none`` when there are none.
    package var dueFrame: FrameNumber { tick.isEmpty ? .none : writer.openFrame }

    private func advance(
        _ step: () throws(LogFailure) -> CommitProgress
    ) throws(EngineFailure) -> CommitProgress {
        do throws(LogFailure) {
            let progress = try step()
            let durable = writer.durableFrame
            if durable != status.durableFrame { status.advance(to: durable) }
            for low in tick.takeLow() {
                engine.host.report(.listLow(list: low.listName, remaining: low.remaining))
            }
            for list in tick.takeDrained(through: durable) { listIsDrained(list) }
            for returned in tick.takeReturned(through: durable) { returned.putBack() }
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
