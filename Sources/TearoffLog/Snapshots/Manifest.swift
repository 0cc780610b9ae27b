package import TearoffCore

/// What a snapshot is: the catalog whole, where each shard's history stands, and from where the log goes on.
package struct Manifest: Equatable, Sendable {
    package static let formatVersion: UInt16 = 2
    /// Had no holds, no audit trail and no keys.
    private static let versionWithoutHolds: UInt16 = 1
    private static let magic: UInt32 = 0x314D_4F54  // "TOM1"

    /// A shard's history: chunks of ``HistoryChunk/rowsMaximum`` rows, and of ``HoldChunk/holdsMaximum`` holds, of
    /// each the last one perhaps shorter.
    package struct ShardHistory: Equatable, Sendable {
        package let lastSequence: SequenceNumber
        package let rowCount: UInt64
        package let chunks: [BlobID]
        package let holdCount: UInt64
        package let holdChunks: [BlobID]

        package init(
            lastSequence: SequenceNumber, rowCount: UInt64, chunks: [BlobID], holdCount: UInt64 = 0,
            holdChunks: [BlobID] = []
        ) {
            self.lastSequence = lastSequence
            self.rowCount = rowCount
            self.chunks = chunks
            self.holdCount = holdCount
            self.holdChunks = holdChunks
        }
    }

    /// Where replay begins in a lane: everything before it is in the snapshot.
    package struct LaneStart: Equatable, Sendable {
        package let lane: LaneID
        package let position: LanePosition
        /// Whether nobody wrote this lane any more: it need have no segment at its position. The control lane is so
        /// in the snapshot that a directory was restored from.
        package let isIdle: Bool

        package init(lane: LaneID, position: LanePosition, isIdle: Bool) {
            self.lane = lane
            self.position = position
            self.isIdle = isIdle
        }
    }

    package let directory: DirectoryID
    /// 1, 2, 3 …: the newest snapshot has the highest number.
    package let number: UInt64
    /// The latest time that any covered record bears.
    package let at: Timestamp
    /// Catalog changes covered.
    package let revision: UInt64
    package let catalog: Catalog.Condensed
    package let audit: AuditTrail
    package let shards: [ShardHistory]
    /// The idempotency keys that were kept at that time.
    package let keyChunks: [BlobID]
    package let lanes: [LaneStart]

    package init(
        directory: DirectoryID, number: UInt64, at: Timestamp, revision: UInt64, catalog: Catalog.Condensed,
        audit: AuditTrail, shards: [ShardHistory], keyChunks: [BlobID], lanes: [LaneStart]
    ) {
        self.directory = directory
        self.number = number
        self.at = at
        self.revision = revision
        self.catalog = catalog
        self.audit = audit
        self.shards = shards
        self.keyChunks = keyChunks
        self.lanes = lanes
    }

    /// The same where there is no log: what comes behind is written into segments that no older life had.
    package var withoutLog: Manifest {
        // Not the first segment: a start that cannot read this snapshot finds that the log does not reach back to the
        // beginning, and is refused instead of taking what came since for all there is.
        let control = LaneStart(
            lane: .control,
            position: LanePosition(segment: .first.next, frame: .first, previousHeaderCRC32C: 0),
            isIdle: true)
        return Manifest(
            directory: directory, number: number, at: at, revision: revision, catalog: catalog, audit: audit,
            shards: shards, keyChunks: keyChunks, lanes: [control])
    }

    /// All blobs that this snapshot needs: chunks and uploads, but for those of lists that were deleted.
    package var blobs: Set<BlobID> {
        var uploads: [ListID: [BlobID]] = [:]
        for record in catalog.records {
            switch record.change {
            case .uploadCommitted(let upload): uploads[upload.list, default: []].append(upload.blob)
            // Stands behind all uploads.
            case .listDeleted(let list, _): uploads[list] = nil
            default: break
            }
        }
        let chunks = shards.flatMap { $0.chunks + $0.holdChunks } + keyChunks + audit.chunks
        return Set(chunks + uploads.values.joined())
    }
}

/// Why a manifest cannot be used.
package enum ManifestError: Error, Equatable {
    case tooShort
    case malformed(RecordError)

    fileprivate init(_ error: RecordError) { self = .malformed(error) }
}

