package import TearoffCore
package import TearoffLog

/// Owner of the catalog and of the control lane. Used from one loop only, its own.
///
/// Changes are made one after the other: decided, written, durable, applied, taken over by every loop,
/// answered. So a reply never leaves before the change is durable and every loop has it.
package final class ControlPlane {
    package let engine: Engine
    package let uploads: UploadDesk
    package let snapshots: SnapshotDesk
    package let exports: ExportDesk
    package let archive: ArchiveDesk
    package let audit: AuditDesk
    /// nil when it is turned off.
    package let feed: FeedDesk?
    /// nil when there is no feed, whose warnings it sends.
    package let deliveries: DeliveryDesk?
    package let writer: LaneWriter
    let loops: [LoopPort]
    let port: ControlPort
    private var catalog: Catalog
    private var revision: UInt64
    private var waiting: [ControlJob] = []
    private var current: (job: ControlJob, step: Step)?
    /// Lists that a loop reported empty and that are being looked at.
    private var drainedLists: Set<ListID> = []

    /// How many jobs may wait; an operator's tool sends a few, so more is a fault: `BUSY`.
    package static let waitingMaximum = 1_024
    /// When an expiry is tried again that found the queue full.
    private static let busyRetryMilliseconds: UInt64 = 1_000

    private enum Step {
        /// Waits for its frame.
        case writing(Proposal, [AuditRecord], FrameNumber)
        /// Waits for the new segment.
        case rotating
        /// Waits until that many loops more have the catalog; then the campaigns' quotas are counted.
        case publishing(loopsLeft: Int, counting: [CampaignID])
    }

    init(
        engine: Engine, uploads: UploadDesk, snapshots: SnapshotDesk, exports: ExportDesk, archive: ArchiveDesk,
        audit: AuditDesk, feed: FeedDesk?, deliveries: DeliveryDesk?, writer: LaneWriter, loops: [LoopPort],
        port: ControlPort, catalog: Catalog, revision: UInt64
    ) {
        self.engine = engine
        self.uploads = uploads
        self.snapshots = snapshots
        self.exports = exports
        self.archive = archive
        self.audit = audit
        self.feed = feed
        self.deliveries = deliveries
        self.writer = writer
        self.loops = loops
        self.port = port
        self.catalog = catalog
        self.revision = revision
    }

    /// Queues a job; its `done` is called on this loop.
    func submit(_ job: ControlJob) {
        if engine.failure != nil { return job.done(.failure(.failed)) }
        guard waiting.count < Self.waitingMaximum else { return job.done(.failure(.busy)) }
        waiting.append(job)
        pump()
    }

    /// Has a job done next, whatever waits: a list that is frozen must not stay so for long, and never for good.
    func submitNext(_ job: ControlJob) {
        if engine.failure != nil { return job.done(.failure(.failed)) }
        waiting.insert(job, at: 0)
        pump()
    }
}

/// One change to be made, or the cut for a snapshot. What is changed has somebody who changes it: the audit record
/// stands in the same frame.
struct ControlJob {
    enum Work {
        case change(by: Origin, (Catalog, Timestamp) throws(CatalogError) -> Proposal)
        /// An act that changes no list and no campaign.
        case note(Act, by: Origin)
        /// Changes what no record tells; done when every loop has it. A restart forgets it.
        case unrecorded((inout Catalog) throws(CatalogError) -> Void)
        /// Moves the control lane to a new segment; everything before is in the catalog that `done` gets.
        case rotate
    }

    let work: Work
    let done: (Result<ControlCut, ControlError>) -> Void
}

/// Records to be written, with the codes of an upload among them.
struct Proposal {
    var records: [ControlRecord]
    var codes: CodeRun?
    /// Of a list that comes back: the codes of its uploads.
    var returned: [UploadID: CodeRun] = [:]
}

/// Catalog and audit trail after a job, and from where the control lane goes on.
struct ControlCut {
    let catalog: Catalog
    let revision: UInt64
    let trail: AuditTrail
    let position: LanePosition
}

/// Why an operator's command did not happen.
package enum ControlError: Error, Equatable, Sendable {
    case catalog(CatalogError)
    case upload(UploadError)
    case export(ExportError)
    case feed(FeedError)
    case storage(StorageError)
    /// The codes of an archived list cannot be read.
    case unreadableCodes(RecoveryError)
    case backup(BackupError)
    /// Too much of this kind is under way.
    case busy
    /// The engine has failed: nothing is known to be durable any more.
    case failed
}

// MARK: - Steps

extension ControlPlane {
    private func pump() {
        while current == nil, !waiting.isEmpty {
            begin(waiting.removeFirst())
        }
    }

