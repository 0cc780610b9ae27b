import Foundation
import Synchronization

/// Several processes over a range of seeds, each with a stretch of it at a time.
final class Crew: Sendable {
    private static let stretch: UInt64 = 25

    private struct State {
        var left: [Range<UInt64>]
        var summary = Summary()
    }

    private let launch: Launch
    private let count: Int
    private let jobs: Int
    private let deadline: Date?
    private let began = Date()
    private let bar: ProgressBar
    private let state: Mutex<State>

    init(_ launch: Launch, seeds: Range<UInt64>, jobs: Int, secondsMax: Double?) {
        self.launch = launch
        count = seeds.count
        self.jobs = jobs
        deadline = secondsMax.map { Date() + $0 }
        bar = ProgressBar(total: seeds.count)
        let starts = stride(from: seeds.lowerBound, to: seeds.upperBound, by: Int(Self.stretch))
        state = Mutex(State(left: starts.map { $0..<min($0 + Self.stretch, seeds.upperBound) }.reversed()))
    }

    func run() -> Summary {
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while let seeds = next() { run(seeds) }
        }
        bar.clear()
        return state.withLock { state in
            state.summary.seconds = Date().timeIntervalSince(began)
            return state.summary
        }
    }

    private var isLate: Bool { deadline.map { Date() >= $0 } ?? false }

    private func next() -> Range<UInt64>? {
        state.withLock { state in
            isLate || state.summary.problem != nil ? nil : state.left.popLast()
        }
    }

    private func run(_ seeds: Range<UInt64>) {
        do {
            let outcomes = try launch.run(seeds) { event in
                if case .outcome(let outcome) = event {
                    let (done, failures) = state.withLock { state in
                        state.summary.add(outcome)
                        return (state.summary.seeds, state.summary.failures.count)
                    }
                    bar.show(done: done, failures: failures)
                }
                return !isLate
            }
            // The process stopped in the midst: the others of its stretch are still to be run.
            let rest = seeds.dropFirst(outcomes.count)
            if !rest.isEmpty, !isLate {
                guard !outcomes.isEmpty else { throw Failure("A run ended before its first seed.") }
                state.withLock { $0.left.append(rest) }
            }
        } catch {
            state.withLock { $0.summary.problem = "\(error)" }
        }
    }
}

/// How far a run is, on standard error, when that is a terminal.
final class ProgressBar: Sendable {
    private static let width = 40
    private let total: Int
    private let isShown = isatty(STDERR_FILENO) != 0
    private let last = Mutex(0)

    init(total: Int) { self.total = total }

    func show(done: Int, failures: Int) {
        guard isShown else { return }
        let filled = done * Self.width / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        let line = "\r[\(bar)] \(done)/\(total) seeds, \(failures) failed"
        last.withLock { last in
            FileHandle.standardError.write(Data(line.utf8))
            last = line.count
        }
    }

    func clear() {
        last.withLock { last in
            guard last > 0 else { return }
            FileHandle.standardError.write(Data("\r\(String(repeating: " ", count: last))\r".utf8))
        }
    }
}
