import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffStorage

/// Reads lanes from their oldest segment on: also what a snapshot covers, and a start would pass over.
struct LogWalk {
    private let catalog: LaneCatalog
    private let log: any LogStorage
    private let shardCount: UInt16
    private let snapshots: [SnapshotSurvey.Contents]
    /// Bytes of the lanes that were left.
    private var bytesLeft: UInt64 = 0
    private var recordsLeft: UInt64 = 0

    /// How far a walk is.
    struct Walked {
        /// Of the lane.
        let frames: UInt64
        let records: UInt64
        /// Of all lanes.
        let bytesRead: UInt64
        let recordsOfAll: UInt64
    }

    init(_ catalog: LaneCatalog, _ directory: ReadOnlyDirectory, snapshots: [SnapshotSurvey.Contents]) {
        self.catalog = catalog
        log = directory.log
        shardCount = directory.identity.shardCount
        self.snapshots = snapshots
    }

    /// Reads every frame of a lane and every record in it.
    ///
    /// - Returns: how the lane ended; nil when it has no frame.
    mutating func read(
        _ lane: LaneID, _ tell: (Walked) -> Void
    ) throws(RecoveryError) -> LaneEnd? {
        var (frames, records): (UInt64, UInt64) = (0, 0)
        defer {
            bytesLeft += catalog.byteCount(of: lane, from: .start)
            recordsLeft += records
        }
        guard let beginning = try beginning(of: lane) else { return nil }
        let reader = try LaneReader(lane, from: beginning, in: catalog, storage: log)
        while let frame = try reader.next() {
            let payload = reader.payload
            var counted = 0
            try FrameRecords.read(
                payload.span, of: frame, shardCount: shardCount, allocation: { _, _, _ in counted += 1 },
                repeats: { _, _, _ in counted += 1 }, control: { _ in counted += 1 })
            guard counted == frame.recordCount else {
                throw RecoveryError(
                    contradiction: "it holds \(counted) records, and its header says \(frame.recordCount)",
                    in: frame)
            }
            frames += 1
            records += UInt64(counted)
            tell(
                Walked(
                    frames: frames, records: records, bytesRead: bytesLeft + reader.bytesRead,
                    recordsOfAll: recordsLeft + records))
        }
        return reader.end
    }

    /// Where the frames of a lane begin that are there and belong together. Older segments may have been removed, and
    /// a crash while that was done may have left some of them: what a snapshot needs, the recovery asks for.
    private func beginning(of lane: LaneID) throws(RecoveryError) -> LanePosition? {
        var run = catalog.segments(of: lane)[...]
        while let gap = zip(run, run.dropFirst()).first(where: { $0.id.number.next != $1.id.number })?.1 {
            run = run.drop { $0.id != gap.id }
        }
        guard let first = run.first else { return nil }
        if first.id.number == .first { return .start }
        let noted = snapshots.lazy.flatMap(\.lanes).first {
            $0.lane == lane && $0.position.segment == first.id.number
        }
        if let noted { return noted.position }
        for file in run {
            var scan = try SegmentScan(file, storage: log, directoryID: catalog.directoryID)
            switch try scan.next() {
            case .frame(let frame):
                return LanePosition(
                    segment: file.id.number, frame: frame.header.framesBefore.next,
                    previousHeaderCRC32C: frame.header.previousHeaderCRC32C)
            case .unreadable(let from, _, let problem):
                throw RecoveryError(.damaged, file: file.id.description, offset: from, problem: problem)
            case nil: continue
            }
        }
        return nil
    }

    /// Bytes from a torn frame's place to the last one that is not zero.
    func byteCount(of tail: FramePlace) throws(RecoveryError) -> UInt64 {
        let size = catalog.segments(of: tail.segment.lane).first { $0.id == tail.segment }?.byteCount ?? 0
        let unit = UInt64(LogLimits.segmentHeaderBytes)
        var place = tail.offset.rawValue / unit * unit
        var end = tail.offset.rawValue
        var bytes: [UInt8] = []
        while place < size {
            let count = min(UInt64(LogLimits.readWindowBytes), size - place)
            do throws(StorageError) {
                try log.read(tail.segment, from: ByteOffset(rawValue: place), count: Int(count), into: &bytes)
            } catch {
                throw .unreadable(error)
            }
            if let last = bytes.lastIndex(where: { $0 != 0 }) { end = max(end, place + UInt64(last) + 1) }
            place += count
        }
        return end - tail.offset.rawValue
    }
}
