import TearoffCore
package import TearoffLog

/// What the data lanes hold, in portions: whole frames in an order in which few records wait for others, cut
/// by shard.
struct LaneFeed {
    /// Bytes of payload in a portion, whatever its records: a bound for long ids.
    private static let bytesMaximum = 16 << 20

    private let shardCount: UInt16
    /// Records of a portion; the last frame may go over it.
    private let recordsMaximum: Int
    private var lanes: [LaneFrames]
    private let lives: [LifeStart]
    private var life = 0
    /// By lane: where the frames of this life end.
    private var boundaries: [LaneID: SegmentNumber]
    /// Whether this life had a frame at all.
    private var lifeHasFrames = false

    /// By shard: the records of the portion.
    var batches: [AllocationBatch]
    private(set) var portion = Portion()
    private(set) var framesRead: UInt64 = 0
    /// The latest time of any frame.
    private(set) var at = Timestamp.zero

    /// What is to be known of a portion beside its records.
    struct Portion: Sendable {
        /// No record of an earlier life comes after these.
        var endsLife = false
        var isLast = false
        /// The frame of these records, if they are of one.
        var frame: FrameInfo?
        /// Met behind these records; nothing follows.
        var problem: RecoveryError?
    }

    init(_ lanes: consuming [LaneFrames], lives: [LifeStart], source: RecoverySource) {
        self.lanes = lanes
        self.lives = lives
        shardCount = source.shardCount
        recordsMaximum = source.portionRecords
        boundaries = Self.boundaries(of: lives[...])
        batches = (0..<shardCount).map { _ in AllocationBatch() }
    }

    var bytesRead: UInt64 { lanes.reduce(0) { $0 + $1.reader.bytesRead } }

    /// How each lane ended; to be asked for after the last portion.
    var ends: [LaneEnd] { lanes.map(\.reader.end) }

    /// Reads the next portion. The batches must have been emptied or taken.
    mutating func read() {
        precondition(!portion.isLast && portion.problem == nil, "read on behind the end")
        portion = Portion()
        do throws(RecoveryError) {
            try fill()
        } catch {
            portion.problem = error
        }
    }

    private mutating func fill() throws(RecoveryError) {
        var (records, bytes, frames) = (0, 0, 0)
        while records < recordsMaximum, bytes < Self.bytesMaximum {
            guard let index = earliest() else {
                if try endLife() { return }
                continue
            }
            guard let frame = lanes[index].head else { return }
            lifeHasFrames = true
            let payload = lanes[index].reader.payload
            try cut(payload.span, of: frame)
            records += frame.recordCount
            bytes += payload.count
            frames += 1
            framesRead += 1
            portion.frame = frames == 1 ? frame : nil
            at = max(at, Timestamp(milliseconds: frame.timeMilliseconds))
            try lanes[index].advance()
        }
    }

    /// - Returns: whether the portion is to end here. A life without frames leaves nothing to wait for.
    private mutating func endLife() throws(RecoveryError) -> Bool {
        life += 1
        portion.endsLife = lifeHasFrames
        lifeHasFrames = false
        guard life <= lives.count else {
            portion.isLast = true
            return true
        }
        boundaries = Self.boundaries(of: lives[life...])
        return portion.endsLife
    }

    private mutating func cut(_ payload: Span<UInt8>, of frame: FrameInfo) throws(RecoveryError) {
        do throws(RecordError) {
            try AllocationDecoder.decode(payload, shardCount: shardCount) { record, user, beside in
                batches[Int(record.shard.rawValue)].append(record, user: user, beside: beside)
            }
        } catch {
            throw RecoveryError(contradiction: "\(error)", in: frame)
        }
    }
}

extension LaneFeed {
    /// By lane: the first segment of any later life. A lane that was idle for some lives ends where it came
    /// back.
    private static func boundaries(of later: ArraySlice<LifeStart>) -> [LaneID: SegmentNumber] {
        let starts = later.flatMap(\.lanes).compactMap { lane in lane.segment.map { (lane.lane, $0) } }
        return Dictionary(starts, uniquingKeysWith: { first, _ in first })
    }

    /// The lane whose next frame of this life is the earliest, so that all lanes are read at about the same
    /// pace.
    private func earliest() -> Int? {
        var best: Int?
        for (index, lane) in lanes.enumerated() {
            guard let frame = lane.head else { continue }
            if let boundary = boundaries[lane.lane], frame.segment.number >= boundary { continue }
            if let other = best, let earlier = lanes[other].head,
                earlier.timeMilliseconds <= frame.timeMilliseconds
            {
                continue
            }
            best = index
        }
        return best
    }
}

/// One lane with the frame that comes next.
struct LaneFrames {
    let lane: LaneID
    let reader: LaneReader
    private(set) var head: FrameInfo?

    init(lane: LaneID, reader: LaneReader) throws(RecoveryError) {
        self.lane = lane
        self.reader = reader
        head = try reader.next()
    }

    mutating func advance() throws(RecoveryError) {
        head = try reader.next()
    }
}

extension RecoveryError {
    /// A frame is whole, and says what cannot be true.
    package init(contradiction problem: String, in frame: FrameInfo) {
        self.init(.contradictory, at: frame.place, problem: problem)
    }

    /// The same, of a frame or of several together.
    init(contradiction problem: String, in frame: FrameInfo?) {
        if let frame {
            self.init(contradiction: problem, in: frame)
        } else {
            self.init(.contradictory, file: "wal", problem: problem)
        }
    }
}
