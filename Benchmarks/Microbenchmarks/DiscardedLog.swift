import TearoffLog

/// A log directory that keeps nothing, and where every write is durable at once: what a lane does is measured
/// without the disk.
struct DiscardedLog: LogStorage {
    /// What a disk usually says.
    let blockBytes = 512

    func settle() throws(StorageError) {}
    func list() throws(StorageError) -> SegmentListing { SegmentListing() }
    func prepareSegment(_ header: SegmentHeader) throws(StorageError) {}
    func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage { DiscardedLane() }
    func remove(_ segment: SegmentID) throws(StorageError) {}
    func syncDirectory() throws(StorageError) {}

    func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        throw StorageError(.read, file: segment.description, offset: offset, problem: .missing)
    }

    /// A new lane's writer, which waits in its commits.
    static func writer() throws(LogFailure) -> LaneWriter {
        try LogWriting.writer(
            LaneID(rawValue: 0), on: DiscardedLog(), segmentBytes: LogLimits.segmentBytesDefault)
    }
}

private final class DiscardedLane: LaneStorage {
    let lastWriteNanoseconds: UInt64 = 0
    let completionDescriptor: CInt = -1
    let mechanism = "none"

    func open(segment: SegmentNumber) throws(StorageError) {}
    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError) {}
    func wait() throws(StorageError) {}
    func poll() throws(StorageError) -> Bool { true }
}
