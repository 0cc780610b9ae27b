import Logging
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// What all loops of a server share beside the engine.
final class ServerState: Sendable {
    static let version = "0.2.0"

    /// Why the server stops.
    enum StopReason: Sendable {
        case asked(String)
        case failed(EngineFailure)
    }

    let settings: ServerSettings
    let dates: DateReader
    let logger: Logger
    let mechanism: String
    let directoryID: DirectoryID
    let controlPort: ControlPort
    let startedAtMilliseconds: UInt64
    private let stopRequested: @Sendable (StopReason) -> Void
    private let connectionCount = Atomic<Int>(0)
    /// A line for each connection, by its id, as `CLIENT LIST` shows them.
    private let clients = Mutex<[UInt64: String]>([:])
    private let lastConnectionID = Atomic<UInt64>(0)
    private let stopping = Atomic<Bool>(false)
    private let progress = Mutex("starting")
    private let running = Mutex<Running?>(nil)
    private let loops: Mutex<[LoopReport]>

    /// What there is once the data is recovered.
    private struct Running {
        let engine: Engine
        let uploads: UploadDesk
        let exports: ExportDesk
        let audit: AuditDesk
        let feed: FeedDesk?
        let snapshots: SnapshotDesk
    }

    init(
        settings: ServerSettings, logger: Logger, mechanism: String, directoryID: DirectoryID,
        controlPort: ControlPort, startedAtMilliseconds: UInt64,
        stopRequested: @escaping @Sendable (StopReason) -> Void
    ) {
        self.settings = settings
        self.logger = logger
        self.mechanism = mechanism
        self.directoryID = directoryID
        self.controlPort = controlPort
        self.startedAtMilliseconds = startedAtMilliseconds
        self.stopRequested = stopRequested
        dates = DateReader(zone: settings.timeZone)
        loops = Mutex(Array(repeating: LoopReport(), count: settings.loopCount))
    }
}

/// What a loop tells of itself at the end of each tick.
struct LoopReport: Sendable {
    var counters = LoopCounters()
    var connections = 0
    var lane = LaneCounters()
    var flushMicroseconds = 0.0
    var mechanism = ""
}

// MARK: - Life

extension ServerState {
    var isStopping: Bool { stopping.load(ordering: .relaxed) }
    var uploads: UploadDesk? { running.withLock { $0?.uploads } }
    var exports: ExportDesk? { running.withLock { $0?.exports } }
    var feed: FeedDesk? { running.withLock { $0?.feed } }
    var audit: AuditDesk? { running.withLock { $0?.audit } }
    var engine: Engine? { running.withLock { $0?.engine } }

    func serve(_ engine: Engine, _ control: ControlPlane) {
        let running = Running(
            engine: engine, uploads: control.uploads, exports: control.exports, audit: control.audit,
            feed: control.feed,
            snapshots: control.snapshots)
        self.running.withLock { $0 = running }
    }

    func shutdown(reason: String) {
        if !stopping.exchange(true, ordering: .relaxed) { stopRequested(.asked(reason)) }
    }

    /// A failed engine is reported through its own event as well; whoever comes first stops the server.
    func engineFailed() {
        guard let failure = engine?.failure else { return }
        if !stopping.exchange(true, ordering: .relaxed) { stopRequested(.failed(failure)) }
    }

    var progressText: String { progress.withLock { $0 } }
    func noteProgress(_ text: String) { progress.withLock { $0 = text } }
}

// MARK: - Connections

extension ServerState {
    /// - Returns: the connection's id; nil when there are too many.
    func admitConnection() -> UInt64? {
        let (_, count) = connectionCount.add(1, ordering: .relaxed)
        guard count <= settings.connectionsMaximum else {
            connectionCount.subtract(1, ordering: .relaxed)
            return nil
        }
        return lastConnectionID.add(1, ordering: .relaxed).newValue
    }

    func noteClient(_ session: Session) {
        clients.withLock { $0[session.id] = session.line }
    }

    var clientLines: [String] {
        clients.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    func connectionClosed(_ session: Session) {
        connectionCount.subtract(1, ordering: .relaxed)
        clients.withLock { _ = $0.removeValue(forKey: session.id) }
        abandon(session.uploads)
        exports?.end(session.exports)
    }

    /// Throws uploads away whose connection is gone or was reset.
    func abandon(_ ids: Set<UInt64>) {
        if !ids.isEmpty { uploads?.abandon(ids) }
    }
}

// MARK: - Reports

extension ServerState {
    func note(_ counters: LoopCounters, of index: Int, connections: Int, lane: LaneWriter) {
        loops.withLock { loops in
            loops[index].counters = counters
            loops[index].connections = connections
            loops[index].lane = lane.counters
            loops[index].flushMicroseconds = lane.flushMicrosecondsMean
            loops[index].mechanism = lane.mechanism
        }
    }

