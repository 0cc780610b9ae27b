import TearoffCore

/// The 64 bytes before a frame's payload. Little-endian.
///
///     offset  bytes  field                 meaning
///          0      4  magic                 0x3146_4F54, "TOF1"
///          4      1  kind                  1 records, 2 seal, 3 close
///          5      1  compression           0 raw, 1 zstd; 70 raw, 71 zstd, and then encrypted
///          6      2  lane
///          8      8  segment               number of the segment that it was written to
///         16      8  frame                 records: its own number; seal, close: the last records frame
///         24      8  durableThrough        highest records frame known durable when this was built
///         32      8  time                  milliseconds, given by the engine
///         40      4  storedBytes           payload as stored; encrypted: with the 16 bytes of its tag
///         44      4  payloadBytes          payload decompressed, at most 4 MiB
///         48      4  recordCount
///         52      4  payloadCRC32C         over the stored payload
///         56      4  previousHeaderCRC32C  of the lane's frame before this one; 0 for the first
///         60      4  headerCRC32C          over the directory's 16-byte id, then bytes 0..<60
///
/// The checksum begins with the directory's id: a frame of another directory is not a frame here,
/// and no user who can choose payload bytes can write something that recovery takes for a frame.
///
/// - Source: docs/FORMAT.md, "Frame". Changing a byte needs a new magic and a golden directory.
package struct FrameHeader: Equatable, Sendable {
    package static let byteCount = 64
    package static let magic: UInt32 = 0x3146_4F54

    package enum Kind: UInt8, Sendable {
        case records = 1
        /// Empty: vouches for the frame before it when the lane goes idle.
        case seal = 2
        /// Empty, the last of a segment: the lane goes on in the next, which exists.
        case close = 3
    }

    package enum Compression: UInt8, Sendable {
        case raw = 0
        case zstd = 1
        case encryptedRaw = 70
        case encryptedZstd = 71

        package var isEncrypted: Bool { tagBytes > 0 }

        /// What encryption has added to the payload.
        var tagBytes: Int {
            switch self {
            case .raw, .zstd: 0
            case .encryptedRaw, .encryptedZstd: CipherLimits.tagBytes
            }
        }

        var encrypted: Compression {
            switch self {
            case .raw, .encryptedRaw: .encryptedRaw
            case .zstd, .encryptedZstd: .encryptedZstd
            }
        }
    }

    package var kind: Kind
    package var compression: Compression
    package var segment: SegmentID
    package var frame: FrameNumber
    package var durableThrough: FrameNumber
    package var timeMilliseconds: UInt64
    package var storedBytes: Int
    package var payloadBytes: Int
    package var recordCount: Int
    package var payloadCRC32C: UInt32
    package var previousHeaderCRC32C: UInt32

    /// The last records frame before this one: what must have been read to get here.
    package var framesBefore: FrameNumber {
        kind == .records ? frame.previous : frame
    }

    /// Header and stored payload, before padding.
    package var unpaddedBytes: Int { Self.byteCount + storedBytes }
}

extension FrameHeader {
    /// What the tag of an encrypted frame vouches for beside its payload: all but the checksum of what is encrypted,
    /// which is zero then, and the header's own.
    static let authenticated = 0..<60
    private static let payloadChecksum = 52..<56

    /// Writes the header over `bytes[0..<60]`, without its checksum.
    func storeFields(in bytes: inout [UInt8]) {
        precondition(isPossible, "frame \(frame) of \(segment) is built wrong")
        bytes.storeLittleEndian(Self.magic, at: 0)
        bytes[4] = kind.rawValue
        bytes[5] = compression.rawValue
        bytes.storeLittleEndian(segment.lane.rawValue, at: 6)
        bytes.storeLittleEndian(segment.number.rawValue, at: 8)
        bytes.storeLittleEndian(frame.rawValue, at: 16)
        bytes.storeLittleEndian(durableThrough.rawValue, at: 24)
        bytes.storeLittleEndian(timeMilliseconds, at: 32)
        bytes.storeLittleEndian(UInt32(storedBytes), at: 40)
        bytes.storeLittleEndian(UInt32(payloadBytes), at: 44)
        bytes.storeLittleEndian(UInt32(recordCount), at: 48)
        bytes.storeLittleEndian(payloadCRC32C, at: 52)
        bytes.storeLittleEndian(previousHeaderCRC32C, at: 56)
    }

