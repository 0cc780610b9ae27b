/// The writing end of one lane, with a ring (or thread) of its own.
///
/// At most one write is in flight. After any throw the object is poisoned: every later call throws,
/// nothing is tried again. It keeps its buffer until the system is done with it, whatever happens.
package protocol LaneStorage: AnyObject {
    /// Writes go to this prepared segment from now on. Nothing may be in flight.
    func open(segment: SegmentNumber) throws(StorageError)

    /// Starts one durable write of a copy of `bytes`: a whole number of blocks at a whole block.
    ///
    /// - Parameter notify: whether ``completionDescriptor`` becomes readable at the end; else ``wait()``
    ///   follows.
    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError)

    /// Returns when the write in flight is on stable media.
    func wait() throws(StorageError)

    /// Whether the write in flight has become durable; makes the descriptor unreadable again.
    func poll() throws(StorageError) -> Bool

    /// From `begin` to the completion as noticed, of the last write.
    var lastWriteNanoseconds: UInt64 { get }

    /// Readable once a write begun with `notify` is done; -1 in simulations, which poll.
    var completionDescriptor: CInt { get }

    /// For people: `io_uring` or `pwritev2`, with what is unusual about it.
    var mechanism: String { get }
}
