/// What may be set of a campaign at any time, beside its rules. Nothing is set at first.
package struct CampaignSettings: Hashable, Sendable {
    /// The text that everybody gets instead of a code while the campaign is tried out; nil when it gives codes.
    package internal(set) var sample: [UInt8]?
    /// How many codes it gives at most, in all.
    package internal(set) var quota: UInt64?
    /// The same in a day of the server's zone.
    package internal(set) var quotaPerDay: UInt64?
    /// The same in a second of the clock.
    package internal(set) var ratePerSecond: UInt64?
    /// The first and the last millisecond at which it gives new codes.
    package internal(set) var opensAt: Timestamp?
    package internal(set) var closesAt: Timestamp?
    /// For how many days a code is good from the day on which it was given; nil: as long as its list.
    package internal(set) var validityDays: UInt32?
    /// Further lists that it draws from, in this order, when its own has no free code.
    package internal(set) var overflow: [ListID] = []

    package init() {}

    /// Whether what the campaign gives is counted.
    package var isCounted: Bool { quota != nil || quotaPerDay != nil }

    package init(
        sample: [UInt8]?, quota: UInt64?, quotaPerDay: UInt64?, ratePerSecond: UInt64?, opensAt: Timestamp?,
        closesAt: Timestamp?, validityDays: UInt32?, overflow: [ListID]
    ) {
        self.sample = sample
        self.quota = quota
        self.quotaPerDay = quotaPerDay
        self.ratePerSecond = ratePerSecond
        self.opensAt = opensAt
        self.closesAt = closesAt
        self.validityDays = validityDays
        self.overflow = overflow
    }
}

/// One setting of a campaign to be changed; nil takes it away.
package enum CampaignEdit: Hashable, Sendable {
    case sample([UInt8]?)
    case quota(UInt64?)
    case quotaPerDay(UInt64?)
    case ratePerSecond(UInt64?)
    case opensAt(Timestamp?)
    case closesAt(Timestamp?)
    case validityDays(UInt32?)
    /// Names of lists, in order; none of them takes the setting away.
    case overflow([String])
}

/// What may be set of a list at any time, beside its name, expiry and warning. Nothing is set at first.
package struct ListSettings: Hashable, Sendable {
    /// How many of its codes one user gets at most, over all campaigns.
    package internal(set) var codesPerUser: UInt32?
    /// So many days before its expiry its campaigns give no new codes any more.
    package internal(set) var daysKeptBeforeExpiry: UInt32?
    /// Whether a line of a file is bad whose code stands in another list.
    package internal(set) var refusesCodesOfOthers = false

    package init(
        codesPerUser: UInt32? = nil, daysKeptBeforeExpiry: UInt32? = nil, refusesCodesOfOthers: Bool = false
    ) {
        self.codesPerUser = codesPerUser
        self.daysKeptBeforeExpiry = daysKeptBeforeExpiry
        self.refusesCodesOfOthers = refusesCodesOfOthers
    }

    /// As the operator writes it after `OTHERLISTS`.
    package var otherListsText: String { refusesCodesOfOthers ? "refuse" : "allow" }
}

/// One setting of a list to be changed; nil takes it away.
package enum ListEdit: Hashable, Sendable {
    case codesPerUser(UInt32?)
    case daysKeptBeforeExpiry(UInt32?)
    case refusesCodesOfOthers(Bool)
}
