import TearoffLog

/// One lane's end of a ``SimulatedLogStorage``.
final class SimulatedLane: LaneStorage {
    private let lane: LaneID
    private let storage: SimulatedLogStorage
    private let life: Int
    private var segment: SegmentID?
    private var isPoisoned = false
    private(set) var lastWriteNanoseconds: UInt64 = 0

    init(_ lane: LaneID, of storage: SimulatedLogStorage, life: Int) {
        self.lane = lane
        self.storage = storage
        self.life = life
    }

    var completionDescriptor: CInt { -1 }
    var mechanism: String { "simulated" }

    func open(segment number: SegmentNumber) throws(StorageError) {
        let segment = SegmentID(lane: lane, number: number)
        try call { (state) throws(StorageError) in
            try state.faults.check(.open, segment.description)
            guard state.durable[segment] != nil else {
                throw StorageError(.open, file: segment.description, problem: .missing)
            }
            precondition(state.inFlight[lane] == nil, "lane \(lane) changes its segment under a write")
        }
        self.segment = segment
    }

    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError) {
        guard let segment else { preconditionFailure("lane \(lane) has no segment") }
        precondition(bytes.count > 0 && bytes.count.isMultiple(of: storage.blockBytes), "unaligned write")
        precondition(offset.rawValue.isMultiple(of: UInt64(storage.blockBytes)), "unaligned write")
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        let write = SimulatedLogStorage.Write(segment: segment, offset: Int(offset.rawValue), bytes: copy)
        try call { (state) throws(StorageError) in
            precondition(state.inFlight[lane] == nil, "lane \(lane) has two writes in flight")
            precondition(
                write.offset + write.bytes.count <= state.durable[segment]?.count ?? 0, "a write past the end"
            )
            // Also of a write that fails, any part may reach the medium.
            state.inFlight[lane] = write
            state.completed.remove(lane)
            try state.faults.check(.write, segment.description, offset)
            if state.completion == .immediate { _ = state.complete(lane) }
        }
    }

    func wait() throws(StorageError) {
        try call { (state) throws(StorageError) in
            try state.faults.check(.wait, segment?.description ?? "wal")
            if state.inFlight[lane] != nil { _ = state.complete(lane) }
            precondition(state.completed.remove(lane) != nil, "lane \(lane) waits for nothing")
            lastWriteNanoseconds = state.flushNanoseconds
        }
    }

    func poll() throws(StorageError) -> Bool {
        try call { (state) throws(StorageError) in
            try state.faults.check(.wait, segment?.description ?? "wal")
            guard state.completed.remove(lane) != nil else { return false }
            lastWriteNanoseconds = state.flushNanoseconds
            return true
        }
    }

    private func call<Result: Sendable>(
        _ body: (inout SimulatedLogStorage.State) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        guard !isPoisoned else { throw StorageError(.write, file: "lane \(lane)", problem: .poisoned) }
        do throws(StorageError) {
            return try storage.locked { (state) throws(StorageError) in
                precondition(state.life == life, "lane \(lane) of an earlier life is used")
                return try body(&state)
            }
        } catch {
            isPoisoned = true
            throw error
        }
    }
}
