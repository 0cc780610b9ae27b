/// How a lane writes.
package struct LaneSettings: Equatable, Sendable {
    package enum Completion: Sendable {
        /// Waits in the tick while flushes are fast, completes later while they are slow.
        case measured
        case inline
        case asynchronous
    }

    /// zstd's level; -1 compresses WAL records at several hundred MB/s.
    package var compressionLevel: Int32 = -1
    package var completion = Completion.measured

    package init() {}
}

/// The place where a segment of a lane begins: what a snapshot remembers of each lane.
package struct LanePosition: Equatable, Sendable {
    package var segment: SegmentNumber
    /// The number of the first records frame that is, or will be, in it or after it.
    package var frame: FrameNumber
    /// The header checksum of the lane's frame before it, of whatever kind; 0 when there is none.
    package var previousHeaderCRC32C: UInt32

    package init(segment: SegmentNumber, frame: FrameNumber, previousHeaderCRC32C: UInt32) {
        self.segment = segment
        self.frame = frame
        self.previousHeaderCRC32C = previousHeaderCRC32C
    }

    /// Of a lane that never wrote.
    package static let start = LanePosition(segment: .first, frame: .first, previousHeaderCRC32C: 0)
}

/// Where a lane's writer goes on: always in a new segment.
package struct LaneStart: Equatable, Sendable {
    package var segment: SegmentNumber
    package var nextFrame: FrameNumber
    package var previousHeaderCRC32C: UInt32
    /// Whether losing the lane's last records frame would be noticed: something later vouches for it.
    package var lastFrameIsVouched: Bool

    package init(
        segment: SegmentNumber, nextFrame: FrameNumber, previousHeaderCRC32C: UInt32, lastFrameIsVouched: Bool
    ) {
        self.segment = segment
        self.nextFrame = nextFrame
        self.previousHeaderCRC32C = previousHeaderCRC32C
        self.lastFrameIsVouched = lastFrameIsVouched
    }

    /// Of a lane that never wrote.
    package static let first = LaneStart(
        segment: .first, nextFrame: .first, previousHeaderCRC32C: 0, lastFrameIsVouched: true)
}

/// How far a commit came. Whatever is returned, ``LaneWriter/durableFrame`` says which replies may leave.
package enum CommitProgress: Equatable, Sendable {
    /// There was nothing to do.
    case idle
    /// Everything that was cut is durable.
    case durable
    /// A write completes later: call ``LaneWriter/poll()`` when the descriptor is readable.
    case inFlight
    /// The next segment is not ready; the frame is kept, and the supply wakes the lane.
    case waitingForSegment
}

/// Why a lane accepts nothing any more. Kept for good: every later call throws the same value.
package struct LogFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let lane: LaneID
    package let cause: StorageError

    package init(lane: LaneID, cause: StorageError) {
        self.lane = lane
        self.cause = cause
    }

    package var description: String { "log lane \(lane) failed: \(cause)" }
}

/// What a lane has done since it was made.
package struct LaneCounters: Equatable, Sendable {
    /// Records frames, durable.
    package var frames: UInt64 = 0
    package var records: UInt64 = 0
    package var seals: UInt64 = 0
    package var closes: UInt64 = 0
    /// Payload before and after compression.
    package var payloadBytes: UInt64 = 0
    package var storedBytes: UInt64 = 0
    /// With headers and padding: what the device got.
    package var writtenBytes: UInt64 = 0
    package var flushes: UInt64 = 0
    package var flushNanoseconds: UInt64 = 0
    package var asynchronousFlushes: UInt64 = 0
    /// Those of ``LogLimits/slowFlushNanoseconds`` or more.
    package var slowFlushes: UInt64 = 0
    package var segmentWaits: UInt64 = 0

    package init() {}
}
