/// A code that is kept for a user until a deadline. Confirmed in time it is the user's; else it goes back.
package struct Hold: Equatable, Sendable {
    /// Of the record that made it: what the record of its end names it by.
    package let sequence: SequenceNumber
    /// The row of the allocation that it is.
    package let row: RowNumber
    /// The last millisecond at which it can be confirmed.
    package let deadline: Timestamp
    /// nil until a record says that it ended.
    package internal(set) var end: HoldEnd?

    package init(sequence: SequenceNumber, row: RowNumber, deadline: Timestamp, end: HoldEnd? = nil) {
        self.sequence = sequence
        self.row = row
        self.deadline = deadline
        self.end = end
    }

    /// Whether it can still be confirmed.
    func isWaiting(at now: Timestamp) -> Bool { end == nil && now <= deadline }

    /// Where its code counts in the ledger.
    package var codeState: CodeState { end?.codeState ?? .held }
}

/// How a hold ended: a fact, with its time.
package struct HoldEnd: Hashable, Sendable {
    package enum Reason: UInt8, CaseIterable, Sendable {
        /// The code is the user's, as if it had been given then.
        case confirmed = 1
        /// The caller gave the code back.
        case released = 2
        /// Nobody confirmed it in time.
        case expired = 3
    }

    package let reason: Reason
    /// Whether a code that went back is given again; else it is burned, since it may have been seen.
    package let codeIsFree: Bool
    package let at: Timestamp

    /// - Precondition: a confirmed code is not free.
    package init(_ reason: Reason, codeIsFree: Bool, at: Timestamp) {
        precondition(!(reason == .confirmed && codeIsFree), "a code that was confirmed is its user's")
        self.reason = reason
        self.codeIsFree = codeIsFree
        self.at = at
    }

    var codeState: CodeState { reason == .confirmed ? .given : codeIsFree ? .free : .burned }
}

/// What becomes of a code that goes back: a setting of the campaign.
package enum ReturnRule: UInt8, CaseIterable, Hashable, Sendable {
    /// It is burned: whoever it was held for may have seen it.
    case quarantine = 1
    /// It is given again, behind the codes that go out before it.
    case reuse = 2

    package static let standard = ReturnRule.quarantine

    package var text: String {
        switch self {
        case .quarantine: "quarantine"
        case .reuse: "reuse"
        }
    }
}
