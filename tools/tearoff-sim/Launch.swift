import Foundation

/// What became of a seed.
enum SeedOutcome {
    case kept(UInt64, Figures)
    /// `promise` is `stopped` when the process ended in the midst of it.
    case broken(UInt64, promise: String, words: String)

    var promise: String? { if case .broken(_, let promise, _) = self { promise } else { nil } }
}

/// Runs seeds in a process of their own: a broken precondition of the product ends that, and not this one.
struct Launch: Sendable {
    enum Event {
        case outcome(SeedOutcome)
        case line(String)
    }

    private let executable: URL
    private let brokenDisk: Bool

    init(brokenDisk: Bool) throws {
        executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        self.brokenDisk = brokenDisk
    }

    /// - Parameters:
    ///   - take: hears of each seed as soon as it is over; false ends the run.
    /// - Returns: the outcomes, up to and including a seed in which the process stopped.
    /// - Throws: ``Failure`` when no process could be started.
    func run(
        _ seeds: Range<UInt64>, steps: StepNumbers? = nil, isTraced: Bool = false, take: (Event) -> Bool
    ) throws -> [SeedOutcome] {
        let process = Process()
        process.executableURL = executable
        process.arguments = ["--worker", "--first-seed", "\(seeds.lowerBound)", "--seeds", "\(seeds.count)"]
        if let steps { process.arguments? += ["--steps", "\(steps)", "--seed", "\(seeds.lowerBound)"] }
        if isTraced { process.arguments? += ["--trace", "--seed", "\(seeds.lowerBound)"] }
        if brokenDisk { process.arguments?.append("--broken-disk") }
        var environment = ProcessInfo.processInfo.environment
        // A seed is to come to the same in each process.
        environment["SWIFT_DETERMINISTIC_HASHING"] = "1"
        environment["SWIFT_BACKTRACE"] = "enable=no"
        process.environment = environment
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
        } catch {
            throw Failure("A run could not be started: \(error)")
        }
        var reader = LineReader(output.fileHandleForReading)
        var outcomes: [SeedOutcome] = []
        var current: UInt64?
        while let line = reader.next() {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            switch words.first {
            case "begin": current = UInt64(words[1])
            case "line":
                if !take(.line(String(line.dropFirst(5)))) { process.terminate() }
            default:
                guard let outcome = Self.outcome(of: line) else { continue }
                current = nil
                outcomes.append(outcome)
                if !take(.outcome(outcome)) {
                    process.terminate()
                    process.waitUntilExit()
                    return outcomes
                }
            }
        }
        process.waitUntilExit()
        if let current {
            let words = String(decoding: errors.fileHandleForReading.availableData.prefix(500), as: UTF8.self)
                .split(separator: "\n").first
            let outcome = SeedOutcome.broken(
                current, promise: "stopped", words: "the program stopped: \(words ?? "a broken precondition")")
            outcomes.append(outcome)
            _ = take(.outcome(outcome))
        }
        return outcomes
    }

    private static func outcome(of line: String) -> SeedOutcome? {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count == 3, let seed = UInt64(words[1]) else { return nil }
        if words[0] == "kept" { return Figures(line: words[2]).map { .kept(seed, $0) } }
        let parts = words[2].split(separator: " ", maxSplits: 1)
        guard words[0] == "broken", parts.count == 2 else { return nil }
        return .broken(seed, promise: String(parts[0]), words: String(parts[1]))
    }
}

/// The lines of a pipe.
private struct LineReader {
    private let handle: FileHandle
    private var rest: [UInt8] = []
    private var isOver = false

    init(_ handle: FileHandle) { self.handle = handle }

    mutating func next() -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeFirst(end + 1) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            if isOver { return nil }
            let data = handle.availableData
            isOver = data.isEmpty
            rest += data
        }
    }
}
