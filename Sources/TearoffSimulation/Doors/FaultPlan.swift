package import TearoffLog

/// Which calls of a simulated door fail: the n-th one, as SQLite's tests do for n = 1, 2, 3 and so on; and every
/// one without power.
package struct FaultPlan: Sendable {
    /// EIO on Linux.
    package static let inputOutputError = StorageError.Problem.system(code: 5, reason: "simulated I/O error")
    /// ENOSPC on Linux.
    package static let noSpace = StorageError.Problem.system(code: 28, reason: "simulated: no space left")
    /// What a call without power comes to; nobody is there to read it.
    package static let powerIsOff = StorageError.Problem.system(code: 5, reason: "simulated: the power is off")

    /// Calls so far, from all doors of one storage.
    package private(set) var callCount = 0
    /// How many of them failed.
    package private(set) var failureCount = 0
    private var failing: (call: Int, problem: StorageError.Problem)?
    private let power: SimulatedPower

    init(_ power: SimulatedPower) { self.power = power }

    /// - Parameter call: counted from 1 and from now on; nil ends the plan.
    package mutating func fail(call: Int?, with problem: StorageError.Problem) {
        failing = call.map { (callCount + $0, problem) }
    }

    /// Counts a call, and fails it when it is its turn.
    mutating func check(
        _ operation: StorageError.Operation, _ file: String, _ offset: ByteOffset? = nil
    ) throws(StorageError) {
        if let (failure, _) = failure(operation, file, offset) { throw failure }
    }

    /// Counts a call that changes something. The caller does it if it ``Effect/happens``, and then ends the call.
    mutating func effect(
        _ operation: StorageError.Operation, _ file: String, _ offset: ByteOffset? = nil
    ) -> Effect {
        let failure = failure(operation, file, offset)
        return Effect(happens: failure?.happens ?? true, failure: failure?.error)
    }

    struct Effect {
        let happens: Bool
        fileprivate let failure: StorageError?

        func end() throws(StorageError) { if let failure { throw failure } }
    }

    private mutating func failure(
        _ operation: StorageError.Operation, _ file: String, _ offset: ByteOffset?
    ) -> (error: StorageError, happens: Bool)? {
        guard let (problem, happens) = problem(operation, file) else { return nil }
        failureCount += 1
        return (StorageError(operation, file: file, offset: offset, problem: problem), happens)
    }

    private mutating func problem(
        _ operation: StorageError.Operation, _ file: String
    ) -> (problem: StorageError.Problem, happens: Bool)? {
        callCount += 1
        guard power.isThereForCall() else { return (Self.powerIsOff, power.leavesEffect()) }
        if let failure = power.failure(operation, file) { return failure }
        guard let failing, failing.call == callCount else { return nil }
        return (failing.problem, power.leavesEffect())
    }
}
