/// What an operator's command makes of the catalog: records, or a refusal. Nothing changes before they are
/// applied.
extension Catalog {
    package func decideCreateList(
        name: String, kind: List.Kind, expiresAt: Timestamp?, warnAt: UInt64?, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        if list(named: name) != nil { throw .listExists(name) }
        if lists.count >= Limits.lists { throw .tooMany(what: "lists", maximum: Limits.lists) }
        if let expiresAt, now > expiresAt { throw .expiryInThePast }
        let id = ListID(rawValue: UInt32(lists.count))
        let created = ControlRecord.Change.listCreated(
            id: id, name: name, kind: kind, expiresAt: expiresAt, warnAt: warnAt)
        guard case .fixed = kind else { return [ControlRecord(created, at: now)] }
        try checkRoomForUpload()
        return [
            ControlRecord(created, at: now),
            ControlRecord(.fixedCodeSet(list: id, upload: nextUploadID), at: now),
        ]
    }

    /// Whether a list can take an upload now; called before the file is read and again before it is
    /// committed.
    ///
    /// - Parameter replaces: whether the upload takes the place of all that the list has.
    package func checkUpload(to name: String, replaces: Bool = false) throws(CatalogError) -> List {
        guard let list = list(named: name) else { throw .noList(name) }
        if list.kind != .unique { throw .listIsFixed(name) }
        try checkRoomForUpload()
        if replaces, list.activeUploads.count > Limits.withdrawalsPerChange {
            throw .tooMany(what: "uploads to replace", maximum: Limits.withdrawalsPerChange)
        }
        return list
    }

    /// - Parameters:
    ///   - code, limit: nil: as it is. The limit is of all that is given, whatever the code was then.
    ///   - taken: how many codes of that list are held, given or burned.
    /// - Returns: nothing to change when it is so already.
    /// - Precondition: nobody is given a code of the list meanwhile, or `taken` is too low.
    package func decideSetFixed(
        list name: String, code: [UInt8]?, limit: UInt32?, taken: (List) -> UInt64, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        guard case .fixed(let oldCode, let oldLimit) = list.kind else { throw .listIsUnique(name) }
        let (code, limit) = (code ?? oldCode, limit ?? oldLimit)
        if list.kind == .fixed(code: code, limit: limit) { return [] }
        let taken = taken(list)
        if taken > limit { throw .limitBelowTaken(list: name, taken: taken) }
        try checkRoomForUpload()
        let changed = ControlRecord.Change.fixedCodeChanged(
            list: list.id, upload: nextUploadID, code: code, limit: limit, count: limit - UInt32(taken))
        return [ControlRecord(changed, at: now)]
    }

    /// - Returns: nothing to change for an upload that was withdrawn before.
    package func decideWithdraw(
        upload: UInt64, of name: String, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if list.kind != .unique { throw .listIsFixed(name) }
        guard let receipt = list.uploads.first(where: { UInt64($0.id.rawValue) == upload }) else {
            throw .noUpload(upload, list: name)
        }
        if receipt.withdrawnAt != nil { return [] }
        return [ControlRecord(.uploadWithdrawn(id: receipt.id), at: now)]
    }

    private func checkRoomForUpload() throws(CatalogError) {
        if uploads.count >= Limits.uploads { throw .tooMany(what: "uploads", maximum: Limits.uploads) }
    }

    package func decideSetExpiry(
        list name: String, expiresAt: Timestamp?, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if let expiresAt, now > expiresAt { throw .expiryInThePast }
        return [ControlRecord(.listExpirySet(list: list.id, expiresAt: expiresAt), at: now)]
    }

    package func decideSetWarning(
        list name: String, warnAt: UInt64?, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        return [ControlRecord(.listWarningSet(list: list.id, warnAt: warnAt), at: now)]
    }

    /// - Parameter newName: one that no list has, this one included.
    package func decideRename(
        list name: String, to newName: String, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if self.list(named: newName) != nil { throw .listExists(newName) }
        return [ControlRecord(.listRenamed(list: list.id, name: newName), at: now)]
    }

    /// - Parameters:
    ///   - rule, returns: nil: as it is.
    package func decideSet(
        campaign name: String, rule: RetriggerRule?, returns: ReturnRule?, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        let changes: [ControlRecord.Change?] = [
            rule.map { .campaignRuleSet(id: campaign.id, rule: $0) },
            returns.map { .campaignReturnsSet(id: campaign.id, rule: $0) },
        ]
        return changes.compactMap { $0 }.map { ControlRecord($0, at: now) }
    }

    package func decideCreateCampaign(
        name: String, list listName: String, rule: RetriggerRule, returns: ReturnRule = .standard,
        now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: listName) else { throw .noList(listName) }
        if campaign(named: name) != nil { throw .campaignExists(name) }
        if list.isExpired(at: now) { throw .listExpired(listName) }
        if campaigns.count >= Limits.campaigns {
            throw .tooMany(what: "campaigns", maximum: Limits.campaigns)
        }
        let id = CampaignID(rawValue: UInt32(campaigns.count))
        let created = ControlRecord.Change.campaignCreated(id: id, name: name, list: list.id, rule: rule)
        if returns == .standard { return [ControlRecord(created, at: now)] }
        return [
            ControlRecord(created, at: now),
            ControlRecord(.campaignReturnsSet(id: id, rule: returns), at: now),
        ]
    }

    package func decideFinish(campaign name: String, now: Timestamp) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        guard campaign.isActive else { throw .alreadyFinished(name) }
        return [ControlRecord(.campaignFinished(id: campaign.id, reason: .stopped), at: now)]
    }

    /// A campaign goes on only when it has something to give: its list is neither expired nor empty.
    package func decideResume(campaign name: String, now: Timestamp) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        if campaign.isActive { throw .alreadyActive(name) }
        let list = self[campaign.list]
        if list.isExpired(at: now) { throw .listExpired(list.name) }
        if list.pool.totalFree == 0 { throw .listExhausted(list.name) }
        return [ControlRecord(.campaignResumed(id: campaign.id), at: now)]
    }

    /// Finishes active campaigns whose lists are past their expiry, ``Limits/finishesPerChange`` at most at
    /// once.
    package func decideExpiries(now: Timestamp) -> [ControlRecord] {
        campaigns.lazy.filter { $0.isActive && self[$0.list].isExpired(at: now) }
            .prefix(Limits.finishesPerChange)
            .map { ControlRecord(.campaignFinished(id: $0.id, reason: .expired), at: now) }
    }

    /// Finishes active campaigns of a list that has no free code left, ``Limits/finishesPerChange`` at most
    /// at once; none of one that is frozen, which may have codes in a moment.
    ///
    /// - Parameter held: codes of the list that are held: they may come back.
    /// - Precondition: every claim on the list is durable, since what a crash takes away would be free again.
    package func decideExhaustion(of list: ListID, held: UInt64, now: Timestamp) -> [ControlRecord] {
        guard !self[list].isFrozen, self[list].pool.totalFree == 0, held == 0 else { return [] }
        return campaigns(of: list).filter(\.isActive).prefix(Limits.finishesPerChange)
            .map { ControlRecord(.campaignFinished(id: $0.id, reason: .exhausted), at: now) }
    }
}
