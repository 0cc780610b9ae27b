import Foundation
import TearoffSimulation

/// Runs seeds one after the other in this process, and tells its parent of each in a line. A broken precondition ends
/// the process, so the parent hears of each seed before it begins.
struct Worker {
    let steps: StepNumbers?
    let isTraced: Bool
    let brokenDisk: Bool

    func run(_ seeds: Range<UInt64>) {
        for seed in seeds {
            say("begin \(seed)")
            var script = Script(seed: seed)
            if let steps { script = script.keeping(steps.numbers) }
            let trace = isTraced ? Trace { [self] in say("line \($0)") } : Trace()
            do {
                var story = try Story(script, trace: trace, brokenDisk: brokenDisk)
                try story.run()
                say("kept \(seed) \(Figures(story).line)")
            } catch let broken as Broken {
                say("broken \(seed) \(broken.promise.rawValue) \(broken)".split(separator: "\n").joined(separator: " "))
            } catch {
                say("broken \(seed) order \(error)".split(separator: "\n").joined(separator: " "))
            }
        }
    }

    /// At once: what stands in a buffer is lost when the process is stopped.
    private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// What one story, or many, came to.
struct Figures {
    var operations = 0
    var calls = 0
    var lives = 0
    var faults = 0
    var refusals = 0
    var repairs = 0
    /// Of one story; of many, all of them mixed.
    var trace: UInt64 = 0

    init() {}

    init(_ story: Story) {
        operations = story.counters.operations
        calls = story.callCount
        lives = story.counters.lives
        faults = story.counters.faults
        refusals = story.counters.refusals
        repairs = story.counters.repairs
        trace = story.trace.hash
    }

    var line: String { "\(operations) \(calls) \(lives) \(faults) \(refusals) \(repairs) \(trace)" }

    init?(line: some StringProtocol) {
        let words = line.split(separator: " ")
        let numbers = words.prefix(6).compactMap { Int($0) }
        guard words.count == 7, numbers.count == 6, let trace = UInt64(words[6]) else { return nil }
        (operations, calls, lives) = (numbers[0], numbers[1], numbers[2])
        (faults, refusals, repairs) = (numbers[3], numbers[4], numbers[5])
        self.trace = trace
    }

    static func += (sum: inout Figures, other: Figures) {
        sum.operations += other.operations
        sum.calls += other.calls
        sum.lives += other.lives
        sum.faults += other.faults
        sum.refusals += other.refusals
        sum.repairs += other.repairs
        // In whatever order they come.
        sum.trace ^= other.trace
    }
}
