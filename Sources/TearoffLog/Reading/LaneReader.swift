/// Reads one lane's records frames in order, from a position to the lane's end, and judges that end.
///
/// Changes nothing on disk: a torn tail stays where it is, since the writer goes on in a new segment
/// whose first frame says where this one ended. Holds a window of 1 MiB, or one frame.
package final class LaneReader {
    /// The decoded payload of the frame that ``next()`` returned last.
    package private(set) var payload: [UInt8] = []

    /// As far as it was read; final once ``next()`` has returned nil.
    package private(set) var end: LaneEnd

    private let lane: LaneID
    private let storage: any LogStorage
    private let directoryID: DirectoryID
    /// Still to be read after `current`, in order and without gaps.
    private var rest: ArraySlice<SegmentFile>
    private var current: SegmentReader?
    private var isClosed = false
    /// Where the frame that was taken last stands.
    private var lastOffset: UInt64 = 0
    private let zstd = ZstdDecompressor()
    /// Bytes of the segments that were left.
    private var bytesLeft: UInt64 = 0

    /// Bytes of segment files that were read through so far.
    package var bytesRead: UInt64 { bytesLeft + (current?.offset ?? 0) }

    /// - Parameter position: ``LanePosition/start``, or what a snapshot noted.
    /// - Throws: when a segment between that position and the lane's last is missing.
    package init(
        _ lane: LaneID, from position: LanePosition, in catalog: LaneCatalog, storage: any LogStorage
    ) throws(RecoveryError) {
        self.lane = lane
        self.storage = storage
        directoryID = catalog.directoryID
        end = LaneEnd(
            lane: lane, nextFrame: position.frame, highestSegment: nil,
            lastHeaderCRC32C: position.previousHeaderCRC32C, lastFrameIsVouched: true)
        let files = catalog.segments(of: lane).filter { $0.id.number >= position.segment }
        rest = files[...]
        end.highestSegment = files.last?.id.number
        var expected = position.segment
        for file in files {
            guard file.id.number == expected else { throw Self.missing(lane, expected) }
            expected = expected.next
        }
        guard !files.isEmpty || position == .start else { throw Self.missing(lane, position.segment) }
    }

    /// The next records frame, its payload checked and decoded into ``payload``; nil at the lane's end.
    ///
    /// - Throws: ``RecoveryError`` when something acknowledged is damaged or missing, or cannot be read.
    package func next() throws(RecoveryError) -> FrameInfo? {
        while true {
            if current == nil {
                guard let file = rest.popFirst() else { return nil }
                current = try SegmentReader(file, storage: storage, directoryID: directoryID)
                isClosed = false
            }
            while !isClosed {
                guard let frame = try take() else { break }
                end.lastFrameIsVouched = frame.kind != .records
                if frame.kind == .records { return note(frame) }
                isClosed = frame.kind == .close
            }
            try leaveSegment()
        }
    }

    /// Reads everything that is left.
    ///
    /// - Returns: the lane's end.
    package func read(
        _ body: (FrameInfo, [UInt8]) throws(RecoveryError) -> Void
    ) throws(RecoveryError) -> LaneEnd {
        while let frame = try next() {
            try body(frame, payload)
        }
        return end
    }

    private static func missing(_ lane: LaneID, _ number: SegmentNumber) -> RecoveryError {
        let segment = SegmentID(lane: lane, number: number)
        return RecoveryError(.missing, file: segment.description, problem: "this segment is missing")
    }
}

/// A segment in which no header can be read.
private struct EmptySegment {
    /// Where its first frame should stand.
    let place: FramePlace
    /// Whether all of it is zero.
    let isBlank: Bool
}

extension LaneReader {
    /// The frame at the reader's place when it is whole and belongs there; its payload is decoded.
    private func take() throws(RecoveryError) -> FrameHeader? {
        guard case .frame(let frame, let checksum)? = try current?.look() else { return nil }
        guard misplacement(of: frame) == nil else { return nil }
        do throws(FramePayloadError) {
            try current?.decode(frame, with: zstd, into: &payload)
        } catch {
            throw refusal(error)
        }
        end.lastHeaderCRC32C = checksum
        lastOffset = current?.offset ?? 0
        current?.skip(frame)
        return frame
    }

