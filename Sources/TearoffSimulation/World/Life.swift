package import TearoffCore
package import TearoffEngine
package import TearoffLog

/// One life of the engine: its loops, its control plane, and what they handed to each other.
package final class Life {
    package let engine: Engine
    package let mail: Mailbox
    package private(set) var loops: [LoopEngine] = []
    package let control: ControlPlane
    package let supply: SegmentSupply
    private let world: World
    private let isSlow: Bool
    /// Which work is next; the first, unless a test rolls dice.
    package var choose: (Int) -> Int = { _ in 0 }

    package init(_ world: World, _ state: RecoveredState, _ settings: EngineSettings) throws {
        self.world = world
        mail = Mailbox(loopCount: settings.loopCount)
        isSlow = settings.lane.completion == .asynchronous
        let start = EngineStart(
            state, source: world.source, settings: settings, host: mail.host(world.clock),
            segmentBytes: world.segmentBytes, feed: world.feed, post: .init(world.post, world.courier))
        engine = start.engine
        supply = start.supply
        for index in 0..<settings.loopCount {
            loops.append(try start.makeLoop(index, control: mail.controlPort))
        }
        control = try start.makeControlPlane(
            loops: (0..<settings.loopCount).map(mail.loopPort), port: mail.controlPort)
    }

    package var events: [EngineEvent] { mail.events }
    /// What was thrown by the commits of work that the pump ran.
    package private(set) var failures: [EngineFailure] = []
}

// MARK: - Letting things run

extension Life {
    /// Runs one piece of work. - Returns: false when there is none.
    @discardableResult
    package func step() -> Bool {
        switch mail.next(choose) {
        case nil: return false
        case .background(let work): work()
        case .control(let work): work(control)
        case .loop(let index, let work):
            loops[index].beginTick()
            work(loops[index])
            tick(index)
        }
        return true
    }

    /// Runs everything that waits, and what comes of it; writes that are slow stay in flight.
    package func pump() {
        repeat {
            while step() {}
            pollAll()
        } while mail.hasWork
    }

    /// Slow writes of these lanes complete.
    package func complete(_ lanes: [LaneID]) {
        for lane in lanes { world.log.complete(lane) }
        pollAll()
    }

    /// ``pump()``, and every slow write completes: until nothing at all is under way.
    package func settle() {
        repeat {
            pump()
            complete(lanes)
        } while mail.hasWork || lanes.contains { world.log.hasWriteInFlight($0) }
    }

    package var lanes: [LaneID] { engine.lanes.map(\.lane) + [.control] }

    /// Completes the loop's write in flight, as the disk would.
    package func complete(_ loop: Int) {
        world.log.complete(engine.lanes[loop].lane)
        tick(loop)
    }

    package func completeControl() {
        world.log.complete(.control)
        control.poll()
    }

    private func pollAll() {
        for index in loops.indices { tick(index) }
        control.poll()
    }

    /// What a server does at a tick's end and when a completion is there.
    private func tick(_ index: Int) {
        do throws(EngineFailure) {
            _ = try loops[index].poll()
            _ = try loops[index].commit()
        } catch {
            failures.append(error)
        }
    }

    /// Lets time pass, and runs the work that waited for it.
    package func pass(_ milliseconds: UInt64) {
        world.clock.milliseconds += milliseconds
        for work in mail.takeTimers(now: world.clock.milliseconds) { work() }
        settle()
    }

    /// Fires the expiry timer when the wall clock has come to it.
    @discardableResult
    package func fireExpiry() -> Bool {
        guard mail.takeExpiry(now: world.clock.milliseconds) else { return false }
        control.finishExpired()
        return true
    }
}

// MARK: - Allocating

extension Life {
    package func terms(_ campaign: String, loop: Int) throws -> CampaignTerms {
        let catalog = loops[loop].catalog
        return catalog.terms(of: try required(catalog.campaign(named: campaign)).id)
    }

    /// Decides an `ALLOC` in a tick of its own that is not ended.
    package func decide(
        _ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0
    ) throws -> AllocationOutcome {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        return loops[loop].allocate(user, terms: terms, userID: userID)
    }

