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
    /// Told once more; `holdUntil` when it is only held.
    case repeated(holdUntil: Timestamp?)
    case held(until: Timestamp)
    /// A hold ended.
    case ended(HoldEnd.Reason, codeIsFree: Bool)
}

/// What an operator should know of a list before its users do.
package enum FeedWarning: Equatable, Sendable {
    /// It has no more free codes than its warning says.
    case low(remaining: UInt64)
    case empty
    /// It has no more than that part of its codes free that its warning says.
    case share(remaining: UInt64, percent: UInt32)
    /// At the rate of the last hour or day it will be empty within so many hours.
    case forecast(remaining: UInt64, hours: UInt32)
    /// It expires within so many days.
    case expiring(days: Int)
    case expired
}

extension FeedWarning {
    /// As readers of the feed and recipients know it.
    package var word: String {
        switch self {
        case .low: "low"
        case .share: "low-percent"
        case .forecast: "forecast"
        case .empty: "empty"
        case .expiring: "expiring"
        case .expired: "expired"
        }
    }
}

/// Which warnings of a list were told, so that each is told once for each time that it comes true.
package struct FeedSigns: Equatable, Sendable {
    package var isLow = false
    package var isEmpty = false
    package var isShort = false
    package var isForecast = false
    /// The least of the list's days before its expiry that have come; 0: it is expired; nil: it is not near.
    package var expiryDays: UInt32?

    package init() {}
}

/// One byte that tells all there was before there were more warnings than two and an expiry's three stages; with its
/// highest bit, flags, and the days follow.
extension FeedSigns {
    private static let longForm: UInt8 = 0x80
    /// Of the short form, by their stage; behind them: expired.
    private static let stages: [UInt32?] = [nil, 7, 3, 1, 0]

    init(_ payload: Span<UInt8>, _ reader: inout ByteReader) throws(RecordError) {
        let start = reader.position
        let code = try reader.byte(payload)
        isLow = code & 1 != 0
        isEmpty = code & 2 != 0
        guard code & Self.longForm != 0 else {
            guard Int(code >> 2) < Self.stages.count else { throw .badField("signs", offset: start) }
            expiryDays = Self.stages[Int(code >> 2)]
            return
        }
        guard code & 0x70 == 0 else { throw .badField("signs", offset: start) }
        isShort = code & 4 != 0
        isForecast = code & 8 != 0
        guard let days = try reader.optional(payload) else { return }
        guard let days = UInt32(exactly: days) else { throw .badField("signs", offset: start) }
        expiryDays = days
    }

    func encode(into payload: inout [UInt8]) {
        let flags: UInt8 = (isLow ? 1 : 0) | (isEmpty ? 2 : 0) | (isShort ? 4 : 0) | (isForecast ? 8 : 0)
        payload.append(Self.longForm | flags)
        payload.appendOptional(expiryDays.map(UInt64.init))
    }
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
