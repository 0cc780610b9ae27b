// The trait brings the dependency along, and names this condition.
#if Microbenchmarks
    import Benchmark

    /// The stages as ordo-one's Benchmark measures them.
    struct Timing: BenchmarkRunnerHooks {
        /// As the command line says, which ordo-one's plugin makes.
        static func run() async { await main() }

        static func registerBenchmarks() {
            for stage in Stage.all { register(stage) }
        }

        private static func register(_ stage: Stage) {
            let operations = stage.sampled.rawValue
            var configuration = Benchmark.Configuration(
                metrics: [.wallClock, .throughput], warmupIterations: 1,
                scalingFactor: stage.sampled == .million ? .mega : .kilo, maxDuration: .seconds(3))
            if stage.usesUsersUp {
                configuration.maxIterations = Size.timed.spareUsers / operations - 1
            }
            // Made by the first run, which warms up and is not measured: each stage has a process of its
            // own, which is not to make the state of all the others.
            var prepared: Stage.Body?
            Benchmark(stage.name, configuration: configuration) { benchmark in
                // Set once: a closure that goes through an optional and back is wrapped anew each time.
                if prepared == nil { prepared = try stage.prepare(.timed) }
                guard let body = prepared else { return }
                benchmark.startMeasurement()
                try body(operations)
                benchmark.stopMeasurement()
            }
        }
    }
#endif
