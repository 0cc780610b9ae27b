/// The sizes that the log keeps to. Each bounds memory or is part of the format.
package enum LogLimits {
    /// A frame's payload before compression. Bounds what recovery allocates for one frame.
    package static let payloadBytesMax = 4 << 20

    /// A flush that takes so long is told (DURABILITY, row 40): some 1,000 times what a drive takes.
    package static let slowFlushNanoseconds: UInt64 = 1_000_000_000

    /// Segment files: 64 MiB takes 30 ms to zero (measured) and is rotated seldom.
    package static let segmentBytesDefault: UInt64 = 64 << 20

    /// A control segment holds some 50,000 changes; a start or a snapshot begins a new one.
    package static let controlSegmentBytesMax: UInt64 = 4 << 20

    /// What the format allows; tests rotate such small segments often.
    package static let segmentBytesFormatMin: UInt64 = 64 << 10

    /// A bound on what a header may claim, so that no sum of offsets can overflow.
    package static let segmentBytesFormatMax: UInt64 = 1 << 40

    /// The first frame's place: the segment header has a whole 4 KiB block for itself.
    package static let segmentHeaderBytes = 4096

    /// Direct I/O needs writes aligned to the device's logical block; larger than this is not known.
    package static let blockBytesMax = 4096
    package static let blockBytesMin = 512

    /// Recovery reads in pieces of this size (and of a single frame, where that is larger).
    package static let readWindowBytes = 1 << 20

    /// Rounds up to a multiple of a power of two.
    package static func round(_ bytes: Int, upTo alignment: Int) -> Int {
        (bytes + alignment - 1) & ~(alignment - 1)
    }
}
