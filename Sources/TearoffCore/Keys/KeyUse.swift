/// What an `ALLOC` or a `HOLD` under an idempotency key asked beside campaign, user and user id, and how it was
/// answered.
package struct KeyAnswer: Equatable, Sendable {
    /// When the key was used first: from then on it is kept for ``Limits/keyMilliseconds``.
    package let usedAt: Timestamp
    /// The allocation's, as they were then.
    package let times: AllocationTimes
    /// For how long a `HOLD` asked; 0 for an `ALLOC`.
    package let holdMilliseconds: UInt32
    package let isRepeat: Bool

    package init(usedAt: Timestamp, times: AllocationTimes, holdMilliseconds: UInt32, isRepeat: Bool) {
        self.usedAt = usedAt
        self.times = times
        self.holdMilliseconds = holdMilliseconds
        self.isRepeat = isRepeat
    }

    /// Whether the key is still known: from its 24th hour on it is as good as new.
    package func isKept(at now: Timestamp) -> Bool { now.millisecondsSince(usedAt) < Limits.keyMilliseconds }
}

/// A fact: this user's latest allocation in the campaign was the answer under a key. The key, with the marketing user
/// id that was sent behind it, goes beside it as a span, as the bytes of a long user do.
package struct KeyRecord: Equatable, Sendable {
    package let sequence: SequenceNumber
    package let answer: KeyAnswer
    package let campaign: CampaignID
    package let user: UserKey
    package let shard: ShardID
    /// 1 to ``Limits/keyBytes``: how much of the text is the key.
    package let keyByteCount: UInt8

    package init(
        shard: ShardID, sequence: SequenceNumber, campaign: CampaignID, user: UserKey, answer: KeyAnswer,
        keyByteCount: UInt8
    ) {
        self.sequence = sequence
        self.answer = answer
        self.campaign = campaign
        self.user = user
        self.shard = shard
        self.keyByteCount = keyByteCount
    }
}

/// A key as it is remembered: what its next use is compared with, and answered from.
package struct KeyUse: Equatable, Sendable {
    /// Of the record.
    package let sequence: SequenceNumber
    package let answer: KeyAnswer
    /// The allocation that was the answer: a row of the shard, by which campaign, user and code are known.
    package let row: RowNumber
    package let shard: ShardID
    package let keyByteCount: UInt8
    /// The key, and behind it the marketing user id that was sent with it, if there was one.
    package let text: [UInt8]

    /// - Precondition: the text is as long as the key at least.
    package init(
        shard: ShardID, sequence: SequenceNumber, row: RowNumber, answer: KeyAnswer, keyByteCount: UInt8,
        text: [UInt8]
    ) {
        precondition(text.count >= Int(keyByteCount), "a key of \(keyByteCount) bytes in \(text.count)")
        self.sequence = sequence
        self.answer = answer
        self.row = row
        self.shard = shard
        self.keyByteCount = keyByteCount
        self.text = text
    }

    package func keyHash(seed: UInt64) -> UInt64 {
        ByteHash.hash(text.span.extracting(0..<Int(keyByteCount)), seed: seed)
    }
}
