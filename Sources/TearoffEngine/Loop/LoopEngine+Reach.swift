package import TearoffCore

/// What an account that is limited to some lists and campaigns is told of a look-up. The frames that it rests on stay as
/// they are: a reply that waits for one too many is only late.
extension LoopEngine {
    /// Leaves the allocations of other campaigns out.
    package func limit(_ lookUp: inout LookUp<HistoryEntry>, to reach: Reach) {
        lookUp.found.removeAll { !reach.reaches(catalog[$0.campaign], in: catalog) }
    }

    /// Leaves places in other lists out, and codes that another campaign gave.
    package func limit(_ lookUp: inout LookUp<CodePlace>, to reach: Reach) {
        lookUp.found.removeAll { place in
            let campaign = place.owner.map { catalog[$0.campaign] }
            return !reach.reaches(catalog[place.list]) || !(campaign.map { reach.reaches($0, in: catalog) } ?? true)
        }
    }
}