extension Manifest {
    /// - Source: bytes in `docs/FORMAT.md`, "Manifests".
    package func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.formatVersion)
        bytes.append(contentsOf: directory.bytes)
        bytes.appendVarint(number)
        bytes.appendVarint(at.milliseconds)
        bytes.appendVarint(revision)
        var records: [UInt8] = []
        for record in catalog.records { ControlEntry.change(record, revision: 0).encode(into: &records) }
        bytes.appendString(records)
        bytes.appendVarint(UInt64(catalog.lapses.count))
        for lapse in catalog.lapses {
            bytes.appendVarint(UInt64(lapse.list.rawValue))
            bytes.appendVarint(lapse.at.milliseconds)
        }
        bytes.appendBlobs(audit.chunks)
        var tail: [UInt8] = []
        for record in audit.tail { record.encode(into: &tail) }
        bytes.appendString(tail)
        bytes.append(contentsOf: audit.end.hash.bytes)
        bytes.appendVarint(UInt64(shards.count))
        for shard in shards {
            bytes.appendVarint(shard.lastSequence.rawValue)
            bytes.appendVarint(shard.rowCount)
            bytes.appendBlobs(shard.chunks)
            bytes.appendVarint(shard.holdCount)
            bytes.appendBlobs(shard.holdChunks)
        }
        bytes.appendBlobs(keyChunks)
        bytes.appendVarint(UInt64(lanes.count))
        for lane in lanes {
            bytes.appendVarint(UInt64(lane.lane.rawValue))
            bytes.appendVarint(lane.position.segment.rawValue)
            bytes.appendVarint(lane.position.frame.rawValue)
            bytes.appendLittleEndian(lane.position.previousHeaderCRC32C)
            bytes.append(lane.isIdle ? 1 : 0)
        }
        bytes.appendLittleEndian(CRC32C.checksum(bytes.span))
        return bytes
    }

    private static let headerBytes = 6 + DirectoryID.byteCount

    /// - Throws: ``ManifestError``; magic, version and checksum are checked before any field is believed.
    package init(decoding bytes: Span<UInt8>, directory: DirectoryID) throws(ManifestError) {
        guard bytes.count >= Self.headerBytes + 4 else { throw .tooShort }
        let body = bytes.extracting(0..<bytes.count - 4)
        var head = ByteReader()
        var tail = ByteReader()
        do throws(RecordError) {
            let magic: UInt32 = try head.littleEndian(body)
            let version: UInt16 = try head.littleEndian(body)
            let checksum: UInt32 = try tail.littleEndian(bytes.extracting(body.count..<bytes.count))
            guard magic == Self.magic else { throw .badField("magic", offset: 0) }
            guard checksum == CRC32C.checksum(body) else { throw .badField("checksum", offset: body.count) }
            guard version == Self.formatVersion || version == Self.versionWithoutHolds else {
                throw .badField("version \(version)", offset: 4)
            }
            let found = DirectoryID(bytes: try head.copy(DirectoryID.byteCount, body))
            guard found == directory else { throw .badField("directory id", offset: 6) }
            try self.init(
                fields: body, &head, directory: directory, hasHolds: version > Self.versionWithoutHolds)
        } catch {
            throw ManifestError(error)
        }
    }

    private init(
        fields: Span<UInt8>, _ reader: inout ByteReader, directory: DirectoryID, hasHolds: Bool
    ) throws(RecordError) {
        let number = try reader.varint(fields)
        let at = try reader.timestamp(fields)
        let revision = try reader.varint(fields)
        let encoded = try reader.string(fields, maximum: fields.count)
        let records = try ControlEntry.decodeAll(encoded.span).compactMap { entry -> ControlRecord? in
            if case .change(let record, _) = entry { record } else { nil }
        }
        var lapses: [Catalog.Lapse] = []
        for _ in 0..<(try reader.varint(fields)) {
            let list = ListID(rawValue: try reader.narrow(fields))
            lapses.append(.init(list: list, at: try reader.timestamp(fields)))
        }
        // It came with the holds, and so did the keys.
        let audit = hasHolds ? try reader.auditTrail(fields) : AuditTrail()
        var shards: [ShardHistory] = []
        for _ in 0..<(try reader.varint(fields)) {
            shards.append(try reader.shardHistory(fields, hasHolds: hasHolds))
        }
        let keyChunks = hasHolds ? try reader.blobs(fields) : []
        var lanes: [LaneStart] = []
        for _ in 0..<(try reader.varint(fields)) {
            lanes.append(try reader.laneStart(fields))
        }
        guard reader.isAtEnd(fields) else { throw .badField("length", offset: reader.position) }
        self.init(
            directory: directory, number: number, at: at, revision: revision,
            catalog: .init(records: records, lapses: lapses), audit: audit, shards: shards,
            keyChunks: keyChunks, lanes: lanes)
    }
}

extension ByteReader {
    fileprivate mutating func laneStart(_ bytes: Span<UInt8>) throws(RecordError) -> Manifest.LaneStart {
        let lane = LaneID(rawValue: try narrow(bytes))
        let segment = SegmentNumber(rawValue: try varint(bytes))
        let frame = FrameNumber(rawValue: try varint(bytes))
        let position = LanePosition(
            segment: segment, frame: frame, previousHeaderCRC32C: try littleEndian(bytes))
        return .init(lane: lane, position: position, isIdle: try byte(bytes) == 1)
    }

    fileprivate mutating func shardHistory(
        _ bytes: Span<UInt8>, hasHolds: Bool
    ) throws(RecordError) -> Manifest.ShardHistory {
        let lastSequence = SequenceNumber(rawValue: try varint(bytes))
        let rowCount = try varint(bytes)
        let chunks = try blobs(bytes)
        guard hasHolds else { return .init(lastSequence: lastSequence, rowCount: rowCount, chunks: chunks) }
        return .init(
            lastSequence: lastSequence, rowCount: rowCount, chunks: chunks, holdCount: try varint(bytes),
            holdChunks: try blobs(bytes))
    }

    fileprivate mutating func auditTrail(_ bytes: Span<UInt8>) throws(RecordError) -> AuditTrail {
        let chunks = try blobs(bytes)
        let encoded = try string(bytes, maximum: bytes.count)
        let tail = try AuditRecord.decodeAll(encoded.span)
        return AuditTrail(chunks: chunks, tail: tail, hash: try contentHash(bytes))
    }

    fileprivate mutating func blobs(_ bytes: Span<UInt8>) throws(RecordError) -> [BlobID] {
        var blobs: [BlobID] = []
        for _ in 0..<(try varint(bytes)) { blobs.append(BlobID(bytes: try copy(BlobID.byteCount, bytes))) }
        return blobs
    }
}

extension [UInt8] {
    fileprivate mutating func appendBlobs(_ blobs: [BlobID]) {
        appendVarint(UInt64(blobs.count))
        for blob in blobs { append(contentsOf: blob.bytes) }
    }
}
