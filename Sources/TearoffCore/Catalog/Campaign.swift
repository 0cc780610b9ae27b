/// Draws codes from one list for users.
package struct Campaign: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case active
        case finished(FinishReason, at: Timestamp)
    }

    package let id: CampaignID
    package let name: String
    package let list: ListID
    package internal(set) var rule: RetriggerRule
    package internal(set) var returns = ReturnRule.standard
    package let createdAt: Timestamp
    package internal(set) var state: State

    package var isActive: Bool { state == .active }
}

/// Why a campaign ended.
package enum FinishReason: UInt8, CaseIterable, Hashable, Sendable {
    /// The list has no free code.
    case exhausted = 1
    /// The list is past its expiry.
    case expired = 2
    /// An operator ended it.
    case stopped = 3

    package var text: String {
        switch self {
        case .exhausted: "exhausted"
        case .expired: "expired"
        case .stopped: "stopped"
        }
    }
}
