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
    /// 0: none. Not an optional, which would be twice as large.
    private let holdUntilMilliseconds: UInt64

    package init(
        shard: ShardID, sequence: SequenceNumber, givenAt: Timestamp, campaign: CampaignID, code: CodeID,
        user: UserKey, holdUntil: Timestamp? = nil
    ) {
        self.shard = shard
        self.sequence = sequence
        self.givenAt = givenAt
        self.campaign = campaign
        self.code = code
        self.user = user
        holdUntilMilliseconds = holdUntil?.milliseconds ?? 0
    }

    /// The last millisecond at which it can be confirmed, when it is a hold; else nil.
    @inline(__always)
    package var holdUntil: Timestamp? {
        holdUntilMilliseconds == 0 ? nil : Timestamp(milliseconds: holdUntilMilliseconds)
    }
}

/// What the rules say of an `ALLOC` or a `HOLD`, before the pool is asked for a code.
package enum AllocationRuling: Sendable {
    /// The earlier allocation in that row stands.
    case repeated(RowNumber)
    /// The user has a hold that waits.
    case held(PendingHold)
    /// A new code is due.
    case new
    case refused(AllocationRefusal)
}

/// What a shard would make of an `ALLOC` now. Nothing is claimed for anybody.
package struct AllocationPreview: Sendable {
    /// ``AllocationRuling/new``: ``next`` would be given.
    package let ruling: AllocationRuling
    /// The user's latest allocation in the campaign, whatever the ruling; nil when there is none.
    package let latest: RowNumber?
    /// The code that the list would give next, whatever the ruling; nil when it has none: ``Pool/peek()``.
    package let next: CodeID?

    init(_ ruling: AllocationRuling, latest: RowNumber?, next: CodeID?) {
        if case .new = ruling, next == nil {
            self.ruling = .refused(.poolEmpty)
        } else {
            self.ruling = ruling
        }
        self.latest = latest
        self.next = next
    }
}

/// What a shard makes of an `ALLOC` or a `HOLD`.
package enum AllocationDecision: ~Copyable, Sendable {
    /// The earlier allocation in that row stands; for a `HOLD`, also one that is held.
    case repeated(RowNumber)
    /// The user has a hold that waits, which an `ALLOC` confirms.
    case held(PendingHold)
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

/// A hold that waits, by where it stands in its shard; good until the shard changes.
package struct PendingHold: Sendable {
    let index: Int
    package let row: RowNumber
}

/// What a shard makes of a `CONFIRM` or a `RELEASE`.
package enum HoldDecision: Sendable {
    /// To be ended at once.
    case pending(PendingHold)
    /// The user's code is given, in that row.
    case given(RowNumber)
    /// Nothing is held; the row is the user's latest one, if there is any.
    case nothing(RowNumber?)
    /// The list is past its expiry: nothing can be confirmed any more.
    case listExpired
}

package enum AllocationRefusal: Equatable, Sendable {
    /// The list is past its expiry: not even repeats.
    case listExpired
    /// The campaign ended; the user has no code to repeat.
    case finished(FinishReason)
    /// A new code is due, and the list is being changed: for a moment it gives none.
    case listFrozen
    /// A new code is due, and the disk has room only for what is under way: until there is more, none is given.
    case diskFull
    /// The campaign is active, but the pool is empty.
    case poolEmpty
    /// The time in which the campaign gives codes has not come.
    case notOpen
    /// The campaign has given as many codes as it may: in all, today, or in this second.
    case quotaReached, dayQuotaReached, rateReached
    /// The user has as many codes of the list as one may have.
    case userLimitReached
    /// The user's code is of a list that was archived or deleted since, so its text is not in memory.
    case codeAway
    /// The shard has as many rows as an owner's number can name.
    case shardFull
}
