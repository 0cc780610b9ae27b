/// Reads the frames of one segment until they end, and then says what stands there.
struct SegmentReader {
    let header: SegmentHeader
    let file: SegmentFile
    /// Where the next frame is expected, or where the frames ended.
    private(set) var offset = UInt64(LogLimits.segmentHeaderBytes)

    private var window: SegmentWindow
    private let directoryCRC32C: UInt32
    private let cipherKey: (any CipherKey)?

    /// What stands at the next frame's place.
    enum Found {
        /// Whole; the payload is still as stored.
        case frame(FrameHeader, checksum: UInt32)
        /// A header with a valid checksum whose payload is not whole.
        case torn(FrameHeader)
        /// A header with a valid checksum that cannot have been written here.
        case impossible(String)
        /// No header.
        case none
        /// Not even room for one.
        case endOfFile
    }

    /// Reads and checks the segment's header.
    init(
        _ file: SegmentFile, storage: any LogStorage, directoryID: DirectoryID,
        windowBytes: Int = LogLimits.readWindowBytes
    ) throws(RecoveryError) {
        self.file = file
        window = SegmentWindow(file, storage: storage, windowBytes: windowBytes)
        directoryCRC32C = CRC32C.checksum(directoryID.bytes.span)
        let found: SegmentHeader
        do throws(StorageError) {
            guard try window.load(LogLimits.segmentHeaderBytes, at: 0) else {
                throw StorageError(
                    .read, file: file.id.description, offset: .zero,
                    problem: .truncated(expected: LogLimits.segmentHeaderBytes, got: Int(file.byteCount)))
            }
        } catch {
            throw Self.problem(reading: file, error)
        }
        do throws(SegmentHeaderError) {
            found = try SegmentHeader(parsing: window.memory.span)
        } catch {
            throw Self.problem(file, error)
        }
        guard found.id == file.id else {
            throw RecoveryError(
                .misplaced, file: file.id.description, offset: .zero,
                problem: "its header says that it is \(found.id)")
        }
        guard found.directoryID == directoryID else {
            throw RecoveryError(
                .misplaced, file: file.id.description, offset: .zero,
                problem: "it belongs to data directory \(found.directoryID), not \(directoryID)")
        }
        guard found.segmentBytes == file.byteCount else {
            throw RecoveryError(
                .damaged, file: file.id.description,
                problem: "it has \(file.byteCount) bytes, and was made with \(found.segmentBytes)")
        }
        cipherKey = try Self.cipherKey(found, storage.cipher)
        header = found
    }

    /// What decrypts a segment's frames: all are encrypted in an encrypted directory, and none in another.
    private static func cipherKey(
        _ header: SegmentHeader, _ cipher: (any DirectoryCipher)?
    ) throws(RecoveryError) -> (any CipherKey)? {
        let file = header.id.description
        switch (header.encryption, cipher) {
        case (nil, nil): return nil
        case (nil, .some):
            throw RecoveryError(
                .altered, file: file, offset: .zero, problem: "it is not encrypted, and its directory is",
                advice: RecoveryError.alteredAdvice)
        case (.some, nil):
            throw RecoveryError(
                .altered, file: file, offset: .zero, problem: "it is encrypted, and its directory is not",
                advice: RecoveryError.alteredAdvice)
        case (let origin?, let cipher?):
            guard let key = cipher.key(origin, for: .segment(header.id)) else {
                throw RecoveryError(
                    .missing, file: file, offset: .zero,
                    problem: "it is encrypted with data key \(origin.dataKey), which KEYS has not")
            }
            return key
        }
    }

    /// Looks at the next frame's place and checks header and payload checksums; moves nothing.
    mutating func look() throws(RecoveryError) -> Found {
        guard try load(header.blockBytes, at: offset) else { return .endOfFile }
        let frame: FrameHeader
        do throws(FrameHeaderError) {
            frame = try parseHeader(at: offset)
        } catch {
            guard error == .impossible else { return .none }
            return .impossible("its checksum matches but its fields contradict each other")
        }
        guard frame.compression.isEncrypted == (header.encryption != nil) else {
            return .impossible(
                frame.compression.isEncrypted
                    ? "it is encrypted, and its segment is not" : "it is not encrypted, and its segment is")
        }
        let paddedBytes = LogLimits.round(frame.unpaddedBytes, upTo: header.blockBytes)
        guard try load(paddedBytes, at: offset) else {
            return .impossible("it would reach past the end of its segment")
        }
        let stored = window.view(frame.storedBytes, at: offset + UInt64(FrameHeader.byteCount))
        guard CRC32C.checksum(window.memory.span.extracting(stored)) == frame.payloadCRC32C else {
            return .torn(frame)
        }
        let checksum = window.view(FrameHeader.byteCount, at: offset).lowerBound + 60
        return .frame(frame, checksum: window.memory.span.littleEndian(at: checksum))
    }

