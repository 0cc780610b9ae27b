/// How far somebody who follows a lane has come.
package struct LaneProgress: Equatable, Sendable {
    /// The segment that the next frame stands in, or a later one.
    package var segment: SegmentNumber
    /// The last records frame that was taken whole.
    package var frame: FrameNumber
    /// How many records of the frame behind it were taken, too.
    package var records: Int

    package init(segment: SegmentNumber, frame: FrameNumber, records: Int = 0) {
        self.segment = segment
        self.frame = frame
        self.records = records
    }
}

/// Follows a lane that is being written: frame by frame, as far as it is known to be durable. What stands behind that
/// is never looked at, so nothing is judged here that a crash may have left.
package struct LaneTail {
    /// What is read at once: a follower comes often, for a few frames each time.
    private static let windowBytes = 64 << 10

    package let lane: LaneID
    package private(set) var progress: LaneProgress
    /// The next frame, once ``find(through:)`` has found it, and its payload.
    package private(set) var head: FrameHeader?
    package private(set) var payload: [UInt8] = []

    private let storage: any LogStorage
    private let directoryID: DirectoryID
    private let zstd = ZstdDecompressor()
    private var reader: SegmentReader?
    /// The reader's window has all frames up to this one, or will read them: they were durable when it was forgotten last.
    private var inView = FrameNumber.none

    package init(
        _ lane: LaneID, behind progress: LaneProgress, storage: any LogStorage, directoryID: DirectoryID
    ) {
        self.lane = lane
        self.progress = progress
        self.storage = storage
        self.directoryID = directoryID
    }

    /// What ``find(through:)`` met.
    package enum Found: Equatable, Sendable {
        case nothing
        case frame
        /// Segments were removed with frames that nobody took; the tail goes on at the oldest one that is there.
        case gap
    }

    /// Finds the next frame.
    ///
    /// - Parameter durable: the last frame of the lane that may be looked at.
    /// - Throws: when a durable frame cannot be read; nothing was passed over then.
    package mutating func find(through durable: FrameNumber) throws(RecoveryError) -> Found {
        if head != nil { return .frame }
        guard progress.frame < durable else { return .nothing }
        if progress.frame >= inView {
            reader?.refresh()
            inView = durable
        }
        while true {
            guard let found = try look() else {
                if try openNext() { continue }
                return passOver(through: durable)
            }
            // What seals and closes stands behind that frame.
            let isBehind = found.kind == .records ? progress.frame.next : progress.frame
            if found.frame > isBehind {
                progress.frame = found.kind == .records ? found.frame.previous : found.frame
                progress.records = 0
                return .gap
            }
            if found.frame <= progress.frame {
                reader?.skip(found)
                if found.kind == .close, try !openNext() { return passOver(through: durable) }
                continue
            }
            do throws(FramePayloadError) {
                try reader?.decode(found, with: zstd, into: &payload)
            } catch {
                throw missing
            }
            head = found
            return .frame
        }
    }

    /// Goes on behind the frame that was found.
    package mutating func advance() {
        guard let frame = head else { preconditionFailure("no frame of lane \(lane) was found") }
        progress = LaneProgress(segment: frame.segment.number, frame: frame.frame)
        reader?.skip(frame)
        head = nil
    }

    /// Notes that records of the frame that was found are taken, and not yet all of them.
    package mutating func take(records: Int) { progress.records += records }

    /// The frame at the reader's place; nil when it holds no more, or when its segment was removed since: what was not
    /// taken of that is a gap.
    private mutating func look() throws(RecoveryError) -> FrameHeader? {
        do throws(RecoveryError) {
            guard case .frame(let frame, _)? = try reader?.look(), frame.segment == reader?.file.id else {
                return nil
            }
            return frame
        } catch {
            let isThere = try files().contains { $0.id == reader?.file.id }
            if isThere { throw error }
            return nil
        }
    }

    /// - Returns: false when no segment that is there can hold the next frame: those with it were removed.
    /// - Throws: also when none was, and there is no frame all the same.
    private mutating func openNext() throws(RecoveryError) -> Bool {
        let first = reader.map { $0.file.id.number.next } ?? progress.segment
        let files = try files()
        guard let next = files.filter({ $0.id.number >= first }).min(by: { $0.id < $1.id }) else {
            reader = nil
            // They go from the oldest on.
            if files.contains(where: { $0.id.number <= progress.segment }) { throw missing }
            return false
        }
        reader = try SegmentReader(
            next, storage: storage, directoryID: directoryID, windowBytes: Self.windowBytes)
        return true
    }

    private mutating func passOver(through durable: FrameNumber) -> Found {
        progress.frame = durable
        progress.records = 0
        return .gap
    }

    /// Of this lane.
    private func files() throws(RecoveryError) -> [SegmentFile] {
        do throws(StorageError) {
            return try storage.list().segments.filter { $0.id.lane == lane }
        } catch {
            throw .unreadable(error)
        }
    }

    private var missing: RecoveryError {
        RecoveryError(
            .missing, file: "wal/\(lane)-*", frame: progress.frame.next,
            problem: "a durable frame cannot be found")
    }
}
