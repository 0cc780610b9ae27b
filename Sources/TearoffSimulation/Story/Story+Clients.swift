import TearoffCore
import TearoffEngine
import TearoffLog

/// What clients ask for.
extension Story {
    /// Makes room in the loop's open batch. - Returns: false when the log failed over it.
    func makeRoom(_ loop: Int) -> Bool {
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

    mutating func allocate(
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
        let others = waiting.count
        let what = try allocate(client.user, in: client.campaign, userID: "", loop: client.loop)
        if waiting.count > others, let again = waiting.last, again.frame == client.frame {
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
}
