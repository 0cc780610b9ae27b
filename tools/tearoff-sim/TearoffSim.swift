import ArgumentParser
import Foundation
import TearoffSimulation

/// `tearoff-sim`: runs seeded stories of the server's core on simulated machines, against an oracle.
@main
struct TearoffSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tearoff-sim",
        abstract: "Runs seeded stories of the server's core on simulated machines, against an oracle.",
        discussion: """
            A seed stands for a course of events: clients, operators, power failures, failing
            calls, damaged disks, jumps of the clock. It is the same each time.

              tearoff-sim --seeds 2000
              tearoff-sim --seeds 1000000 --first-seed 5000 --minutes 480

            One seed alone, with what happens in it, or the least of its steps that still fail:

              tearoff-sim --seed 17 --trace
              tearoff-sim --seed 17 --steps 3,9-20 --trace
              tearoff-sim --shrink --seed 17

            A disk that forgets what it said was durable; most seeds must fail, which shows that
            the oracle sees:

              tearoff-sim --seeds 50 --broken-disk

            Figures and traces go to standard output, everything else to standard error.

            Exit codes:
              0    every promise was kept
              1    a promise was broken, or the program stopped; the seed is told
              64   the command line is wrong
              70   a run could not be started
            """)

    @Option(help: "How many seeds to run.")
    var seeds: UInt64 = 1_000

    @Option(help: "The first of them.")
    var firstSeed: UInt64 = 1

    @Option(help: "Begin no seed after so many minutes.")
    var minutes: Double?

    @Option(help: "How many to run at a time; as many as there are processors by default.")
    var jobs: Int = ProcessInfo.processInfo.activeProcessorCount

    @Option(help: "Run this seed alone.")
    var seed: UInt64?

    @Option(help: "Take these of its steps only, as in 3,9-20.")
    var steps: StepNumbers?

    @Flag(help: "Tell what happens at each step of --seed.")
    var trace = false

    @Flag(help: "Look for the fewest steps of --seed that fail in the same way.")
    var shrink = false

    @Flag(help: "Let the disk forget acknowledged writes at each crash.")
    var brokenDisk = false

    @Option(help: "What is told of the program with a failing seed; by default the value of TEAROFF_COMMIT.")
    var commit: String = ProcessInfo.processInfo.environment["TEAROFF_COMMIT"] ?? "unknown"

    @Flag(help: "Show the figures as one JSON object.")
    var json = false

    @Flag(help: .hidden)
    var worker = false

    func validate() throws {
        guard seeds > 0, jobs > 0 else { throw ValidationError("--seeds and --jobs are at least 1.") }
        guard firstSeed <= UInt64.max - seeds else { throw ValidationError("There are no such seeds.") }
        guard seed != nil || !(trace || shrink || steps != nil) else {
            throw ValidationError("--trace, --shrink and --steps are for one --seed.")
        }
    }

    func run() throws {
        do {
            try carryOut()
        } catch let failure as Failure {
            tell(failure.description)
            throw ExitCode(70)
        }
    }

    private func carryOut() throws {
        if worker {
            Worker(steps: steps, isTraced: trace, brokenDisk: brokenDisk).run(firstSeed..<firstSeed + seeds)
            return
        }
        let launch = try Launch(brokenDisk: brokenDisk)
        if let seed, shrink {
            try shorten(seed, launch)
        } else if let seed {
            let outcome = try launch.run(seed..<seed + 1, steps: steps, isTraced: trace) { event in
                if case .line(let line) = event { print(line) }
                return true
            }
            if case .kept(_, let figures)? = outcome.last { print("kept; trace \(figures.trace)") }
            try tellFailures(of: outcome, launch)
        } else {
            try runAll(launch)
        }
    }

    private func runAll(_ launch: Launch) throws {
        let crew = Crew(
            launch, seeds: firstSeed..<firstSeed + seeds, jobs: jobs, secondsMax: minutes.map { $0 * 60 })
        let summary = crew.run()
        if let problem = summary.problem { throw Failure(problem) }
        print(json ? summary.json(commit: commit) : summary.text)
        try tellFailures(of: summary.failures, launch)
    }

    private func tellFailures(of outcomes: [SeedOutcome], _ launch: Launch) throws {
        let failures = outcomes.filter { $0.promise != nil }
        for failure in failures {
            guard case .broken(let seed, let promise, let words) = failure else { continue }
            let steps = steps.map { " --steps \($0)" } ?? ""
            let disk = brokenDisk ? " --broken-disk" : ""
            tell("SEED=\(seed) COMMIT=\(commit): \(promise): \(words)")
            tell("  replay: tearoff-sim --seed \(seed)\(steps)\(disk) --trace")
        }
        if !failures.isEmpty { throw ExitCode(1) }
    }

    private func shorten(_ seed: UInt64, _ launch: Launch) throws {
        func promise(_ numbers: [Int]) throws -> String? {
            try launch.run(seed..<seed + 1, steps: StepNumbers(numbers)) { _ in true }.last?.promise
        }
        let all = Script(seed: seed).steps.map(\.number).filter { steps?.contains($0) ?? true }
        guard let broken = try promise(all) else {
            tell("Seed \(seed) keeps every promise: there is nothing to shrink.")
            return
        }
        var tries = 0
        let fewest = try Shrinking.fewest(all) { numbers in
            tries += 1
            return try promise(numbers) == broken
        }
        tell("\(fewest.count) of \(all.count) steps fail with \(broken), after \(tries) tries.")
        var shorter = self
        shorter.shrink = false
        shorter.trace = true
        shorter.steps = StepNumbers(fewest)
        try shorter.run()
    }
}

/// Words for whoever runs it.
func tell(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

/// A run that cannot be started.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
