import Synchronization
package import TearoffLog

/// The file of the deliveries in memory.
package final class SimulatedDeliveryStorage: DeliveryStorage {
    private struct State {
        var faults: FaultPlan
        var bytes: [UInt8]?
        var aside: [UInt8]?
    }

    private static let name = "feed/deliveries"
    private let state: Mutex<State>

    package init(power: SimulatedPower = SimulatedPower()) { state = Mutex(State(faults: FaultPlan(power))) }

    package func read() throws(StorageError) -> [UInt8]? {
        try state.withLock { state throws(StorageError) in
            try state.faults.check(.read, Self.name)
            return state.bytes
        }
    }

    package func replace(_ bytes: [UInt8]) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let effect = state.faults.effect(.write, Self.name)
            if effect.happens { state.bytes = bytes }
            try effect.end()
        }
    }

    package func setAside() throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let effect = state.faults.effect(.rename, Self.name)
            if effect.happens {
                state.aside = state.bytes
                state.bytes = nil
            }
            try effect.end()
        }
    }
}

extension SimulatedDeliveryStorage {
    /// Fails the n-th call from now on (1 is the next); nil ends the plan.
    package func fail(call: Int?, with problem: StorageError.Problem = FaultPlan.inputOutputError) {
        state.withLock { $0.faults.fail(call: call, with: problem) }
    }

    package var failureCount: Int { state.withLock { $0.faults.failureCount } }
    package var callCount: Int { state.withLock { $0.faults.callCount } }
    package var aside: [UInt8]? { state.withLock { $0.aside } }

    package var bytes: [UInt8]? {
        get { state.withLock { $0.bytes } }
        set { state.withLock { $0.bytes = newValue } }
    }
}
