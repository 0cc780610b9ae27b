/// Times one stage without ordo-one's Benchmark, which needs a build of its own: least and median of some
/// samples, and no statistics. For `Benchmarks/scaling_model`, whose inputs need no more.
enum Stopwatch {
    /// What one operation took, in nanoseconds.
    struct Reading: CustomStringConvertible {
        let least: Double
        let median: Double
        let samples: Int

        var description: String { "\(tenths(least)) \(tenths(median)) ns: least and median of \(samples)" }

        private func tenths(_ nanoseconds: Double) -> Double { (nanoseconds * 10).rounded() / 10 }
    }

    struct UnknownStage: Error, CustomStringConvertible {
        let name: String
        var description: String { "there is no stage '\(name)'" }
    }

    /// As ordo-one's are bounded.
    private static let duration = Duration.seconds(3)

    static func run(_ name: String) throws -> Reading {
        guard let stage = Stage.all.first(where: { $0.name == name }) else { throw UnknownStage(name: name) }
        let operations = stage.sampled.rawValue
        let body = try stage.prepare(.timed)
        // The first warms up.
        let samplesMaximum = stage.usesUsersUp ? Size.timed.spareUsers / operations - 1 : Int.max
        try body(operations)
        let clock = ContinuousClock()
        let end = clock.now + duration
        var times: [Double] = []
        repeat {
            times.append(try clock.measure { try body(operations) } / .nanoseconds(operations))
        } while times.count < samplesMaximum && clock.now < end
        times.sort()
        return Reading(least: times[0], median: times[times.count / 2], samples: times.count)
    }
}
