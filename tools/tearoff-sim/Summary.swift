import Foundation

/// What a run over many seeds came to.
struct Summary {
    private(set) var seeds = 0
    private(set) var figures = Figures()
    private(set) var failures: [SeedOutcome] = []
    var seconds = 0.0
    /// Why the run could not go on.
    var problem: String?

    mutating func add(_ outcome: SeedOutcome) {
        seeds += 1
        switch outcome {
        case .kept(_, let figures): self.figures += figures
        case .broken: failures.append(outcome)
        }
    }

    private var seedsPerMinute: Double { Double(seeds) / max(seconds, 0.001) * 60 }
    private var operationsPerSecond: Double { Double(figures.operations) / max(seconds, 0.001) }
    private var callsPerSecond: Double { Double(figures.calls) / max(seconds, 0.001) }

    var text: String {
        """
        \(seeds) seeds in \(Int(seconds.rounded())) s, \(failures.count) failed
        \(Int(seedsPerMinute)) seeds per minute, \(Int(operationsPerSecond)) simulated operations and \
        \(Int(callsPerSecond)) storage calls per second
        \(figures.lives) lives, \(figures.faults) faults; of damaged directories \(figures.refusals) were refused, \
        \(figures.repairs) had all that was acknowledged
        """
    }

    /// One line.
    func json(commit: String) -> String {
        let failed = failures.map { outcome in
            guard case .broken(let seed, let promise, let words) = outcome else { return [String: Any]() }
            return ["seed": seed, "promise": promise, "words": words]
        }
        let object: [String: Any] = [
            "commit": commit, "seeds": seeds, "seconds": seconds, "failed": failures.count, "failures": failed,
            "operations": figures.operations, "calls": figures.calls, "lives": figures.lives,
            "faults": figures.faults, "refused": figures.refusals, "repaired": figures.repairs,
            "seeds_per_minute": seedsPerMinute, "operations_per_second": operationsPerSecond,
            "trace": String(figures.trace),
        ]
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
