import Synchronization
package import TearoffLog

/// A log directory in memory, with the faults of a real one: crashes that leave any subset of a write's
/// sectors, failing calls, slow completions, reads of what never became durable. No threads, no clock.
package final class SimulatedLogStorage: LogStorage {
    package enum Completion: Sendable {
        /// A write is durable when it was begun.
        case immediate
        /// A write is durable when ``complete(_:)`` says so, or when its lane waits for it.
        case manual
    }

    /// A disk's atomic unit.
    package static let sectorBytes = 512

    struct Write {
        let segment: SegmentID
        let offset: Int
        let bytes: [UInt8]
    }

    struct State {
        var random: SplitMix64
        var faults: FaultPlan
        var completion = Completion.immediate
        /// What is on the medium.
        var durable: [SegmentID: [UInt8]] = [:]
        /// Removed, and there again after a power failure as long as the directory is not synced.
        var removed: [SegmentID: [UInt8]] = [:]
        /// Writes that a cache shows and the medium lacks, until ``SimulatedLogStorage/settle()``.
        var cached: [Write] = []
        var inFlight: [LaneID: Write] = [:]
        var completed: Set<LaneID> = []
        /// Raised by a crash: lanes of an earlier life are dead.
        var life = 0
        var foreignNames: [String] = []
        var flushNanoseconds: UInt64 = 100_000
    }

    package let blockBytes: Int
    package let cipher: (any DirectoryCipher)?
    let state: Mutex<State>

    package init(
        seed: UInt64, blockBytes: Int = 512, power: SimulatedPower = SimulatedPower(),
        cipher: (any DirectoryCipher)? = nil
    ) {
        precondition(SegmentHeader.isBlockSize(blockBytes), "block of \(blockBytes) bytes")
        self.blockBytes = blockBytes
        self.cipher = cipher
        state = Mutex(State(random: SplitMix64(seed: seed), faults: FaultPlan(power)))
    }

    package func settle() throws(StorageError) {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.sync, "wal")
            state.cached = []
        }
    }

    package func list() throws(StorageError) -> SegmentListing {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.list, "wal")
            let files = state.durable.map { SegmentFile(id: $0.key, byteCount: UInt64($0.value.count)) }
            return SegmentListing(segments: files, foreignNames: state.foreignNames)
        }
    }

    package func prepareSegment(_ header: SegmentHeader) throws(StorageError) {
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.allocate, header.id.description)
            precondition(state.durable[header.id] == nil, "\(header.id) exists")
            var bytes = header.encoded()
            bytes.append(contentsOf: repeatElement(0, count: Int(header.segmentBytes) - bytes.count))
            if effect.happens { state.durable[header.id] = bytes }
            try effect.end()
        }
    }

    package func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage {
        let life = try locked { (state) throws(StorageError) in
            try state.faults.check(.create, "lane \(lane)")
            return state.life
        }
        return SimulatedLane(lane, of: self, life: life)
    }

    package func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        precondition(offset.rawValue.isMultiple(of: 4096) && count.isMultiple(of: 4096), "unaligned read")
        bytes = try locked { (state) throws(StorageError) in
            try state.faults.check(.read, segment.description, offset)
            guard let file = state.durable[segment] else {
                throw StorageError(.read, file: segment.description, offset: offset, problem: .missing)
            }
            let start = Int(offset.rawValue)
            guard start + count <= file.count else {
                let problem = StorageError.Problem.truncated(expected: count, got: max(0, file.count - start))
                throw StorageError(.read, file: segment.description, offset: offset, problem: problem)
            }
            var seen = file
            for write in state.cached where write.segment == segment {
                seen.replaceSubrange(write.offset..<(write.offset + write.bytes.count), with: write.bytes)
            }
            return Array(seen[start..<(start + count)])
        }
    }

    package func remove(_ segment: SegmentID) throws(StorageError) {
        try locked { (state) throws(StorageError) in
            let effect = state.faults.effect(.remove, segment.description)
            guard let bytes = state.durable[segment] else {
                throw StorageError(.remove, file: segment.description, problem: .missing)
            }
            if effect.happens {
                state.durable[segment] = nil
                state.removed[segment] = bytes
            }
            try effect.end()
        }
    }

    package func syncDirectory() throws(StorageError) {
        try locked { (state) throws(StorageError) in
            try state.faults.check(.sync, "wal")
            state.removed = [:]
        }
    }

    /// `Mutex.withLock` with this module's error type.
    func locked<Result: Sendable>(
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
