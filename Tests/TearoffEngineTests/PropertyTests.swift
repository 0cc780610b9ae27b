import Foundation
import TearoffSimulation
import Testing

@Suite("Any course of events: nothing acknowledged is lost, and no code has two users")
struct PropertyTests {
    #if DEBUG
        /// Unoptimised, a seed takes the better part of a second.
        private static let usualCount: UInt64 = 20
    #else
        private static let usualCount: UInt64 = 300
    #endif

    /// As many seeds as fit a test run; `TEAROFF_SEEDS` and `TEAROFF_FIRST_SEED` choose others, for nights
    /// and replays.
    static let seeds: [Range<UInt64>] = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["TEAROFF_FIRST_SEED"].flatMap(UInt64.init) ?? 1
        let count = environment["TEAROFF_SEEDS"].flatMap(UInt64.init) ?? usualCount
        return stride(from: first, to: first + count, by: 10).map { $0..<min($0 + 10, first + count) }
    }()

    static var commit: String { ProcessInfo.processInfo.environment["TEAROFF_COMMIT"] ?? "unknown" }

    /// Goal: the promise, for any order of allocations, repeats, changes, uploads, snapshots, crashes,
    /// numbers of loops and jumps of the clock; and a preview says what the command right behind it comes to.
    /// Method: dice from a seed, against an oracle of plain dictionaries.
    @Test(arguments: seeds)
    func thePromiseHolds(seeds: Range<UInt64>) throws {
        var archivesSeen = 0
        for seed in seeds {
            do {
                var story = try Story(Script(seed: seed))
                try story.run()
                archivesSeen += story.counters.archives
            } catch {
                Issue.record("SEED=\(seed) COMMIT=\(Self.commit): \(error)")
            }
        }
        if seeds.count >= 10 { #expect(archivesSeen > 0, "no crash met an archived list") }
    }
}