    /// The text of `INFO`: sections of `name:value` lines, as Redis clients read them.
    func info(section: String?, engine: LoopEngine?) -> String {
        let reports = loops.withLock { $0 }
        let all: [(String, [(String, String)])] = [
            ("server", serverLines),
            (
                "clients",
                [
                    ("connected_clients", "\(connectionCount.load(ordering: .relaxed))"),
                    ("maxclients", "\(settings.connectionsMaximum)"),
                ]
            ),
            ("memory", memoryLines),
            ("persistence", persistenceLines(reports)),
            ("feed", feedLines),
            ("stats", statsLines(reports)),
            ("lists", engine.map(Self.listLines) ?? []),
        ]
        let wanted = all.filter { name, _ in
            section == nil || section == name || section == "all" || section == "everything"
                || section == "default"
        }
        return wanted.map { name, lines in
            let title = name.prefix(1).uppercased() + name.dropFirst()
            return "# \(title)\r\n" + lines.map { "\($0):\($1)\r\n" }.joined()
        }.joined(separator: "\r\n")
    }

    private var serverLines: [(String, String)] {
        let now = WallClock.milliseconds()
        return [
            ("tearoff_version", Self.version),
            // Clients that ask for it decide by it which commands they may use.
            ("redis_version", "7.0.0"),
            ("redis_mode", "standalone"),
            ("process_id", "\(ProcessFigures.id)"),
            ("run_id", "\(directoryID)"),
            ("threads", "\(settings.loopCount)"),
            ("shards", "\(engine?.routing.shardCount ?? settings.shardCount)"),
            ("server_time_usec", "\(now * 1000)"),
            ("uptime_in_seconds", "\((now - min(now, startedAtMilliseconds)) / 1000)"),
        ]
    }

    private var memoryLines: [(String, String)] {
        let resident = ProcessFigures.residentBytes
        return [("used_memory", "\(resident)"), ("used_memory_rss", "\(resident)")]
    }

    private func persistenceLines(_ reports: [LoopReport]) -> [(String, String)] {
        let (latest, isWriting) = running.withLock { running in
            (running?.snapshots.latestNumber ?? 0, running?.snapshots.isWriting ?? false)
        }
        func sum(_ figure: KeyPath<LaneCounters, UInt64>) -> UInt64 {
            reports.reduce(0) { $0 + $1.lane[keyPath: figure] }
        }
        let slowest = reports.map(\.flushMicroseconds).max() ?? 0
        return [
            ("loading", engine == nil ? "1" : "0"),
            ("log_mechanism", reports.first { !$0.mechanism.isEmpty }?.mechanism ?? mechanism),
            ("log_frames", "\(sum(\.frames))"),
            ("log_records", "\(sum(\.records))"),
            ("log_payload_bytes", "\(sum(\.payloadBytes))"),
            ("log_stored_bytes", "\(sum(\.storedBytes))"),
            ("log_written_bytes", "\(sum(\.writtenBytes))"),
            ("log_seals", "\(sum(\.seals))"),
            ("log_asynchronous_flushes", "\(sum(\.asynchronousFlushes))"),
            ("log_segment_waits", "\(sum(\.segmentWaits))"),
            ("log_flush_microseconds", "\(Int(slowest))"),
            ("snapshot_latest", "\(latest)"),
            ("snapshot_in_progress", isWriting ? "1" : "0"),
        ]
    }

    private var feedLines: [(String, String)] {
        guard let info = feed?.info else { return [("feed", "0")] }
        return [
            ("feed", "1"), ("feed_oldest", "\(info.oldest ?? 0)"), ("feed_newest", "\(info.newest ?? 0)"),
            ("feed_bytes", "\(info.byteCount)"), ("feed_failing", info.fault == nil ? "0" : "1"),
            ("feed_failures", "\(info.faultCount)"),
        ]
    }

    private func statsLines(_ reports: [LoopReport]) -> [(String, String)] {
        func sum(_ figure: KeyPath<LoopCounters, UInt64>) -> String {
            "\(reports.reduce(0) { $0 + $1.counters[keyPath: figure] })"
        }
        return [
            ("allocations_given", sum(\.given)), ("allocations_repeated", sum(\.repeated)),
            ("allocations_replayed", sum(\.replayed)), ("keys_in_memory", "\(engine?.keys.count ?? 0)"),
            ("allocations_refused", sum(\.refused)), ("allocations_parked", sum(\.parked)),
            ("holds_made", sum(\.held)), ("holds_confirmed", sum(\.confirmed)),
            ("holds_released", sum(\.released)), ("holds_lapsed", sum(\.lapsed)),
            // Counted by shard: which loop waits is not known, and would not matter.
            ("shard_mutex_waits", "\(engine?.mutexWaits ?? 0)"),
        ]
    }

    private static func listLines(_ engine: LoopEngine) -> [(String, String)] {
        let catalog = engine.catalog
        return [
            ("lists", "\(catalog.lists.count)"), ("campaigns", "\(catalog.campaigns.count)"),
            ("campaigns_active", "\(catalog.campaigns.count { $0.isActive })"),
            ("uploads", "\(catalog.uploads.count)"),
        ]
    }
}
