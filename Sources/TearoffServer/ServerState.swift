import Foundation
import Logging
import Synchronization
import TearoffAccounts
import TearoffCore
import TearoffDelivery
import TearoffEngine
import TearoffLog
import TearoffProtocol
import TearoffStorage

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
    /// Where `BACKUP` writes; nil: nowhere.
    let backups: BackupShelf?
    /// The data key of what is written; nil: the directory is not encrypted.
    let dataKey: UInt32?
    let controlPort: ControlPort
    let logins: Logins
    private let finds = Mutex(FindPace())
    let startedAtMilliseconds: UInt64
    private let stopRequested: @Sendable (StopReason) -> Void
    /// nil: connections over the network are in clear.
    let tls: TLSCertificates?
    private let connectionCount = Atomic<Int>(0)
    private let adminConnectionCount = Atomic<Int>(0)
    let failedHandshakes = Mutex(FailedHandshakes())
    /// By address; empty when none has a maximum of its own.
    private let connectionsOfAddress = Mutex<[String: Int]>([:])
    let clientMemory: ClientMemory
    /// Connections that were closed since a client took too long.
    private let overdueCount = Atomic<UInt64>(0)
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
        let archive: ArchiveDesk
        let audit: AuditDesk
        let feed: FeedDesk?
        let deliveries: DeliveryDesk?
        let snapshots: SnapshotDesk
    }

    init(
        settings: ServerSettings, tls: TLSCertificates?, logger: Logger, mechanism: String,
        directory: DataDirectory, controlPort: ControlPort, startedAtMilliseconds: UInt64,
        stopRequested: @escaping @Sendable (StopReason) -> Void
    ) throws(StorageError) {
        self.settings = settings
        self.tls = tls
        self.logger = logger
        self.mechanism = mechanism
        directoryID = directory.identity.id
        dataKey = directory.keyring?.dataKey
        backups = if let path = settings.backupPath { try directory.makeBackupShelf(path: path) } else { nil }
        self.controlPort = controlPort
        self.startedAtMilliseconds = startedAtMilliseconds
        self.stopRequested = stopRequested
        dates = DateReader(zone: settings.timeZone)
        logins = Logins(costExponent: settings.passwordCostExponent, logger: logger)
        clientMemory = ClientMemory(bytesMaximum: settings.clientMemoryBytes)
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
    /// nil before the loop runs.
    var latencies: LatencyHistogram?
}

// MARK: - Life

extension ServerState {
    var isStopping: Bool { stopping.load(ordering: .relaxed) }
    var uploads: UploadDesk? { running.withLock { $0?.uploads } }
    var exports: ExportDesk? { running.withLock { $0?.exports } }
    var archive: ArchiveDesk? { running.withLock { $0?.archive } }
    var deliveries: DeliveryDesk? { running.withLock { $0?.deliveries } }
    /// Why no e-mail is sent; nil when it is.
    var mailProblem: String? { settings.deliveryRoutes.mailProblem }
    var feed: FeedDesk? { running.withLock { $0?.feed } }
    var audit: AuditDesk? { running.withLock { $0?.audit } }
    var engine: Engine? { running.withLock { $0?.engine } }

    /// Whether an account that sees codes masked may look for one more in this minute.
    func mayFind(_ account: String) -> Bool { finds.withLock { $0.mayFind(account, now: Logins.now) } }

