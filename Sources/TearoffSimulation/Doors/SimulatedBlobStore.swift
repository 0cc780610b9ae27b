import Synchronization
import TearoffCore
package import TearoffLog

/// Blobs and named files in memory; whole or absent after a crash, and damaged on request.
package final class SimulatedBlobStore: BlobStore {
    private struct State {
        var faults: FaultPlan
        var blobs: [BlobID: [UInt8]] = [:]
        /// Removed, and there again after a power failure if the directory was not written by then.
        var removed: [BlobID: [UInt8]] = [:]
        var named: [String: [UInt8]] = [:]
    }

    private let state: Mutex<State>

    package init(power: SimulatedPower = SimulatedPower()) { state = Mutex(State(faults: FaultPlan(power))) }

    package func makeWriter() throws(StorageError) -> sending any BlobWriter {
        try locked { (state) throws(StorageError) in try state.faults.check(.create, "blobs") }
        return SimulatedBlobWriter(self)
    }

    package func open(_ id: BlobID) throws(StorageError) -> sending any BlobReader {
        SimulatedBlobReader(id, bytes: try bytes(of: id, for: .open))
    }

    package func contains(_ id: BlobID) throws(StorageError) -> Bool {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.stat, "blobs/\(id)")
            return state.blobs[id] != nil
        }
    }

    package func byteCount(_ id: BlobID) throws(StorageError) -> UInt64 {
        UInt64(try bytes(of: id, for: .stat).count)
    }

    package func all() throws(StorageError) -> [BlobID] {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.list, "blobs")
            return state.blobs.keys.sorted { $0.description < $1.description }
        }
    }

    package func remove(_ id: BlobID) throws(StorageError) {
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.remove, "blobs/\(id)")
            guard let bytes = state.blobs[id] else {
                throw StorageError(.remove, file: "blobs/\(id)", problem: .missing)
            }
            if effect.happens {
                state.blobs[id] = nil
                state.removed[id] = bytes
            }
            try effect.end()
        }
    }

    package func writeNamed(_ name: String, _ bytes: [UInt8]) throws(StorageError) {
        precondition(BlobNames.isValid(name), "\(name) is no name for a file here")
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.write, "snapshots/\(name)")
            if effect.happens { state.named[name] = bytes }
            try effect.end()
        }
    }

    package func readNamed(_ name: String) throws(StorageError) -> [UInt8] {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.read, "snapshots/\(name)")
            guard let bytes = state.named[name] else {
                throw StorageError(.read, file: "snapshots/\(name)", problem: .missing)
            }
            return bytes
        }
    }

    package func listNamed() throws(StorageError) -> [String] {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.list, "snapshots")
            return state.named.keys.filter { !$0.hasSuffix(BlobNames.asideSuffix) }.sorted()
        }
    }

    package func removeNamed(_ name: String) throws(StorageError) {
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.remove, "snapshots/\(name)")
            guard state.named[name] != nil else {
                throw StorageError(.remove, file: "snapshots/\(name)", problem: .missing)
            }
            if effect.happens { state.named[name] = nil }
            try effect.end()
        }
    }

    package func setAside(_ name: String) throws(StorageError) {
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.rename, "snapshots/\(name)")
            guard let bytes = state.named[name] else {
                throw StorageError(.rename, file: "snapshots/\(name)", problem: .missing)
            }
            if effect.happens {
                state.named[name] = nil
                state.named[name + BlobNames.asideSuffix] = bytes
            }
            try effect.end()
        }
    }

    func finish(_ bytes: [UInt8]) throws(StorageError) -> BlobID {
        let id = Self.identity(of: bytes)
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.sync, "blobs/\(id)")
            if effect.happens {
                state.blobs[id] = bytes
                state.removed[id] = nil
            }
            try effect.end()
        }
        return id
    }

    private func bytes(of id: BlobID, for operation: StorageError.Operation) throws(StorageError) -> [UInt8] {
        try locked { (state) throws(StorageError) in
            try state.faults.check(operation, "blobs/\(id)")
            guard let bytes = state.blobs[id] else {
                throw StorageError(operation, file: "blobs/\(id)", problem: .missing)
            }
            return bytes
        }
    }

    private func locked<Result: Sendable>(
        _ body: (inout State) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let outcome: Swift.Result<Result, StorageError> = state.withLock { state in
            do throws(StorageError) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

extension SimulatedBlobStore {
    /// Fails the n-th call from now on (1 is the next); nil ends the plan.
    package func fail(call: Int?, with problem: StorageError.Problem = FaultPlan.inputOutputError) {
        state.withLock { $0.faults.fail(call: call, with: problem) }
    }

    package var callCount: Int { state.withLock { $0.faults.callCount } }
    package var failureCount: Int { state.withLock { $0.faults.failureCount } }

    /// As they are, damaged or not; nil when there is no such blob.
    package func bytes(of id: BlobID) -> [UInt8]? { state.withLock { $0.blobs[id] } }

    /// Puts any bytes in a blob's place, or takes it away.
    package func replace(_ id: BlobID, with bytes: [UInt8]?) {
        state.withLock { $0.blobs[id] = bytes }
    }

    /// The power fails: each removed blob may be there again.
    package func crash(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        state.withLock { state in
            for (id, bytes) in state.removed.sorted(by: { $0.key.description < $1.key.description })
            where Bool.random(using: &dice) {
                state.blobs[id] = bytes
            }
            state.removed = [:]
        }
    }

    /// A store of its own with the same content.
    package func copy(power: SimulatedPower = SimulatedPower()) -> SimulatedBlobStore {
        let (blobs, named) = state.withLock { ($0.blobs, $0.named) }
        let other = SimulatedBlobStore(power: power)
        other.state.withLock { ($0.blobs, $0.named) = (blobs, named) }
        return other
    }

    /// Puts any bytes in a named file's place, or takes it away.
    package func replaceNamed(_ name: String, with bytes: [UInt8]?) {
        state.withLock { $0.named[name] = bytes }
    }

    /// Stands in for SHA-256, which only the real storage has: four CRCs and mixers over all bytes.
    /// Enough to tell simulated contents apart.
    package static func identity(of bytes: [UInt8]) -> BlobID {
        var id: [UInt8] = []
        for lane in UInt32(0)..<4 {
            let checksum = CRC32C.checksum(bytes.span, continuing: lane &* 0x9E37_79B9)
            var mixer = SplitMix64(seed: UInt64(checksum) << 32 | UInt64(truncatingIfNeeded: bytes.count))
            let word = mixer.next()
            id.append(contentsOf: (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) })
        }
        return BlobID(bytes: id)
    }
}

final class SimulatedBlobWriter: BlobWriter {
    private let store: SimulatedBlobStore
    private var bytes: [UInt8] = []

    init(_ store: SimulatedBlobStore) {
        self.store = store
    }

    var byteCount: UInt64 { UInt64(bytes.count) }

    func append(_ more: Span<UInt8>) throws(StorageError) {
        bytes.reserveCapacity(bytes.count + more.count)
        for index in more.indices { bytes.append(more[index]) }
    }

    func finish() throws(StorageError) -> BlobID { try store.finish(bytes) }

    func abandon() { bytes = [] }
}

final class SimulatedBlobReader: BlobReader {
    private let id: BlobID
    private let content: [UInt8]
    private var position = 0

    init(_ id: BlobID, bytes: [UInt8]) {
        self.id = id
        content = bytes
    }

    var byteCount: UInt64 { UInt64(content.count) }

    func read(upTo countMax: Int, into bytes: inout [UInt8]) throws(StorageError) {
        let end = min(content.count, position + countMax)
        bytes = Array(content[position..<end])
        position = end
        guard bytes.isEmpty, SimulatedBlobStore.identity(of: content) != id else { return }
        throw StorageError(.read, file: "blobs/\(id)", problem: .damaged)
    }
}