    private func begin(_ job: ControlJob) {
        switch job.work {
        case .unrecorded(let change):
            do throws(CatalogError) {
                try change(&catalog)
                publish(for: job)
            } catch {
                job.done(.failure(.catalog(error)))
            }
        case .rotate:
            writer.startNewSegment()
            current = (job, .rotating)
            commit()
        case .note(let act, let origin):
            let record = audit.records(of: [act], by: origin, at: engine.now())
            write(Proposal(records: []), record, for: job)
        case .change(let origin, let decide):
            do throws(CatalogError) {
                let now = engine.now()
                let proposal = try decide(catalog, now)
                if proposal.records.isEmpty { return job.done(.success(cut)) }
                let acts = catalog.acts(of: proposal.records)
                write(proposal, audit.records(of: acts, by: origin, at: now), for: job)
            } catch {
                job.done(.failure(.catalog(error)))
            }
        }
    }

    /// Calls `body` on this loop when every change before has been taken over by every loop.
    func withSettledCatalog(_ body: @escaping (Result<Catalog, ControlError>) -> Void) {
        submit(
            ControlJob(
                work: .change(by: .system) { _, _ in Proposal(records: []) }, done: { body($0.map(\.catalog)) }))
    }

    /// The only place that writes changes: with what the audit trail says of them, in one frame.
    private func write(_ proposal: Proposal, _ audit: [AuditRecord], for job: ControlJob) {
        precondition(!audit.isEmpty, "a change that nobody made")
        current = (job, .writing(proposal, audit, writer.openFrame))
        let changes = proposal.records.enumerated().map { index, record in
            ControlEntry.change(record, revision: revision + UInt64(index) + 1)
        }
        for entry in changes + audit.map(ControlEntry.audit) {
            entry.encode(into: &writer.batch.bytes)
            writer.batch.recordCount += 1
        }
        commit()
    }

    private var cut: ControlCut {
        ControlCut(catalog: catalog, revision: revision, trail: audit.trail, position: writer.position)
    }

    private func commit() {
        proceed { () throws(LogFailure) in try writer.commit(timeMilliseconds: engine.now().milliseconds) }
    }

    /// Goes on when the lane's descriptor is readable or a segment has become ready.
    package func poll() {
        // Not the writer's own poll, which leaves alone what could not be cut before: a change that met a
        // seal in flight, or a new segment that was not ready.
        commit()
    }

    /// Vouches for the last frame; for when the lane is idle, and for shutdown.
    package func sealIfNeeded() {
        proceed { () throws(LogFailure) in
            writer.needsSeal ? try writer.seal(timeMilliseconds: engine.now().milliseconds) : .idle
        }
    }

    /// Waits for what is in flight, and seals: the end of a clean shutdown. Jobs that wait are not begun.
    package func drain() {
        waiting = []
        proceed { () throws(LogFailure) in try writer.drain() }
        proceed { () throws(LogFailure) in
            writer.needsSeal ? try writer.seal(timeMilliseconds: engine.now().milliseconds) : .idle
        }
        proceed { () throws(LogFailure) in try writer.drain() }
    }

    private func proceed(_ step: () throws(LogFailure) -> CommitProgress) {
        do throws(LogFailure) {
            _ = try step()
        } catch {
            engine.fail(.log(error))
            return failAll()
        }
        // At the end: whoever follows the lane finds what it made in the catalog.
        defer { noteDurable() }
        guard let (job, step) = current else { return }
        switch step {
        case .writing(let proposal, let acts, let frame) where writer.durableFrame >= frame:
            if audit.append(acts) { snapshot { _ in } }
            apply(proposal, of: job)
        case .rotating where !writer.newSegmentIsPending && !writer.isBusy:
            finish(job)
        case .writing, .rotating, .publishing: break
        }
    }

    private func noteDurable() {
        let durable = writer.durableFrame
        if durable != engine.controlLane.durableFrame { engine.controlLane.advance(to: durable) }
    }

    private func apply(_ proposal: Proposal, of job: ControlJob) {
        // No loop needs to hear of a note.
        if proposal.records.isEmpty { return finish(job) }
        let counting = proposal.records.compactMap { campaignToCount($0) }
        let freeBefore = freeCounts(ofListsThatLoseBy: proposal)
        for record in proposal.records {
            catalog.apply(record, codes: proposal.codes)
            if case .listReturned(let list) = record.change { catalog.bringBack(list, codes: proposal.returned) }
            revision += 1
        }
        for record in proposal.records { report(record) }
        for (list, free) in freeBefore { reportLoss(of: list, from: free) }
        port.scheduleExpiry(catalog.nextExpiry.map { $0.milliseconds + 1 })
        publish(for: job, counting: counting)
    }

    /// Has every loop take the catalog over; then the job is done.
    private func publish(for job: ControlJob, counting: [CampaignID] = []) {
        engine.publish(catalog)
        current = (job, .publishing(loopsLeft: loops.count, counting: counting))
        let catalog = catalog
        let port = port
        for loop in loops {
            loop.execute { loop in
                loop.adopt(catalog)
                port.execute { $0.loopAdopted() }
            }
        }
    }

    /// A campaign that is known to the loops, and whose quotas nobody has counted yet.
    private func campaignToCount(_ record: ControlRecord) -> CampaignID? {
        guard case .campaignSettingsSet(let id, let settings) = record.change, catalog.hasCampaign(id),
            catalog[id].meter.beginCounting(settings, insteadOf: catalog[id].settings)
        else { return nil }
        return id
    }

