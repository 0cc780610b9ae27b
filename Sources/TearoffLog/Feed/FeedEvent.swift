package import TearoffCore

/// Something that happened, as the feed keeps it. Names are looked up when it is read: lists and campaigns keep their
/// ids, and may be called otherwise by then.
package struct FeedEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case allocation(FeedAllocation, FeedStep)
        case change(ControlRecord.Change)
        case warning(ListID, FeedWarning)
        /// Events before this one were lost: the log that had them was removed while the feed could not be written.
        case gap
    }

    package let at: Timestamp
    package let kind: Kind

    package init(_ kind: Kind, at: Timestamp) {
        self.kind = kind
        self.at = at
    }
}

/// Whose code, and which.
package struct FeedAllocation: Equatable, Sendable {
    package let campaign: CampaignID
    package let code: CodeID
    package let user: [UInt8]
    /// Of the marketing system; empty when there is none.
    package let userID: [UInt8]

    package init(campaign: CampaignID, code: CodeID, user: [UInt8], userID: [UInt8]) {
        self.campaign = campaign
        self.code = code
        self.user = user
        self.userID = userID
    }
}

/// What became of a code.
package enum FeedStep: Equatable, Sendable {
    case given
    case held(until: Timestamp)
    /// A hold ended.
    case ended(HoldEnd.Reason, codeIsFree: Bool)
}

/// What an operator should know of a list before its users do.
package enum FeedWarning: Equatable, Sendable {
    /// It has no more free codes than its warning says.
    case low(remaining: UInt64)
    case empty
    /// It expires within so many days.
    case expiring(days: Int)
    case expired
}

/// Which warnings of a list were told, so that each is told once for each time that it comes true.
package struct FeedSigns: Equatable, Sendable {
    package var isLow = false
    package var isEmpty = false
    /// 0: not near its expiry. 1, 2 …: within so many of ``FeedLimits/expiryDays``; behind the last: expired.
    package var expiryStage = 0

    package static let expiredStage = FeedLimits.expiryDays.count + 1

    package init() {}

    init?(code: UInt8) {
        isLow = code & 1 != 0
        isEmpty = code & 2 != 0
        expiryStage = Int(code >> 2)
        if expiryStage > Self.expiredStage { return nil }
    }

    var code: UInt8 { (isLow ? 1 : 0) | (isEmpty ? 2 : 0) | UInt8(expiryStage) << 2 }
}

/// What has been told up to the end of a frame.
package struct FeedCheckpoint: Equatable, Sendable {
    /// Every lane that was ever followed.
    package var lanes: [LaneID: LaneProgress]
    /// Of the lists that have any.
    package var signs: [ListID: FeedSigns]

    package init(lanes: [LaneID: LaneProgress] = [:], signs: [ListID: FeedSigns] = [:]) {
        self.lanes = lanes
        self.signs = signs
    }
}
