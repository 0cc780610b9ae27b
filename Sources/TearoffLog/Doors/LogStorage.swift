/// A directory of WAL segments. Real: `DirectoryLogStorage`. Tests: `SimulatedLogStorage`.
///
/// May be called from several threads at once; each call stands alone.
package protocol LogStorage: Sendable {
    /// Alignment of every write: the device's logical block, a power of two from 512 to 4096.
    var blockBytes: Int { get }

    /// Encrypts each frame; nil: the directory is not encrypted. Segments are read and written as they are.
    var cipher: (any DirectoryCipher)? { get }

    /// Makes durable whatever can be read now, so that nothing which recovery believes can vanish
    /// in a later power failure (a page or a drive's cache may hold what never reached the media), and waits for what a
    /// process that was killed has still under way. Called before the first read of a recovery.
    func settle() throws(StorageError)

    /// Every segment file and every name that is none, in no order.
    func list() throws(StorageError) -> SegmentListing

    /// Makes a segment whose blocks are all allocated and were all written once (with zeros), so that a
    /// commit moves no metadata; durable on return. Until then no file has the segment's name. Takes tens of
    /// milliseconds: background work.
    func prepareSegment(_ header: SegmentHeader) throws(StorageError)

    /// The writer's side of one lane, to be used from one thread at a time.
    func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage

    /// Replaces `bytes` by `count` bytes of the medium (never of a stale cache), or throws;
    /// fewer bytes are an error. Offset and count are multiples of 4096.
    func read(_ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8])
        throws(StorageError)

    /// Removes a segment that a durable snapshot covers; durable after ``syncDirectory()``.
    func remove(_ segment: SegmentID) throws(StorageError)

    func syncDirectory() throws(StorageError)
}

extension LogStorage {
    package var cipher: (any DirectoryCipher)? { nil }
}

/// What a log directory holds.
package struct SegmentListing: Equatable, Sendable {
    package var segments: [SegmentFile]
    /// Names that are no segment's: not ours to touch, told to the operator.
    package var foreignNames: [String]

    package init(segments: [SegmentFile] = [], foreignNames: [String] = []) {
        self.segments = segments
        self.foreignNames = foreignNames
    }
}
