import TearoffCore
import TearoffEngine
import TearoffLog

/// What clients ask for, and what they must hear.
extension Story {
    /// Makes room in the loop's open batch. - Returns: false when the log failed over it.
    private func makeRoom(_ loop: Int) -> Bool {
        if life.loops[loop].isBatchFull { commit(loop) }
        return life.engine.failure == nil
    }

    func commit(_ loop: Int) {
        // A failure is the engine's, too, which is asked after each step.
        do { _ = try life.loops[loop].commit() } catch {}
    }

    mutating func allocate() throws -> String {
        let campaign = campaigns[roll(campaigns.count)]
        return try allocate("u\(roll(12))", in: campaign, userID: roll(2) == 0 ? "" : "m", loop: rollLoop())
    }

    private mutating func allocate(
        _ user: String, in campaign: (name: String, rule: RetriggerRule), userID: String, loop: Int
    ) throws -> String {
        guard makeRoom(loop) else { return "no room" }
        let preview = try life.preview(user, in: campaign.name, loop: loop)
        let outcome = try life.decide(user, in: campaign.name, userID: userID, loop: loop)
        guard preview.promises(outcome) else {
            throw Broken(.preview, "\(campaign.name)/\(user): \(preview) and then \(outcome)")
        }
        switch outcome {
        case .given(let given): try note(given, to: user, in: campaign, loop: loop)
        case .parked(let frame):
            try checkWait(for: frame)
            waiting.append(Waiting(user: user, campaign: campaign, loop: loop, frame: frame))
        case .refused(let refusal): try check(refusal, of: user, in: campaign, loop: loop)
        }
        return "\(campaign.name)/\(user) \(Self.words(outcome))"
    }

    /// A client that had to wait asks again, once what it waited for is durable; or it has gone.
    mutating func retry() throws -> String {
        guard !waiting.isEmpty else { return "nobody" }
        let index = roll(waiting.count)
        let client = waiting[index]
        let isDurable = life.loops[client.frame.lane].durableFrame >= client.frame.frame
        if !isDurable && roll(4) > 0 { return "waits" }
        waiting.remove(at: index)
        guard isDurable else { return "gone" }
        let what = try allocate(client.user, in: client.campaign, userID: "", loop: client.loop)
        if let other = waiting.last, waiting.count > index, other.frame == client.frame, other.user == client.user {
            throw Broken(.parking, "\(client.user) waits for \(client.frame), which is durable")
        }
        return what
    }

    /// Some users, some of them more than once. Who waits is decided on when everything has become durable.
    mutating func allocateMany() throws -> String {
        let campaign = campaigns[roll(campaigns.count)]
        let names = (0..<(1 + roll(15))).map { _ in "u\(roll(12))" }
        let loop = rollLoop()
        guard var many = try life.allocateMany(names, in: campaign.name, loop: loop) else {
            commit(loop)
            return "no room"
        }
        counters.operations += names.count - 1
        var seen: [String: Allocation] = [:]
        var waiting: [Int] = []
        func take(_ index: Int, _ story: inout Story) throws {
            let user = names[index]
            switch many.outcomes[index] {
            case .given(let given):
                guard let first = seen[user] else {
                    seen[user] = given
                    return try story.note(given, to: user, in: campaign, loop: loop)
                }
                guard given.isRepeat, given.code == first.code else {
                    throw Broken(.twoCodes, "\(user) got two in a call")
                }
            case .refused(let refusal): try story.check(refusal, of: user, in: campaign, loop: loop)
            case .overtaken, .waiting:
                if let known = try story.repeated(to: user, in: campaign, loop: loop) {
                    throw Broken(.denial, "\(user) is not told of \(known)")
                }
            }
        }
        for index in names.indices {
            if many.outcomes[index].isWaiting { waiting.append(index) } else { try take(index, &self) }
        }
        for frame in many.otherFrames { try checkWait(for: frame) }
        guard !waiting.isEmpty else { return "\(names.count) of \(campaign.name)" }
        life.settle()
        if hasDied { return "died while some wait" }
        try collect()
        let records = life.loops[loop].writer.counters.records
        try life.decideWaiting(&many, in: campaign.name, loop: loop)
        guard many.otherFrames.isEmpty else { throw Broken(.parking, "some wait for what is durable") }
        for index in waiting { try take(index, &self) }
        life.settle()
        // A feed that tells of repeats has a record of each.
        let tellsRepeats = script.setting.hasFeed && script.setting.tellsRepeats
        guard hasDied || tellsRepeats || life.loops[loop].writer.counters.records == records else {
            throw Broken(.parking, "a call wrote twice")
        }
        return "\(names.count) of \(campaign.name), \(waiting.count) waited"
    }

