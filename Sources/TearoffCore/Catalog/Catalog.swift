/// All lists and campaigns. A value: every event loop has its own copy, which shares the pools with the
/// others.
package struct Catalog: Sendable {
    package private(set) var lists: [List] = []
    package private(set) var campaigns: [Campaign] = []
    /// Indexed by upload id.
    package private(set) var uploads: [Upload] = []
    package private(set) var accounts = Accounts()
    /// Grows with every record that is applied, and every freeze. Not part of the state.
    package private(set) var generation: UInt64 = 0
    private var listsByName: [String: ListID] = [:]
    private var campaignsByName: [String: CampaignID] = [:]

    package init() {}

    package subscript(_ id: ListID) -> List { lists[Int(id.rawValue)] }
    package subscript(_ id: CampaignID) -> Campaign { campaigns[Int(id.rawValue)] }
    package subscript(_ id: UploadID) -> Upload { uploads[Int(id.rawValue)] }

    package func list(named name: String) -> List? {
        listsByName[name].map { self[$0] }
    }

    package func campaign(named name: String) -> Campaign? {
        campaignsByName[name].map { self[$0] }
    }

    /// Those that are there: others keep their ids, and are named by what they left.
    package var presentLists: [List] { lists.filter { !$0.isDeleted } }
    package var presentCampaigns: [Campaign] { campaigns.filter { !self[$0.list].isDeleted } }

    package func campaigns(of list: ListID) -> [Campaign] {
        campaigns.filter { $0.list == list }
    }

    package func hasUpload(_ id: UploadID) -> Bool { Int(id.rawValue) < uploads.count }
    package func hasCampaign(_ id: CampaignID) -> Bool { Int(id.rawValue) < campaigns.count }

    /// - Precondition: there is such a code.
    package func position(of code: CodeID) -> CodePosition { self[code.upload].position(of: code.ordinal) }

    package var nextUploadID: UploadID { UploadID(rawValue: UInt32(uploads.count)) }

    /// The earliest last millisecond of an active campaign, or of its list: right after it campaigns finish by
    /// themselves.
    package var nextExpiry: Timestamp? {
        campaigns.lazy.filter(\.isActive).flatMap { [self[$0.list].expiresAt, closesAt($0)] }
            .compactMap { $0 }.min()
    }
}

// MARK: - Records