    /// Writes the header over `bytes[0..<64]`.
    ///
    /// - Returns: its checksum, which the lane's next frame carries.
    func store(in bytes: inout [UInt8], directoryCRC32C: UInt32) -> UInt32 {
        storeFields(in: &bytes)
        let checksum = CRC32C.checksum(bytes.span.extracting(0..<60), continuing: directoryCRC32C)
        bytes.storeLittleEndian(checksum, at: 60)
        return checksum
    }

    /// Reads a header; no field is believed before the checksum matches.
    ///
    /// - Throws: ``FrameHeaderError``; each case is a state that a disk can be in.
    init(parsing bytes: Span<UInt8>, directoryCRC32C: UInt32) throws(FrameHeaderError) {
        guard bytes.count >= Self.byteCount else { throw .truncated }
        guard bytes.littleEndian(UInt32.self, at: 0) == Self.magic else { throw .badMagic }
        let computed = CRC32C.checksum(bytes.extracting(0..<60), continuing: directoryCRC32C)
        guard bytes.littleEndian(UInt32.self, at: 60) == computed else { throw .checksum }
        guard let kind = Kind(rawValue: bytes[4]), let compression = Compression(rawValue: bytes[5]) else {
            throw .impossible
        }
        self.init(
            kind: kind, compression: compression,
            segment: SegmentID(
                lane: LaneID(rawValue: bytes.littleEndian(at: 6)),
                number: SegmentNumber(rawValue: bytes.littleEndian(at: 8))),
            frame: FrameNumber(rawValue: bytes.littleEndian(at: 16)),
            durableThrough: FrameNumber(rawValue: bytes.littleEndian(at: 24)),
            timeMilliseconds: bytes.littleEndian(at: 32),
            storedBytes: Int(bytes.littleEndian(UInt32.self, at: 40)),
            payloadBytes: Int(bytes.littleEndian(UInt32.self, at: 44)),
            recordCount: Int(bytes.littleEndian(UInt32.self, at: 48)),
            payloadCRC32C: bytes.littleEndian(at: 52),
            previousHeaderCRC32C: bytes.littleEndian(at: 56))
        guard isPossible else { throw .impossible }
    }

    /// What the tag vouches for of a header as it stands on disk.
    static func authenticatedBytes(of header: Span<UInt8>) -> [UInt8] {
        var bytes = header.extracting(authenticated).copy
        for index in payloadChecksum { bytes[index] = 0 }
        return bytes
    }

    /// The rules between fields that every frame keeps to; checked before writing and after reading.
    private var isPossible: Bool {
        guard payloadBytes <= LogLimits.payloadBytesMax, storedBytes <= payloadBytes + compression.tagBytes else {
            return false
        }
        switch compression {
        case .raw, .encryptedRaw:
            guard storedBytes == payloadBytes + compression.tagBytes else { return false }
        case .zstd: break
        case .encryptedZstd:
            guard storedBytes > compression.tagBytes else { return false }
        }
        guard segment.number.rawValue > 0 else { return false }
        switch kind {
        case .records:
            // A frame cannot vouch for itself.
            return frame > durableThrough && payloadBytes > 0 && recordCount > 0
        case .seal, .close:
            return frame >= durableThrough && payloadBytes == 0 && recordCount == 0
        }
    }
}

/// What is wrong with 64 bytes that should be a frame's header.
package enum FrameHeaderError: Error, Equatable, Sendable {
    case truncated
    case badMagic
    case checksum
    /// The checksum matches but the fields contradict each other: written by a faulty or newer program.
    case impossible
}
