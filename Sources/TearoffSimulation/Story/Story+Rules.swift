import TearoffCore
import TearoffEngine
import TearoffLog

/// What clients must hear, by the rules and by what they were told before.
extension Story {
    /// Whether a reply is what the rule of the campaign says, given all that its user was told before.
    mutating func note(
        _ given: Allocation, to user: String, in campaign: (name: String, rule: RetriggerRule), loop: Int
    ) throws {
        let told = Given(
            user: user, campaign: campaign.name, code: given.code, text: life.text(given.code, loop: loop),
            times: given.times, loop: loop, frame: given.frame)
        let key = told.key
        let now = life.loops[loop].now.milliseconds
        if told.text.isEmpty { throw Broken(.order, "\(key) got a code that is away") }
        if given.isRepeat {
            try checkRepeat(told, rule: campaign.rule, loop: loop)
        } else if let earlier = try repeated(to: user, in: campaign, loop: loop) {
            throw Broken(.window, "\(key) has a second code after \(now - earlier.at) ms")
        } else {
            try checkNew(given.code)
        }
        if let other = (pending.first { $0.code == told.code && $0.key != key })?.key {
            throw Broken(.twoUsers, "\(told.code) is \(other)'s and \(key)'s")
        }
        pending.append(told)
    }

    func checkNew(_ code: CodeID) throws {
        if withdrawn.contains(code.upload) { throw Broken(.withdrawn, "\(code) was withdrawn, and is given") }
    }

    private func checkRepeat(_ told: Given, rule: RetriggerRule, loop: Int) throws {
        guard try repeats(told, rule: rule, loop: loop) else {
            throw Broken(.window, "\(told.key) is a repeat of \(told.at) under \(rule)")
        }
        // What an import brings is not known before that is answered, and may be younger.
        guard let newest = newest(of: told.key), newest.at >= told.at else { return }
        guard newest.code == told.code, newest.text == told.text, newest.times == told.times else {
            throw Broken(.reply, "\(told.key) was told \(newest), and then \(told)")
        }
    }

    /// What was told last, of what was acknowledged or may be yet.
    private func newest(of key: String) -> Given? {
        (pending.filter { $0.key == key } + [latest[key]].compactMap { $0 }).max { $0.at < $1.at }
    }

    /// What the user is to be told again; nil when another code is due.
    func repeated(
        to user: String, in campaign: (name: String, rule: RetriggerRule), loop: Int
    ) throws -> Given? {
        guard let newest = newest(of: campaign.name + "/" + user) else { return nil }
        return try repeats(newest, rule: campaign.rule, loop: loop) ? newest : nil
    }

    /// Whether the rule has this code given again.
    private func repeats(_ given: Given, rule: RetriggerRule, loop: Int) throws -> Bool {
        switch rule {
        case .window(let window): return life.loops[loop].now.milliseconds < given.at + window
        case .once: return true
        case .always: return false
        case .untilExpiry:
            let lapsedAt = try required(life.loops[loop].catalog.list(named: "l")).lapsedAt
            return lapsedAt.map { given.at > $0.milliseconds } ?? true
        }
    }

    func check(
        _ refusal: AllocationRefusal, of user: String, in campaign: (name: String, rule: RetriggerRule), loop: Int
    ) throws {
        let known = try repeated(to: user, in: campaign, loop: loop)
        try check(refusal, in: campaign.name, hasCode: known != nil, loop: loop)
    }

    /// A list that is over, or whose codes are away, gives nothing; anything else keeps nobody from what they have.
    func check(_ refusal: AllocationRefusal, in campaign: String, hasCode: Bool, loop: Int) throws {
        let catalog = life.loops[loop].catalog
        let campaign = try required(catalog.campaign(named: campaign))
        let list = catalog[campaign.list]
        let isRight =
            switch refusal {
            case .listExpired: list.isArchived || list.isExpired(at: life.loops[loop].now)
            case .codeAway: list.isArchived
            case .finished: !hasCode && !campaign.isActive
            case .listFrozen: !hasCode && list.isFrozen
            // As the loop knows the list, which may have been refilled by now. What is on its way back is free, and cannot
            // be given before that is durable.
            case .poolEmpty: !hasCode && (list.pool.totalFree == 0 || list.pool.awaitsReturns)
            // Nothing here is so full, and no campaign has such a setting.
            case .diskFull, .shardFull, .notOpen, .quotaReached, .dayQuotaReached, .rateReached, .userLimitReached:
                false
            }
        guard isRight else {
            throw Broken(.denial, "\(refusal) in \(campaign.name), to one with\(hasCode ? "" : "out") a code")
        }
    }

    /// Nobody waits for what is durable.
    func checkWait(for frame: LaneFrame) throws {
        guard life.loops[frame.lane].durableFrame < frame.frame else {
            throw Broken(.parking, "somebody waits for \(frame), which is durable")
        }
    }
}
