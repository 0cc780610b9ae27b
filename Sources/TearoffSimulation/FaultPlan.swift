package import TearoffLog

/// Which calls of a simulated door fail: the n-th one, as SQLite's tests do for n = 1, 2, 3 and so on.
package struct FaultPlan: Sendable {
    /// EIO on Linux.
    package static let inputOutputError = StorageError.Problem.system(code: 5, reason: "simulated I/O error")
    /// ENOSPC on Linux.
    package static let noSpace = StorageError.Problem.system(code: 28, reason: "simulated: no space left")

    /// Calls so far, from all doors of one storage.
    package private(set) var callCount = 0
    /// How many of them failed.
    package private(set) var failureCount = 0
    private var failing: (call: Int, problem: StorageError.Problem)?

    /// - Parameter call: counted from 1 and from now on; nil ends the plan.
    package mutating func fail(call: Int?, with problem: StorageError.Problem) {
        failing = call.map { (callCount + $0, problem) }
    }

    /// Counts a call, and fails it when it is its turn.
    mutating func check(
        _ operation: StorageError.Operation, _ file: String, _ offset: ByteOffset? = nil
    ) throws(StorageError) {
        callCount += 1
        guard let failing, failing.call == callCount else { return }
        failureCount += 1
        throw StorageError(operation, file: file, offset: offset, problem: failing.problem)
    }
}
