/// Reads the frames of one file of the feed, one after the other.
package struct FeedFileReader {
    /// What is read at once.
    private static let windowBytes = 256 << 10

    package let file: FeedSequence
    /// Where the next frame is expected.
    package private(set) var offset: UInt64
    /// Where the frame begins that was found last.
    package private(set) var frameOffset: UInt64 = 0
    private let end: UInt64
    private let storage: any FeedStorage
    private let coder: FeedFrameCoder
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    /// The stored payload of the frame that was found last, in the window.
    private var payload = 0..<0

    package enum Found: Equatable, Sendable {
        case frame(FeedFrameHeader)
        /// What stands here is no frame, and the reader is at a later one: damage.
        case damage
        /// Nothing follows; a frame that a crash cut off may stand here.
        case end
    }

    /// - Parameters:
    ///   - offset: where a frame begins.
    ///   - end: how far the file is known to be durable.
    package init(
        _ file: FeedSequence, from offset: UInt64, to end: UInt64, storage: any FeedStorage,
        directoryID: DirectoryID
    ) {
        self.file = file
        self.offset = offset
        self.end = end
        self.storage = storage
        coder = FeedFrameCoder(directoryID: directoryID, cipher: storage.cipher)
    }

    /// Steps to the next frame, which ``decode(_:)`` may then read.
    package mutating func next() throws(StorageError) -> Found {
        guard try load(FeedFrameHeader.byteCount, at: offset) else { return .end }
        guard let header = header(at: offset),
            try load(FeedFrameHeader.byteCount + header.storedBytes, at: offset)
        else { return try search() }
        let start = Int(offset - windowStart) + FeedFrameHeader.byteCount
        payload = start..<start + header.storedBytes
        guard CRC32C.checksum(window.span.extracting(payload)) == header.payloadCRC32C else {
            return try search()
        }
        frameOffset = offset
        offset += UInt64(FeedFrameHeader.byteCount + header.storedBytes)
        return .frame(header)
    }

    /// - Throws: problem `.damaged` for what this version cannot read, `.altered` for what was changed without the key.
    package func decode(_ header: FeedFrameHeader) throws(StorageError) -> FeedFrame {
        let name = "feed/\(FeedFile.name(of: file))"
        let bytes: [UInt8]
        do throws(EncryptedFileError) {
            let start = payload.lowerBound - FeedFrameHeader.byteCount
            bytes = try coder.decrypt(
                window.span.extracting(start..<payload.lowerBound), window.span.extracting(payload))
        } catch {
            throw StorageError(.read, file: name, problem: .init(error))
        }
        do throws(RecordError) {
            return try coder.decode(header, bytes.span)
        } catch {
            throw StorageError(.read, file: name, problem: .damaged)
        }
    }

    private func header(at place: UInt64) -> FeedFrameHeader? {
        let start = Int(place - windowStart)
        return coder.header(window.span.extracting(start..<start + FeedFrameHeader.byteCount))
    }

    /// Looks for a later frame byte by byte. No user can write one: its checksum begins with the directory's id.
    private mutating func search() throws(StorageError) -> Found {
        var place = offset + 1
        while try load(FeedFrameHeader.byteCount, at: place) {
            if header(at: place) != nil {
                offset = place
                return .damage
            }
            place += 1
        }
        return .end
    }

    /// Brings bytes into the window. - Returns: false when the file ends before.
    private mutating func load(_ count: Int, at place: UInt64) throws(StorageError) -> Bool {
        guard place + UInt64(count) <= end else { return false }
        if place >= windowStart, place + UInt64(count) <= windowStart + UInt64(window.count) { return true }
        let wanted = Int(min(UInt64(max(count, Self.windowBytes)), end - place))
        try storage.read(file, from: place, count: wanted, into: &window)
        windowStart = place
        return window.count >= count
    }
}