    /// One of few keys: the same request or another one, while it is kept and behind that.
    mutating func allocateUnderKey() throws -> String {
        let campaign = campaigns[roll(campaigns.count)]
        let (user, userID, key) = ("u\(roll(3))", roll(4) == 0 ? "m" : "", "k\(roll(6))")
        let arguments = "\(campaign.name)/\(user)/\(userID)"
        let loop = rollLoop()
        guard makeRoom(loop) else { return "no room" }
        let outcome = try life.decide(user, key: key, in: campaign.name, userID: userID, loop: loop)
        let now = life.loops[loop].now.milliseconds
        // Told in this life, or acknowledged; what a crash may have taken and did not is not known here.
        let known = (pendingKeys.filter { $0.key == key } + [keys[key]].compactMap { $0 })
            .filter { now < $0.at + day }
        func use(_ allocation: Allocation, at usedAt: UInt64) -> KeyUsed {
            KeyUsed(
                key: key, arguments: arguments, code: allocation.code, at: usedAt, loop: loop,
                frame: allocation.frame)
        }
        switch outcome {
        case .decided(.given(let given)):
            guard known.isEmpty else { throw Broken(.key, "\(key) was used, and is new: \(known)") }
            try note(given, to: user, in: campaign, loop: loop)
            pendingKeys.append(use(given, at: now))
            return "\(key) \(given.code)"
        case .decided(.refused(let refusal)):
            try check(refusal, of: user, in: campaign, loop: loop)
            guard known.isEmpty || refusal == .codeAway else {
                throw Broken(.key, "\(key) was used, and is refused: \(known)")
            }
            return "\(key) refused \(refusal)"
        case .full: throw Broken(.key, "there is no room for \(key) beside five others")
        case .replayed(let replay):
            guard known.allSatisfy({ $0.arguments == arguments && $0.code == replay.code }) else {
                throw Broken(.key, "\(key) of \(arguments) is replayed as \(replay.code) and was \(known)")
            }
            if let owner = owners[replay.code], owner != campaign.name + "/" + user {
                throw Broken(.twoUsers, "\(key) of \(arguments) replays the code of \(owner)")
            }
            if let first = known.first { pendingKeys.append(use(replay, at: first.at)) }
            return "\(key) replayed \(replay.code)"
        case .reused:
            guard known.allSatisfy({ $0.arguments != arguments }) else {
                throw Broken(.key, "\(key) is refused to \(arguments), and was \(known)")
            }
            return "\(key) reused"
        case .decided(.parked(let frame)), .parked(let frame):
            try checkWait(for: frame)
            return "\(key) parked"
        }
    }

    mutating func hold() throws -> String {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let loop = rollLoop()
        guard makeRoom(loop) else { return "no room" }
        let preview = try life.preview(user, in: campaign, loop: loop)
        let outcome = try life.decideHold(user, for: UInt64(roll(20)) * hour, in: campaign, loop: loop)
        guard preview.promises(outcome) else {
            throw Broken(.preview, "\(campaign)/\(user): \(preview) and then \(outcome)")
        }
        guard case .given(let given) = outcome else { return Self.words(outcome) }
        let told = Confirmed(key: campaign + "/" + user, code: given.code, loop: loop, frame: given.frame)
        if given.times.holdUntil == nil { pendingConfirmations.append(told) } else { pendingHolds.append(told) }
        return "\(campaign)/\(user) \(Self.words(outcome))"
    }

    mutating func endHold() throws -> String {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let loop = rollLoop()
        guard makeRoom(loop) else { return "no room" }
        let reason: HoldEnd.Reason = roll(2) == 0 ? .confirmed : .released
        let outcome = try life.decideEnd(reason, user, in: campaign, loop: loop)
        guard case .ended(let frame) = outcome, reason == .confirmed else { return "\(reason): \(outcome)" }
        let id = try life.terms(campaign, loop: loop).campaign
        guard let code = life.history(user, loop: loop).found.last(where: { $0.campaign == id })?.code else {
            throw Broken(.lost, "\(user) confirmed what no history tells of")
        }
        pendingConfirmations.append(
            Confirmed(key: campaign + "/" + user, code: code, loop: loop, frame: frame))
        return "confirmed \(code)"
    }

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
        }
        if let other = (pending.first { $0.code == told.code && $0.key != key })?.key {
            throw Broken(.twoUsers, "\(told.code) is \(other)'s and \(key)'s")
        }
        pending.append(told)
    }

    private func checkRepeat(_ told: Given, rule: RetriggerRule, loop: Int) throws {
        guard try repeats(told, rule: rule, loop: loop) else {
            throw Broken(.window, "\(told.key) is a repeat of \(told.at) under \(rule)")
        }
        // What a crash may have taken and did not is not known here, and may be younger.
        guard let newest = newest(of: told.key), newest.at >= told.at else { return }
        guard newest.code == told.code, newest.text == told.text, newest.times == told.times else {
            throw Broken(.reply, "\(told.key) was told \(newest), and then \(told)")
        }
    }

    /// What was told last, of what was acknowledged or may be yet.
    private func newest(of key: String) -> Given? {
        (pending.filter { $0.key == key } + [latest[key]].compactMap { $0 }).max { $0.at < $1.at }
    }

    /// What the user is to be told again; nil when another code is due, as far as is known.
    private func repeated(
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

    private func check(
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
            // What is on its way back is free, and cannot be given before that is durable.
            case .poolEmpty: !hasCode && (life.engine.ledgers(of: [list])[0].free == 0 || list.pool.awaitsReturns)
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
