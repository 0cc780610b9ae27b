import TearoffCore
import TearoffLog

/// A lane of one segment, or two, whose headers are whole, and whose frames are the input.
struct FuzzedLane: LogStorage {
    let id: LaneID
    let blockBytes: Int
    let files: [SegmentFile]
    private let contents: [[UInt8]]

    /// - Parameter options: bit 0 is the lane, 1 the size of blocks, 2 whether checksums are made right, and 3 whether
    ///   also what says of a frame where it stands; the upper half cuts the input in two segments.
    init(_ options: FuzzOptions) {
        let id = options.has(0) ? LaneID.control : LaneID(rawValue: 0)
        let blockBytes = options.has(1) ? LogLimits.blockBytesMin : LogLimits.blockBytesMax
        let cut = options.cut(of: options.body.count)
        let parts = cut == 0 ? [options.body[...]] : [options.body[..<cut], options.body[cut...]]
        var repair = FrameRepair(isChaining: options.has(3))
        var files: [SegmentFile] = []
        contents = parts.enumerated().map { index, part in
            let unit = LogLimits.segmentHeaderBytes
            let byteCount = max(
                LogLimits.segmentBytesFormatMin, UInt64(LogLimits.round(part.count, upTo: unit) + unit))
            let segment = SegmentID(lane: id, number: SegmentNumber(rawValue: UInt64(index) + 1))
            let header = SegmentHeader(
                directoryID: LogTargets.directory, id: segment, blockBytes: blockBytes, segmentBytes: byteCount,
                createdMilliseconds: 0)
            var bytes = header.encoded() + part
            bytes += [UInt8](repeating: 0, count: Int(byteCount) - bytes.count)
            if options.has(2) { repair.repair(&bytes, header) }
            files.append(SegmentFile(id: segment, byteCount: byteCount))
            return bytes
        }
        (self.id, self.blockBytes, self.files) = (id, blockBytes, files)
    }

    func list() -> SegmentListing { SegmentListing(segments: files) }

    func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        let content = contents[Int(segment.number.rawValue) - 1]
        let start = Int(offset.rawValue)
        guard start + count <= content.count else {
            throw StorageError(.read, file: "\(segment)", problem: .truncated(expected: count, got: 0))
        }
        bytes = Array(content[start..<start + count])
    }

    // A reader asks for no more.
    func settle() {}
    func prepareSegment(_: SegmentHeader) throws(StorageError) { throw Self.isReadOnly }
    func makeLane(_: LaneID) throws(StorageError) -> sending any LaneStorage { throw Self.isReadOnly }
    func remove(_: SegmentID) throws(StorageError) { throw Self.isReadOnly }
    func syncDirectory() throws(StorageError) { throw Self.isReadOnly }

    private static let isReadOnly = StorageError(.write, file: "wal", problem: .poisoned)
}

/// Makes the checksums of frames right, so that what they guard is met.
private struct FrameRepair {
    private let isChaining: Bool
    private var previousHeaderCRC32C: UInt32 = 0

    init(isChaining: Bool) { self.isChaining = isChaining }

    mutating func repair(_ bytes: inout [UInt8], _ segment: SegmentHeader) {
        var place = LogLimits.segmentHeaderBytes
        while place + FrameHeader.byteCount <= bytes.count {
            guard bytes.span.littleEndian(UInt32.self, at: place) == FrameHeader.magic else {
                place += segment.blockBytes
                continue
            }
            let stored = Int(bytes.span.littleEndian(UInt32.self, at: place + 40))
            let payload = place + FrameHeader.byteCount
            let isWhole = stored <= bytes.count - payload
            if isWhole {
                let checksum = CRC32C.checksum(bytes.span.extracting(payload..<payload + stored))
                bytes.storeLittleEndian(checksum, at: place + 52)
            }
            if isChaining {
                bytes.storeLittleEndian(segment.id.lane.rawValue, at: place + 6)
                bytes.storeLittleEndian(segment.id.number.rawValue, at: place + 8)
                bytes.storeLittleEndian(previousHeaderCRC32C, at: place + 56)
            }
            previousHeaderCRC32C = CRC32C.checksum(
                bytes.span.extracting(place..<place + 60), continuing: LogTargets.directoryCRC32C)
            bytes.storeLittleEndian(previousHeaderCRC32C, at: place + 60)
            let unpadded = FrameHeader.byteCount + (isWhole ? stored : 0)
            place += LogLimits.round(unpadded, upTo: segment.blockBytes)
        }
    }
}

/// One file of the feed, which is the input.
struct FuzzedFeed: FeedStorage {
    let bytes: [UInt8]

    /// - Parameter options: bit 0: whether checksums are made right.
    init(_ options: FuzzOptions) {
        var bytes = options.body
        if options.has(0) { Self.repair(&bytes) }
        self.bytes = bytes
    }

    private static func repair(_ bytes: inout [UInt8]) {
        let magic: [UInt8] = [0x54, 0x4F, 0x45, 0x31]
        var place = 0
        while place + FeedFrameHeader.byteCount <= bytes.count {
            guard bytes[place..<place + 4].elementsEqual(magic) else {
                place += 1
                continue
            }
            let payload = place + FeedFrameHeader.byteCount
            let stored = min(Int(bytes.span.littleEndian(UInt32.self, at: place + 4)), bytes.count - payload)
            let checksum = CRC32C.checksum(bytes.span.extracting(payload..<payload + stored))
            bytes.storeLittleEndian(checksum, at: place + 32)
            let headerChecksum = CRC32C.checksum(
                bytes.span.extracting(place..<place + 36), continuing: LogTargets.directoryCRC32C)
            bytes.storeLittleEndian(headerChecksum, at: place + 36)
            place = payload + stored
        }
    }

    func read(_: FeedSequence, from offset: UInt64, count: Int, into bytes: inout [UInt8]) {
        bytes = Array(self.bytes[Int(offset)...].prefix(count))
    }

    // A reader asks for no more.
    func list() -> [FeedFile] { [FeedFile(first: .first, byteCount: UInt64(bytes.count))] }
    func create(_: FeedSequence) throws(StorageError) { throw Self.isReadOnly }
    func write(_: Span<UInt8>, to: FeedSequence, at: UInt64) throws(StorageError) { throw Self.isReadOnly }
    func remove(_: FeedSequence) throws(StorageError) { throw Self.isReadOnly }

    private static let isReadOnly = StorageError(.write, file: "feed", problem: .poisoned)
}
