import TearoffSimulation
import Testing

@Suite("The simulator: a seed is one course of events, and what breaks a promise is seen")
struct SimulatorTests {
    /// Goal: a seed replays exactly. Method: the trace has each step, what it came to, and how many calls of the
    /// storage there were by then; some seeds twice.
    @Test(arguments: UInt64(1)...4)
    func aSeedGivesTheSameTraceTwice(seed: UInt64) throws {
        var hashes: Set<UInt64> = []
        for _ in 0..<2 {
            var story = try Story(Script(seed: seed))
            try story.run()
            hashes.insert(story.trace.hash)
        }
        #expect(hashes.count == 1)
    }

    /// Goal: a story can be shrunk: a step that is left out changes no other. Method: the dice of each step, with and
    /// without the others.
    @Test func aStepThatIsLeftOutChangesNoOther() {
        let script = Script(seed: 7)
        let numbers = Set(script.steps.map(\.number).filter { $0.isMultiple(of: 3) })
        let kept = script.keeping(numbers).steps
        #expect(kept.count == numbers.count)
        for step in kept {
            let same = script.steps[step.number]
            var (one, two) = (step.dice(seed: 7), same.dice(seed: 7))
            #expect(step.kind == same.kind && one.next() == two.next())
        }
    }

    /// Goal: the oracle sees. Method: a disk that forgets what it said was durable, which no server can survive.
    @Test func aDiskThatForgetsIsSeen() throws {
        var promises: Set<Broken.Promise> = []
        for seed in UInt64(1)...6 {
            do {
                var story = try Story(Script(seed: seed), brokenDisk: true)
                try story.run()
            } catch let broken as Broken {
                promises.insert(broken.promise)
            }
        }
        #expect(promises.contains(.lost) || promises.contains(.refusal))
    }

    /// Goal: the fewest steps are found. Method: a failure that takes three steps out of many.
    @Test func aFailingRunIsShrunkToWhatItTakes() {
        let culprits = [3, 40, 41]
        var tries = 0
        let fewest = Shrinking.fewest(Array(0..<100)) { steps in
            tries += 1
            return culprits.allSatisfy(steps.contains)
        }
        #expect(fewest == culprits)
        #expect(tries < 100)
    }

    /// Goal: one alone is found, and none when none is needed.
    @Test func aFailureOfOneStepOrNoneIsShrunk() {
        #expect(Shrinking.fewest([1, 2, 3]) { $0.contains(2) } == [2])
        #expect(Shrinking.fewest([1, 2, 3]) { _ in true } == [])
        #expect(Shrinking.fewest([Int]()) { _ in true } == [])
    }
}
