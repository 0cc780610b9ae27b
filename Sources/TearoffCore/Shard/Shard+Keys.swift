extension Shard {
    /// What the log is to keep of the answer that a user just got under a key. It is to be applied at once.
    package func keyRecord(_ key: AllocationKey, answer: KeyAnswer, keyByteCount: UInt8) -> KeyRecord {
        KeyRecord(
            shard: id, sequence: lastSequence.next, campaign: key.campaign, user: key.user, answer: answer,
            keyByteCount: keyByteCount)
    }

    /// Takes the record's place in the shard's sequence.
    ///
    /// - Parameters:
    ///   - userBytes: the user's id as text; used when the user is long.
    ///   - text: the key, and behind it the marketing user id.
    /// - Returns: what is to be remembered of the key.
    /// - Throws: ``ApplyError``; the shard is unchanged then.
    package mutating func apply(
        _ record: KeyRecord, userBytes: Span<UInt8>, text: Span<UInt8>
    ) throws(ApplyError) -> KeyUse {
        guard record.shard == id else { throw .wrongShard(expected: id, found: record.shard) }
        guard record.sequence > lastSequence else {
            throw .sequenceTwice(shard: id, sequence: record.sequence)
        }
        guard let row = latest(campaign: record.campaign, user: record.user, bytes: userBytes) else {
            throw .noAllocation(record.sequence)
        }
        lastSequence = record.sequence
        return KeyUse(
            shard: id, sequence: record.sequence, row: row, answer: record.answer,
            keyByteCount: record.keyByteCount, text: text.copy)
    }
}
