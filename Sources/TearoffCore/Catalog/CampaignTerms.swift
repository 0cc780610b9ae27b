/// On which terms a campaign gives codes now: of its own state and its list's, what deciding needs, in one
/// reference.
///
/// A burst of commands looks it up once, where a copy of campaign and list for each command would count a
/// dozen references up and down. Immutable; a change of the catalog makes new ones.
package final class CampaignTerms: Sendable {
    package let campaign: CampaignID
    package let campaignName: String
    package let list: ListID
    package let listName: String
    package let rule: RetriggerRule
    package let returns: ReturnRule
    /// Why the campaign ended; nil while it is active.
    let finished: FinishReason?
    /// The list's; see ``List``.
    package let expiresAt: Timestamp?
    /// The same, or the beginning of time for a list that is away: a loop's clock may be a moment behind the one by which
    /// it was past its expiry.
    private let givesUntil: Timestamp?
    let lapsedAt: Timestamp?
    package let warnAt: UInt64?
    /// Why no new code may be given for a while; codes go back to the pool all the same.
    let pause: AllocationRefusal?
    package let pool: Pool
    package let validity: Validity
    /// The text that is given instead of a code; nil when codes are given.
    package let sample: [UInt8]?
    /// nil when nothing but rule and list decides.
    package let conditions: GivingConditions?

    init(of campaign: Campaign, list: List, conditions: GivingConditions?, isDiskFull: Bool) {
        self.campaign = campaign.id
        campaignName = campaign.name
        self.list = list.id
        listName = list.name
        rule = campaign.rule
        returns = campaign.returns
        if case .finished(let reason, _) = campaign.state { finished = reason } else { finished = nil }
        expiresAt = list.expiresAt
        givesUntil = list.givesUntil
        lapsedAt = list.lapsedAt
        warnAt = list.warnAt
        pause = isDiskFull ? .diskFull : list.isFrozen ? .listFrozen : nil
        pool = list.pool
        validity = campaign.validity
        sample = campaign.settings.sample
        self.conditions = conditions
    }

    /// Of the list that a new code came from.
    package func list(of code: CodeID) -> ListID { supply(of: code)?.list ?? list }
    package func listName(of code: CodeID) -> String { supply(of: code)?.listName ?? listName }

    package func warnAt(of code: CodeID) -> UInt64? {
        conditions == nil ? warnAt : supply(of: code)?.warnAt
    }

    /// nil when the campaign has no conditions, so that every code is its own list's.
    private func supply(of code: CodeID) -> Supply? {
        conditions?.supplies.first { $0.uploads.contains(code.upload) }
    }

    /// A hold of the campaign went back: another code may be given in its place.
    package func giveBack() { conditions.map { $0.meter.giveBack($0.settings) } }

    /// By list, the campaigns whose rows of a user say whether the user may have another code of it; none usually.
    package var campaignsThatCount: [[CampaignID]] { conditions?.supplies.map(\.drawers) ?? [] }

    func isExpired(at now: Timestamp) -> Bool {
        List.isExpired(givesUntil, at: now)
    }
}

extension Catalog {
    /// - Parameter isDiskFull: no new code is given on these terms.
    /// - Precondition: there is such a campaign.
    package func terms(of campaign: CampaignID, isDiskFull: Bool = false) -> CampaignTerms {
        let campaign = self[campaign]
        return CampaignTerms(
            of: campaign, list: self[campaign.list], conditions: conditions(of: campaign), isDiskFull: isDiskFull)
    }
}