    func serve(_ engine: Engine, _ control: ControlPlane) {
        let running = Running(
            engine: engine, uploads: control.uploads, exports: control.exports, archive: control.archive,
            audit: control.audit, feed: control.feed, deliveries: control.deliveries,
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
    /// There are too many connections.
    struct Full: Error {
        let message: String
    }

    /// - Returns: the connection's id.
    func admitConnection(through entrance: Listener.Entrance, from address: String) -> Result<UInt64, Full> {
        let most = connectionsMaximum(through: entrance)
        guard count(1, through: entrance) <= most else {
            count(-1, through: entrance)
            return .failure(Full(message: "max number of clients reached (\(most))"))
        }
        if entrance == .network, let maximum = settings.connectionsOfAddressMaximum {
            let host = Self.host(of: address)
            let isAdmitted = connectionsOfAddress.withLock { counts in
                guard counts[host, default: 0] < maximum else { return false }
                counts[host, default: 0] += 1
                return true
            }
            guard isAdmitted else {
                count(-1, through: entrance)
                return .failure(Full(message: "max number of clients of one address reached (\(maximum))"))
            }
        }
        return .success(lastConnectionID.add(1, ordering: .relaxed).newValue)
    }

    func connectionsMaximum(through entrance: Listener.Entrance) -> Int {
        switch entrance {
        case .network: settings.connectionsMaximum
        case .administration: ServerLimits.adminConnections
        }
    }

    /// - Returns: how many there are now.
    @discardableResult
    private func count(_ change: Int, through entrance: Listener.Entrance) -> Int {
        switch entrance {
        case .network: connectionCount.add(change, ordering: .relaxed).newValue
        case .administration: adminConnectionCount.add(change, ordering: .relaxed).newValue
        }
    }

    /// An address without its port.
    private static func host(of address: String) -> String {
        address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
    }

    func noteOverdue() { overdueCount.add(1, ordering: .relaxed) }

    func noteClient(_ session: Session) {
        clients.withLock { $0[session.id] = session.line }
    }

    var clientLines: [String] {
        clients.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    func connectionClosed(_ session: Session) {
        count(-1, through: session.entrance)
        if session.entrance == .network, settings.connectionsOfAddressMaximum != nil {
            connectionsOfAddress.withLock { counts in
                let host = Self.host(of: session.address)
                guard let count = counts[host] else { return }
                counts[host] = count > 1 ? count - 1 : nil
            }
        }
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
        let isSlow = loops.withLock { loops in
            defer {
                loops[index].counters = counters
                loops[index].connections = connections
                loops[index].lane = lane.counters
                loops[index].flushMicroseconds = lane.flushMicrosecondsMean
                loops[index].mechanism = lane.mechanism
            }
            return loops[index].lane.slowFlushes < lane.counters.slowFlushes
        }
        if isSlow { logger.warning("log.slow-flush", metadata: ["lane": "\(index)", "seconds_at_least": "1"]) }
    }

    func note(_ latencies: LatencyHistogram, of index: Int) {
        loops.withLock { $0[index].latencies = latencies }
    }

    /// The text of `INFO`: sections of `name:value` lines, as Redis clients read them.
    func info(section: String?, engine: LoopEngine?) -> String {
        let reports = loops.withLock { $0 }
        let all: [(String, [(String, String)])] = [
            ("server", serverLines),
            ("clients", clientFigures),
            ("memory", memoryLines),
            ("persistence", persistenceLines(reports)),
            ("feed", feedLines),
            ("deliveries", deliveryLines),
            ("stats", statsLines(reports)), ("latency", Self.latencyLines(reports)),
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

    private var clientFigures: [(String, String)] {
        var lines = [
            ("connected_clients", "\(connectionCount.load(ordering: .relaxed))"),
            ("maxclients", "\(settings.connectionsMaximum)"),
            ("admin_clients", "\(adminConnectionCount.load(ordering: .relaxed))"),
            ("logins_failed", "\(logins.failures)"),
            ("clients_overdue", "\(overdueCount.load(ordering: .relaxed))"),
            ("client_memory", "\(clientMemory.bytes)"),
            ("tls", tls == nil ? "0" : "1"),
        ]
        if let tls {
            lines += [
                ("tls_certificate_expires", "\(Int(tls.expiresAt.timeIntervalSince1970))"),
                ("tls_handshakes_failed", "\(failedHandshakes.withLock { $0.count })"),
            ]
        }
        return lines
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
            ("loading", engine == nil ? "1" : "0"), ("disk_full", engine?.isDiskFull == true ? "1" : "0"),
            ("encryption", dataKey == nil ? "none" : "aes-256-gcm"), ("data_key", "\(dataKey ?? 0)"),
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
            ("log_slow_flushes", "\(sum(\.slowFlushes))"),
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

    private var deliveryLines: [(String, String)] {
        guard let info = deliveries?.info else { return [] }
        return [
            ("deliveries_open", "\(info.open.count)"), ("deliveries_dead", "\(info.dead.count)"),
            ("deliveries_dropped", "\(info.droppedCount)"), ("deliveries_missed", "\(info.missedCount)"),
            ("deliveries_sent", "\(info.sentCount)"), ("deliveries_failing", info.fault == nil ? "0" : "1"),
            ("deliveries_mail", info.mailProblem == nil ? "1" : "0"),
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

    private static func latencyLines(_ reports: [LoopReport]) -> [(String, String)] {
        let latencies = Latencies(reports.compactMap(\.latencies))
        return [
            ("latency_answers", "\(latencies.count)"),
            ("latency_microseconds_p50", "\(latencies.quantile(0.5))"),
            ("latency_microseconds_p99", "\(latencies.quantile(0.99))"),
            ("latency_microseconds_p999", "\(latencies.quantile(0.999))"),
            ("latency_microseconds_max", "\(latencies.quantile(1))"),
            ("latency_microseconds_buckets", latencies.text),
        ]
    }

    private static func listLines(_ engine: LoopEngine) -> [(String, String)] {
        let catalog = engine.catalog
        return [
            ("lists", "\(catalog.presentLists.count)"),
            ("lists_archived", "\(catalog.presentLists.count { $0.isArchived })"),
            ("campaigns", "\(catalog.presentCampaigns.count)"),
            ("campaigns_active", "\(catalog.campaigns.count { $0.isActive })"),
            ("uploads", "\(catalog.uploads.count)"),
        ]
    }
}
