/// What a reader tells of each records frame, beside its payload.
package struct FrameInfo: Equatable, Sendable {
    package let frame: FrameNumber
    package let segment: SegmentID
    package let offset: ByteOffset
    package let timeMilliseconds: UInt64
    package let recordCount: Int
}

/// A frame at the end of a lane that was being written when a life ended: nobody was told of it.
package struct TornTail: Equatable, Sendable, CustomStringConvertible {
    package let segment: SegmentID
    package let offset: ByteOffset
    /// The number that it would have had, and that the lane's next frame gets.
    package let frame: FrameNumber

    package var description: String {
        "\(segment) at byte \(offset): frame \(frame) is torn and was never acknowledged; it is left where it is"
    }
}

/// How a lane ended.
package struct LaneEnd: Equatable, Sendable {
    package let lane: LaneID
    package var nextFrame: FrameNumber
    /// Nil when the lane has no segment.
    package var highestSegment: SegmentNumber?
    /// Of the last frame; 0 when there is none.
    package var lastHeaderCRC32C: UInt32
    package var lastFrameIsVouched: Bool
    package var tornTails: [TornTail] = []
    package var frames: UInt64 = 0
    package var payloadBytes: UInt64 = 0

    /// Where a writer goes on.
    package var start: LaneStart {
        LaneStart(
            segment: highestSegment.map(\.next) ?? .first, nextFrame: nextFrame,
            previousHeaderCRC32C: lastHeaderCRC32C, lastFrameIsVouched: lastFrameIsVouched)
    }
}
