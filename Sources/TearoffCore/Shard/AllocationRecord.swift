/// A fact: this user got this code of this campaign at this time. What the log keeps and ``Shard`` applies.
///
/// The bytes of a long user and of the marketing user id go beside it as spans, so that a record is a plain
/// value.
package struct AllocationRecord: Equatable, Sendable {
    package let shard: ShardID
    package let sequence: SequenceNumber
    package let givenAt: Timestamp
    package let campaign: CampaignID
    package let code: CodeID
    package let user: UserKey

    package init(
        shard: ShardID, sequence: SequenceNumber, givenAt: Timestamp, campaign: CampaignID, code: CodeID,
        user: UserKey
    ) {
        self.shard = shard
        self.sequence = sequence
        self.givenAt = givenAt
        self.campaign = campaign
        self.code = code
        self.user = user
    }
}

/// What a shard makes of an `ALLOC`.
package enum AllocationDecision: ~Copyable, Sendable {
    /// The earlier allocation in that row stands.
    case repeated(RowNumber)
    /// A new code is claimed; it is to be applied at once, and its record logged.
    case new(DueAllocation)
    case refused(AllocationRefusal)
}

/// A new allocation that was decided and is not applied yet: its record, and where things stand that deciding
/// has found already.
package struct DueAllocation: ~Copyable, Sendable {
    package let record: AllocationRecord
    /// The code, and what the pool has behind it.
    package let claim: Claim
    let hash: UInt32
    let place: AllocationIndex.Place
}

package enum AllocationRefusal: Equatable, Sendable {
    /// The list is past its expiry: not even repeats.
    case listExpired
    /// The campaign ended; the user has no code to repeat.
    case finished(FinishReason)
    /// The campaign is active, but the pool is empty.
    case poolEmpty
    /// The shard has as many rows as an owner's number can name.
    case shardFull
}

/// Why a record read back from the log cannot be true. Recovery refuses to start on any of these.
package enum ApplyError: Error, Equatable {
    case wrongShard(expected: ShardID, found: ShardID)
    case sequenceTwice(shard: ShardID, sequence: SequenceNumber)
    case unknownUpload(UploadID)
    case unknownCampaign(CampaignID)
    case ordinalBeyondUpload(CodeID)
    case codeGivenTwice(CodeID)
    case shardFull(ShardID)
}
