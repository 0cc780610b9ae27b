/// How far an upload or an export is, as one line of text. Pure: the time comes in.
struct LoadProgress {
    let name: String
    /// What a line is.
    var noun = "codes"
    /// Nil when nobody knows, as of a pipe.
    let totalBytes: Int?

    /// - Parameters:
    ///   - bytes: read by the server, or from it.
    ///   - lines: so far.
    ///   - elapsed: since the beginning.
    func line(bytes: Int, lines: Int, elapsed: Duration) -> String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let rate = seconds > 0 ? Double(lines) / seconds : 0
        var parts = [name]
        if let totalBytes {
            let share = min(1, Double(bytes) / Double(max(1, totalBytes)))
            parts.append("[\(Self.bar(share))] \(Int(share * 100)) %")
        }
        let size = Self.short(Double(bytes))
        parts.append("\(size.digits) \(size.prefix)B")
        let speed = Self.short(rate)
        parts.append(
            speed.prefix.isEmpty ? "\(speed.digits) \(noun)/s" : "\(speed.digits) \(speed.prefix) \(noun)/s")
        if let totalBytes, bytes > 0, bytes < totalBytes {
            let left = seconds * Double(totalBytes - bytes) / Double(bytes)
            parts.append("ETA \(Self.clock(Int(left.rounded(.up))))")
        }
        return parts.joined(separator: "  ")
    }

    private static func bar(_ share: Double) -> String {
        let width = 20
        let full = Int(share * Double(width))
        return String(repeating: "#", count: full) + String(repeating: "-", count: width - full)
    }

    /// About three digits and the unit's prefix: `999`, `1.23` and `k`, `58.5` and `M`.
    static func short(_ value: Double) -> (digits: String, prefix: String) {
        var value = value
        var prefixes = ["", "k", "M", "G", "T"][...]
        while value >= 999.5, prefixes.count > 1 {
            value /= 1_000
            prefixes.removeFirst()
        }
        let prefix = prefixes.first ?? ""
        let scale: Double = prefix.isEmpty || value >= 99.95 ? 1 : value >= 9.995 ? 10 : 100
        let rounded = (value * scale).rounded() / scale
        return (scale == 1 ? "\(Int(rounded))" : "\(rounded)", prefix)
    }

    /// `0:05`, `12:30`, `1:02:03`.
    static func clock(_ seconds: Int) -> String {
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        let tail = rest < 10 ? "0\(rest)" : "\(rest)"
        guard hours > 0 else { return "\(minutes):\(tail)" }
        return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
    }
}

/// Shows progress where it is seen: a line that is written over on a terminal, a new line now and then
/// elsewhere.
struct ProgressDisplay {
    private let progress: LoadProgress
    private let isLive: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant

    init(_ progress: LoadProgress, isLive: Bool) {
        self.progress = progress
        self.isLive = isLive
        start = clock.now
        shown = start
    }

    /// As often as an eye follows; in a log every few seconds.
    private var interval: Duration { isLive ? .milliseconds(100) : .seconds(5) }

    mutating func update(bytes: Int, lines: Int) {
        let now = clock.now
        guard now - shown >= interval else { return }
        shown = now
        let line = progress.line(bytes: bytes, lines: lines, elapsed: now - start)
        if isLive { Terminal.rewriteLine(line) } else { Terminal.words(line) }
    }

    /// Says what is waited for where nothing more can be counted: millions of codes take seconds.
    func wait(for what: String) {
        if isLive { Terminal.rewriteLine("\(progress.name)  \(what)") }
    }

    /// Takes the live line away: what follows tells the outcome.
    func finish() {
        if isLive { Terminal.rewriteLine("") }
    }
}
