/// Builds frames in one buffer that is kept: header, payload (compressed when that helps), padding.
struct FrameEncoder {
    /// The last frame built is `buffer[0..<encodedBytes]`.
    private(set) var buffer: [UInt8]
    private(set) var encodedBytes = 0
    /// Encrypts each frame; another one for each segment. nil: the directory is not encrypted.
    var cipherKey: (any CipherKey)? {
        didSet { tagBytes = cipherKey == nil ? 0 : CipherLimits.tagBytes }
    }
    /// What encryption adds to a payload.
    private(set) var tagBytes = 0

    private let directoryCRC32C: UInt32
    private let blockBytes: Int
    private let compressor: ZstdCompressor
    private var gain = CompressionGain()

    init(directoryID: DirectoryID, blockBytes: Int, compressionLevel: Int32) {
        directoryCRC32C = CRC32C.checksum(directoryID.bytes.span)
        self.blockBytes = blockBytes
        compressor = ZstdCompressor(level: compressionLevel)
        buffer = [UInt8](repeating: 0, count: 64 << 10)
    }

    /// What a payload takes on disk at most.
    @inline(__always)
    func paddedBytesMax(payloadBytes: Int) -> Int {
        LogLimits.round(FrameHeader.byteCount + payloadBytes + tagBytes, upTo: blockBytes)
    }

    /// Builds one frame; sizes, compression and payload checksum of `header` are filled in.
    ///
    /// - Parameter offset: where it will stand: no other frame of the segment ever stands there.
    /// - Returns: the header as written, and its checksum.
    mutating func encode(
        _ header: FrameHeader, payload: [UInt8], at offset: ByteOffset
    ) -> (header: FrameHeader, checksum: UInt32) {
        var header = header
        let sizeMax = paddedBytesMax(payloadBytes: payload.count)
        if buffer.count < sizeMax {
            buffer.append(contentsOf: repeatElement(0, count: sizeMax - buffer.count))
        }
        header.payloadBytes = payload.count
        let (compression, storedBytes) = store(payload)
        header.compression = compression
        header.storedBytes = storedBytes
        if let cipherKey { encrypt(&header, with: cipherKey, at: offset) }
        header.payloadCRC32C = CRC32C.checksum(
            buffer.span.extracting(FrameHeader.byteCount..<header.unpaddedBytes))
        let checksum = header.store(in: &buffer, directoryCRC32C: directoryCRC32C)
        encodedBytes = LogLimits.round(header.unpaddedBytes, upTo: blockBytes)
        for index in header.unpaddedBytes..<encodedBytes {
            buffer[index] = 0
        }
        return (header, checksum)
    }

    /// After compression, which finds nothing in what is encrypted; before the checksum, which tells damage from a
    /// wrong key.
    private mutating func encrypt(
        _ header: inout FrameHeader, with cipherKey: any CipherKey, at offset: ByteOffset
    ) {
        let plain = FrameHeader.byteCount..<header.unpaddedBytes
        header.compression = header.compression.encrypted
        header.storedBytes += CipherLimits.tagBytes
        header.payloadCRC32C = 0
        header.storeFields(in: &buffer)
        cipherKey.encrypt(
            plain, of: &buffer, authenticating: FrameHeader.authenticated, nonce: offset.rawValue)
    }

    private mutating func store(_ payload: [UInt8]) -> (FrameHeader.Compression, Int) {
        let start = FrameHeader.byteCount
        // What fits one block raw gains nothing, and a gain under 1/16 is not worth decompressing.
        if start + payload.count > blockBytes, gain.nextIsTried() {
            let countMax = payload.count - payload.count / 16
            let count = compressor.compress(payload.span, into: &buffer, at: start, countMax: countMax)
            gain.record(storedBytes: count ?? payload.count, ofPayloadBytes: payload.count)
            if let count { return (.zstd, count) }
        }
        buffer.replaceSubrange(start..<(start + payload.count), with: payload)
        return (.raw, payload.count)
    }
}
