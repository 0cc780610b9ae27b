/// What a reader tells of each records frame, beside its payload.
package struct FrameInfo: Equatable, Sendable {
    package let frame: FrameNumber
    package let segment: SegmentID
    package let offset: ByteOffset
    package let timeMilliseconds: UInt64
    package let recordCount: Int

    package var place: FramePlace { FramePlace(segment: segment, offset: offset, frame: frame) }
}

/// Where a frame stands, or should.
package struct FramePlace: Equatable, Sendable, CustomStringConvertible {
    package let segment: SegmentID
    package let offset: ByteOffset
    package let frame: FrameNumber

    package init(segment: SegmentID, offset: ByteOffset, frame: FrameNumber) {
        self.segment = segment
        self.offset = offset
        self.frame = frame
    }

    package var description: String { "\(segment) at byte \(offset), frame \(frame)" }
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
    /// Frames that were being written when a life ended: nobody was told of them, and the lane's next frame gets their
    /// number.
    package var tornTails: [FramePlace] = []
    /// Where the next frame would stand, had this life gone on: what is missing, as others say, is missing there. Nil
    /// when the lane has no segment.
    package var place: FramePlace?
    package var frames: UInt64 = 0
    package var payloadBytes: UInt64 = 0

    /// Where a writer goes on.
    package var start: LaneStart {
        LaneStart(
            segment: highestSegment.map(\.next) ?? .first, nextFrame: nextFrame,
            previousHeaderCRC32C: lastHeaderCRC32C, lastFrameIsVouched: lastFrameIsVouched)
    }
}
