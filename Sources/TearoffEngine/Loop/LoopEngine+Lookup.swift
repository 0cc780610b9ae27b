package import TearoffCore

extension LoopEngine {
    /// The latest ``Limits/historyRows`` allocations of a user over all campaigns, oldest first.
    ///
    /// - Complexity: O(campaigns): the index is by campaign and user.
    package func lookUp(historyOf bytes: Span<UInt8>, in lookUp: inout LookUp<HistoryEntry>) {
        adoptLatest()
        let campaigns = catalog.campaigns.indices
        lookUp.begin(probes: campaigns.count)
        let user = UserKey(bytes)
        engine.withShard(Int(engine.routing.shard(of: bytes).rawValue)) { cell in
            cell.withState { state in
                for campaign in campaigns {
                    state.shard.forEachAllocation(
                        campaign: CampaignID(rawValue: UInt32(campaign)), user: user, bytes: bytes,
                        maximum: Limits.historyRows
                    ) { number, row in note(row, at: number, of: state, in: &lookUp) }
                }
            }
        }
        // The history of a list goes with it.
        lookUp.found.removeAll { isDeleted(upload($0.code.upload)) }
        lookUp.found.sort { $0.standing.givenAt > $1.standing.givenAt }
        if lookUp.found.count > Limits.historyRows {
            lookUp.found.removeLast(lookUp.found.count - Limits.historyRows)
        }
        lookUp.found.reverse()
    }

    private func note(
        _ row: Row, at number: RowNumber, of state: borrowing ShardState,
        in lookUp: inout LookUp<HistoryEntry>
    ) {
        let userID = lookUp.keep { state.shard.appendUserID(of: row, to: &$0) }
        lookUp.found.append(
            HistoryEntry(
                campaign: row.campaign, code: row.code, standing: state.shard.standing(of: number),
                userID: userID))
        lookUp.wait(for: state.inFlight.dependency(of: number, lanes: engine.lanes), onLoop: index)
    }

    /// Every list that has the code.
    ///
    /// - Parameter archived: where it stands in archived lists, as ``ArchiveDesk`` found it.
    /// - Complexity: O(uploads).
    package func lookUp(code: Span<UInt8>, archived: [CodeID] = [], in lookUp: inout LookUp<CodePlace>) {
        adoptLatest()
        lookUp.begin(probes: catalog.uploads.count)
        for upload in catalog.uploads where !isDeleted(upload) {
            // One that came back meanwhile is found in memory.
            let known = upload.codes.isAway ? archived.first { $0.upload == upload.id }?.ordinal : nil
            guard let ordinal = known ?? upload.codes.ordinal(of: code) else { continue }
            note(ordinal, of: upload, in: &lookUp)
        }
    }

    private func isDeleted(_ upload: Upload) -> Bool { catalog.lists[Int(upload.list.rawValue)].isDeleted }

    /// The uploads whose codes a look-up of a code must read from disk.
    package var archivedUploads: [UploadReceipt] {
        adoptLatest()
        return catalog.presentLists.filter(\.isArchived).flatMap(\.uploads)
    }

    /// The codes that a look-up of a user found, and whose text is on disk alone.
    package func archivedCodes(in lookUp: LookUp<HistoryEntry>) -> [CodeID] {
        lookUp.found.map(\.code).filter { upload($0.upload).codes.isAway }
    }

    private func note(_ ordinal: Ordinal, of upload: Upload, in lookUp: inout LookUp<CodePlace>) {
        let code = CodeID(upload: upload.id, ordinal: ordinal)
        guard let owner = upload.codes.owner(of: ordinal) else {
            lookUp.found.append(
                CodePlace(list: upload.list, code: code, state: upload.stateOfUnowned(ordinal), owner: nil))
            return
        }
        let (holder, state) = holder(of: owner, in: &lookUp)
        lookUp.found.append(
            CodePlace(
                list: upload.list, code: code, state: state, owner: upload.codes.isFixed ? nil : holder))
    }

    /// The user that a code was given to, or is or was held for.
    private func holder(
        of owner: CodeOwner, in lookUp: inout LookUp<CodePlace>
    ) -> (CodePlace.Owner, CodeState) {
        let shardCount = engine.routing.shardCount
        let number = owner.row(shardCount: shardCount)
        // The owner is named under the shard's mutex, so whoever enters behind it finds the row.
        return engine.withShard(Int(owner.shard(shardCount: shardCount).rawValue)) { cell in
            cell.withState { state in
                let row = state.shard.rows[number]
                let user = lookUp.keep { state.shard.appendUser(of: row, to: &$0) }
                let userID = lookUp.keep { state.shard.appendUserID(of: row, to: &$0) }
                lookUp.wait(for: state.inFlight.dependency(of: number, lanes: engine.lanes), onLoop: index)
                let holder = CodePlace.Owner(
                    user: user, userID: userID, campaign: row.campaign,
                    standing: state.shard.standing(of: number))
                return (holder, state.shard.hold(of: number)?.codeState ?? .given)
            }
        }
    }

    /// A row may be of a campaign, and a code of an upload, that this loop was not told of yet.
    private func adoptLatest() {
        if engine.latestGeneration != catalog.generation { adopt(engine.latestCatalog) }
    }
}