    private func note(_ frame: FrameHeader) -> FrameInfo {
        end.nextFrame = frame.frame.next
        end.frames += 1
        end.payloadBytes += UInt64(frame.payloadBytes)
        return FrameInfo(
            frame: frame.frame, segment: frame.segment, offset: ByteOffset(rawValue: lastOffset),
            timeMilliseconds: frame.timeMilliseconds, recordCount: frame.recordCount)
    }

    /// Why a whole frame cannot stand at this place; nil when it can.
    private func misplacement(of frame: FrameHeader) -> String? {
        guard let file = current?.file else { return nil }
        if frame.segment != file.id { return "a frame of \(frame.segment) stands here" }
        if frame.framesBefore.next != end.nextFrame {
            return "frame \(frame.frame) stands here, expected was \(end.nextFrame)"
        }
        if frame.previousHeaderCRC32C != end.lastHeaderCRC32C {
            return "frame \(frame.frame) does not follow on the frame before it"
        }
        return nil
    }

    /// The frames of the current segment have ended: gathers the facts and follows the verdict.
    private func leaveSegment() throws(RecoveryError) {
        guard var reader = current else { preconditionFailure("lane \(lane) leaves no segment") }
        var facts = RecoveryVerdict.Facts()
        facts.closed = isClosed
        var problem = "the frame here is unreadable"
        if !isClosed {
            let stand = try standing(in: &reader)
            facts.misplaced = stand.misplacement != nil
            problem = stand.misplacement ?? problem
            let scan = try reader.scanRest(from: stand.end)
            facts.laterFrame = scan.laterFrame != nil
            facts.blank = scan.isBlank
            if let later = scan.laterFrame { problem += ", and a whole header follows at byte \(later)" }
        }
        facts.nextSegment = rest.first?.id.number == reader.file.id.number.next
        var later = (witness: FrameHeader?.none, empty: [EmptySegment]())
        if !facts.misplaced && !facts.laterFrame { later = try lookAhead() }
        facts.laterSegmentBegins = later.witness != nil
        facts.laterSegmentAgrees = later.witness.map(follows) ?? false
        let isTorn = !facts.closed && !facts.blank
        let place = isTorn ? place(in: reader) : place(behind: reader, later.empty)
        let torn = later.empty.filter { !$0.isBlank }.map(\.place)
        switch RecoveryVerdict(facts) {
        case .nextSegment:
            rest = rest.drop { $0.id != later.witness?.segment }
        case .endOfLane:
            finish(at: place, torn: torn)
        case .truncateTail:
            finish(at: place, torn: [place] + torn)
        case .refuse(let reason):
            throw refusal(reason, problem, at: place, witness: later.witness)
        }
        bytesLeft += reader.file.byteCount
        current = nil
    }

    /// Whether a later segment's first frame was written behind the last one that was read here. Behind a close frame
    /// nothing can be missing: what does not follow on that is told where it stands.
    private func follows(_ frame: FrameHeader) -> Bool {
        guard frame.framesBefore.next == end.nextFrame else { return false }
        return isClosed || frame.previousHeaderCRC32C == end.lastHeaderCRC32C
    }

    /// Nothing more of this lane is believed.
    private func finish(at place: FramePlace, torn: [FramePlace]) {
        end.place = place
        end.tornTails = torn
        rest = []
    }

    /// Where the next frame should stand when nothing stands behind the last one: a segment that was begun tells more
    /// than zeros, and behind a close frame it is in the next one.
    private func place(behind reader: SegmentReader, _ empty: [EmptySegment]) -> FramePlace {
        let begun = empty.first { !$0.isBlank } ?? (isClosed ? empty.first : nil)
        return begun?.place ?? place(in: reader)
    }

