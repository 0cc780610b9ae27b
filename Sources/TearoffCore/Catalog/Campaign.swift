/// Draws codes from one list for users.
package struct Campaign: Sendable {
    package enum State: Hashable, Sendable {
        case active
        case finished(FinishReason, at: Timestamp)
    }

    package let id: CampaignID
    package let name: String
    package let list: ListID
    package internal(set) var rule: RetriggerRule
    package internal(set) var returns = ReturnRule.standard
    package internal(set) var settings = CampaignSettings()
    package internal(set) var validity = Validity()
    /// What it has given of its quotas; the same in every copy of the catalog.
    package let meter: CampaignMeter
    package let createdAt: Timestamp
    package internal(set) var state: State

    init(id: CampaignID, name: String, list: ListID, rule: RetriggerRule, createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.list = list
        self.rule = rule
        self.createdAt = createdAt
        state = .active
        meter = CampaignMeter()
    }

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
    /// The time in which it gives codes is over.
    case closed = 4

    package var text: String {
        switch self {
        case .exhausted: "exhausted"
        case .expired: "expired"
        case .stopped: "stopped"
        case .closed: "closed"
        }
    }
}
