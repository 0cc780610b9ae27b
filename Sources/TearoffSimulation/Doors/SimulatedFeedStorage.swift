import Synchronization
import TearoffCore
package import TearoffLog

/// The files of the feed in memory. A write that fails, or that the power cuts off, leaves a part of its bytes.
package final class SimulatedFeedStorage: FeedStorage {
    private struct State {
        var faults: FaultPlan
        var files: [FeedSequence: [UInt8]] = [:]
        var refusesRemovals = false
    }

    package let cipher: (any DirectoryCipher)?
    private let state: Mutex<State>

    package init(power: SimulatedPower = SimulatedPower(), cipher: (any DirectoryCipher)? = nil) {
        self.cipher = cipher
        state = Mutex(State(faults: FaultPlan(power)))
    }

    package func list() throws(StorageError) -> [FeedFile] {
        try state.withLock { state throws(StorageError) in
            try state.faults.check(.list, "feed")
            return state.files.sorted { $0.key < $1.key }.map {
                FeedFile(first: $0.key, byteCount: UInt64($0.value.count))
            }
        }
    }

    package func create(_ first: FeedSequence) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let effect = state.faults.effect(.create, Self.name(first))
            if effect.happens { state.files[first] = state.files[first] ?? [] }
            try effect.end()
        }
    }

    package func write(_ bytes: Span<UInt8>, to first: FeedSequence, at offset: UInt64) throws(StorageError) {
        let bytes = bytes.copy
        try state.withLock { state throws(StorageError) in
            guard var file = state.files[first] else {
                throw StorageError(.write, file: Self.name(first), problem: .missing)
            }
            let offset = Int(offset)
            precondition(offset <= file.count, "a hole in \(Self.name(first))")
            let effect = state.faults.effect(.write, Self.name(first))
            var left = bytes[...]
            if !effect.happens { left = left.prefix(bytes.count * 2 / 3) }
            file.replaceSubrange(offset..<min(file.count, offset + left.count), with: left)
            state.files[first] = file
            try effect.end()
        }
    }

    package func read(
        _ first: FeedSequence, from offset: UInt64, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        bytes = try state.withLock { state throws(StorageError) in
            try state.faults.check(.read, Self.name(first))
            guard let file = state.files[first] else {
                throw StorageError(.read, file: Self.name(first), problem: .missing)
            }
            return Array(file.dropFirst(Int(offset)).prefix(count))
        }
    }

    package func remove(_ first: FeedSequence) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            if state.refusesRemovals {
                throw StorageError(.remove, file: Self.name(first), problem: FaultPlan.inputOutputError)
            }
            let effect = state.faults.effect(.remove, Self.name(first))
            if effect.happens, state.files.removeValue(forKey: first) == nil {
                throw StorageError(.remove, file: Self.name(first), problem: .missing)
            }
            try effect.end()
        }
    }

    private static func name(_ first: FeedSequence) -> String { "feed/\(FeedFile.name(of: first))" }
}

extension SimulatedFeedStorage {
    /// Fails the n-th call from now on (1 is the next); nil ends the plan.
    package func fail(call: Int?, with problem: StorageError.Problem = FaultPlan.inputOutputError) {
        state.withLock { $0.faults.fail(call: call, with: problem) }
    }

    /// From now on files cannot be removed, or can again.
    package func refuse(removals: Bool) { state.withLock { $0.refusesRemovals = removals } }

    package var failureCount: Int { state.withLock { $0.faults.failureCount } }
    package var callCount: Int { state.withLock { $0.faults.callCount } }

    package var files: [FeedSequence: [UInt8]] { state.withLock { $0.files } }

    /// A directory of its own with the same files.
    package func copy(power: SimulatedPower = SimulatedPower()) -> SimulatedFeedStorage {
        let files = self.files
        let other = SimulatedFeedStorage(power: power, cipher: cipher)
        other.state.withLock { $0.files = files }
        return other
    }

    /// Puts any bytes in a file's place, or takes it away.
    package func replace(_ first: FeedSequence, with bytes: [UInt8]?) {
        state.withLock { $0.files[first] = bytes }
    }
}
