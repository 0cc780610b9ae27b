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

/// Look-ups. What they tell may still be in flight: it is to be sent after the engine's barrier.
extension LoopEngine {
    /// The latest ``Limits/historyRows`` allocations of a user over all campaigns, oldest first.
    ///
    /// - Complexity: O(campaigns): the index is by campaign and user.
    package func history(of bytes: Span<UInt8>) -> [HistoryEntry] {
        let user = UserKey(bytes)
        let shard = Int(engine.routing.shard(of: bytes).rawValue)
        // A row may be of a campaign that this loop does not know yet.
        let campaigns = engine.latestCatalog.campaigns
        var entries = engine.shards[shard].state.withLock { state in
            campaigns.flatMap { campaign in
                state.shard.history(
                    campaign: campaign.id, user: user, bytes: bytes, maximum: Limits.historyRows
                ).map { number -> HistoryEntry in
                    let row = state.shard.rows[number]
                    var userID: [UInt8] = []
                    state.shard.appendUserID(of: row, to: &userID)
                    return HistoryEntry(
                        campaign: campaign.id, code: row.code, givenAt: row.givenAt, userID: userID)
                }
            }
        }
        entries.sort { $0.givenAt > $1.givenAt }
        return entries.prefix(Limits.historyRows).reversed()
    }

    /// Every list that has the code.
    ///
    /// - Complexity: O(uploads).
    package func find(code: Span<UInt8>) -> [CodePlace] {
        var places: [CodePlace] = []
        for upload in engine.latestCatalog.uploads {
            guard let ordinal = upload.codes.ordinal(of: code) else { continue }
            places.append(place(of: ordinal, in: upload))
        }
        return places
    }

    private func place(of ordinal: Ordinal, in upload: Upload) -> CodePlace {
        let code = CodeID(upload: upload.id, ordinal: ordinal)
        let owner = upload.codes.owner(of: ordinal)
        guard let owner, !upload.codes.isFixed else {
            return CodePlace(list: upload.list, code: code, state: owner == nil ? .free : .given, owner: nil)
        }
        let shardCount = engine.routing.shardCount
        let shard = Int(owner.shard(shardCount: shardCount).rawValue)
        let holder = engine.shards[shard].state.withLock { state -> CodePlace.Owner? in
            let number = owner.row(shardCount: shardCount)
            // The owner is named a moment before its row is there.
            guard Int(number.rawValue) < state.shard.rows.count else { return nil }
            let row = state.shard.rows[number]
            var (user, userID): ([UInt8], [UInt8]) = ([], [])
            state.shard.appendUser(of: row, to: &user)
            state.shard.appendUserID(of: row, to: &userID)
            return .init(user: user, userID: userID, campaign: row.campaign, givenAt: row.givenAt)
        }
        return CodePlace(list: upload.list, code: code, state: .given, owner: holder)
    }
}
