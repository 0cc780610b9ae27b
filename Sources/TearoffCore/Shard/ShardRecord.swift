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

/// A fact: another system gave this user this code at this time, as was imported later. The code is of an import.
package struct ImportRecord: Equatable, Sendable {
    package let allocation: AllocationRecord
    /// When it was imported, and its place in the shard's time; not before it was given.
    package let at: Timestamp

    package init(allocation: AllocationRecord, at: Timestamp) {
        self.allocation = allocation
        self.at = at
    }
}

/// What the log keeps of a shard.
package enum ShardRecord: Equatable, Sendable {
    case allocation(AllocationRecord)
    case holdEnd(HoldEndRecord)
    case key(KeyRecord)
    case imported(ImportRecord)

    package var shard: ShardID {
        switch self {
        case .allocation(let record): record.shard
        case .holdEnd(let record): record.shard
        case .key(let record): record.shard
        case .imported(let record): record.allocation.shard
        }
    }

    package var sequence: SequenceNumber {
        switch self {
        case .allocation(let record): record.sequence
        case .holdEnd(let record): record.sequence
        case .key(let record): record.sequence
        case .imported(let record): record.allocation.sequence
        }
    }

    package var at: Timestamp {
        switch self {
        case .allocation(let record): record.givenAt
        case .holdEnd(let record): record.end.at
        case .key(let record): record.answer.usedAt
        case .imported(let record): record.at
        }
    }

    /// Whether the user's bytes go beside it.
    var hasLongUser: Bool {
        switch self {
        case .allocation(let record): record.user.isLong
        case .holdEnd: false
        case .key(let record): record.user.isLong
        case .imported(let record): record.allocation.user.isLong
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
    /// A code was imported that is of no import.
    case noImport(CodeID)
}
