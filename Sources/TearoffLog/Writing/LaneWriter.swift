/// Group commit of one lane: cuts batches into frames and writes them, one at a time, each durable before
/// the next, so that a valid frame vouches for every frame before it.
///
/// Used from one thread at a time: a loop's. Whatever a call returns, ``durableFrame`` says which
/// replies may leave. After any error the lane is poisoned: each later call throws the same
/// ``LogFailure``, nothing is retried, and no later frame is ever durable.
package final class LaneWriter {
    package let lane: LaneID

    /// The open batch; it will be frame ``openFrame``.
    package var batch = FrameBatch()
    package internal(set) var durableFrame: FrameNumber
    package internal(set) var counters = LaneCounters()
    /// Where the current segment begins.
    package internal(set) var position: LanePosition
    /// Whether ``startNewSegment()`` still waits for a commit to be carried out.
    package internal(set) var newSegmentIsPending = false

    let storage: any LaneStorage
    let supply: SegmentSupply
    var encoder: FrameEncoder
    var pace: FlushPace
    var failure: LogFailure?

    /// Cut, with the number `nextFrame`, and not yet given to the storage.
    var pending = FrameBatch()
    var timeMilliseconds: UInt64
    var nextFrame: FrameNumber
    var offset = ByteOffset(rawValue: UInt64(LogLimits.segmentHeaderBytes))
    var previousHeaderCRC32C: UInt32
    /// The last frame of the segment is a close frame: only opening the next segment may follow.
    var segmentIsClosed = false
    var lastFrameIsVouched: Bool
    var inFlight: InFlight?
    var waitIsCounted = false

    struct InFlight {
        let header: FrameHeader
        let paddedBytes: Int
        let isAsynchronous: Bool
    }

    /// Prepares and opens the lane's first segment (tens of milliseconds), and asks for the one after it.
    ///
    /// - Parameter timeMilliseconds: noted in the segment, for people.
    package init(
        lane: LaneID, supply: SegmentSupply, start: LaneStart, settings: LaneSettings,
        timeMilliseconds: UInt64
    ) throws(LogFailure) {
        precondition(start.nextFrame > .none, "frames count from 1")
        self.lane = lane
        self.supply = supply
        self.timeMilliseconds = timeMilliseconds
        nextFrame = start.nextFrame
        durableFrame = start.nextFrame.previous
        previousHeaderCRC32C = start.previousHeaderCRC32C
        lastFrameIsVouched = start.lastFrameIsVouched
        position = LanePosition(
            segment: start.segment, frame: start.nextFrame, previousHeaderCRC32C: start.previousHeaderCRC32C)
        pace = FlushPace(mode: settings.completion)
        encoder = FrameEncoder(
            directoryID: supply.directoryID, blockBytes: supply.blockBytes,
            compressionLevel: settings.compressionLevel)
        let segment = SegmentID(lane: lane, number: start.segment)
        do throws(StorageError) {
            storage = try supply.makeLane(lane)
            encoder.cipherKey = try supply.prepareNow(segment, timeMilliseconds: timeMilliseconds)
            try storage.open(segment: start.segment)
        } catch {
            throw LogFailure(lane: lane, cause: error)
        }
        supply.request(SegmentID(lane: lane, number: start.segment.next), timeMilliseconds: timeMilliseconds)
    }
}

extension LaneWriter {
    /// The number that the open batch will get, from its first record on; never changes for a batch.
    package var openFrame: FrameNumber {
        pending.isEmpty ? nextFrame : nextFrame.next
    }

    /// The most that one batch may hold: 4 MiB, or less in small segments.
    package var payloadBytesMax: Int {
        let room = Int(supply.segmentBytes(of: lane)) - LogLimits.segmentHeaderBytes - reservedBytes
        return min(LogLimits.payloadBytesMax, room - FrameHeader.byteCount - encoder.tagBytes)
    }

    /// Free behind every records frame: a block for its seal, and one for the segment's close frame.
    var reservedBytes: Int { 2 * supply.blockBytes }

    /// Whether a batch was cut that is not durable yet.
    package var isBusy: Bool { inFlight != nil || !pending.isEmpty || segmentIsClosed }

    /// Whether losing the last durable frame would go unnoticed: a seal is due once the lane is idle.
    package var needsSeal: Bool { !lastFrameIsVouched && !isBusy && batch.isEmpty && failure == nil }

    /// Moving mean over waited-for flushes.
    package var flushMicrosecondsMean: Double { Double(pace.meanNanoseconds) / 1000 }

    /// Readable when ``poll()`` has something to do.
    package var completionDescriptor: CInt { storage.completionDescriptor }
    package var mechanism: String { storage.mechanism }

    /// At the next commit the lane moves to a new segment first, even when the batch is empty then.
    /// A segment that holds no frame yet is new enough.
    package func startNewSegment() {
        newSegmentIsPending = true
    }
}
