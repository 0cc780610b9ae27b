/// All lists and campaigns. A value: every event loop has its own copy, which shares the pools with the
/// others.
package struct Catalog: Sendable {
    package private(set) var lists: [List] = []
    package private(set) var campaigns: [Campaign] = []
    /// Indexed by upload id.
    package private(set) var uploads: [Upload] = []
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
    /// - Parameter codes: the codes of an upload, which stand in its blob and not in the record.
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
                fileName: "", committedAt: record.at, withdrawnAt: nil)
            add(receipt, to: list, codes: .fixed(code: code, limit: limit, upload: upload))
        case .fixedCodeChanged(let list, let upload, let code, let limit, let count):
            for id in self[list].activeUploads.map(\.id) { withdraw(id, at: record.at) }
            lists[Int(list.rawValue)].kind = .fixed(code: code, limit: limit)
            let receipt = UploadReceipt(
                id: upload, kind: self[list].kind, count: UInt64(count), fileHash: nil, blob: nil,
                fileName: "", committedAt: record.at, withdrawnAt: nil)
            add(receipt, to: list, codes: .fixed(code: code, limit: count, upload: upload))
        case .uploadCommitted(let id, let list, let count, let blob, let fileHash, let fileName):
            guard let codes, codes.count == Int(count) else {
                preconditionFailure("upload \(id.rawValue) without its \(count) codes")
            }
            let receipt = UploadReceipt(
                id: id, kind: .unique, count: count, fileHash: fileHash, blob: blob, fileName: fileName,
                committedAt: record.at, withdrawnAt: nil)
            add(receipt, to: list, codes: codes)
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
        case .uploadCommitted(let id, let list, let count, _, _, _):
            id == nextUploadID && has(list) && count > 0 && count < UInt64(Limits.uploadCodes)
        case .uploadWithdrawn(let id): hasUpload(id) && !self[id].isWithdrawn
        case .codesBurned(let id, let below): hasUpload(id) && below > 0 && Int(below) <= self[id].count
        case .listExpirySet(let list, _), .listWarningSet(let list, _), .listSettingsSet(let list, _): has(list)
        case .listRenamed(let list, let name): has(list) && self.list(named: name) == nil
        case .campaignCreated(let id, _, let list, _): Int(id.rawValue) == campaigns.count && has(list)
        case .campaignFinished(let id, _), .campaignResumed(let id), .campaignReturnsSet(let id, _),
            .campaignRuleSet(let id, _):
            hasCampaign(id)
        case .campaignSettingsSet(let id, let settings): hasCampaign(id) && settings.overflow.allSatisfy(has)
        }
    }

    private func has(_ list: ListID) -> Bool { Int(list.rawValue) < lists.count }

    private mutating func add(_ receipt: UploadReceipt, to list: ListID, codes: CodeRun) {
        precondition(receipt.id == nextUploadID, "upload ids are dense")
        uploads.append(Upload(id: receipt.id, list: list, codes: codes))
        lists[Int(list.rawValue)].uploads.append(receipt)
        lists[Int(list.rawValue)].pool = self[list].pool.appending(codes.strips)
    }

    private mutating func withdraw(_ id: UploadID, at time: Timestamp) {
        let upload = self[id]
        let list = Int(upload.list.rawValue)
        uploads[Int(id.rawValue)] = Upload(id: id, list: upload.list, codes: upload.codes, isWithdrawn: true)
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