    /// ``decide``, when it must give a code.
    package func allocate(
        _ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0
    ) throws -> Allocation {
        let outcome = try decide(user, in: campaign, userID: userID, loop: loop)
        guard case .given(let allocation) = outcome else { throw Unexpected(outcome) }
        return allocation
    }

    /// A whole `ALLOC` with its tick, up to the code in the reply.
    @discardableResult
    package func give(_ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0) throws -> String {
        let allocation = try allocate(user, in: campaign, userID: userID, loop: loop)
        _ = try loops[loop].commit()
        guard isAcknowledged(allocation, loop: loop) else { throw Unexpected(.given(allocation)) }
        return text(allocation.code, loop: loop)
    }

    package func isAcknowledged(_ allocation: Allocation, loop: Int) -> Bool {
        loops[loop].durableFrame >= allocation.frame
    }

    package func text(_ code: CodeID, loop: Int = 0) -> String {
        loops[loop].upload(code.upload).codes.withCode(at: code.ordinal) { span in
            String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
        }
    }

    /// What a loop finds of a user, oldest first.
    package func history(_ user: String, loop: Int = 0) -> LookUp<HistoryEntry> {
        var lookUp = LookUp<HistoryEntry>()
        loops[loop].lookUp(historyOf: Array(user.utf8).span, in: &lookUp)
        return lookUp
    }

    /// Where a loop finds a code.
    package func find(_ code: String, loop: Int = 0) -> LookUp<CodePlace> {
        var lookUp = LookUp<CodePlace>()
        loops[loop].lookUp(code: Array(code.utf8).span, in: &lookUp)
        return lookUp
    }

    /// As `free held given withdrawn burned` of the list.
    package func counts() throws -> [UInt64] {
        let ledger = try ledger()
        guard ledger.holds else { throw Broken("the ledger does not hold: \(ledger)") }
        return [ledger.free, ledger.held, ledger.given, ledger.withdrawn, ledger.burned]
    }

    package func ledger(_ list: String = "l") throws -> Ledger {
        let found = try required(engine.latestCatalog.list(named: list))
        return engine.ledgers(of: [found])[0].ledger
    }
}

extension LookUp {
    package func text(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }

    /// Whether it may be told at once.
    package var waitsForNothing: Bool { ownFrame == .none && otherFrames.isEmpty }
}

extension LoopEngine {
    /// One request as a server makes it, in the tick that is under way.
    package func allocate(
        _ user: String, terms: CampaignTerms, userID: String = "", holdUntil: Timestamp? = nil
    ) -> AllocationOutcome {
        let bytes = Array(user.utf8)
        let request = request(bytes.span, terms: terms)
        prefetch([request].span)
        let userID = Array(userID.utf8)
        return withTick { tick in
            allocate(
                request, terms: terms, holdUntil: holdUntil, at: moment, user: bytes.span,
                userID: userID.span, in: &tick)
        }
    }
}

package struct Unexpected: Error {
    package let outcome: AllocationOutcome
    package init(_ outcome: AllocationOutcome) { self.outcome = outcome }
}

extension AllocationOutcome {
    package var refusal: AllocationRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }

    package var parkedFor: LaneFrame? {
        if case .parked(let frame) = self { frame } else { nil }
    }
}

// MARK: - The operator

package typealias Change = Result<Void, ControlError>

extension Result where Failure == ControlError {
    package var error: ControlError? {
        if case .failure(let error) = self { error } else { nil }
    }
}

extension Life {
    /// Who asks for everything here.
    package static let origin = Origin(user: "default", client: "test", address: "192.0.2.1:4711")

    /// Asks for a change; the reply is there once it was pumped.
    package func change(_ ask: (Operator, @escaping ControlPlane.Done) -> Void) -> Reply<Change> {
        let reply = Reply<Change>()
        ask(control.asked(by: Self.origin)) { reply.set($0) }
        return reply
    }

    /// A change that must succeed.
    package func changed(_ ask: (Operator, @escaping ControlPlane.Done) -> Void) throws {
        let reply = change(ask)
        settle()
        try required(reply.value).get()
    }

    package func createList(_ name: String = "l", expiresAt: UInt64? = nil, warnAt: UInt64? = nil) throws {
        try changed {
            $0.createList(
                name: name, kind: .unique, expiresAt: expiresAt.map { Timestamp(milliseconds: $0) },
                warnAt: warnAt,
                done: $1)
        }
    }

