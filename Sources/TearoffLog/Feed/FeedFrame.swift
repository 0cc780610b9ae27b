package import TearoffCore

/// The 40 bytes before a frame of the feed. Little-endian.
///
///     offset  bytes  field          meaning
///          0      4  magic          0x3145_4F54, "TOE1"
///          4      4  storedBytes    payload as stored
///          8      4  payloadBytes   payload decompressed; the same as storedBytes: it is stored raw
///         12      4  eventCount
///         16      8  first          number of the first event; with none, of the next one
///         24      8  time           milliseconds, when it was written
///         32      4  payloadCRC32C  over the stored payload
///         36      4  headerCRC32C   over the directory's 16-byte id, then bytes 0..<36
///
/// - Source: docs/FORMAT.md, "The feed".
package struct FeedFrameHeader: Equatable, Sendable {
    package static let byteCount = 40
    static let magic: UInt32 = 0x3145_4F54

    package let first: FeedSequence
    package let eventCount: Int
    package let time: Timestamp
    let storedBytes: Int
    let payloadBytes: Int
    let payloadCRC32C: UInt32

    /// The number behind its last event.
    package var end: FeedSequence { first.advanced(by: eventCount) }

    /// nil for bytes that are no header of this directory.
    init?(parsing bytes: Span<UInt8>, directoryCRC32C: UInt32) {
        guard bytes.count >= Self.byteCount, bytes.littleEndian(UInt32.self, at: 0) == Self.magic,
            bytes.littleEndian(UInt32.self, at: 36)
                == CRC32C.checksum(bytes.extracting(0..<36), continuing: directoryCRC32C)
        else { return nil }
        storedBytes = Int(bytes.littleEndian(UInt32.self, at: 4))
        payloadBytes = Int(bytes.littleEndian(UInt32.self, at: 8))
        eventCount = Int(bytes.littleEndian(UInt32.self, at: 12))
        first = FeedSequence(rawValue: bytes.littleEndian(at: 16))
        time = Timestamp(milliseconds: bytes.littleEndian(at: 24))
        payloadCRC32C = bytes.littleEndian(at: 32)
        guard payloadBytes <= FeedLimits.payloadBytesMax, storedBytes <= payloadBytes else { return nil }
    }
}

/// Builds and reads frames of the feed. From one thread at a time.
package struct FeedFrameCoder {
    /// As of the log's: fast, and a third of the size for ids that are alike.
    private static let compressionLevel: Int32 = -1

    private let directoryCRC32C: UInt32
    private let compressor = ZstdCompressor(level: compressionLevel)
    private let decompressor = ZstdDecompressor()

    package init(directoryID: DirectoryID) {
        directoryCRC32C = CRC32C.checksum(directoryID.bytes.span)
    }

    /// - Parameter signs: those that changed; in the first frame of a file all that there are.
    package func encode(
        _ batch: consuming FeedBatch, first: FeedSequence, time: Timestamp, lanes: [LaneID: LaneProgress],
        signs: [ListID: FeedSigns]
    ) -> [UInt8] {
        let eventCount = batch.count
        var payload: [UInt8] = []
        payload.appendVarint(UInt64(lanes.count))
        for (lane, progress) in lanes.sorted(by: { $0.key < $1.key }) {
            payload.appendVarint(UInt64(lane.rawValue))
            payload.appendVarint(progress.segment.rawValue)
            payload.appendVarint(progress.frame.rawValue)
            payload.appendVarint(UInt64(progress.records))
        }
        payload.appendVarint(UInt64(signs.count))
        for (list, signs) in signs.sorted(by: { $0.key < $1.key }) {
            payload.appendVarint(UInt64(list.rawValue))
            payload.append(signs.code)
        }
        batch.encode(into: &payload)
        precondition(payload.count <= FeedLimits.payloadBytesMax, "a feed frame of \(payload.count) bytes")
        var frame = [UInt8](repeating: 0, count: FeedFrameHeader.byteCount + payload.count)
        let stored = store(payload, in: &frame)
        frame.removeLast(frame.count - FeedFrameHeader.byteCount - stored)
        frame.storeLittleEndian(FeedFrameHeader.magic, at: 0)
        frame.storeLittleEndian(UInt32(stored), at: 4)
        frame.storeLittleEndian(UInt32(payload.count), at: 8)
        frame.storeLittleEndian(UInt32(eventCount), at: 12)
        frame.storeLittleEndian(first.rawValue, at: 16)
        frame.storeLittleEndian(time.milliseconds, at: 24)
        frame.storeLittleEndian(
            CRC32C.checksum(frame.span.extracting(FeedFrameHeader.byteCount..<frame.count)), at: 32)
        frame.storeLittleEndian(
            CRC32C.checksum(frame.span.extracting(0..<36), continuing: directoryCRC32C), at: 36)
        return frame
    }

    /// - Returns: the bytes that it takes.
    private func store(_ payload: [UInt8], in frame: inout [UInt8]) -> Int {
        let start = FeedFrameHeader.byteCount
        if let count = compressor.compress(payload.span, into: &frame, at: start, countMax: payload.count - 1)
        {
            return count
        }
        frame.replaceSubrange(start..., with: payload)
        return payload.count
    }

    func header(_ bytes: Span<UInt8>) -> FeedFrameHeader? {
        FeedFrameHeader(parsing: bytes, directoryCRC32C: directoryCRC32C)
    }

    /// - Parameter stored: its checksum matches.
    /// - Throws: for what another version wrote.
    func decode(_ header: FeedFrameHeader, _ stored: Span<UInt8>) throws(RecordError) -> FeedFrame {
        var payload: [UInt8] = []
        if header.storedBytes == header.payloadBytes {
            payload = stored.copy
        } else if !decompressor.decompress(stored, count: header.payloadBytes, into: &payload) {
            throw .badField("payload", offset: 0)
        }
        return try FeedFrame(header, payload.span)
    }
}

/// A frame of the feed, read back.
package struct FeedFrame: Sendable {
    package let header: FeedFrameHeader
    package let lanes: [LaneID: LaneProgress]
    package let signs: [ListID: FeedSigns]
    package let events: [FeedEvent]

    fileprivate init(_ header: FeedFrameHeader, _ payload: Span<UInt8>) throws(RecordError) {
        self.header = header
        var reader = ByteReader()
        var lanes: [LaneID: LaneProgress] = [:]
        for _ in 0..<(try reader.varint(payload)) {
            let lane = LaneID(rawValue: try reader.narrow(payload))
            let segment = SegmentNumber(rawValue: try reader.varint(payload))
            let frame = FrameNumber(rawValue: try reader.varint(payload))
            lanes[lane] = LaneProgress(segment: segment, frame: frame, records: try reader.narrow(payload))
        }
        var signs: [ListID: FeedSigns] = [:]
        for _ in 0..<(try reader.varint(payload)) {
            let list = ListID(rawValue: try reader.narrow(payload))
            let start = reader.position
            guard let told = FeedSigns(code: try reader.byte(payload)) else {
                throw .badField("signs", offset: start)
            }
            signs[list] = told
        }
        events = try reader.feedEvents(payload)
        guard events.count == header.eventCount else { throw .badField("count", offset: payload.count) }
        self.lanes = lanes
        self.signs = signs
    }
}
