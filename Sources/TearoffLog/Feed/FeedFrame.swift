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
/// In an encrypted directory the magic is 0x6545_4F54, "TOEe", and 52 of the stored bytes are of the encryption: four
/// for the data key's number, 32 for a salt, and behind the payload the tag's 16.
///
/// - Source: docs/FORMAT.md, "The feed".
package struct FeedFrameHeader: Equatable, Sendable {
    package static let byteCount = 40
    static let magic: UInt32 = 0x3145_4F54
    static let encryptedMagic: UInt32 = 0x6545_4F54
    /// What stands before an encrypted payload: the data key's number and the salt.
    static let originBytes = 4 + CipherLimits.saltBytes
    static let encryptionBytes = originBytes + CipherLimits.tagBytes
    /// What the tag vouches for beside the payload.
    static let authenticated = 0..<32

    package let first: FeedSequence
    package let eventCount: Int
    package let time: Timestamp
    let storedBytes: Int
    let payloadBytes: Int
    let payloadCRC32C: UInt32
    let isEncrypted: Bool

    /// The number behind its last event.
    package var end: FeedSequence { first.advanced(by: eventCount) }

    /// nil for bytes that are no header of this directory.
    init?(parsing bytes: Span<UInt8>, directoryCRC32C: UInt32) {
        guard bytes.count >= Self.byteCount else { return nil }
        let magic = bytes.littleEndian(UInt32.self, at: 0)
        isEncrypted = magic == Self.encryptedMagic
        guard isEncrypted || magic == Self.magic,
            bytes.littleEndian(UInt32.self, at: 36)
                == CRC32C.checksum(bytes.extracting(0..<36), continuing: directoryCRC32C)
        else { return nil }
        storedBytes = Int(bytes.littleEndian(UInt32.self, at: 4))
        payloadBytes = Int(bytes.littleEndian(UInt32.self, at: 8))
        eventCount = Int(bytes.littleEndian(UInt32.self, at: 12))
        first = FeedSequence(rawValue: bytes.littleEndian(at: 16))
        time = Timestamp(milliseconds: bytes.littleEndian(at: 24))
        payloadCRC32C = bytes.littleEndian(at: 32)
        let encryptionBytes = isEncrypted ? Self.encryptionBytes : 0
        guard payloadBytes <= FeedLimits.payloadBytesMax, storedBytes >= encryptionBytes,
            storedBytes <= payloadBytes + encryptionBytes, first.rawValue <= .max - UInt64(eventCount)
        else { return nil }
    }
}

/// Builds and reads frames of the feed. From one thread at a time.
package struct FeedFrameCoder {
    /// As of the log's: fast, and a third of the size for ids that are alike.
    private static let compressionLevel: Int32 = -1

    private let directoryCRC32C: UInt32
    private let cipher: (any DirectoryCipher)?
    private let compressor = ZstdCompressor(level: compressionLevel)
    private let decompressor = ZstdDecompressor()

    package init(directoryID: DirectoryID, cipher: (any DirectoryCipher)?) {
        directoryCRC32C = CRC32C.checksum(directoryID.bytes.span)
        self.cipher = cipher
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
            signs.encode(into: &payload)
        }
        batch.encode(into: &payload)
        precondition(payload.count <= FeedLimits.payloadBytesMax, "a feed frame of \(payload.count) bytes")
        let (originBytes, tagBytes) =
            cipher == nil ? (0, 0) : (FeedFrameHeader.originBytes, CipherLimits.tagBytes)
        let start = FeedFrameHeader.byteCount + originBytes
        var frame = [UInt8](repeating: 0, count: start + payload.count + tagBytes)
        let end = start + store(payload, in: &frame, at: start)
        frame.removeLast(frame.count - end - tagBytes)
        frame.storeLittleEndian(cipher == nil ? FeedFrameHeader.magic : FeedFrameHeader.encryptedMagic, at: 0)
        frame.storeLittleEndian(UInt32(frame.count - FeedFrameHeader.byteCount), at: 4)
        frame.storeLittleEndian(UInt32(payload.count), at: 8)
        frame.storeLittleEndian(UInt32(eventCount), at: 12)
        frame.storeLittleEndian(first.rawValue, at: 16)
        frame.storeLittleEndian(time.milliseconds, at: 24)
        if let cipher { encrypt(start..<end, of: &frame, with: cipher) }
        frame.storeLittleEndian(
            CRC32C.checksum(frame.span.extracting(FeedFrameHeader.byteCount..<frame.count)), at: 32)
        frame.storeLittleEndian(
            CRC32C.checksum(frame.span.extracting(0..<36), continuing: directoryCRC32C), at: 36)
        return frame
    }

    /// - Returns: the bytes that it takes.
    private func store(_ payload: [UInt8], in frame: inout [UInt8], at start: Int) -> Int {
        if let count = compressor.compress(payload.span, into: &frame, at: start, countMax: payload.count - 1) {
            return count
        }
        frame.replaceSubrange(start..<start + payload.count, with: payload)
        return payload.count
    }

    /// Each frame has a key of its own: what a crash leaves of one is written over by another.
    private func encrypt(_ payload: Range<Int>, of frame: inout [UInt8], with cipher: any DirectoryCipher) {
        let (key, origin) = cipher.makeKey(for: .feedFrame)
        frame.storeLittleEndian(origin.dataKey, at: FeedFrameHeader.byteCount)
        frame.replaceSubrange(FeedFrameHeader.byteCount + 4..<payload.lowerBound, with: origin.salt)
        key.encrypt(payload, of: &frame, authenticating: FeedFrameHeader.authenticated, nonce: 0)
    }

    /// All frames of an encrypted directory are encrypted, and none of another: else they are no frames of it.
    func header(_ bytes: Span<UInt8>) -> FeedFrameHeader? {
        guard let header = FeedFrameHeader(parsing: bytes, directoryCRC32C: directoryCRC32C),
            header.isEncrypted == (cipher != nil)
        else { return nil }
        return header
    }

    /// What stood in a frame before it was encrypted.
    ///
    /// - Parameters:
    ///   - header: the frame's first bytes.
    ///   - stored: its checksum matches.
    func decrypt(_ header: Span<UInt8>, _ stored: Span<UInt8>) throws(EncryptedFileError) -> [UInt8] {
        guard let cipher else { return stored.copy }
        let dataKey = stored.littleEndian(UInt32.self, at: 0)
        guard dataKey > 0 else { throw .damaged }
        let origin = CipherOrigin(
            dataKey: dataKey, salt: stored.extracting(4..<FeedFrameHeader.originBytes).copy)
        guard let key = cipher.key(origin, for: .feedFrame) else { throw .unknownDataKey(origin.dataKey) }
        var payload: [UInt8] = []
        guard
            key.decrypt(
                stored.extracting(FeedFrameHeader.originBytes..<stored.count),
                authenticating: header.extracting(FeedFrameHeader.authenticated), nonce: 0, appendingTo: &payload)
        else { throw .altered }
        return payload
    }

    /// - Parameter stored: as it was before it was encrypted.
    /// - Throws: for what another version wrote.
    func decode(_ header: FeedFrameHeader, _ stored: Span<UInt8>) throws(RecordError) -> FeedFrame {
        var payload: [UInt8] = []
        if stored.count == header.payloadBytes {
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
            signs[list] = try FeedSigns(payload, &reader)
        }
        events = try reader.feedEvents(payload)
        guard events.count == header.eventCount else { throw .badField("count", offset: payload.count) }
        self.lanes = lanes
        self.signs = signs
    }
}
