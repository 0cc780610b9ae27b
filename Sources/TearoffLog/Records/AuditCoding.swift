package import TearoffCore

extension AuditRecord {
    /// Bytes that any record can take: eight texts, a hash and some numbers.
    static let bytesMaximum = 256 + 3 * Limits.auditOriginBytes + 3 * Limits.auditTextBytes

    /// - Source: bytes in `docs/FORMAT.md`, "Control lane".
    func encode(into batch: inout [UInt8]) {
        batch.append(RecordTag.audit)
        batch.appendVarint(number)
        batch.appendVarint(at.milliseconds)
        for text in [origin.user, origin.client, origin.address] { batch.appendString(text.utf8) }
        batch.appendString(act.command.rawValue.utf8)
        for text in [act.object, act.before, act.after] { batch.appendString(text.utf8) }
        batch.append(contentsOf: previous.bytes)
    }

    /// Reads on behind the tag.
    init(_ payload: Span<UInt8>, _ reader: inout ByteReader) throws(RecordError) {
        let number = try reader.varint(payload)
        let at = try reader.timestamp(payload)
        let origin = Origin(
            user: try reader.text(payload, maximum: Limits.auditOriginBytes),
            client: try reader.text(payload, maximum: Limits.auditOriginBytes),
            address: try reader.text(payload, maximum: Limits.auditOriginBytes))
        let offset = reader.position
        guard let command = Act.Command(rawValue: try reader.text(payload, maximum: Limits.nameBytes)) else {
            throw .badField("act", offset: offset)
        }
        let act = Act(
            command, object: try reader.text(payload, maximum: Limits.auditTextBytes),
            before: try reader.text(payload, maximum: Limits.auditTextBytes),
            after: try reader.text(payload, maximum: Limits.auditTextBytes))
        self.init(number: number, at: at, origin: origin, act: act, previous: try reader.contentHash(payload))
    }

    /// What the next record holds of this one.
    package func hash(by hasher: any ContentHasher) -> ContentHash {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        hasher.update(bytes.span)
        return hasher.finish()
    }
}
