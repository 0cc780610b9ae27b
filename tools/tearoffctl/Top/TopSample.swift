import TearoffClient

/// What a server told of itself at one moment.
struct TopSample {
    private let figures: [String: String]
    /// The server's clock.
    let microseconds: Int
    /// Of answers since the process began: how many took no longer than a bound, but longer than the one before.
    let latencies: [Int: Int]

    /// - Parameter info: the text of `INFO`.
    init(info: String) {
        figures = InfoCommand.figures(info)
        microseconds = figures["server_time_usec"].flatMap { Int($0) } ?? 0
        let buckets = (figures["latency_microseconds_buckets"] ?? "").split(separator: ",").compactMap { pair in
            let parts = pair.split(separator: "=").compactMap { Int($0) }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        latencies = Dictionary(buckets, uniquingKeysWith: { $1 })
    }

    /// 0 for a figure that this server does not tell.
    subscript(name: String) -> Int { figures[name].flatMap { Int($0) } ?? 0 }

    func text(_ name: String) -> String { figures[name] ?? "-" }
}

/// What a server did between two samples of one process.
struct TopMoment {
    let codes: Double
    let repeats: Double
    let refusals: Double
    let holds: Double
    let logBytes: Double
    let frames: Double
    /// In microseconds, of the answers in between; nil when there was none.
    let p50: Int?
    let p99: Int?
    let p999: Int?

    /// - Returns: nil when they are of two processes, or no time passed between them.
    init?(from old: TopSample, to new: TopSample) {
        let seconds = Double(new.microseconds - old.microseconds) / 1e6
        guard seconds > 0, new["process_id"] == old["process_id"] else { return nil }
        func rate(_ names: String...) -> Double {
            max(0, names.reduce(0.0) { $0 + Double(new[$1] - old[$1]) }) / seconds
        }
        codes = rate("allocations_given", "holds_confirmed")
        repeats = rate("allocations_repeated", "allocations_replayed")
        refusals = rate("allocations_refused")
        holds = rate("holds_made")
        logBytes = rate("log_written_bytes")
        frames = rate("log_frames")
        let buckets = new.latencies.map { bound, count in (bound, count - (old.latencies[bound] ?? 0)) }
            .filter { $0.1 > 0 }.sorted { $0.0 < $1.0 }
        p50 = Self.quantile(0.5, of: buckets)
        p99 = Self.quantile(0.99, of: buckets)
        p999 = Self.quantile(0.999, of: buckets)
    }

    private static func quantile(_ share: Double, of buckets: [(bound: Int, count: Int)]) -> Int? {
        let count = buckets.reduce(0) { $0 + $1.count }
        let rank = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for bucket in buckets {
            seen += bucket.count
            if seen >= rank { return bucket.bound }
        }
        return nil
    }
}

/// All that the view shows: the latest sample, the rates of the last minutes, and what is wrong.
struct TopState {
    /// Ten minutes of a sample each second.
    static let momentsMaximum = 600

    let server: String
    /// Seconds between two rates.
    let interval: Double
    private(set) var sample: TopSample?
    private(set) var moment: TopMoment?
    /// Codes each second, the newest last; nil where the server was away.
    private(set) var rates: [Double?] = []
    private(set) var lists: [TearoffClient.ListInfo] = []
    private(set) var problem: String?

    init(server: String, interval: Double) {
        self.server = server
        self.interval = interval
    }

    mutating func add(_ new: TopSample) {
        moment = sample.flatMap { TopMoment(from: $0, to: new) }
        if let moment { append(moment.codes) }
        sample = new
        problem = nil
    }

    mutating func add(_ lists: [TearoffClient.ListInfo]) {
        // Those that run out first, whether they warn already or not; what is over is nobody's concern here.
        self.lists = lists.filter { !$0.isExpired && $0.uploaded > 0 }.sorted {
            ($0.isShort ? 0 : 1, $0.shareFree, $0.name) < ($1.isShort ? 0 : 1, $1.shareFree, $1.name)
        }
    }

    /// The server cannot be asked at the moment.
    mutating func lose(_ problem: String) {
        self.problem = problem
        moment = nil
        append(nil)
    }

    private mutating func append(_ rate: Double?) {
        rates.append(rate)
        if rates.count > Self.momentsMaximum { rates.removeFirst() }
    }
}

extension TearoffClient.ListInfo {
    /// Whether somebody should look after it.
    fileprivate var isShort: Bool { isLow || free == 0 }

    /// Of all codes ever uploaded.
    var shareFree: Double { Double(free) / Double(max(1, uploaded)) }
}
