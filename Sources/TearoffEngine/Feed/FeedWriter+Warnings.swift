import TearoffCore
import TearoffLog

extension FeedWriter {
    /// Looks at the lists that anything has happened to, or whose time has come.
    ///
    /// - Returns: what is to be told of them once all that was claimed by now is durable.
    mutating func dueWarnings() -> [FeedChange] {
        // Till then a list that was refilled, and is empty again, is not told from one that is empty still.
        guard hasToldEarlierChanges, warnings.isEmpty else { return [] }
        let now = engine.now()
        let catalog = engine.latestCatalog
        let isWhole = lookedAt?.generation != catalog.generation || nextLook.map { now >= $0 } ?? false
        // Ids are dense: a list that is not in this catalog yet is in the next one.
        let known = touched.filter { Int($0.rawValue) < catalog.lists.count }
        let lists =
            isWhole ? catalog.presentLists : known.sorted().map { catalog[$0] }.filter { !$0.isDeleted }
        touched = []
        let refilled = refilledLists(of: catalog)
        if isWhole {
            lookedAt = (catalog.generation, catalog.uploads.count)
            takePaces(of: lists, at: now)
            let nextPace = paces.isEmpty ? nil : now.adding(milliseconds: SupplyPace.minuteMilliseconds)
            nextLook = (lists.map { $0.nextExpiryStage(after: now) } + [nextPace]).compactMap { $0 }.min()
        }
        return changedSigns(of: lists, refilled: refilled, uploads: catalog.uploads.count, at: now)
    }

    /// Lists that got more codes since they were looked at, by that catalog: the log may be behind it, and a list whose
    /// refill was counted already would be told of twice.
    private func refilledLists(of catalog: Catalog) -> Set<ListID> {
        let refills = catalog.uploads[uploadsLookedAt...].filter { !$0.isImport && $0.codes.count > 0 }
        return Set(refills.map(\.list)).union(lookedAt == nil ? refilledBefore : [])
    }

    mutating func tell(_ changes: [FeedChange]) { warnings += changes }

    private mutating func takePaces(of lists: [List], at now: Timestamp) {
        for list in lists {
            if list.warnings.hoursLeft == nil {
                paces[list.id] = nil
            } else {
                paces[list.id, default: SupplyPace()].note(taken: list.taken(list.pool.counts), at: now)
            }
        }
    }

    /// - Parameter refilled: what was told of these comes anew: they may be empty again before anybody has looked.
    func changedSigns(
        of lists: [List], refilled: Set<ListID> = [], uploads: Int, at now: Timestamp
    ) -> [FeedChange] {
        lists.compactMap { list in
            let known = told.signs[list.id] ?? FeedSigns()
            var before = known
            if refilled.contains(list.id) {
                before = FeedSigns()
                before.expiryDays = known.expiryDays
            }
            // Of one moment: what is told of a list must not be another count than that which it is told for.
            let counts = list.pool.counts
            let signs = signs(of: list, counts, before, at: now)
            if signs == known, signs == before { return nil }
            return FeedChange(
                list: list.id, signs: signs, warnings: warnings(of: list, free: counts.free, signs, before),
                uploads: uploads)
        }
    }

    private func signs(
        of list: List, _ counts: PoolCounts, _ before: FeedSigns, at now: Timestamp
    ) -> FeedSigns {
        let free = counts.free
        var signs = FeedSigns()
        signs.expiryDays = list.expiryDays(at: now)
        guard list.hadSupply else { return signs }
        signs.isLow = list.warnAt.map { free <= $0 } ?? false
        signs.isEmpty = free == 0
        signs.isShort =
            list.warnings.percent.map { free * 100 <= UInt64($0) * (list.supply - counts.withdrawn) } ?? false
        if let hours = list.warnings.hoursLeft, let pace = paces[list.id] {
            // The pace goes up and down: once told, a forecast must be twice as good before it is told again.
            let limit = UInt64(before.isForecast ? 2 * hours : hours)
            signs.isForecast = pace.isEmpty(within: limit, free: free, taken: list.taken(counts), at: now)
        }
        return signs
    }

    private func warnings(
        of list: List, free: UInt64, _ signs: FeedSigns, _ before: FeedSigns
    ) -> [FeedWarning] {
        var warnings: [FeedWarning] = []
        if signs.isForecast, !before.isForecast, !signs.isEmpty, let hours = list.warnings.hoursLeft {
            warnings.append(.forecast(remaining: free, hours: hours))
        }
        if signs.isShort, !before.isShort, let percent = list.warnings.percent {
            warnings.append(.share(remaining: free, percent: percent))
        }
        if signs.isLow, !before.isLow { warnings.append(.low(remaining: free)) }
        if signs.isEmpty, !before.isEmpty { warnings.append(.empty) }
        // An expiry that came, and was put off, comes anew.
        let told = before.expiryDays == 0 ? nil : before.expiryDays
        if let days = signs.expiryDays, days != before.expiryDays, days < told ?? .max {
            warnings.append(days == 0 ? .expired : .expiring(days: Int(days)))
        }
        return warnings
    }
}

extension List {
    /// Codes that are not free any more, and were not withdrawn.
    fileprivate func taken(_ counts: PoolCounts) -> UInt64 {
        supply - min(supply, counts.free + counts.withdrawn)
    }

    /// All codes that came to be given; not those that were given elsewhere.
    fileprivate var supply: UInt64 { uploads.reduce(0) { $0 + ($1.isImport ? 0 : $1.count) } }

    private var daysBeforeExpiry: [UInt32] { warnings.expiryDays ?? FeedLimits.expiryDays }

    /// As ``FeedSigns/expiryDays``.
    fileprivate func expiryDays(at now: Timestamp) -> UInt32? {
        guard let expiresAt else { return nil }
        if isExpired(at: now) { return 0 }
        let left = expiresAt.millisecondsSince(now)
        return daysBeforeExpiry.filter { left <= UInt64($0) * Day.milliseconds }.min()
    }

    /// When that changes next; nil when it does not.
    fileprivate func nextExpiryStage(after now: Timestamp) -> Timestamp? {
        guard let expiresAt, !isExpired(at: now) else { return nil }
        let left = expiresAt.millisecondsSince(now)
        let next = daysBeforeExpiry.filter { left > UInt64($0) * Day.milliseconds }.max()
        guard let next else { return expiresAt.adding(milliseconds: 1) }
        return Timestamp(milliseconds: expiresAt.milliseconds - UInt64(next) * Day.milliseconds)
    }
}
