extension Catalog {
    /// What a snapshot keeps of the catalog: records that build it anew, and what no record tells.
    package struct Condensed: Equatable, Sendable {
        package let records: [ControlRecord]
        package let lapses: [Lapse]

        package init(records: [ControlRecord], lapses: [Lapse]) {
            self.records = records
            self.lapses = lapses
        }
    }

    /// The last expiry of a list that passed before a new one was set.
    package struct Lapse: Equatable, Sendable {
        package let list: ListID
        package let at: Timestamp

        package init(list: ListID, at: Timestamp) {
            self.list = list
            self.at = at
        }
    }

    /// The shortest records that lead to this catalog: lists, uploads and campaigns each in the order of
    /// their ids.
    package var condensed: Condensed {
        let listRecords = lists.flatMap { list in
            let created = ControlRecord(
                .listCreated(
                    id: list.id, name: list.name, kind: list.kind, expiresAt: list.expiresAt,
                    warnAt: list.warnAt),
                at: list.createdAt)
            if list.settings == ListSettings() { return [created] }
            return [
                created,
                ControlRecord(.listSettingsSet(list: list.id, settings: list.settings), at: list.createdAt),
            ]
        }
        let receipts = lists.flatMap { list in list.uploads.map { (list.id, $0) } }.sorted {
            $0.1.id < $1.1.id
        }
        let uploadRecords = receipts.flatMap { list, receipt -> [ControlRecord] in
            var records = [ControlRecord(receipt.change(list), at: receipt.committedAt)]
            if receipt.burnedBelow > 0 {
                let burned = ControlRecord.Change.codesBurned(upload: receipt.id, below: receipt.burnedBelow)
                records.append(ControlRecord(burned, at: receipt.committedAt))
            }
            if let withdrawnAt = receipt.withdrawnAt {
                records.append(ControlRecord(.uploadWithdrawn(id: receipt.id), at: withdrawnAt))
            }
            return records
        }
        let campaignRecords = campaigns.flatMap { campaign -> [ControlRecord] in
            var records = [
                ControlRecord(
                    .campaignCreated(
                        id: campaign.id, name: campaign.name, list: campaign.list, rule: campaign.rule),
                    at: campaign.createdAt)
            ]
            if campaign.returns != .standard {
                let set = ControlRecord.Change.campaignReturnsSet(id: campaign.id, rule: campaign.returns)
                records.append(ControlRecord(set, at: campaign.createdAt))
            }
            if campaign.settings != CampaignSettings() {
                let set = ControlRecord.Change.campaignSettingsSet(id: campaign.id, settings: campaign.settings)
                records.append(ControlRecord(set, at: campaign.createdAt))
            }
            if case .finished(let reason, let at) = campaign.state {
                records.append(ControlRecord(.campaignFinished(id: campaign.id, reason: reason), at: at))
            }
            return records
        }
        let lapses = lists.compactMap { list in list.lapsedAt.map { Lapse(list: list.id, at: $0) } }
        return Condensed(records: listRecords + uploadRecords + campaignRecords, lapses: lapses)
    }
}

extension UploadReceipt {
    fileprivate func change(_ list: ListID) -> ControlRecord.Change {
        guard let blob, let fileHash else { return .fixedCodeSet(list: list, upload: id) }
        return .uploadCommitted(
            id: id, list: list, count: count, blob: blob, fileHash: fileHash, fileName: fileName)
    }
}
