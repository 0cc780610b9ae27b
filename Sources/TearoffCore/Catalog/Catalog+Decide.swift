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
        if list.isArchived { throw .listArchived(name) }
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
        if list.isArchived { throw .listArchived(name) }
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
        if receipt.isImport { throw .uploadIsImport(upload, list: name) }
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
        if list.isArchived { throw .listArchived(name) }
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

    package func decideSet(
        list name: String, edits: [ListEdit], now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        var settings = list.settings
        for edit in edits {
            switch edit {
            case .codesPerUser(let count): settings.codesPerUser = count
            case .daysKeptBeforeExpiry(let days): settings.daysKeptBeforeExpiry = days
            case .refusesCodesOfOthers(let refuses): settings.refusesCodesOfOthers = refuses
            }
        }
        return [ControlRecord(.listSettingsSet(list: list.id, settings: settings), at: now)]
    }

    package func decideSet(
        list name: String, warning edit: WarningEdit, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        var warnings = list.warnings
        switch edit {
        case .percent(let percent): warnings.percent = percent
        case .hoursLeft(let hours): warnings.hoursLeft = hours
        case .expiryDays(let days): warnings.expiryDays = days
        }
        return [ControlRecord(.listWarningsSet(list: list.id, warnings: warnings), at: now)]
    }

    package func decideAdd(
        recipient: Recipient, to name: String, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if list.recipient(recipient.address) != nil { throw .recipientExists(recipient.address, list: name) }
        guard list.recipients.count < Limits.recipients else {
            throw .tooMany(what: "recipients of a list", maximum: Limits.recipients)
        }
        return [ControlRecord(.recipientAdded(list: list.id, recipient: recipient), at: now)]
    }

    package func decideRemove(
        recipient address: String, of name: String, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        guard list.recipient(address) != nil else { throw .noRecipient(address, list: name) }
        return [ControlRecord(.recipientRemoved(list: list.id, address: address), at: now)]
    }

    /// - Parameters:
    ///   - rule, returns: nil: as it is.
    package func decideSet(
        campaign name: String, rule: RetriggerRule?, returns: ReturnRule?, edits: [CampaignEdit] = [],
        now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        var changes: [ControlRecord.Change] = []
        if let rule { changes.append(.campaignRuleSet(id: campaign.id, rule: rule)) }
        if let returns { changes.append(.campaignReturnsSet(id: campaign.id, rule: returns)) }
        if !edits.isEmpty {
            let settings = try settings(campaign.settings, with: edits, list: self[campaign.list])
            if settings.validityDays != campaign.settings.validityDays,
                campaign.validity.steps.count >= Limits.validityChanges
            {
                throw .tooMany(what: "changes of a campaign's VALIDITY", maximum: Limits.validityChanges)
            }
            changes.append(.campaignSettingsSet(id: campaign.id, settings: settings))
        }
        return changes.map { ControlRecord($0, at: now) }
    }

    private func settings(
        _ settings: CampaignSettings, with edits: [CampaignEdit], list own: List
    ) throws(CatalogError) -> CampaignSettings {
        var settings = settings
        for edit in edits {
            switch edit {
            case .sample(let text): settings.sample = text
            case .quota(let count): settings.quota = count
            case .quotaPerDay(let count): settings.quotaPerDay = count
            case .ratePerSecond(let count): settings.ratePerSecond = count
            case .opensAt(let time): settings.opensAt = time
            case .closesAt(let time): settings.closesAt = time
            case .validityDays(let days): settings.validityDays = days
            case .overflow(let names): settings.overflow = try overflow(names, behind: own)
            }
        }
        return settings
    }

    private func overflow(_ names: [String], behind own: List) throws(CatalogError) -> [ListID] {
        if names.count > Limits.overflowLists {
            throw .tooMany(what: "lists that a campaign overflows to", maximum: Limits.overflowLists)
        }
        var lists: [ListID] = []
        for name in names {
            guard let list = list(named: name) else { throw .noList(name) }
            guard list.id != own.id, !lists.contains(list.id) else { throw .overflowTwice(name) }
            lists.append(list.id)
        }
        return lists
    }

    package func decideCreateCampaign(
        name: String, list listName: String, rule: RetriggerRule, returns: ReturnRule = .standard,
        edits: [CampaignEdit] = [], now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: listName) else { throw .noList(listName) }
        if campaign(named: name) != nil { throw .campaignExists(name) }
        if list.isArchived { throw .listArchived(listName) }
        if list.isExpired(at: now) { throw .listExpired(listName) }
        if campaigns.count >= Limits.campaigns {
            throw .tooMany(what: "campaigns", maximum: Limits.campaigns)
        }
        let id = CampaignID(rawValue: UInt32(campaigns.count))
        var changes = [ControlRecord.Change.campaignCreated(id: id, name: name, list: list.id, rule: rule)]
        if returns != .standard { changes.append(.campaignReturnsSet(id: id, rule: returns)) }
        if !edits.isEmpty {
            let settings = try settings(CampaignSettings(), with: edits, list: list)
            changes.append(.campaignSettingsSet(id: id, settings: settings))
        }
        return changes.map { ControlRecord($0, at: now) }
    }

    package func decideFinish(campaign name: String, now: Timestamp) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        guard campaign.isActive else { throw .alreadyFinished(name) }
        return [ControlRecord(.campaignFinished(id: campaign.id, reason: .stopped), at: now)]
    }

    /// A campaign goes on only when it has something to give: its list is not expired, its time is not over, and
    /// one of the lists that it draws from has a code.
    package func decideResume(campaign name: String, now: Timestamp) throws(CatalogError) -> [ControlRecord] {
        guard let campaign = campaign(named: name) else { throw .noCampaign(name) }
        if campaign.isActive { throw .alreadyActive(name) }
        let list = self[campaign.list]
        if list.isArchived { throw .listArchived(list.name) }
        if list.isExpired(at: now) { throw .listExpired(list.name) }
        if let closesAt = closesAt(campaign), now > closesAt { throw .campaignClosed(name) }
        if chain(of: campaign).allSatisfy({ isDry($0, held: 0, now: now) }) { throw .listExhausted(list.name) }
        return [ControlRecord(.campaignResumed(id: campaign.id), at: now)]
    }

    /// Finishes active campaigns whose lists are past their expiry, or whose time is over,
    /// ``Limits/finishesPerChange`` at most at once.
    package func decideExpiries(now: Timestamp) -> [ControlRecord] {
        campaigns.lazy.compactMap { campaign -> ControlRecord? in
            guard campaign.isActive, let reason = endReason(of: campaign, at: now) else { return nil }
            return ControlRecord(.campaignFinished(id: campaign.id, reason: reason), at: now)
        }.prefix(Limits.finishesPerChange).map { $0 }
    }

    private func endReason(of campaign: Campaign, at now: Timestamp) -> FinishReason? {
        if self[campaign.list].isExpired(at: now) { return .expired }
        if let closesAt = closesAt(campaign), now > closesAt { return .closed }
        return nil
    }

    /// Finishes active campaigns that draw from a list and have no free code left in any,
    /// ``Limits/finishesPerChange`` at most at once.
    ///
    /// - Parameter held: how many codes of a list are held: they may come back.
    /// - Precondition: every claim on these lists is durable, since what a crash takes away would be free again.
    package func decideExhaustion(
        of list: ListID, held: (List) -> UInt64, now: Timestamp
    ) -> [ControlRecord] {
        guard !self[list].isFrozen, self[list].pool.totalFree == 0 else { return [] }
        let finished = campaigns.filter { campaign in
            let chain = chain(of: campaign)
            return campaign.isActive && chain.contains(list)
                && chain.allSatisfy { isDry($0, held: held(self[$0]), now: now) }
        }
        return finished.prefix(Limits.finishesPerChange)
            .map { ControlRecord(.campaignFinished(id: $0.id, reason: .exhausted), at: now) }
    }

    /// A frozen one may have codes in a moment.
    private func isDry(_ list: ListID, held: UInt64, now: Timestamp) -> Bool {
        let list = self[list]
        return list.isAway || list.isExpired(at: now) || (!list.isFrozen && list.pool.totalFree == 0 && held == 0)
    }
}
