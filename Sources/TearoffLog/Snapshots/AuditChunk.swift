package import TearoffCore

/// A stretch of the audit trail as a blob.
package enum AuditChunk {
    package static let recordsMaximum = 1_024
    private static let bytesMaximum = 32 + recordsMaximum * AuditRecord.bytesMaximum
    private static let magic: UInt32 = 0x3141_4F54  // "TOA1"

    /// - Source: bytes in `docs/FORMAT.md`, "Audit chunks".
    package static func encode(_ records: some Collection<AuditRecord>) -> [UInt8] {
        precondition(records.count == recordsMaximum, "\(records.count) records in a chunk")
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(magic)
        for record in records { record.encode(into: &bytes) }
        return bytes
    }

    /// Whether they follow each other is for ``AuditTrail`` to say.
    package static func decode(_ bytes: Span<UInt8>) throws(RecordError) -> [AuditRecord] {
        var reader = ByteReader()
        guard try reader.littleEndian(bytes) as UInt32 == magic else { throw .badField("magic", offset: 0) }
        let records = try AuditRecord.decodeAll(bytes.extracting(reader.position..<bytes.count))
        guard records.count == recordsMaximum else { throw .badField("record count", offset: 4) }
        return records
    }

    /// Reads a chunk back.
    ///
    /// - Throws: problem `.damaged` also for a blob that is no audit chunk.
    package static func read(_ id: BlobID, from blobs: any BlobStore) throws(StorageError) -> [AuditRecord] {
        var packed: [UInt8] = []
        var content: [UInt8] = []
        try blobs.readPacked(id, countMax: bytesMaximum, packed: &packed, into: &content)
        do throws(RecordError) {
            return try decode(content.span)
        } catch {
            throw StorageError(.read, file: "blobs/\(id)", problem: .damaged)
        }
    }
}

extension AuditRecord {
    /// Reads records that stand back to back.
    static func decodeAll(_ bytes: Span<UInt8>) throws(RecordError) -> [AuditRecord] {
        var reader = ByteReader()
        var records: [AuditRecord] = []
        while !reader.isAtEnd(bytes) {
            let offset = reader.position
            let tag = try reader.byte(bytes)
            guard tag == RecordTag.audit else { throw .unknownTag(tag, offset: offset) }
            records.append(try AuditRecord(bytes, &reader))
        }
        return records
    }
}
