import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

let hour: UInt64 = 3_600_000
let day = 24 * hour

/// A data directory in memory, its wall clock, and the life of the engine that runs on it now. One thread, no
/// chance but what a seed gives.
final class World {
    static let directory = DirectoryID(bytes: [UInt8](repeating: 0xD1, count: DirectoryID.byteCount))
    /// A year after 1970, so that the clock can be moved back far.
    static let firstMilliseconds: UInt64 = 365 * day

    let directory: DirectoryID
    let log: SimulatedLogStorage
    let blobs: SimulatedBlobStore
    let feed = SimulatedFeedStorage()
    let clock: WallClock
    let shardCount: UInt16
    let segmentBytes: UInt64
    private(set) var life: Life?
    private(set) var recovered: RecoveredState?

    /// - Parameters:
    ///   - directory, blobs: of a directory that was restored.
    init(
        seed: UInt64 = 1, shardCount: UInt16 = 4, segmentBytes: UInt64 = 64 << 10,
        directory: DirectoryID = World.directory, blobs: SimulatedBlobStore = SimulatedBlobStore()
    ) {
        self.directory = directory
        log = SimulatedLogStorage(seed: seed)
        self.blobs = blobs
        clock = WallClock(Self.firstMilliseconds)
        self.shardCount = shardCount
        self.segmentBytes = segmentBytes
    }

    /// The same directory with a log of its own; the blobs are shared, so they must not be changed.
    init(copyOf other: World) {
        directory = other.directory
        log = other.log.copy(seed: 1)
        blobs = other.blobs
        clock = WallClock(other.clock.milliseconds)
        shardCount = other.shardCount
        segmentBytes = other.segmentBytes
    }

    var source: RecoverySource {
        RecoverySource(
            directory: directory, shardCount: shardCount, log: log, blobs: blobs,
            makeHasher: { FakeHasher() }, seed: 99, progress: { _ in })
    }

    func recover() throws(RecoveryError) -> RecoveredState { try Recovery.run(source) }

    /// Recovers and begins a life.
    ///
    /// - Parameter slow: flushes complete later: each frame is durable when the test says so.
    @discardableResult
    func start(
        loops: Int = 1, slow: Bool = false, snapshotLogBytes: UInt64 = 0, keysMax: Int = Limits.keys,
        feed: FeedSettings? = nil
    ) throws -> Life {
        let state = try recover()
        recovered = state
        log.setCompletion(slow ? .manual : .immediate)
        var settings = EngineSettings(loopCount: loops)
        settings.lane.completion = slow ? .asynchronous : .inline
        settings.snapshotLogBytes = snapshotLogBytes
        settings.keysMax = keysMax
        settings.feed = feed
        let life = try Life(self, state, settings)
        self.life = life
        return life
    }

    /// The power fails. Nothing of the life goes on.
    func crash() {
        life = nil
        log.crash()
    }

    /// The power fails, and no write in flight left anything.
    func crashLosingWrites() {
        life = nil
        log.crash { _ in false }
    }

    @discardableResult
    func restart(loops: Int = 1, slow: Bool = false) throws -> Life {
        crashLosingWrites()
        return try start(loops: loops, slow: slow)
    }
}

/// One life of the engine: its loops, its control plane, and what they handed to each other.
final class Life {
    let engine: Engine
    let mail: Mailbox
    private(set) var loops: [LoopEngine] = []
    let control: ControlPlane
    let supply: SegmentSupply
    private let world: World
    private let isSlow: Bool
    /// Which work is next; the first, unless a test rolls dice.
    var choose: (Int) -> Int = { _ in 0 }

    init(_ world: World, _ state: RecoveredState, _ settings: EngineSettings) throws {
        self.world = world
        mail = Mailbox(loopCount: settings.loopCount)
        isSlow = settings.lane.completion == .asynchronous
        let start = EngineStart(
            state, source: world.source, settings: settings, host: mail.host(world.clock),
            segmentBytes: world.segmentBytes, feed: world.feed)
        engine = start.engine
        supply = start.supply
        for index in 0..<settings.loopCount {
            loops.append(try start.makeLoop(index, control: mail.controlPort))
        }
        control = try start.makeControlPlane(
            loops: (0..<settings.loopCount).map(mail.loopPort), port: mail.controlPort)
    }

    var events: [EngineEvent] { mail.events }
    /// What was thrown by the commits of work that the pump ran.
    private(set) var failures: [EngineFailure] = []
}

// MARK: - Letting things run

