import Synchronization
package import TearoffCore

/// One allocation of a user, as a look-up tells it.
package struct HistoryEntry: Equatable, Sendable {
    package let campaign: CampaignID
    package let code: CodeID
    package let givenAt: Timestamp
    /// The marketing user id; empty when there is none.
    package let userID: [UInt8]
}

/// Where a code stands, and who has it.
package struct CodePlace: Equatable, Sendable {
    package enum State: String, Sendable {
        case free, given
    }

    package struct Owner: Equatable, Sendable {
        package let user: [UInt8]
        package let userID: [UInt8]
        package let campaign: CampaignID
        package let givenAt: Timestamp
    }

    package let list: ListID
    package let code: CodeID
    package let state: State
    /// nil for a free code, and for a fixed one, which many users have.
    package let owner: Owner?
}

/// What a look-up found, and the frames that must be durable before it is told: nothing builds on what a crash can take
/// away. A look-up that rests on durable rows alone waits for nothing.
package struct LookUp<Value: Sendable>: Sendable {
    package let value: Value
    package let waitsFor: [LaneFrame]
}

extension LoopEngine {
    /// The latest ``Limits/historyRows`` allocations of a user over all campaigns, oldest first.
    ///
    /// - Complexity: O(campaigns): the index is by campaign and user.
    package func history(of bytes: Span<UInt8>) -> LookUp<[HistoryEntry]> {
        let user = UserKey(bytes)
        let shard = Int(engine.routing.shard(of: bytes).rawValue)
        // A row may be of a campaign that this loop does not know yet.
        let campaigns = engine.latestCatalog.campaigns
        return engine.shards[shard].withState { state in
            var entries: [HistoryEntry] = []
            var waitsFor: [LaneFrame] = []
            for campaign in campaigns {
                let rows = state.shard.history(
                    campaign: campaign.id, user: user, bytes: bytes, maximum: Limits.historyRows)
                for number in rows {
                    entries.append(entry(of: number, in: state.shard))
                    if let frame = state.inFlight.dependency(of: number, lanes: engine.lanes) {
                        waitsFor.append(frame)
                    }
                }
            }
            entries.sort { $0.givenAt > $1.givenAt }
            return LookUp(value: entries.prefix(Limits.historyRows).reversed(), waitsFor: waitsFor)
        }
    }

    private func entry(of number: RowNumber, in shard: borrowing Shard) -> HistoryEntry {
        let row = shard.rows[number]
        var userID: [UInt8] = []
        shard.appendUserID(of: row, to: &userID)
        return HistoryEntry(campaign: row.campaign, code: row.code, givenAt: row.givenAt, userID: userID)
    }

    /// Every list that has the code.
    ///
    /// - Complexity: O(uploads).
    package func find(code: Span<UInt8>) -> LookUp<[CodePlace]> {
        var places: [CodePlace] = []
        var waitsFor: [LaneFrame] = []
        for upload in engine.latestCatalog.uploads {
            guard let ordinal = upload.codes.ordinal(of: code) else { continue }
            let found = place(of: ordinal, in: upload)
            places.append(found.value)
            waitsFor += found.waitsFor
        }
        return LookUp(value: places, waitsFor: waitsFor)
    }

    private func place(of ordinal: Ordinal, in upload: Upload) -> LookUp<CodePlace> {
        let code = CodeID(upload: upload.id, ordinal: ordinal)
        guard let owner = upload.codes.owner(of: ordinal) else {
            return LookUp(value: CodePlace(list: upload.list, code: code, state: .free, owner: nil), waitsFor: [])
        }
        let shardCount = engine.routing.shardCount
        let number = owner.row(shardCount: shardCount)
        // The owner is named under the shard's mutex, so whoever enters behind it finds the row.
        return engine.shards[Int(owner.shard(shardCount: shardCount).rawValue)].withState { state in
            let row = state.shard.rows[number]
            var (user, userID): ([UInt8], [UInt8]) = ([], [])
            state.shard.appendUser(of: row, to: &user)
            state.shard.appendUserID(of: row, to: &userID)
            let holder = CodePlace.Owner(
                user: user, userID: userID, campaign: row.campaign, givenAt: row.givenAt)
            let dependency = state.inFlight.dependency(of: number, lanes: engine.lanes)
            return LookUp(
                value: CodePlace(
                    list: upload.list, code: code, state: .given, owner: upload.codes.isFixed ? nil : holder),
                waitsFor: dependency.map { [$0] } ?? [])
        }
    }
}