    /// What stands where the frames ended: why it cannot stand there, if so, and where it is over.
    private func standing(
        in reader: inout SegmentReader
    ) throws(RecoveryError) -> (misplacement: String?, end: UInt64) {
        let nextBlock = reader.offset + UInt64(reader.header.blockBytes)
        switch try reader.look() {
        case .frame(let frame, _):
            return (misplacement(of: frame) ?? "a whole frame stands here unread", nextBlock)
        case .torn(let frame):
            // Even a torn frame must be the one that was expected.
            return (misplacement(of: frame), reader.end(of: frame))
        case .impossible(let why):
            return ("the frame here is impossible: \(why)", nextBlock)
        case .none, .endOfFile:
            return (nil, nextBlock)
        }
    }

    /// Looks for the first later segment that holds a frame.
    ///
    /// - Returns: that segment's first header, whole or torn, and the segments without a header before it.
    private func lookAhead() throws(RecoveryError) -> (witness: FrameHeader?, empty: [EmptySegment]) {
        var empty: [EmptySegment] = []
        for file in rest {
            var reader = try SegmentReader(file, storage: storage, directoryID: directoryID)
            switch try reader.look() {
            case .frame(let frame, _), .torn(let frame):
                guard frame.segment == file.id else {
                    throw refusal(.misplaced, reader, "a frame of \(frame.segment) stands here")
                }
                return (frame, empty)
            case .impossible(let why):
                throw refusal(.misplaced, reader, "the frame here is impossible: \(why)")
            case .none, .endOfFile:
                // A segment that was made or begun, and holds no frame, says nothing.
                let scan = try reader.scanRest(from: reader.offset + UInt64(reader.header.blockBytes))
                if let place = scan.laterFrame {
                    throw refusal(
                        .damaged, reader,
                        "the frame here is unreadable, and a whole header follows at byte \(place)")
                }
                empty.append(EmptySegment(place: place(in: reader), isBlank: scan.isBlank))
            }
        }
        return (nil, empty)
    }

    private func place(in reader: SegmentReader) -> FramePlace {
        FramePlace(segment: reader.file.id, offset: ByteOffset(rawValue: reader.offset), frame: end.nextFrame)
    }

    private func refusal(
        _ reason: RecoveryVerdict.Reason, _ problem: String, at place: FramePlace, witness: FrameHeader?
    ) -> RecoveryError {
        switch reason {
        case .misplacedFrame: refusal(.misplaced, current, problem)
        case .damagedFrame: refusal(.damaged, current, problem)
        case .missingSegment: Self.missing(lane, current?.file.id.number.next ?? .first)
        case .lostFrames:
            RecoveryError(
                .damaged, at: place, problem: "the frames end here, and \(Self.claim(of: witness, end.nextFrame))")
        }
    }

    /// What a later segment's first frame says of where this one ends.
    private static func claim(of witness: FrameHeader?, _ next: FrameNumber) -> String {
        guard let witness else { return "a later segment goes on elsewhere" }
        let first = witness.framesBefore.next
        if first != next { return "\(witness.segment) begins with frame \(first)" }
        return "\(witness.segment) follows on a frame that stood here"
    }

    private func refusal(_ error: FramePayloadError) -> RecoveryError {
        switch error {
        case .wrongSize:
            refusal(.damaged, current, "its checksum matches but its payload does not decompress to its size")
        case .altered:
            RecoveryError(
                .altered, file: current?.file.id.description ?? "wal",
                offset: current.map { ByteOffset(rawValue: $0.offset) }, frame: end.nextFrame,
                problem: "its checksum matches and its encryption's tag does not",
                advice: RecoveryError.alteredAdvice)
        }
    }

    private func refusal(_ kind: RecoveryError.Kind, _ reader: SegmentReader?, _ problem: String)
        -> RecoveryError
    {
        RecoveryError(
            kind, file: reader?.file.id.description ?? "wal",
            offset: reader.map { ByteOffset(rawValue: $0.offset) }, frame: end.nextFrame, problem: problem)
    }
}