extension Life {
    /// Runs one piece of work. - Returns: false when there is none.
    @discardableResult
    func step() -> Bool {
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
    func pump() {
        repeat {
            while step() {}
            pollAll()
        } while mail.hasWork
    }

    /// ``pump()``, and every slow write completes: until nothing at all is under way.
    func settle() {
        repeat {
            pump()
            for lane in lanes { world.log.complete(lane) }
            pollAll()
        } while mail.hasWork || lanes.contains { world.log.hasWriteInFlight($0) }
    }

    var lanes: [LaneID] { engine.lanes.map(\.lane) + [.control] }

    /// Completes the loop's write in flight, as the disk would.
    func complete(_ loop: Int) {
        world.log.complete(engine.lanes[loop].lane)
        tick(loop)
    }

    func completeControl() {
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
    func pass(_ milliseconds: UInt64) {
        world.clock.milliseconds += milliseconds
        for work in mail.takeTimers(now: world.clock.milliseconds) { work() }
        settle()
    }

    /// Fires the expiry timer when the wall clock has come to it.
    @discardableResult
    func fireExpiry() -> Bool {
        guard mail.takeExpiry(now: world.clock.milliseconds) else { return false }
        control.finishExpired()
        return true
    }
}

// MARK: - Allocating

extension Life {
    func terms(_ campaign: String, loop: Int) throws -> CampaignTerms {
        let catalog = loops[loop].catalog
        return catalog.terms(of: try #require(catalog.campaign(named: campaign)).id)
    }

    /// Decides an `ALLOC` in a tick of its own that is not ended.
    func decide(
        _ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0
    ) throws -> AllocationOutcome {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        return loops[loop].allocate(user, terms: terms, userID: userID)
    }

    /// ``decide``, when it must give a code.
    func allocate(
        _ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0
    ) throws -> Allocation {
        let outcome = try decide(user, in: campaign, userID: userID, loop: loop)
        guard case .given(let allocation) = outcome else { throw Unexpected(outcome) }
        return allocation
    }

    /// A whole `ALLOC` with its tick, up to the code in the reply.
    @discardableResult
    func give(_ user: String, in campaign: String = "c", userID: String = "", loop: Int = 0) throws -> String
    {
        let allocation = try allocate(user, in: campaign, userID: userID, loop: loop)
        _ = try loops[loop].commit()
        guard isAcknowledged(allocation, loop: loop) else { throw Unexpected(.given(allocation)) }
        return text(allocation.code, loop: loop)
    }

    func isAcknowledged(_ allocation: Allocation, loop: Int) -> Bool {
        loops[loop].durableFrame >= allocation.frame
    }

    func text(_ code: CodeID, loop: Int = 0) -> String {
        loops[loop].upload(code.upload).codes.withCode(at: code.ordinal) { span in
            String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
        }
    }

    /// What a loop finds of a user, oldest first.
    func history(_ user: String, loop: Int = 0) -> LookUp<HistoryEntry> {
        var lookUp = LookUp<HistoryEntry>()
        loops[loop].lookUp(historyOf: Array(user.utf8).span, in: &lookUp)
        return lookUp
    }

    /// Where a loop finds a code.
    func find(_ code: String, loop: Int = 0) -> LookUp<CodePlace> {
        var lookUp = LookUp<CodePlace>()
        loops[loop].lookUp(code: Array(code.utf8).span, in: &lookUp)
        return lookUp
    }

    /// As `free held given withdrawn burned` of the list.
    func counts() throws -> [UInt64] {
        let ledger = try ledger()
        #expect(ledger.holds)
        return [ledger.free, ledger.held, ledger.given, ledger.withdrawn, ledger.burned]
    }

    func ledger(_ list: String = "l") throws -> Ledger {
        let found = try #require(engine.latestCatalog.list(named: list))
        return engine.ledgers(of: [found])[0]
    }
}

extension LookUp {
    func text(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }

    /// Whether it may be told at once.
    var waitsForNothing: Bool { ownFrame == .none && otherFrames.isEmpty }
}

extension LoopEngine {
    /// One request as a server makes it, in the tick that is under way.
    func allocate(
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

struct Unexpected: Error {
    let outcome: AllocationOutcome
    init(_ outcome: AllocationOutcome) { self.outcome = outcome }
}

extension AllocationOutcome {
    var refusal: AllocationRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }

    var parkedFor: LaneFrame? {
        if case .parked(let frame) = self { frame } else { nil }
    }
}

// MARK: - The operator

typealias Change = Result<Void, ControlError>

extension Result where Failure == ControlError {
    var error: ControlError? {
        if case .failure(let error) = self { error } else { nil }
    }
}

extension Life {
    /// Who asks for everything here.
    static let origin = Origin(user: "default", client: "test", address: "192.0.2.1:4711")

    /// Asks for a change; the reply is there once it was pumped.
    func change(_ ask: (Operator, @escaping ControlPlane.Done) -> Void) -> Reply<Change> {
        let reply = Reply<Change>()
        ask(control.asked(by: Self.origin)) { reply.set($0) }
        return reply
    }

    /// A change that must succeed.
    func changed(_ ask: (Operator, @escaping ControlPlane.Done) -> Void) throws {
        let reply = change(ask)
        settle()
        try #require(reply.value).get()
    }

    func createList(_ name: String = "l", expiresAt: UInt64? = nil, warnAt: UInt64? = nil) throws {
        try changed {
            $0.createList(
                name: name, kind: .unique, expiresAt: expiresAt.map { Timestamp(milliseconds: $0) },
                warnAt: warnAt,
                done: $1)
        }
    }

    func createCampaign(
        _ name: String = "c", list: String = "l", rule: RetriggerRule = .standard,
        returns: ReturnRule = .standard
    ) throws {
        try changed { $0.createCampaign(name: name, list: list, rule: rule, returns: returns, done: $1) }
    }

    func setExpiry(_ list: String = "l", at: UInt64?) throws {
        try changed {
            $0.setExpiry(list: list, expiresAt: at.map { Timestamp(milliseconds: $0) }, done: $1)
        }
    }

    /// Begins an upload and hands its content over in one chunk, which is read once it was pumped.
    func beginUpload(_ content: String, to list: String = "l") throws -> UInt64 {
        let id = try control.uploads.begin(list: list, fileName: "codes.txt").get()
        control.uploads.chunk(id, list: list, bytes: Array(content.utf8)) { _ in }
        return id
    }

    /// Asks for the commit; the reply is there once it was pumped.
    func commitUpload(
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
    func upload(
        _ codes: [String], to list: String = "l", dryRun: Bool = false, replaces: Bool = false
    ) throws -> UploadOutcome {
        let id = try beginUpload(codes.map { $0 + "\n" }.joined(), to: list)
        settle()
        let reply = commitUpload(id, to: list, dryRun: dryRun, replaces: replaces)
        settle()
        return try #require(reply.value).get()
    }

    /// List `l` with one fixed code, and campaign `c`.
    func supplyFixed(_ code: String = "OLD", limit: UInt32, returns: ReturnRule = .standard) throws {
        try changed {
            $0.createList(
                name: "l", kind: .fixed(code: Array(code.utf8), limit: limit), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try createCampaign(returns: returns)
    }

    /// Asks for another code or limit of list `l`; the reply is there once it was pumped.
    func setFixed(_ code: String? = nil, limit: UInt32? = nil) -> Reply<Change> {
        change { $0.setFixed(list: "l", code: code.map { Array($0.utf8) }, limit: limit, done: $1) }
    }

    /// Asks to withdraw an upload; the reply is there once it was pumped.
    func undo(_ upload: UInt64, of list: String = "l") -> Reply<Change> {
        let reply = Reply<Change>()
        control.asked(by: Self.origin).withdrawUpload(upload, of: list) { reply.set($0.map { _ in }) }
        return reply
    }

    /// A withdrawal that must succeed.
    func undone(_ upload: UInt64, of list: String = "l") throws {
        let reply = undo(upload, of: list)
        settle()
        try #require(reply.value).get()
    }

    /// List `l` with codes `<prefix>0`, `<prefix>1` … and campaign `c`.
    func supply(
        codes: Int, prefix: String = "K", rule: RetriggerRule = .standard, returns: ReturnRule = .standard,
        expiresAt: UInt64? = nil
    ) throws {
        try createList(expiresAt: expiresAt)
        if codes > 0 { try upload((0..<codes).map { "\(prefix)\($0)" }) }
        try createCampaign(rule: rule, returns: returns)
    }

    func askForSnapshot() -> Reply<Result<SnapshotReceipt, ControlError>> {
        let reply = Reply<Result<SnapshotReceipt, ControlError>>()
        control.snapshot { reply.set($0) }
        return reply
    }

    @discardableResult
    func snapshot() throws -> SnapshotReceipt {
        let reply = askForSnapshot()
        settle()
        return try #require(reply.value).get()
    }

    func state(of campaign: String = "c") throws -> Campaign.State {
        try #require(engine.latestCatalog.campaign(named: campaign)).state
    }

    func finishReason(of campaign: String = "c") throws -> FinishReason? {
        if case .finished(let reason, _) = try state(of: campaign) { reason } else { nil }
    }
}

// MARK: - Comparing states

/// Everything that a recovered state holds and that must be the same at the next recovery.
struct Digest: Equatable {
    var shards: [[UInt8]] = []
    var holds: [[UInt8]] = []
    var keys: [KeyUse]
    var lastSequences: [UInt64] = []
    var catalog: Catalog.Condensed
    var revision: UInt64
    var trail: AuditTrail
    var at: Timestamp
    var laneStarts: [LaneID: LaneStart]
    var supplies: [PoolCounts]

    init(_ state: RecoveredState) {
        keys = state.keys
        catalog = state.catalog.condensed
        revision = state.revision
        trail = state.trail
        at = state.at
        laneStarts = state.laneStarts
        supplies = state.catalog.lists.map(\.pool.counts)
        for cell in state.shards {
            let cut = cell.state.withLock { $0.shard.cut() }
            precondition(cut.rows.count <= HistoryChunk.rowsMaximum, "a test with too many rows")
            shards.append(HistoryChunk.encode(0..<cut.rows.count, of: cut))
            holds.append(HoldChunk.encode(0..<cut.holds.count, of: cut))
            lastSequences.append(cut.lastSequence.rawValue)
        }
    }
}

/// `count` users of one shard, so that their records stand in one sequence.
func users(_ count: Int, ofShard shard: UInt16 = 0, shardCount: UInt16 = 4) -> [String] {
    let routing = UserRouting(shardCount: shardCount)
    var found: [String] = []
    var number = 0
    while found.count < count {
        let user = "user-\(number)"
        if routing.shard(of: Array(user.utf8).span).rawValue == shard { found.append(user) }
        number += 1
    }
    return found
}