    private func loopAdopted() {
        // A seal that failed meanwhile has ended all jobs.
        if engine.failure != nil { return failAll() }
        guard case (let job, .publishing(let left, let counting))? = current else {
            preconditionFailure("a loop took over a catalog that was not published")
        }
        if left > 1 {
            current = (job, .publishing(loopsLeft: left - 1, counting: counting))
        } else {
            engine.count(counting.map { catalog[$0] })
            finish(job)
        }
    }

    private func finish(_ job: ControlJob) {
        current = nil
        job.done(.success(cut))
        pump()
    }

    /// Answers everybody who waits; what was written may or may not be durable.
    private func failAll() {
        let jobs = (current.map { [$0.job] } ?? []) + waiting
        current = nil
        waiting = []
        for job in jobs { job.done(.failure(.failed)) }
    }

    private func report(_ record: ControlRecord) {
        switch record.change {
        case .campaignFinished(let id, let reason):
            engine.host.report(.campaignFinished(campaign: catalog[id].name, reason: reason))
        case .uploadCommitted(let upload):
            let (list, codes) = (catalog[upload.list].name, upload.count)
            engine.host.report(
                upload.isImport ? .givenImported(list: list, codes: codes) : .uploadCommitted(list: list, codes: codes))
        case .uploadWithdrawn(let id):
            let upload = catalog[id]
            let count = upload.codes.unclaimedCount
            engine.host.report(.uploadWithdrawn(list: catalog[upload.list].name, codes: count))
        case .listCreated, .fixedCodeSet, .fixedCodeChanged, .listExpirySet, .listWarningSet, .listRenamed,
            .campaignCreated, .campaignResumed, .campaignReturnsSet, .campaignRuleSet, .campaignSettingsSet,
            .listSettingsSet, .codesBurned, .listArchived, .listReturned, .listDeleted, .listWarningsSet,
            .recipientAdded, .recipientRemoved, .accountSet, .accountDeleted:
            break
        }
    }
}

extension ControlPlane {
    /// What the lists have free that a proposal takes codes from.
    private func freeCounts(ofListsThatLoseBy proposal: Proposal) -> [ListID: UInt64] {
        var counts: [ListID: UInt64] = [:]
        for record in proposal.records {
            if case .uploadWithdrawn(let id) = record.change {
                let list = catalog[id].list
                counts[list] = catalog[list].pool.totalFree
            } else if case .fixedCodeChanged(let list, _, _, _, _) = record.change {
                counts[list] = catalog[list].pool.totalFree
            }
        }
        return counts
    }

    /// A withdrawal passes a list's warning, or its end, without any claim that notices.
    private func reportLoss(of id: ListID, from freeBefore: UInt64) {
        let list = catalog[id]
        let free = list.pool.totalFree
        if let warnAt = list.warnAt, free <= warnAt, freeBefore > warnAt {
            engine.host.report(.listLow(list: list.name, remaining: free))
        }
        listIsDrained(id)
    }
}

// MARK: - What happens by itself

extension ControlPlane {
    /// Finishes the campaigns whose lists are past their expiry, and asks to be called for the next deadline.
    package func finishExpired() {
        submit(
            ControlJob(
                work: .change(by: .system) { catalog, now in
                    Proposal(records: catalog.decideExpiries(now: now))
                },
                done: { [port, engine] result in
                    switch result {
                    case .success(let cut):
                        port.scheduleExpiry(cut.catalog.nextExpiry.map { $0.milliseconds + 1 })
                    case .failure(.busy):
                        port.scheduleExpiry(engine.host.wallMilliseconds() + Self.busyRetryMilliseconds)
                    case .failure: break
                    }
                }))
    }

    /// A loop gave the last code of a list, or found it empty: its campaigns finish, once it is certain.
    package func listIsDrained(_ list: ListID) {
        // A loop without the latest refill sees the end too early; who claims the new last code will tell.
        guard catalog[list].pool.totalFree == 0, drainedLists.insert(list).inserted else { return }
        let uploadCount = catalog.uploads.count
        // Claims of other loops may still be in flight; a crash would make their codes free again.
        engine.whenDurable(engine.barrierBehindClaims()) { [port] in
            port.execute { control in control.finishExhausted(list, uploadCount: uploadCount) }
        }
    }

    private func finishExhausted(_ list: ListID, uploadCount: Int) {
        submit(
            ControlJob(
                work: .change(by: .system) { [engine] catalog, now in
                    // The claims on a refill that came meanwhile were not waited for.
                    guard catalog.uploads.count == uploadCount else { return Proposal(records: []) }
                    return Proposal(
                        records: catalog.decideExhaustion(of: list, held: engine.heldCount(of:), now: now))
                },
                done: { [self] result in
                    drainedLists.remove(list)
                    guard case .success(let cut) = result else { return }
                    let more = cut.catalog.decideExhaustion(
                        of: list, held: engine.heldCount(of:), now: engine.now())
                    if !more.isEmpty || cut.catalog.uploads.count != uploadCount { listIsDrained(list) }
                }))
    }
}
