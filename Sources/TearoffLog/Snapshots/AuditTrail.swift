package import TearoffCore

/// The end of a chain of audit records: what the next one follows on.
package struct AuditLink: Equatable, Sendable {
    /// Before the first record.
    package static let start = AuditLink(
        number: 0, hash: ContentHash(bytes: [UInt8](repeating: 0, count: ContentHash.byteCount)))

    package private(set) var number: UInt64
    package private(set) var hash: ContentHash

    init(number: UInt64, hash: ContentHash) {
        self.number = number
        self.hash = hash
    }

    /// The record of an act that would follow.
    package func record(of act: Act, by origin: Origin, at: Timestamp) -> AuditRecord {
        AuditRecord(number: number + 1, at: at, origin: origin, act: act, previous: hash)
    }

    /// Goes on to a record. - Returns: false when it does not follow; nothing changes then.
    package mutating func advance(to record: AuditRecord, _ hasher: any ContentHasher) -> Bool {
        guard record.number == number + 1, record.previous == hash else { return false }
        self = AuditLink(number: record.number, hash: record.hash(by: hasher))
        return true
    }
}

/// The audit trail: its beginning in chunks that never change, and the records behind them.
package struct AuditTrail: Equatable, Sendable {
    /// Each of ``AuditChunk/recordsMaximum`` records.
    package private(set) var chunks: [BlobID]
    package private(set) var tail: [AuditRecord]
    package private(set) var end: AuditLink

    package init() {
        (chunks, tail, end) = ([], [], .start)
    }

    /// As a manifest has it; nothing of it is checked.
    init(chunks: [BlobID], tail: [AuditRecord], hash: ContentHash) {
        let number = UInt64(chunks.count * AuditChunk.recordsMaximum + tail.count)
        (self.chunks, self.tail, end) = (chunks, tail, AuditLink(number: number, hash: hash))
    }

    /// How many records stand in chunks.
    package var chunkedCount: UInt64 { UInt64(chunks.count * AuditChunk.recordsMaximum) }

    /// - Returns: false when the record does not follow; nothing changes then.
    package mutating func append(_ record: AuditRecord, _ hasher: any ContentHasher) -> Bool {
        guard end.advance(to: record, hasher) else { return false }
        tail.append(record)
        return true
    }

    /// The first records of the tail stand in these chunks from now on.
    package mutating func move(into chunks: some Collection<BlobID>) {
        precondition(
            chunks.count * AuditChunk.recordsMaximum <= tail.count,
            "\(chunks.count) chunks are more than the tail")
        self.chunks += chunks
        tail.removeFirst(chunks.count * AuditChunk.recordsMaximum)
    }
}
