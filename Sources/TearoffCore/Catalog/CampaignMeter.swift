import Synchronization

/// How many codes a campaign has given of what it may give. All loops share it, as they share the cursors.
///
/// A figure counts only while it is limited; one that was not limited before is counted anew from the shards, and
/// limits nothing until that is done.
package final class CampaignMeter: Sendable {
    private let total = Atomic<UInt64>(0)
    private let day = WindowCounter()
    private let second = WindowCounter()
    private let totalIsUnknown = Atomic<Bool>(false)
    private let dayIsUnknown = Atomic<Bool>(false)

    init() {}

    /// Lifts the limits that were not there before, until ``finishCounting(total:since:inDay:)``.
    ///
    /// - Returns: whether there are any.
    package func beginCounting(_ new: CampaignSettings, insteadOf old: CampaignSettings) -> Bool {
        let isNew = (
            total: old.quota == nil && new.quota != nil,
            day: old.quotaPerDay == nil && new.quotaPerDay != nil
        )
        if isNew.total { totalIsUnknown.store(true, ordering: .relaxed) }
        if isNew.day { dayIsUnknown.store(true, ordering: .relaxed) }
        return isNew.total || isNew.day
    }

    /// To be called while no code is given, and when every loop counts.
    ///
    /// - Parameter today: when the day began whose codes were counted.
    package func finishCounting(total: UInt64, since today: Timestamp, inDay: UInt64) {
        self.total.store(total, ordering: .relaxed)
        day.set(inDay, in: Self.number(ofDaySince: today))
        totalIsUnknown.store(false, ordering: .relaxed)
        dayIsUnknown.store(false, ordering: .relaxed)
    }

    /// Counts one more code.
    ///
    /// - Returns: why it may not be given; nothing is counted then.
    func take(_ settings: CampaignSettings, now: Timestamp, day today: Day) -> AllocationRefusal? {
        if let refusal = refusal(settings, now: now, day: today) { return refusal }
        // Another loop may take the last one between the look and this.
        if let quota = settings.quota, !take(upTo: quota) { return .quotaReached }
        if let quota = settings.quotaPerDay, !day.take(upTo: dayLimit(quota), in: Self.number(ofDaySince: today.first))
        {
            giveBack(settings)
            return .dayQuotaReached
        }
        if let rate = settings.ratePerSecond, !second.take(upTo: rate, in: Self.number(ofSecond: now)) {
            giveBack(settings)
            if settings.quotaPerDay != nil { day.giveBack(in: Self.number(ofDaySince: today.first)) }
            return .rateReached
        }
        return nil
    }

    /// Counts what another system gave, whatever the limits.
    package func note(_ settings: CampaignSettings, givenAt: Timestamp, day today: Day) {
        if settings.quota != nil { total.wrappingAdd(1, ordering: .relaxed) }
        if settings.quotaPerDay != nil, today.contains(givenAt) {
            _ = day.take(upTo: .max, in: Self.number(ofDaySince: today.first))
        }
    }

    /// A code that was counted was not given after all.
    func untake(_ settings: CampaignSettings, now: Timestamp, day today: Day) {
        giveBack(settings)
        if settings.quotaPerDay != nil { day.giveBack(in: Self.number(ofDaySince: today.first)) }
        if settings.ratePerSecond != nil { second.giveBack(in: Self.number(ofSecond: now)) }
    }

    /// What ``take(_:now:day:)`` would say. Counts nothing.
    func refusal(_ settings: CampaignSettings, now: Timestamp, day today: Day) -> AllocationRefusal? {
        if let quota = settings.quota, total.load(ordering: .relaxed) >= totalLimit(quota) { return .quotaReached }
        if let quota = settings.quotaPerDay, day.count(in: Self.number(ofDaySince: today.first)) >= dayLimit(quota) {
            return .dayQuotaReached
        }
        if let rate = settings.ratePerSecond, second.count(in: Self.number(ofSecond: now)) >= rate {
            return .rateReached
        }
        return nil
    }

    /// A hold went back, and may be given again; on the day on which it was made it counts all the same.
    package func giveBack(_ settings: CampaignSettings) {
        if settings.quota != nil { total.wrappingSubtract(1, ordering: .relaxed) }
    }

    private func totalLimit(_ quota: UInt64) -> UInt64 { totalIsUnknown.load(ordering: .relaxed) ? .max : quota }
    private func dayLimit(_ quota: UInt64) -> UInt64 { dayIsUnknown.load(ordering: .relaxed) ? .max : quota }

    private func take(upTo quota: UInt64) -> Bool {
        let limit = totalLimit(quota)
        var seen = total.load(ordering: .relaxed)
        while seen < limit {
            let (won, current) = total.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .relaxed)
            if won { return true }
            seen = current
        }
        return false
    }

    private static func number(ofDaySince start: Timestamp) -> UInt64 { start.milliseconds / 60_000 }
    private static func number(ofSecond now: Timestamp) -> UInt64 { now.milliseconds / 1_000 }
}

/// Counts in the latest of numbered windows of time: the window's number above, 28 bits of count below.
private struct WindowCounter: ~Copyable {
    private static let countBits: UInt64 = 28
    private static let countMask: UInt64 = (1 << countBits) - 1
    private let state = Atomic<UInt64>(0)

    /// A loop whose clock was read a moment earlier counts in the later window, too: a window never comes back.
    func take(upTo limit: UInt64, in window: UInt64) -> Bool {
        let limit = min(limit, Self.countMask)
        var seen = state.load(ordering: .relaxed)
        while true {
            let isNew = seen >> Self.countBits < window
            if !isNew, seen & Self.countMask >= limit { return false }
            if isNew, limit == 0 { return false }
            let next = isNew ? window << Self.countBits | 1 : seen + 1
            let (won, current) = state.weakCompareExchange(expected: seen, desired: next, ordering: .relaxed)
            if won { return true }
            seen = current
        }
    }

    func giveBack(in window: UInt64) {
        var seen = state.load(ordering: .relaxed)
        while seen >> Self.countBits == window, seen & Self.countMask > 0 {
            let (won, current) = state.weakCompareExchange(expected: seen, desired: seen - 1, ordering: .relaxed)
            if won { return }
            seen = current
        }
    }

    func count(in window: UInt64) -> UInt64 {
        let seen = state.load(ordering: .relaxed)
        return seen >> Self.countBits < window ? 0 : seen & Self.countMask
    }

    func set(_ count: UInt64, in window: UInt64) {
        state.store(window << Self.countBits | min(count, Self.countMask), ordering: .relaxed)
    }
}
