package import TearoffCore
package import TearoffLog
package import TearoffStorage

/// One record of the log as a person reads it.
package enum LogRecord: Sendable {
    /// - Parameter user: the external id's bytes, as the caller wrote them.
    case allocation(AllocationRecord, user: [UInt8], userID: [UInt8])
    case holdEnd(HoldEndRecord)
    case key(KeyRecord, user: [UInt8], key: [UInt8], userID: [UInt8])
    case imported(ImportRecord, user: [UInt8])
    case repeated(RepeatRecord, user: [UInt8], userID: [UInt8])
    case control(ControlEntry)

    /// - Parameter beside: the marketing user id, or of a key its text.
    init(_ record: ShardRecord, user: Span<UInt8>, beside: Span<UInt8>) {
        switch record {
        case .holdEnd(let record): self = .holdEnd(record)
        case .allocation(let record):
            self = .allocation(record, user: Self.text(of: record.user, user), userID: beside.copy)
        case .imported(let record):
            self = .imported(record, user: Self.text(of: record.allocation.user, user))
        case .key(let record):
            let keyCount = Int(record.keyByteCount)
            self = .key(
                record, user: Self.text(of: record.user, user), key: beside.extracting(0..<keyCount).copy,
                userID: beside.extracting(keyCount..<beside.count).copy)
        }
    }

    init(_ record: RepeatRecord, user: Span<UInt8>, userID: Span<UInt8>) {
        self = .repeated(record, user: Self.text(of: record.user, user), userID: userID.copy)
    }

    private static func text(of user: UserKey, _ bytes: Span<UInt8>) -> [UInt8] {
        if user.isLong { return bytes.copy }
        var text: [UInt8] = []
        user.appendText(to: &text)
        return text
    }
}

/// Tells the log's frames and records in the order in which they stand, lane by lane, and goes on behind damage.
/// Holds one frame at a time.
package struct LogDump {
    package enum Item: Sendable {
        case segment(SegmentHeader)
        case frame(SegmentScan.Frame)
        /// Of the frame before.
        case record(LogRecord)
        /// A stretch of a segment, or a whole one, that cannot be read; or records, in a frame that is whole.
        case damage(RecoveryError)
    }

    /// Which of the log is told.
    package struct Selection: Sendable {
        package var lane: LaneID?
        package var segment: SegmentNumber?
        /// Frames from this one on; of a seal or close frame the number of the last records frame counts.
        package var fromFrame: FrameNumber?

        package init(lane: LaneID? = nil, segment: SegmentNumber? = nil, fromFrame: FrameNumber? = nil) {
            self.lane = lane
            self.segment = segment
            self.fromFrame = fromFrame
        }
    }

    private let directory: ReadOnlyDirectory
    private let selection: Selection

    package init(_ directory: ReadOnlyDirectory, _ selection: Selection) {
        self.directory = directory
        self.selection = selection
    }

    /// - Returns: whether nothing was damaged. (The end of a lane after a crash counts as damage here: `verify` tells
    ///   which of it was acknowledged.)
    /// - Throws: when the log's directory cannot be listed, and what `body` throws.
    package func run<Failure: Error>(_ body: (Item) throws(Failure) -> Void) throws -> Bool {
        let log = directory.log
        let catalog = try LaneCatalog(of: log, directoryID: directory.identity.id)
        var isWhole = true
        for lane in catalog.lanes where selection.lane.map({ $0 == lane }) ?? true {
            for file in catalog.segments(of: lane)
            where selection.segment.map({ $0 == file.id.number }) ?? true {
                do {
                    var scan = try SegmentScan(file, storage: log, directoryID: catalog.directoryID)
                    try body(.segment(scan.header))
                    while let item = try scan.next() {
                        if try tell(item, scan, file, body) { continue }
                        isWhole = false
                    }
                } catch let error as RecoveryError {
                    isWhole = false
                    try body(.damage(error))
                }
            }
        }
        return isWhole
    }

    /// - Returns: whether it was whole.
    private func tell<Failure: Error>(
        _ item: SegmentScan.Item, _ scan: SegmentScan, _ file: SegmentFile,
        _ body: (Item) throws(Failure) -> Void
    ) throws -> Bool {
        switch item {
        case .unreadable(let from, let to, let problem):
            try body(
                .damage(
                    RecoveryError(
                        .damaged, file: file.id.description, offset: from,
                        problem: "\(problem), up to byte \(to)", advice: Self.advice)))
            return false
        case .frame(let frame):
            if let first = selection.fromFrame, frame.header.frame < first { return frame.problem == nil }
            try body(.frame(frame))
            guard frame.problem == nil else { return false }
            return try tellRecords(scan.payload, of: frame.info, body)
        }
    }

    private func tellRecords<Failure: Error>(
        _ payload: [UInt8], of frame: FrameInfo, _ body: (Item) throws(Failure) -> Void
    ) throws -> Bool {
        // The decoder's own body cannot throw, so what `body` throws waits for its end.
        var failure: Failure?
        func tell(_ record: LogRecord) {
            guard failure == nil else { return }
            do throws(Failure) {
                try body(.record(record))
            } catch {
                failure = error
            }
        }
        do throws(RecoveryError) {
            try FrameRecords.read(
                payload.span, of: frame, shardCount: directory.identity.shardCount,
                allocation: { record, user, beside in tell(LogRecord(record, user: user, beside: beside)) },
                repeats: { record, user, userID in tell(LogRecord(record, user: user, userID: userID)) },
                control: { tell(.control($0)) })
        } catch {
            try body(.damage(error))
            return false
        }
        if let failure { throw failure }
        return true
    }

    private static let advice = "Whether it was acknowledged, tearoffctl verify tells."
}
