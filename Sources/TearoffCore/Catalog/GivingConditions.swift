/// What a campaign's settings, and those of its lists, ask of a new code beside the rules; most campaigns have none.
///
/// A reference, so that a campaign without any pays for one look at nil.
package final class GivingConditions: Sendable {
    let settings: CampaignSettings
    /// The last millisecond at which new codes are given, by the campaign's setting or for the list's sake.
    let closesAt: Timestamp?
    let meter: CampaignMeter
    /// The campaign's own list, then those that it overflows to.
    let supplies: [Supply]

    init(settings: CampaignSettings, closesAt: Timestamp?, meter: CampaignMeter, supplies: [Supply]) {
        self.settings = settings
        self.closesAt = closesAt
        self.meter = meter
        self.supplies = supplies
    }
}

/// A list that a campaign draws from.
package struct Supply: Sendable {
    package let list: ListID
    package let listName: String
    package let warnAt: UInt64?
    let pool: Pool
    let givesUntil: Timestamp?
    let codesPerUser: UInt32?
    /// Nobody is given a code of it now: see ``List/isFrozen``.
    let isFrozen: Bool
    /// Campaigns that draw from the list, when it has a limit for each user; else none.
    let drawers: [CampaignID]
    let uploads: Set<UploadID>

    func isExpired(at now: Timestamp) -> Bool { List.isExpired(givesUntil, at: now) }
}

extension GivingConditions {
    /// Why it is not the time for a new code; nil when it is.
    func refusal(at now: Timestamp) -> AllocationRefusal? {
        if let opensAt = settings.opensAt, now < opensAt { return .notOpen }
        if let closesAt, now > closesAt { return .finished(.closed) }
        return nil
    }

    /// Whether the list that a code came from is past its expiry.
    func hasExpired(_ code: CodeID, at now: Timestamp) -> Bool {
        supplies.contains { $0.isExpired(at: now) && $0.uploads.contains(code.upload) }
    }
}

extension Catalog {
    /// The lists that a campaign draws from: its own first.
    package func chain(of campaign: Campaign) -> [ListID] { [campaign.list] + campaign.settings.overflow }

    /// The last millisecond at which a campaign gives new codes; nil when nothing but its list's expiry ends it.
    package func closesAt(_ campaign: Campaign) -> Timestamp? {
        let list = self[campaign.list]
        guard let days = list.settings.daysKeptBeforeExpiry, let expiresAt = list.expiresAt else {
            return campaign.settings.closesAt
        }
        let kept = UInt64(days) * Day.milliseconds
        let end = Timestamp(milliseconds: expiresAt.milliseconds - min(kept, expiresAt.milliseconds))
        return campaign.settings.closesAt.map { min($0, end) } ?? end
    }

    func conditions(of campaign: Campaign) -> GivingConditions? {
        let closesAt = closesAt(campaign)
        let list = self[campaign.list]
        if campaign.settings == CampaignSettings(), closesAt == nil, list.settings.codesPerUser == nil { return nil }
        return GivingConditions(
            settings: campaign.settings, closesAt: closesAt, meter: campaign.meter,
            supplies: chain(of: campaign).map { supply(self[$0]) })
    }

    private func supply(_ list: List) -> Supply {
        let drawers = campaigns.lazy.filter { chain(of: $0).contains(list.id) }.map(\.id)
        return Supply(
            list: list.id, listName: list.name, warnAt: list.warnAt, pool: list.pool, givesUntil: list.givesUntil,
            codesPerUser: list.settings.codesPerUser, isFrozen: list.isFrozen,
            drawers: list.settings.codesPerUser == nil ? [] : Array(drawers),
            uploads: Set(list.uploads.map(\.id)))
    }
}