    package func createCampaign(
        _ name: String = "c", list: String = "l", rule: RetriggerRule = .standard,
        returns: ReturnRule = .standard
    ) throws {
        try changed { $0.createCampaign(name: name, list: list, rule: rule, returns: returns, done: $1) }
    }

    package func setExpiry(_ list: String = "l", at: UInt64?) throws {
        try changed {
            $0.setExpiry(list: list, expiresAt: at.map { Timestamp(milliseconds: $0) }, done: $1)
        }
    }

    /// Begins an upload and hands its content over in one chunk, which is read once it was pumped.
    package func beginUpload(_ content: String, to list: String = "l") throws -> UInt64 {
        let id = try control.uploads.begin(list: list, fileName: "codes.txt").get()
        control.uploads.chunk(id, list: list, bytes: Array(content.utf8)) { _ in }
        return id
    }

    /// Asks for the commit; the reply is there once it was pumped.
    package func commitUpload(
        _ id: UInt64, to list: String = "l", skipBad: Bool = false, dryRun: Bool = false,
        replaces: Bool = false
    ) -> Reply<Result<UploadOutcome, ControlError>> {
        let reply = Reply<Result<UploadOutcome, ControlError>>()
        let order = CommitOrder(
            id: id, list: list, skipBad: skipBad, dryRun: dryRun, replaces: replaces, origin: Self.origin)
        control.uploads.commit(order) { reply.set($0) }
        return reply
    }

    @discardableResult
    package func upload(
        _ codes: [String], to list: String = "l", dryRun: Bool = false, replaces: Bool = false
    ) throws -> UploadOutcome {
        let id = try beginUpload(codes.map { $0 + "\n" }.joined(), to: list)
        settle()
        let reply = commitUpload(id, to: list, dryRun: dryRun, replaces: replaces)
        settle()
        return try required(reply.value).get()
    }

    /// List `l` with one fixed code, and campaign `c`.
    package func supplyFixed(_ code: String = "OLD", limit: UInt32, returns: ReturnRule = .standard) throws {
        try changed {
            $0.createList(
                name: "l", kind: .fixed(code: Array(code.utf8), limit: limit), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try createCampaign(returns: returns)
    }

    /// Asks for another code or limit of list `l`; the reply is there once it was pumped.
    package func setFixed(_ code: String? = nil, limit: UInt32? = nil) -> Reply<Change> {
        change { $0.setFixed(list: "l", code: code.map { Array($0.utf8) }, limit: limit, done: $1) }
    }

    /// Asks to withdraw an upload; the reply is there once it was pumped.
    package func undo(_ upload: UInt64, of list: String = "l") -> Reply<Change> {
        let reply = Reply<Change>()
        control.asked(by: Self.origin).withdrawUpload(upload, of: list) { reply.set($0.map { _ in }) }
        return reply
    }

    /// A withdrawal that must succeed.
    package func undone(_ upload: UInt64, of list: String = "l") throws {
        let reply = undo(upload, of: list)
        settle()
        try required(reply.value).get()
    }

    /// List `l` with codes `<prefix>0`, `<prefix>1` … and campaign `c`.
    package func supply(
        codes: Int, prefix: String = "K", rule: RetriggerRule = .standard, returns: ReturnRule = .standard,
        expiresAt: UInt64? = nil
    ) throws {
        try createList(expiresAt: expiresAt)
        if codes > 0 { try upload((0..<codes).map { "\(prefix)\($0)" }) }
        try createCampaign(rule: rule, returns: returns)
    }

    package func askForSnapshot() -> Reply<Result<SnapshotReceipt, ControlError>> {
        let reply = Reply<Result<SnapshotReceipt, ControlError>>()
        control.snapshot { reply.set($0) }
        return reply
    }

    @discardableResult
    package func snapshot() throws -> SnapshotReceipt {
        let reply = askForSnapshot()
        settle()
        return try required(reply.value).get()
    }

    package func state(of campaign: String = "c") throws -> Campaign.State {
        try required(engine.latestCatalog.campaign(named: campaign)).state
    }

    package func finishReason(of campaign: String = "c") throws -> FinishReason? {
        if case .finished(let reason, _) = try state(of: campaign) { reason } else { nil }
    }
}
