import TearoffCore

/// The first block of a segment file. Little-endian; the rest of its 4096 bytes is zero, unless it is encrypted.
///
///     offset  bytes  field         meaning
///          0      4  magic         0x3153_4F54, "TOS1"
///          4      2  version       1
///          6      2  lane
///          8      4  blockBytes    alignment of frames: a power of two from 512 to 4096
///         12      4  dataKey       0: its frames are not encrypted
///         16     16  directoryID   of the data directory that it was made for
///         32      8  number        from 1, in the lane
///         40      8  segmentBytes  size of the file, a multiple of 4096
///         48      8  created       milliseconds since 1970, for people
///         56      4  reserved      zero
///         60      4  headerCRC32C  over bytes 0..<60
///
/// and with a data key:
///
///         64     32  salt          random; the segment's key is made of it
///         96      4  saltCRC32C    over bytes 64..<96
///
/// - Source: docs/FORMAT.md, "Segment". Changing a byte needs a new version and a golden directory.
package struct SegmentHeader: Equatable, Sendable {
    package static let byteCount = 64
    package static let magic: UInt32 = 0x3153_4F54
    package static let version: UInt16 = 1

    package let directoryID: DirectoryID
    package let id: SegmentID
    package let blockBytes: Int
    package let segmentBytes: UInt64
    package let createdMilliseconds: UInt64
    /// What its frames are encrypted with; nil: with nothing.
    package let encryption: CipherOrigin?

    /// - Precondition: the sizes keep to the format (see the table above).
    package init(
        directoryID: DirectoryID, id: SegmentID, blockBytes: Int, segmentBytes: UInt64,
        createdMilliseconds: UInt64, encryption: CipherOrigin? = nil
    ) {
        precondition(Self.isBlockSize(blockBytes), "block of \(blockBytes) bytes")
        precondition(Self.isSegmentSize(segmentBytes), "segment of \(segmentBytes) bytes")
        precondition(id.number.rawValue > 0, "segments count from 1")
        self.directoryID = directoryID
        self.id = id
        self.blockBytes = blockBytes
        self.segmentBytes = segmentBytes
        self.createdMilliseconds = createdMilliseconds
        self.encryption = encryption
    }

    private static let saltRange = byteCount..<byteCount + CipherLimits.saltBytes

    /// The header's whole block, 4096 bytes.
    package func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogLimits.segmentHeaderBytes)
        bytes.storeLittleEndian(Self.magic, at: 0)
        bytes.storeLittleEndian(Self.version, at: 4)
        bytes.storeLittleEndian(id.lane.rawValue, at: 6)
        bytes.storeLittleEndian(UInt32(blockBytes), at: 8)
        bytes.storeLittleEndian(encryption?.dataKey ?? 0, at: 12)
        bytes.replaceSubrange(16..<32, with: directoryID.bytes)
        bytes.storeLittleEndian(id.number.rawValue, at: 32)
        bytes.storeLittleEndian(segmentBytes, at: 40)
        bytes.storeLittleEndian(createdMilliseconds, at: 48)
        bytes.storeLittleEndian(CRC32C.checksum(bytes.span.extracting(0..<60)), at: 60)
        if let encryption {
            bytes.replaceSubrange(Self.saltRange, with: encryption.salt)
            let checksum = CRC32C.checksum(bytes.span.extracting(Self.saltRange))
            bytes.storeLittleEndian(checksum, at: Self.saltRange.upperBound)
        }
        return bytes
    }

    /// - Parameter bytes: the whole block; without a data key its first ``byteCount`` bytes do.
    /// - Throws: ``SegmentHeaderError``; each case is a state that a disk can be in.
    package init(parsing bytes: Span<UInt8>) throws(SegmentHeaderError) {
        guard bytes.count >= Self.byteCount else { throw .truncated }
        guard bytes.littleEndian(UInt32.self, at: 0) == Self.magic else { throw .badMagic }
        let version = bytes.littleEndian(UInt16.self, at: 4)
        // Before the checksum: another version may keep its checksum elsewhere.
        guard version == Self.version else { throw .unknownVersion(version) }
        let computed = CRC32C.checksum(bytes.extracting(0..<60))
        guard bytes.littleEndian(UInt32.self, at: 60) == computed else { throw .checksum }
        let blockBytes = Int(bytes.littleEndian(UInt32.self, at: 8))
        let segmentBytes = bytes.littleEndian(UInt64.self, at: 40)
        let number = bytes.littleEndian(UInt64.self, at: 32)
        guard Self.isBlockSize(blockBytes), Self.isSegmentSize(segmentBytes), number > 0 else {
            throw .impossibleSizes
        }
        self.init(
            directoryID: DirectoryID(bytes: (16..<32).map { bytes[$0] }),
            id: SegmentID(
                lane: LaneID(rawValue: bytes.littleEndian(at: 6)), number: SegmentNumber(rawValue: number)),
            blockBytes: blockBytes, segmentBytes: segmentBytes,
            createdMilliseconds: bytes.littleEndian(at: 48), encryption: try Self.encryption(bytes))
    }

    private static func encryption(_ bytes: Span<UInt8>) throws(SegmentHeaderError) -> CipherOrigin? {
        let dataKey = bytes.littleEndian(UInt32.self, at: 12)
        if dataKey == 0 { return nil }
        guard bytes.count >= saltRange.upperBound + 4 else { throw .truncated }
        let salt = bytes.extracting(saltRange)
        guard bytes.littleEndian(UInt32.self, at: saltRange.upperBound) == CRC32C.checksum(salt) else {
            throw .checksum
        }
        return CipherOrigin(dataKey: dataKey, salt: salt.copy)
    }

    package static func isBlockSize(_ bytes: Int) -> Bool {
        (LogLimits.blockBytesMin...LogLimits.blockBytesMax).contains(bytes) && bytes.nonzeroBitCount == 1
    }

    package static func isSegmentSize(_ bytes: UInt64) -> Bool {
        (LogLimits.segmentBytesFormatMin...LogLimits.segmentBytesFormatMax).contains(bytes)
            && bytes.isMultiple(of: UInt64(LogLimits.segmentHeaderBytes))
    }
}

/// What is wrong with the first block of a segment.
package enum SegmentHeaderError: Error, Equatable, Sendable {
    case truncated
    case badMagic
    case unknownVersion(UInt16)
    case checksum
    case impossibleSizes
}
