/// Reads one segment from end to end for people, and goes on behind what is damaged.
///
/// It judges nothing: whether damage was acknowledged, and refuses a start, is for ``LaneReader`` to say, which
/// knows the whole lane. Holds a window of 1 MiB, or one frame.
package struct SegmentScan {
    package enum Item: Equatable, Sendable {
        case frame(Frame)
        /// No frame can be read from one place up to the other.
        case unreadable(from: ByteOffset, to: ByteOffset, problem: String)
    }

    /// A frame whose header is whole.
    package struct Frame: Equatable, Sendable {
        package let header: FrameHeader
        package let offset: ByteOffset
        /// Why it would not be believed; nil when header, payload and place agree. Its records are in
        /// ``SegmentScan/payload`` only then.
        package let problem: String?

        package var info: FrameInfo {
            FrameInfo(
                frame: header.frame, segment: header.segment, offset: offset,
                timeMilliseconds: header.timeMilliseconds, recordCount: header.recordCount)
        }
    }

    package let header: SegmentHeader
    /// The decoded payload of the frame that ``next()`` returned last.
    package private(set) var payload: [UInt8] = []

    private var reader: SegmentReader
    private let zstd = ZstdDecompressor()
    private var isOver = false
    /// The checksum of the frame before, which the next one carries; nil at the beginning and behind damage.
    private var previousHeaderCRC32C: UInt32?

    /// - Throws: ``RecoveryError`` when the segment's own header cannot be believed; where its frames stand is not
    ///   known then.
    package init(
        _ file: SegmentFile, storage: any LogStorage, directoryID: DirectoryID
    ) throws(RecoveryError) {
        reader = try SegmentReader(file, storage: storage, directoryID: directoryID)
        header = reader.header
    }

    /// The next frame or stretch without one; nil at the end, behind which all is zero or was never looked at.
    ///
    /// - Throws: when the system cannot read the file.
    package mutating func next() throws(RecoveryError) -> Item? {
        guard !isOver else { return nil }
        switch try reader.look() {
        case .frame(let frame, let checksum): return take(frame, checksum)
        case .torn(let frame):
            previousHeaderCRC32C = nil
            return step(over: frame, problem: "payload checksum does not match")
        case .impossible(let why): return try unreadable("the frame here is impossible: \(why)")
        case .none: return try unreadable("no header can be read here")
        case .endOfFile:
            isOver = true
            return nil
        }
    }

    private mutating func take(_ frame: FrameHeader, _ checksum: UInt32) -> Item {
        var problem: String?
        if frame.segment != reader.file.id {
            problem = "it is a frame of \(frame.segment)"
        } else if let previous = previousHeaderCRC32C, frame.previousHeaderCRC32C != previous {
            problem = "it does not follow on the frame before it"
        } else {
            problem = decode(frame)
        }
        previousHeaderCRC32C = checksum
        // Nothing behind a close frame is ever looked at.
        isOver = frame.kind == .close && problem == nil
        return step(over: frame, problem: problem)
    }

    private mutating func decode(_ frame: FrameHeader) -> String? {
        do throws(FramePayloadError) {
            try reader.decode(frame, with: zstd, into: &payload)
            return nil
        } catch {
            return switch error {
            case .wrongSize: "payload does not decompress to its size"
            case .altered: "its encryption's tag does not match"
            }
        }
    }

    private mutating func step(over frame: FrameHeader, problem: String?) -> Item {
        let offset = ByteOffset(rawValue: reader.offset)
        reader.skip(frame)
        return .frame(Frame(header: frame, offset: offset, problem: problem))
    }

    /// Goes on at the next place where a header can be read.
    ///
    /// - Returns: nil when there is none and all is zero, as behind the last frame.
    private mutating func unreadable(_ problem: String) throws(RecoveryError) -> Item? {
        previousHeaderCRC32C = nil
        let start = reader.offset
        let scan = try reader.scanRest(from: start + UInt64(header.blockBytes))
        guard let later = scan.laterFrame else {
            isOver = true
            return scan.isBlank
                ? nil : .unreadable(from: ByteOffset(rawValue: start), to: end, problem: problem)
        }
        reader.jump(to: later)
        return .unreadable(
            from: ByteOffset(rawValue: start), to: ByteOffset(rawValue: later), problem: problem)
    }

    private var end: ByteOffset { ByteOffset(rawValue: reader.file.byteCount) }
}