extension Catalog {
    /// Applies a record.
    ///
    /// - Parameter codes: the codes of an upload, which stand in its blob and not in the record. nil: they are away
    ///   until ``bringBack(_:codes:)``.
    /// - Precondition: the record was made by `decide…` on this state, or read back in the same order.
    package mutating func apply(_ record: ControlRecord, codes: CodeRun? = nil) {
        generation += 1
        switch record.change {
        case .listCreated(let id, let name, let kind, let expiresAt, let warnAt):
            precondition(Int(id.rawValue) == lists.count, "list ids are dense")
            lists.append(
                List(
                    id: id, name: name, kind: kind, createdAt: record.at, expiresAt: expiresAt, lapsedAt: nil,
                    warnAt: warnAt, uploads: [], pool: Pool()))
            listsByName[name] = id
        case .fixedCodeSet(let list, let upload):
            guard case .fixed(let code, let limit) = self[list].kind else {
                preconditionFailure("list \(list.rawValue) has no fixed code")
            }
            let receipt = UploadReceipt(
                id: upload, kind: self[list].kind, count: UInt64(limit), fileHash: nil, blob: nil,
                fileName: "", report: nil, isImport: false, committedAt: record.at, withdrawnAt: nil)
            add(receipt, to: list, codes: .fixed(code: code, limit: limit, upload: upload))
        case .fixedCodeChanged(let list, let upload, let code, let limit, let count):
            for id in self[list].activeUploads.map(\.id) { withdraw(id, at: record.at) }
            lists[Int(list.rawValue)].kind = .fixed(code: code, limit: limit)
            let receipt = UploadReceipt(
                id: upload, kind: self[list].kind, count: UInt64(count), fileHash: nil, blob: nil,
                fileName: "", report: nil, isImport: false, committedAt: record.at, withdrawnAt: nil)
            add(receipt, to: list, codes: .fixed(code: code, limit: count, upload: upload))
        case .uploadCommitted(let upload):
            let codes = codes ?? .away(count: Int(upload.count), upload: upload.id)
            precondition(
                codes.count == Int(upload.count),
                "upload \(upload.id.rawValue) with other than its \(upload.count) codes")
            let receipt = UploadReceipt(
                id: upload.id, kind: .unique, count: upload.count, fileHash: upload.fileHash, blob: upload.blob,
                fileName: upload.fileName, report: upload.report, isImport: upload.isImport, committedAt: record.at,
                withdrawnAt: nil)
            add(receipt, to: upload.list, codes: codes)
        case .uploadWithdrawn(let id):
            withdraw(id, at: record.at)
        case .codesBurned(let id, let below):
            burn(id, below: below)
        case .listExpirySet(let list, let expiresAt):
            let index = Int(list.rawValue)
            if let old = lists[index].expiresAt, record.at > old { lists[index].lapsedAt = old }
            lists[index].expiresAt = expiresAt
        case .listWarningSet(let list, let warnAt):
            lists[Int(list.rawValue)].warnAt = warnAt
        case .listRenamed(let list, let name):
            listsByName[self[list].name] = nil
            lists[Int(list.rawValue)].name = name
            listsByName[name] = list
        case .campaignCreated(let id, let name, let list, let rule):
            precondition(Int(id.rawValue) == campaigns.count, "campaign ids are dense")
            campaigns.append(Campaign(id: id, name: name, list: list, rule: rule, createdAt: record.at))
            campaignsByName[name] = id
        case .campaignFinished(let id, let reason):
            campaigns[Int(id.rawValue)].state = .finished(reason, at: record.at)
        case .campaignResumed(let id):
            campaigns[Int(id.rawValue)].state = .active
        case .campaignReturnsSet(let id, let rule):
            campaigns[Int(id.rawValue)].returns = rule
        case .campaignRuleSet(let id, let rule):
            campaigns[Int(id.rawValue)].rule = rule
        case .campaignSettingsSet(let id, let settings):
            campaigns[Int(id.rawValue)].settings = settings
            campaigns[Int(id.rawValue)].validity.set(settings.validityDays, at: record.at)
        case .listSettingsSet(let list, let settings):
            lists[Int(list.rawValue)].settings = settings
        case .listWarningsSet(let list, let warnings):
            lists[Int(list.rawValue)].warnings = warnings
        case .recipientAdded(let list, let recipient):
            lists[Int(list.rawValue)].recipients.append(recipient)
        case .recipientRemoved(let list, let address):
            lists[Int(list.rawValue)].recipients.removeAll { $0.address == address }
        case .listArchived(let list):
            lists[Int(list.rawValue)].archivedAt = record.at
            exchangeText(of: list, with: [:])
        case .listReturned(let list):
            lists[Int(list.rawValue)].archivedAt = nil
        case .listDeleted(let list, let ledger):
            lists[Int(list.rawValue)].deletion = List.Deletion(at: record.at, ledger: ledger)
            // Nothing can be done any more about what they would be told.
            lists[Int(list.rawValue)].recipients = []
            exchangeText(of: list, with: [:])
            forgetNames(of: list)
        case .accountSet(let account): accounts.set(account, at: record.at)
        case .accountDeleted(let name): accounts.remove(name)
        }
    }

    /// Names are free again. Where another has this one by now, which can be only while a snapshot's records are put
    /// together, that other keeps it.
    private mutating func forgetNames(of list: ListID) {
        let name = self[list].name
        if listsByName[name] == list {
            listsByName[name] = lists.first { $0.name == name && !$0.isDeleted }?.id
        }
        for campaign in campaigns(of: list) where campaignsByName[campaign.name] == campaign.id {
            campaignsByName[campaign.name] = presentCampaigns.first { $0.name == campaign.name }?.id
        }
    }

    /// Puts the text of a list's codes back that was away.
    ///
    /// - Parameter codes: of each of its uploads that has a blob.
    /// - Precondition: nobody has a code of it given or taken back meanwhile.
    package mutating func bringBack(_ list: ListID, codes: [UploadID: CodeRun]) {
        precondition(!self[list].isAway, "the codes of list \(list.rawValue) are to be away")
        exchangeText(of: list, with: codes)
    }

    /// - Parameter codes: those that are missing have no text then.
    private mutating func exchangeText(of list: ListID, with codes: [UploadID: CodeRun]) {
        generation += 1
        for receipt in self[list].uploads where receipt.blob != nil {
            let id = receipt.id
            uploads[Int(id.rawValue)] = self[id].exchangingText(codes[id])
        }
        let uploads = uploads
        lists[Int(list.rawValue)].pool = self[list].pool.exchanging { strip in
            uploads[Int(strip.upload.rawValue)].codes.strips[Int(strip.firstOrdinal) / Strip.capacity]
        }
    }

