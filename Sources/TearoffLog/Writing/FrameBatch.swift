/// The records of a frame that is still open; the caller appends to it in place.
package struct FrameBatch: Sendable {
    /// The payload, encoded by the caller. Keep it within ``LaneWriter/payloadBytesMax``.
    package var bytes: [UInt8] = []
    package var recordCount = 0

    package init() {}

    package var isEmpty: Bool { recordCount == 0 }

    /// Forgets the records, keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        recordCount = 0
    }
}
