/// What a campaign's conditions make of a new code, once the rules say that one is due.
extension Shard {
    /// - Parameter place: of the user in the campaign.
    @inline(never)
    func decide(
        _ key: AllocationKey, bytes: Span<UInt8>, conditions: GivingConditions, now: Timestamp, day: Day,
        holdUntil: Timestamp?, place: AllocationIndex.Place
    ) -> AllocationDecision {
        if let refusal = conditions.refusal(at: now) { return .refused(refusal) }
        if let refusal = conditions.meter.take(conditions.settings, now: now, day: day) {
            return .refused(refusal)
        }
        var refusal = AllocationRefusal.poolEmpty
        for supply in conditions.supplies where !supply.isExpired(at: now) {
            if supply.isFrozen {
                refusal = .listFrozen
            } else if hasAllOf(supply, key, bytes: bytes) {
                refusal = .userLimitReached
            } else if let claim = supply.pool.claim() {
                return .new(due(claim, key, now: now, holdUntil: holdUntil, place: place))
            }
        }
        conditions.meter.untake(conditions.settings, now: now, day: day)
        return .refused(refusal)
    }

    func preview(
        _ ruling: AllocationRuling, latest: RowNumber?, _ key: AllocationKey?, bytes: Span<UInt8>,
        conditions: GivingConditions, now: Timestamp, day: Day
    ) -> AllocationPreview {
        var next: CodeID?
        var refusal =
            conditions.refusal(at: now) ?? conditions.meter.refusal(conditions.settings, now: now, day: day)
        var limitIsReached = false
        for supply in conditions.supplies where next == nil && !supply.isFrozen && !supply.isExpired(at: now) {
            if let key, hasAllOf(supply, key, bytes: bytes) {
                limitIsReached = true
            } else {
                next = supply.pool.peek()?.code
            }
        }
        if refusal == nil, next == nil, limitIsReached { refusal = .userLimitReached }
        if case .new = ruling, let refusal {
            return AllocationPreview(.refused(refusal), latest: latest, next: next)
        }
        return AllocationPreview(ruling, latest: latest, next: next)
    }

    /// Whether the user has as many codes of a list as one may have.
    private func hasAllOf(_ supply: Supply, _ key: AllocationKey, bytes: Span<UInt8>) -> Bool {
        guard let maximum = supply.codesPerUser else { return false }
        var count: UInt32 = 0
        let areAll = forEachRow(of: key.user, bytes: bytes, in: supply.drawers, maximum: Limits.countedRows) {
            number, row in
            if supply.uploads.contains(row.code.upload), hold(of: number)?.codeState.isUsers ?? true { count += 1 }
            return count < maximum
        }
        return count >= maximum || !areAll
    }

    /// Shows the rows of a user in some campaigns until `body` says that it has seen enough.
    ///
    /// - Parameter maximum: no more rows are shown.
    /// - Returns: whether it ended with the last row.
    /// - Complexity: O(campaigns + rows shown).
    @discardableResult
    package func forEachRow(
        of user: UserKey, bytes: Span<UInt8>, in campaigns: some Sequence<CampaignID>, maximum: Int,
        _ body: (RowNumber, Row) -> Bool
    ) -> Bool {
        var count = 0
        for campaign in campaigns {
            var next = latest(campaign: campaign, user: user, bytes: bytes)
            while let number = next {
                guard count < maximum else { return false }
                count += 1
                let row = rows[number]
                if !body(number, row) { return false }
                next = row.previous
            }
        }
        return true
    }

    /// Adds up what each campaign has given, and what of that since some time.
    ///
    /// - Parameter counts: by campaign id; others are not looked at.
    /// - Complexity: O(rows), some nanoseconds each.
    package func add(to counts: inout [CampaignCount], since time: Timestamp) {
        for index in 0..<rows.count {
            let number = RowNumber(rawValue: UInt32(index))
            let row = rows[number]
            let campaign = Int(row.campaign.rawValue)
            guard campaign < counts.count else { continue }
            if hold(of: number)?.codeState.isUsers ?? true { counts[campaign].total += 1 }
            if row.givenAt >= time { counts[campaign].sinceThen += 1 }
        }
    }
}

/// Codes that a campaign has given.
package struct CampaignCount: Sendable {
    /// Those that users have, or have kept.
    package fileprivate(set) var total: UInt64 = 0
    /// Those given since some time, whatever became of them.
    package fileprivate(set) var sinceThen: UInt64 = 0

    package init() {}
}

extension CodeState {
    /// Whether a user has the code, or has it kept.
    fileprivate var isUsers: Bool { self == .given || self == .held }
}
