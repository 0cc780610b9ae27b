/// The sizes that the feed keeps to.
package enum FeedLimits {
    /// A frame that has so many events, or so many bytes of them, takes only what is of the same millisecond still.
    package static let eventsPerFrame = 16_384
    package static let payloadBytes = 2 << 20
    /// A frame that has so many takes no more in any case. Events of one user stand in their order within a frame, so
    /// a millisecond is not split below that.
    package static let eventsPerFrameMax = 4 * eventsPerFrame
    package static let eventBytesMax = 8 << 20
    /// Payload of a frame before compression: its events, a line for each of 257 lanes, and the signs of each of 65,536
    /// lists. Bounds what a reader allocates.
    package static let payloadBytesMax = 16 << 20
    /// Days before a list's expiry on which it is told, each once, when the list has none of its own.
    package static let expiryDays: [UInt32] = [7, 3, 1]
}