    /// Decodes the payload of a frame that ``look()`` has just found.
    ///
    /// - Throws: when the payload, whose checksum matches, is not what was written.
    func decode(
        _ frame: FrameHeader, with zstd: ZstdDecompressor, into payload: inout [UInt8]
    ) throws(FramePayloadError) {
        let stored = window.view(frame.storedBytes, at: offset + UInt64(FrameHeader.byteCount))
        switch frame.compression {
        case .raw: payload.replaceSubrange(0..<payload.count, with: window.memory[stored])
        case .zstd:
            try Self.decompress(window.memory.span.extracting(stored), frame, with: zstd, into: &payload)
        case .encryptedRaw:
            payload.removeAll(keepingCapacity: true)
            try decrypt(stored, appendingTo: &payload)
        case .encryptedZstd:
            var plain: [UInt8] = []
            try decrypt(stored, appendingTo: &plain)
            try Self.decompress(plain.span, frame, with: zstd, into: &payload)
        }
    }

    private static func decompress(
        _ bytes: Span<UInt8>, _ frame: FrameHeader, with zstd: ZstdDecompressor, into payload: inout [UInt8]
    ) throws(FramePayloadError) {
        guard zstd.decompress(bytes, count: frame.payloadBytes, into: &payload) else { throw .wrongSize }
    }

    private func decrypt(_ stored: Range<Int>, appendingTo bytes: inout [UInt8]) throws(FramePayloadError) {
        guard let cipherKey else { preconditionFailure("\(file.id) has no key") }
        let memory = window.memory
        let authenticated = FrameHeader.authenticatedBytes(
            of: memory.span.extracting(window.view(FrameHeader.byteCount, at: offset)))
        guard
            cipherKey.decrypt(
                memory.span.extracting(stored), authenticating: authenticated.span, nonce: offset,
                appendingTo: &bytes)
        else { throw .altered }
    }

    /// Has the next look read the file anew: it is still being written.
    mutating func refresh() { window.forget() }

    /// Steps over a frame that ``look()`` has just found.
    mutating func skip(_ frame: FrameHeader) {
        offset = end(of: frame)
    }

    /// Goes on at a later block, over what cannot be read.
    mutating func jump(to place: UInt64) {
        precondition(place > offset, "a jump from \(offset) to \(place)")
        offset = place
    }

    /// Where a frame that stands at the reader's place is over.
    func end(of frame: FrameHeader) -> UInt64 {
        offset + UInt64(LogLimits.round(frame.unpaddedBytes, upTo: header.blockBytes))
    }

    /// Looks through the rest of the segment, block by block.
    ///
    /// - Parameter start: where to begin: behind a torn frame whose header is valid (its payload is a user's
    ///   bytes), else one block on.
    /// - Returns: the place of the first header with a valid checksum, and whether all bytes from the
    ///   frames' end on are zero.
    mutating func scanRest(from start: UInt64) throws(RecoveryError) -> (laterFrame: UInt64?, isBlank: Bool) {
        var isBlank = true
        var place = offset
        let blockBytes = UInt64(header.blockBytes)
        while try load(header.blockBytes, at: place) {
            // Nearly all of it is zeros that no frame has reached, so these are passed over a window at a
            // time.
            let view = window.range(from: place)
            if window.memory.span.extracting(view).isZero {
                place += UInt64(view.count) / blockBytes * blockBytes
                continue
            }
            let end = place + UInt64(view.count) / blockBytes * blockBytes
            while place < end {
                let block = window.view(header.blockBytes, at: place)
                if !window.memory.span.extracting(block).isZero {
                    isBlank = false
                    if place >= start, isHeader(at: place) { return (place, false) }
                }
                place += blockBytes
            }
        }
        return (nil, isBlank)
    }

    /// Whether a header with a valid checksum of this directory stands here, possible or not.
    private func isHeader(at place: UInt64) -> Bool {
        do throws(FrameHeaderError) {
            _ = try parseHeader(at: place)
            return true
        } catch {
            return error == .impossible
        }
    }

    private func parseHeader(at place: UInt64) throws(FrameHeaderError) -> FrameHeader {
        let bytes = window.view(FrameHeader.byteCount, at: place)
        return try FrameHeader(
            parsing: window.memory.span.extracting(bytes), directoryCRC32C: directoryCRC32C)
    }

    private mutating func load(_ count: Int, at place: UInt64) throws(RecoveryError) -> Bool {
        do throws(StorageError) {
            return try window.load(count, at: place)
        } catch {
            throw Self.problem(reading: file, error)
        }
    }

    private static func problem(reading file: SegmentFile, _ error: StorageError) -> RecoveryError {
        if case .truncated = error.problem {
            return RecoveryError(
                .damaged, file: file.id.description, offset: error.offset, problem: "\(error)")
        }
        return .unreadable(error)
    }

    private static func problem(_ file: SegmentFile, _ error: SegmentHeaderError) -> RecoveryError {
        let name = file.id.description
        switch error {
        case .unknownVersion(let version):
            return RecoveryError(
                .unsupportedVersion, file: name, offset: .zero,
                problem:
                    "it has format version \(version), and this program reads version \(SegmentHeader.version)",
                advice: "Start the version of the program that wrote it; nothing was changed.")
        case .truncated, .badMagic, .checksum, .impossibleSizes:
            return RecoveryError(
                .damaged, file: name, offset: .zero, problem: "its segment header is damaged (\(error))")
        }
    }
}

/// Why the payload of a frame, whose checksum matches, is not what was written.
enum FramePayloadError: Error, Equatable {
    /// It does not decompress to the size that its header says.
    case wrongSize
    /// Its tag does not match: it, or its header, was changed by somebody who has not the key.
    case altered
}
