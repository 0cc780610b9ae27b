import Synchronization
import TearoffLog

/// A lane whose n-th write fails as on a broken disk: for tests of what the whole server does then.
final class FailingLane: LaneStorage {
    private let lane: any LaneStorage
    private let countdown: WriteCountdown

    init(_ lane: any LaneStorage, _ countdown: WriteCountdown) {
        self.lane = lane
        self.countdown = countdown
    }

    func open(segment: SegmentNumber) throws(StorageError) { try lane.open(segment: segment) }

    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError) {
        guard countdown.permitsOneMore() else {
            throw .system(5, .write, "wal, by wish of a test", offset: offset.rawValue)
        }
        try lane.begin(bytes, at: offset, notify: notify)
    }

    func wait() throws(StorageError) { try lane.wait() }
    func poll() throws(StorageError) -> Bool { try lane.poll() }
    var lastWriteNanoseconds: UInt64 { lane.lastWriteNanoseconds }
    var completionDescriptor: CInt { lane.completionDescriptor }
    var mechanism: String { lane.mechanism }
}

/// How many writes of all lanes together still succeed.
final class WriteCountdown: Sendable {
    private let remaining: Atomic<Int>

    init(_ writes: Int) { remaining = Atomic(writes) }

    func permitsOneMore() -> Bool { remaining.subtract(1, ordering: .relaxed).oldValue > 0 }
}
