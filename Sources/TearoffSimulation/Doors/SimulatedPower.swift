import Synchronization
package import TearoffLog

/// The power of a simulated machine. All doors of one machine hang on it: when it fails, no call of any of them
/// succeeds any more until it is back. It also counts the calls of all of them, so that any one can be made to fail.
package final class SimulatedPower: Sendable {
    private struct State {
        var isOn = true
        /// Calls that still succeed; nil: the power stays.
        var callsLeft: Int?
        var dice: SplitMix64?
        var callCount = 0
        var plan: Plan?
        var failedCalls: [FailedCall] = []
    }

    private struct Plan {
        let call: Int
        let problem: StorageError.Problem
        let happens: Bool
    }

    /// A call that ``fail(call:with:happens:)`` had fail.
    package struct FailedCall: Equatable, Sendable {
        package let operation: StorageError.Operation
        /// Relative to the data directory.
        package let file: String
    }

    private let state = Mutex(State())

    package init() {}

    /// Lets the power fail at a call of any door.
    ///
    /// - Parameter call: counted from 1 and from now on; nil ends the plan.
    package func fail(call: Int?) { state.withLock { $0.callsLeft = call.map { $0 - 1 } } }

    package var isOn: Bool { state.withLock { $0.isOn } }

    /// The power is back, and stays, and no call is to fail any more.
    package func restore() {
        state.withLock { state in
            state.plan = nil
            state.isOn = true
            state.callsLeft = nil
        }
    }

    /// From now on a call that fails may have done its work all the same, as a rename whose directory could not be
    /// synced; without this it has done nothing.
    package func leaveEffects(seed: UInt64) { state.withLock { $0.dice = SplitMix64(seed: seed) } }

    /// Has one call of any door fail, and none before or behind it.
    ///
    /// - Parameters:
    ///   - call: counted from 1 and from now on; nil: none.
    ///   - happens: whether the call does its work all the same.
    package func fail(call: Int?, with problem: StorageError.Problem, happens: Bool) {
        state.withLock { state in
            state.plan = call.map { Plan(call: state.callCount + $0, problem: problem, happens: happens) }
        }
    }

    /// Calls of all doors so far.
    package var callCount: Int { state.withLock { $0.callCount } }
    package var failedCalls: [FailedCall] { state.withLock { $0.failedCalls } }

    /// - Returns: how the call that was just counted is to fail; nil: it is not its turn.
    func failure(
        _ operation: StorageError.Operation, _ file: String
    ) -> (problem: StorageError.Problem, happens: Bool)? {
        state.withLock { state in
            guard let plan = state.plan, plan.call == state.callCount else { return nil }
            state.failedCalls.append(FailedCall(operation: operation, file: file))
            return (plan.problem, plan.happens)
        }
    }

    /// Counts a call. - Returns: whether it can succeed.
    func isThereForCall() -> Bool {
        state.withLock { state in
            state.callCount += 1
            guard state.isOn, let left = state.callsLeft else { return state.isOn }
            if left == 0 { state.isOn = false }
            state.callsLeft = left - 1
            return left > 0
        }
    }

    /// Whether a call that fails has done its work.
    func leavesEffect() -> Bool {
        state.withLock { state in
            guard var dice = state.dice else { return false }
            defer { state.dice = dice }
            return Bool.random(using: &dice)
        }
    }
}