    /// Whether a record that was read back fits: everything it names is there, and what it makes is the next
    /// of its kind.
    package func accepts(_ record: ControlRecord) -> Bool {
        switch record.change {
        case .listCreated(let id, _, _, _, _): Int(id.rawValue) == lists.count
        case .fixedCodeSet(let list, let upload):
            has(list) && self[list].kind != .unique && upload == nextUploadID
        case .fixedCodeChanged(let list, let upload, _, let limit, let count):
            has(list) && self[list].kind != .unique && upload == nextUploadID && limit <= Limits.fixedLimit
                && count <= limit
        case .uploadCommitted(let upload):
            upload.id == nextUploadID && has(upload.list) && upload.count > 0
                && upload.count < UInt64(Limits.uploadCodes)
        case .uploadWithdrawn(let id): hasUpload(id) && !self[id].isWithdrawn && !self[id].isImport
        case .codesBurned(let id, let below):
            hasUpload(id) && !self[id].isImport && below > 0 && Int(below) <= self[id].count
        case .listExpirySet(let list, _), .listWarningSet(let list, _), .listSettingsSet(let list, _),
            .listWarningsSet(let list, _):
            has(list)
        case .recipientAdded(let list, let recipient):
            has(list) && self[list].recipients.count < Limits.recipients
                && self[list].recipient(recipient.address) == nil
        case .recipientRemoved(let list, let address): has(list) && self[list].recipient(address) != nil
        case .listArchived(let list): has(list) && !self[list].isAway
        case .listReturned(let list): has(list) && self[list].isArchived && !self[list].isDeleted
        case .listDeleted(let list, _): has(list) && !self[list].isDeleted
        case .listRenamed(let list, let name): has(list) && self.list(named: name) == nil
        case .campaignCreated(let id, _, let list, _): Int(id.rawValue) == campaigns.count && has(list)
        case .campaignFinished(let id, _), .campaignResumed(let id), .campaignReturnsSet(let id, _),
            .campaignRuleSet(let id, _):
            hasCampaign(id)
        case .campaignSettingsSet(let id, let settings): hasCampaign(id) && settings.overflow.allSatisfy(has)
        case .accountSet(let account): accounts[account.name] != nil || accounts.count < Limits.accounts
        case .accountDeleted(let name): accounts[name] != nil
        }
    }

    private func has(_ list: ListID) -> Bool { Int(list.rawValue) < lists.count }

    private mutating func add(_ receipt: UploadReceipt, to list: ListID, codes: CodeRun) {
        precondition(receipt.id == nextUploadID, "upload ids are dense")
        uploads.append(Upload(id: receipt.id, list: list, codes: codes, isImport: receipt.isImport))
        lists[Int(list.rawValue)].uploads.append(receipt)
        let pool = self[list].pool
        lists[Int(list.rawValue)].pool =
            receipt.isImport ? pool.appending(closed: codes.strips) : pool.appending(codes.strips)
    }

    private mutating func withdraw(_ id: UploadID, at time: Timestamp) {
        let upload = self[id]
        let list = Int(upload.list.rawValue)
        uploads[Int(id.rawValue)] = upload.withdrawing()
        for index in lists[list].uploads.indices where lists[list].uploads[index].id == id {
            lists[list].uploads[index].withdrawnAt = time
        }
        lists[list].pool = lists[list].pool.withdrawing(id)
    }

    /// Has no new code given of a list until ``thaw(_:)``, on every loop that takes this catalog over.
    package mutating func freeze(_ list: ListID) {
        generation += 1
        lists[Int(list.rawValue)].freezes += 1
    }

    package mutating func thaw(_ list: ListID) {
        precondition(self[list].isFrozen, "list \(list.rawValue) is thawed more often than frozen")
        generation += 1
        lists[Int(list.rawValue)].freezes -= 1
    }

    private mutating func burn(_ id: UploadID, below: Ordinal) {
        let upload = self[id]
        for strip in upload.codes.strips { strip.burn(below: below) }
        let list = Int(upload.list.rawValue)
        for index in lists[list].uploads.indices where lists[list].uploads[index].id == id {
            lists[list].uploads[index].burnedBelow = below
        }
    }

    /// Puts back what a snapshot says: states that no single record tells.
    package mutating func restoreLapse(_ lapsedAt: Timestamp, of list: ListID) {
        lists[Int(list.rawValue)].lapsedAt = lapsedAt
    }
}
