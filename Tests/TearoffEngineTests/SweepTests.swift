import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

/// What a call of a storage door can fail with, as Linux numbers it. (Interrupted calls and short results do not come
/// through a door: it goes on, or fails.)
enum SystemProblem: CInt, CaseIterable {
    case inputOutput = 5
    case tooManyFiles = 24
    case noSpace = 28
    case readOnly = 30
    case quota = 122

    var problem: StorageError.Problem { .system(code: rawValue, reason: "simulated: \(self)") }
}

@Suite("Sweeps: whichever storage call fails, nothing that was told is lost and nothing is half done")
struct SweepTests {
    /// All calls with all errors when asked; else each so many calls, beginning with one that a seed chooses.
    static let isExhaustive = ProcessInfo.processInfo.environment["TEAROFF_EXHAUSTIVE"] != nil
    static let seed = ProcessInfo.processInfo.environment["TEAROFF_FIRST_SEED"].flatMap(UInt64.init) ?? 1

    /// One way in which a call fails.
    struct Way: Sendable, CustomStringConvertible {
        let problem: SystemProblem
        /// Whether the call has done its work all the same.
        let happens: Bool
        var description: String { "\(problem)\(happens ? ", though done" : "")" }

        static let all = SystemProblem.allCases.flatMap { problem in
            [false, true].map { Way(problem: problem, happens: $0) }
        }
    }

    /// Every so-many-th call of a way; which ones, by chance.
    private static func calls(_ stride: Int, of way: Int) -> (first: Int, step: Int) {
        isExhaustive ? (1, 1) : (1 + (Int(seed) * 7 + way * 5) % stride, stride)
    }

    private static func note(_ call: Int, _ way: Way, _ failed: [SimulatedPower.FailedCall], _ error: any Error) {
        Issue.record(
            "SEED=\(seed) COMMIT=\(PropertyTests.commit): call \(call), \(way), \(failed.map { "\($0)" }): \(error)")
    }

    /// Goal: in a run in which nothing fails every step is done. Method: the run that the others are compared with.
    @Test func theWorkloadIsWhole() throws {
        var sweep = try Sweep(against: nil)
        let hasFailed = try sweep.run(failing: nil, with: SystemProblem.inputOutput.problem, happens: false)
        #expect(!hasFailed)
        #expect(sweep.course.catalogs.count == Sweep.steps.count + 1 && sweep.course.told.count > 12)
        #expect(sweep.world.callCount > 300, "the workload has \(sweep.world.callCount) calls")
    }

    /// Goal: whichever call of the workload fails, with whichever error, and whatever it has done all the same: the
    /// log's failure ends the life, anything else is answered with an error, changes nothing, and can be asked for
    /// again. Method: the n-th call of all doors, for all n until a run is clean; against the run in which none fails.
    @Test(arguments: Way.all.indices)
    func everyCallOfTheWorkload(index: Int) throws {
        var plain = try Sweep(against: nil)
        _ = try plain.run(failing: nil, with: SystemProblem.inputOutput.problem, happens: false)
        let way = Way.all[index]
        var (call, step) = Self.calls(97, of: index)
        var hasFailed = true
        while hasFailed {
            var sweep = try Sweep(against: plain.course)
            do {
                hasFailed = try sweep.run(failing: call, with: way.problem.problem, happens: way.happens)
            } catch {
                Self.note(call, way, sweep.world.power.failedCalls, error)
            }
            call += step
        }
        #expect(call > 300)
    }

    /// A directory as the workload leaves it, when the power fails.
    private static func makeDirectory() throws -> World {
        var sweep = try Sweep(against: nil)
        _ = try sweep.run(failing: nil, with: SystemProblem.inputOutput.problem, happens: false)
        sweep.world.crash()
        return sweep.world
    }

    /// Goal: a start in which a call fails is refused, and says which file, or gives the whole state; never a smaller
    /// one. And the next one gives the whole state. Method: the n-th call of a start, for all n until a run is clean; a
    /// second start in which another call fails; then one without.
    @Test(arguments: Way.all.indices)
    func everyCallOfAStart(index: Int) throws {
        let original = try Self.makeDirectory()
        let whole = StateOfDirectory(try World(copyOf: original).recover())
        let way = Way.all[index]
        var (call, step) = Self.calls(11, of: index)
        var hasFailed = true
        while hasFailed {
            let world = World(copyOf: original)
            for turn in [call, call % 7 + call / 2 + 1] {
                let before = world.power.failedCalls.count
                world.power.fail(call: turn, with: way.problem.problem, happens: way.happens)
                do {
                    try Self.start(world, whole)
                } catch {
                    Self.note(turn, way, world.power.failedCalls, error)
                }
                if turn == call { hasFailed = world.power.failedCalls.count > before }
                world.crash()
            }
            if StateOfDirectory(try world.recover()) != whole { Self.note(call, way, [], Broken("another state")) }
            call += step
        }
        #expect(call > 20)
    }

    private static func start(_ world: World, _ whole: StateOfDirectory) throws {
        do {
            let life = try world.start(loops: 2, feed: .ample)
            guard let recovered = world.recovered, StateOfDirectory(recovered) == whole else {
                throw Broken("a start with another state")
            }
            life.tellAll()
        } catch let error as RecoveryError {
            guard let call = world.power.failedCalls.last, error.kind == .unreadable, error.file == call.file else {
                throw Broken("\(error) behind \(world.power.failedCalls)")
            }
        } catch let error as LogFailure {
            guard let call = world.power.failedCalls.last, call.isOfLog else {
                throw Broken("\(error) behind \(world.power.failedCalls)")
            }
        }
    }
}

extension SimulatedPower.FailedCall {
    /// Whether it was of a segment, or of a lane as it was made.
    var isOfLog: Bool { file.hasPrefix("wal") || file.hasPrefix("lane") }
}

/// What must be the same at each start, whatever happened to starts before: not where lanes go on, nor what was met.
struct StateOfDirectory: Equatable {
    private let digest: Digest

    init(_ state: RecoveredState) {
        var digest = Digest(state)
        digest.laneStarts = [:]
        digest.at = .zero
        self.digest = digest
    }
}
