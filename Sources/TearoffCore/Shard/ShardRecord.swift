/// A fact: the hold that an earlier record made has ended so.
package struct HoldEndRecord: Equatable, Sendable {
    package let shard: ShardID
    package let sequence: SequenceNumber
    /// Of the record that made the hold.
    package let hold: SequenceNumber
    package let end: HoldEnd

    package init(shard: ShardID, sequence: SequenceNumber, hold: SequenceNumber, end: HoldEnd) {
        self.shard = shard
        self.sequence = sequence
        self.hold = hold
        self.end = end
    }
}

/// What the log keeps of a shard.
package enum ShardRecord: Equatable, Sendable {
    case allocation(AllocationRecord)
    case holdEnd(HoldEndRecord)
    case key(KeyRecord)

    package var shard: ShardID {
        switch self {
        case .allocation(let record): record.shard
        case .holdEnd(let record): record.shard
        case .key(let record): record.shard
        }
    }

    package var sequence: SequenceNumber {
        switch self {
        case .allocation(let record): record.sequence
        case .holdEnd(let record): record.sequence
        case .key(let record): record.sequence
        }
    }

    package var at: Timestamp {
        switch self {
        case .allocation(let record): record.givenAt
        case .holdEnd(let record): record.end.at
        case .key(let record): record.answer.usedAt
        }
    }

    /// Whether the user's bytes go beside it.
    var hasLongUser: Bool {
        switch self {
        case .allocation(let record): record.user.isLong
        case .holdEnd: false
        case .key(let record): record.user.isLong
        }
    }
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
    /// The record names no hold of its shard that still waits.
    case noHold(SequenceNumber)
    /// The record of a key names a user whom the campaign has given nothing.
    case noAllocation(SequenceNumber)
}
