import Foundation
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Any course of events: nothing acknowledged is lost, and no code has two users")
struct PropertyTests {
    #if DEBUG
        /// Unoptimised, a seed takes the better part of a second.
        private static let usualCount: UInt64 = 20
    #else
        private static let usualCount: UInt64 = 300
    #endif

    /// As many seeds as fit a test run; `TEAROFF_SEEDS` and `TEAROFF_FIRST_SEED` choose others, for nights
    /// and replays.
    static let seeds: [Range<UInt64>] = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["TEAROFF_FIRST_SEED"].flatMap(UInt64.init) ?? 1
        let count = environment["TEAROFF_SEEDS"].flatMap(UInt64.init) ?? usualCount
        return stride(from: first, to: first + count, by: 10).map { $0..<min($0 + 10, first + count) }
    }()

    static var commit: String { ProcessInfo.processInfo.environment["TEAROFF_COMMIT"] ?? "unknown" }

    /// Goal: the promise, for any order of allocations, repeats, changes, uploads, snapshots, crashes,
    /// numbers of loops and jumps of the clock; and a preview says what the command right behind it comes to.
    /// Method: dice from a seed, against an oracle of plain dictionaries.
    @Test(arguments: seeds)
    func thePromiseHolds(seeds: Range<UInt64>) throws {
        for seed in seeds {
            do {
                var story = try Story(seed: seed)
                try story.run()
            } catch {
                Issue.record("SEED=\(seed) COMMIT=\(Self.commit): \(error)")
            }
        }
    }
}

struct Broken: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What one user was told, or may have been.
private struct Given {
    let user: String
    let campaign: String
    let code: CodeID
    let at: UInt64
    let isRepeat: Bool
    let loop: Int
    let frame: FrameNumber
}

/// A user was told that a code is theirs for good, or may have been.
private struct Confirmed {
    let key: String
    let code: CodeID
    let loop: Int
    let frame: FrameNumber
}

/// What a key was told to stand for, or may have been.
private struct KeyUsed {
    let key: String
    /// Campaign, user, user id.
    let arguments: String
    let code: CodeID
    let at: UInt64
    let loop: Int
    let frame: FrameNumber
}

/// One seed's course of events, with the oracle beside it.
private struct Story {
    let seed: UInt64
    let world: World
    var dice: SplitMix64
    var life: Life
    /// Told in the life that is on, and not known to be durable.
    var pending: [Given] = []
    /// Acknowledged: by code, who has it.
    var owners: [CodeID: String] = [:]
    /// Acknowledged: by campaign and user, the latest code and when it was given.
    var latest: [String: (code: CodeID, at: UInt64)] = [:]
    var campaigns: [(name: String, rule: RetriggerRule)] = []
    var changes: [Reply<Change>] = []
    var uploads: [Reply<Result<UploadOutcome, ControlError>>] = []
    var acknowledgedCodes: UInt64 = 0
    var nextName = 0
    /// Of the files that were sent: their codes may come again once their upload is withdrawn.
    var contents: [String] = []
    /// Campaigns whose codes are held.
    var bookings: [String] = []
    /// Told in the life that is on, and not known to be durable.
    var pendingConfirmations: [Confirmed] = []
    /// Acknowledged: by code, whose it is for good.
    var confirmed: [CodeID: String] = [:]
    /// Told in the life that is on, and not known to be durable.
    var pendingKeys: [KeyUsed] = []
    /// Acknowledged: the latest use of each key.
    var keys: [String: KeyUsed] = [:]

    init(seed: UInt64) throws {
        self.seed = seed
        world = World(seed: seed, shardCount: seed % 2 == 0 ? 1 : 4)
        dice = SplitMix64(seed: seed)
        life = try world.start()
        try life.createList()
        try life.upload((0..<20).map { "first\($0)" })
        acknowledgedCodes = 20
        for rule in [RetriggerRule.window(milliseconds: day), .once, .always] {
            let name = "c\(campaigns.count)"
            try life.createCampaign(name, rule: rule)
            campaigns.append((name, rule))
        }
        try life.changed {
            $0.createList(
                name: "fixed", kind: .fixed(code: Array("F".utf8), limit: 20), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.createCampaign("fixed", list: "fixed", rule: .always)
        for returns in ReturnRule.allCases {
            try life.createCampaign(returns.text, rule: .once, returns: returns)
            bookings.append(returns.text)
        }
    }

    mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }

    mutating func run() throws {
        for _ in 0..<(3 + roll(3)) {
            for _ in 0..<(10 + roll(40)) { try act() }
            try crash()
        }
        life.settle()
        try check()
    }

    mutating func act() throws {
        switch roll(34) {
        case 0...8: try allocate()
        case 9: _ = try life.loops[roll(life.loops.count)].commit()
        case 10...12: for _ in 0..<(1 + roll(6)) { step() }
        case 13: life.complete(roll(life.loops.count))
        case 14: life.completeControl()
        case 15: jump()
        case 16: try change()
        case 17: try upload()
        case 18: _ = life.askForSnapshot()
        case 19...21: try hold()
        case 22...23: try end()
        case 24: life.endOverdue(loop: roll(life.loops.count))
        case 25: if roll(3) == 0 { changes.append(life.undo(UInt64(roll(max(1, contents.count))))) }
        case 26: _ = try life.decide("u\(roll(12))", in: "fixed", loop: roll(life.loops.count))
        case 27: changeFixed()
        case 28...29: try allocateMany()
        case 30...32: try allocateUnderKey()
        default: if roll(3) == 0 { life.settle() } else { life.pump() }
        }
        try collect()
    }

    mutating func step() {
        life.fireExpiry()
        life.step()
    }

    mutating func jump() {
        switch roll(4) {
        case 0: world.clock.milliseconds -= UInt64(roll(40)) * hour
        case 1: world.clock.milliseconds += day - 1
        default: world.clock.milliseconds += UInt64(roll(20)) * hour
        }
    }

    mutating func allocate() throws {
        let campaign = campaigns[roll(campaigns.count)]
        let user = "u\(roll(12))"
        let loop = roll(life.loops.count)
        let key = campaign.name + "/" + user
        if life.loops[loop].isBatchFull { _ = try life.loops[loop].commit() }
        let preview = try life.preview(user, in: campaign.name, loop: loop)
        let outcome = try life.decide(
            user, in: campaign.name, userID: roll(2) == 0 ? "" : "m", loop: loop)
        guard preview.promises(outcome) else { throw Broken("\(key): \(preview) and then \(outcome)") }
        guard case .given(let given) = outcome else { return }
        try note(given, to: user, in: campaign, loop: loop)
    }

    /// Some users, some of them more than once. Who waits is decided on when everything has become durable.
    mutating func allocateMany() throws {
        let campaign = campaigns[roll(campaigns.count)]
        let names = (0..<(1 + roll(15))).map { _ in "u\(roll(12))" }
        let loop = roll(life.loops.count)
        guard var many = try life.allocateMany(names, in: campaign.name, loop: loop) else {
            _ = try life.loops[loop].commit()
            return
        }
        var seen: [String: Allocation] = [:]
        var waiting: [Int] = []
        func take(_ index: Int) throws {
            guard let given = many.outcomes[index].given else { return }
            if let first = seen[names[index]] {
                guard given.isRepeat, given.code == first.code else {
                    throw Broken("\(names[index]) got two in a call")
                }
            } else {
                seen[names[index]] = given
                try note(given, to: names[index], in: campaign, loop: loop)
            }
        }
        for index in names.indices {
            if many.outcomes[index].isWaiting { waiting.append(index) } else { try take(index) }
        }
        guard !waiting.isEmpty else { return }
        life.settle()
        try collect()
        let records = life.loops[loop].writer.counters.records
        try life.decideWaiting(&many, in: campaign.name, loop: loop)
        guard many.otherFrames.isEmpty else { throw Broken("some wait for what is durable") }
        for index in waiting { try take(index) }
        life.settle()
        guard life.loops[loop].writer.counters.records == records else { throw Broken("a call wrote twice") }
    }

    /// One of few keys: the same request or another one, while it is kept and behind that.
    mutating func allocateUnderKey() throws {
        let campaign = campaigns[roll(campaigns.count)]
        let (user, userID, key) = ("u\(roll(3))", roll(4) == 0 ? "m" : "", "k\(roll(6))")
        let arguments = "\(campaign.name)/\(user)/\(userID)"
        let loop = roll(life.loops.count)
        if life.loops[loop].isBatchFull { _ = try life.loops[loop].commit() }
        let outcome = try life.decide(user, key: key, in: campaign.name, userID: userID, loop: loop)
        let now = life.loops[loop].now.milliseconds
        // Told in this life, or acknowledged; what a crash may have taken and did not is not known here.
        let known = (pendingKeys.filter { $0.key == key } + [keys[key]].compactMap { $0 })
            .filter { now < $0.at + day }
        func use(_ allocation: Allocation, at usedAt: UInt64) {
            pendingKeys.append(
                KeyUsed(
                    key: key, arguments: arguments, code: allocation.code, at: usedAt, loop: loop,
                    frame: allocation.frame))
        }
        switch outcome {
        case .decided(.given(let given)):
            guard known.isEmpty else { throw Broken("\(key) was used, and is new: \(known)") }
            try note(given, to: user, in: campaign, loop: loop)
            use(given, at: now)
        case .decided(.refused), .full:
            guard known.isEmpty else { throw Broken("\(key) was used, and is refused: \(known)") }
        case .replayed(let replay):
            guard known.allSatisfy({ $0.arguments == arguments && $0.code == replay.code }) else {
                throw Broken("\(key) of \(arguments) is replayed as \(replay.code) and was \(known)")
            }
            if let owner = owners[replay.code], owner != campaign.name + "/" + user {
                throw Broken("\(key) of \(arguments) replays the code of \(owner)")
            }
            if let first = known.first { use(replay, at: first.at) }
        case .reused:
            guard known.allSatisfy({ $0.arguments != arguments }) else {
                throw Broken("\(key) is refused to \(arguments), and was \(known)")
            }
        case .decided(.parked), .parked: break
        }
    }

    mutating func collectKeys() {
        var rest: [KeyUsed] = []
        for use in pendingKeys {
            guard life.loops[use.loop].durableFrame >= use.frame else {
                rest.append(use)
                continue
            }
            if use.at >= keys[use.key]?.at ?? 0 { keys[use.key] = use }
        }
        pendingKeys = rest
    }

    private mutating func note(
        _ given: Allocation, to user: String, in campaign: (name: String, rule: RetriggerRule), loop: Int
    ) throws {
        let key = campaign.name + "/" + user
        let now = life.loops[loop].now.milliseconds
        if given.isRepeat {
            if case .window(let window) = campaign.rule, now >= given.times.givenAt.milliseconds + window {
                throw Broken("\(key) is a repeat \(now - given.times.givenAt.milliseconds) ms later")
            }
            if campaign.rule == .always { throw Broken("\(key) is a repeat under `always`") }
        } else if let earlier = latest[key] {
            if campaign.rule == .once { throw Broken("\(key) has a second code") }
            if case .window(let window) = campaign.rule, now < earlier.at + window {
                throw Broken("\(key) has a second code after \(now - earlier.at) ms")
            }
        }
        pending.append(
            Given(
                user: user, campaign: campaign.name, code: given.code, at: given.times.givenAt.milliseconds,
                isRepeat: given.isRepeat, loop: loop, frame: given.frame))
    }

    mutating func hold() throws {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let loop = roll(life.loops.count)
        let preview = try life.preview(user, in: campaign, loop: loop)
        let outcome = try life.decideHold(user, for: UInt64(roll(20)) * hour, in: campaign, loop: loop)
        guard preview.promises(outcome) else { throw Broken("\(user): \(preview) and then \(outcome)") }
        guard case .given(let given) = outcome else { return }
        guard given.times.holdUntil == nil else { return }
        pendingConfirmations.append(
            Confirmed(key: campaign + "/" + user, code: given.code, loop: loop, frame: given.frame))
    }

    mutating func end() throws {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let loop = roll(life.loops.count)
        let reason: HoldEnd.Reason = roll(2) == 0 ? .confirmed : .released
        guard case .ended(let frame) = try life.decideEnd(reason, user, in: campaign, loop: loop),
            reason == .confirmed
        else { return }
        let id = try life.terms(campaign, loop: loop).campaign
        guard let code = life.history(user, loop: loop).found.last(where: { $0.campaign == id })?.code else {
            throw Broken("\(user) confirmed what no history tells of")
        }
        pendingConfirmations.append(
            Confirmed(key: campaign + "/" + user, code: code, loop: loop, frame: frame))
    }

    mutating func collectConfirmations() throws {
        var rest: [Confirmed] = []
        for told in pendingConfirmations {
            guard life.loops[told.loop].durableFrame >= told.frame else {
                rest.append(told)
                continue
            }
            if let owner = confirmed.updateValue(told.key, forKey: told.code), owner != told.key {
                throw Broken("\(told.code) is \(owner)'s and \(told.key)'s")
            }
        }
        pendingConfirmations = rest
    }

    /// No code is held for, or given to, two users, not even from two uploads that have it; what was confirmed is
    /// its user's.
    func checkHolds() throws {
        var owners: [String: String] = [:]
        for cell in life.engine.shards {
            try cell.state.withLock { state in
                for number in 0..<state.shard.rows.count {
                    let row = state.shard.rows[RowNumber(rawValue: UInt32(number))]
                    let standing = state.shard.standing(of: RowNumber(rawValue: UInt32(number)))
                    guard standing.status == .given || standing.status == .held else { continue }
                    var user: [UInt8] = []
                    state.shard.appendUser(of: row, to: &user)
                    let name = life.engine.latestCatalog[row.campaign].name
                    // Its code is many users'.
                    if name == "fixed" { continue }
                    let key = "\(name)/\(String(decoding: user, as: UTF8.self))"
                    if let other = owners.updateValue(key, forKey: life.text(row.code)) {
                        throw Broken("\(row.code) is \(other)'s and \(key)'s")
                    }
                }
            }
        }
        for (code, key) in confirmed where owners[life.text(code)] != key {
            throw Broken("\(code) was confirmed to \(key) and is \(owners[life.text(code)] ?? "nobody")'s")
        }
    }

    /// Moves what is durable by now to the oracle's acknowledged side.
    mutating func collect() throws {
        var rest: [Given] = []
        for given in pending {
            guard life.loops[given.loop].durableFrame >= given.frame else {
                rest.append(given)
                continue
            }
            let key = given.campaign + "/" + given.user
            if let owner = owners[given.code], owner != key {
                throw Broken("\(given.code) is \(owner)'s and \(key)'s")
            }
            owners[given.code] = key
            if given.at >= latest[key]?.at ?? 0 { latest[key] = (given.code, given.at) }
        }
        pending = rest
        try collectConfirmations()
        collectKeys()
        uploads.removeAll { reply in
            guard let result = reply.value else { return false }
            if case .success(let outcome) = result, case .loaded = outcome.status {
                acknowledgedCodes += outcome.counts.codes
            }
            return true
        }
        if let failure = life.engine.failure { throw Broken("the engine failed: \(failure)") }
    }

    mutating func change() throws {
        let campaign = campaigns[roll(campaigns.count)].name
        switch roll(3) {
        case 0: changes.append(life.change { $0.finishCampaign(name: campaign, done: $1) })
        case 1: changes.append(life.change { $0.resumeCampaign(name: campaign, done: $1) })
        default:
            nextName += 1
            let name = "x\(nextName)"
            changes.append(
                life.change {
                    $0.createList(name: name, kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
                })
        }
    }

    mutating func upload() throws {
        nextName += 1
        var content = (0..<(1 + roll(15))).map { "n\(nextName)-\($0)\n" }.joined()
        if !contents.isEmpty, roll(2) == 0 { content += contents[roll(contents.count)] }
        contents.append(content)
        guard let id = try? life.beginUpload(content) else { return }
        // The session's next call waits for the one before, as a connection does.
        for _ in 0..<1_000 where life.mail.hasWork { life.step() }
        uploads.append(life.commitUpload(id, skipBad: true, replaces: roll(3) == 0))
    }

    /// Another code, and another limit of how often it is given; too low a one is refused.
    mutating func changeFixed() {
        let (code, limit) = (Array("F\(roll(3))".utf8), UInt32(1 + roll(30)))
        changes.append(life.change { $0.setFixed(list: "fixed", code: code, limit: limit, done: $1) })
    }

    /// The fixed code went out no more often than its latest limit says.
    func checkFixed() throws {
        guard let list = life.engine.latestCatalog.list(named: "fixed"),
            case .fixed(_, let limit) = list.kind
        else {
            throw Broken("the fixed list is gone")
        }
        let ledger = life.engine.ledgers(of: [list])[0]
        guard ledger.taken <= limit, ledger.taken + ledger.free <= limit else {
            throw Broken("a fixed code with limit \(limit): \(ledger)")
        }
    }

    mutating func crash() throws {
        try collect()
        pending = []
        pendingConfirmations = []
        pendingKeys = []
        changes = []
        uploads = []
        world.crash()
        let first = Digest(try world.recover())
        guard Digest(try world.recover()) == first else { throw Broken("two recoveries differ") }
        life = try world.start(loops: 1 + roll(3), slow: roll(3) > 0)
        var turns = SplitMix64(seed: dice.next())
        life.choose = { Int.random(in: 0..<$0, using: &turns) }
        try check()
    }

    /// The recovered state against the oracle.
    func check() throws {
        try checkHolds()
        try checkFixed()
        for (code, owner) in owners {
            let upload = life.engine.latestCatalog[code.upload]
            let text = upload.codes.withCode(at: code.ordinal) { span in span.indices.map { span[$0] } }
            let place = life.find(String(decoding: text, as: UTF8.self))
            // The code may stand in an upload that was withdrawn before, too.
            guard let found = place.found.first(where: { $0.code == code })?.owner else {
                throw Broken("\(code) of \(owner) is lost")
            }
            let campaign = life.engine.latestCatalog[found.campaign].name
            let key = campaign + "/" + place.text(found.user)
            if key != owner { throw Broken("\(code) of \(owner) is now \(key)'s") }
        }
        for list in life.engine.latestCatalog.lists {
            let ledger = life.engine.ledgers(of: [list])[0]
            guard ledger.holds else { throw Broken("the ledger of \(list.name) does not hold: \(ledger)") }
            let parts = life.engine.checkedLedgers(of: list.uploads[...], in: list)
            // The pool counted the one side, the shards' tallies the other.
            guard parts.reduce(0, { $0 + $1.free }) == ledger.free,
                parts.reduce(0, { $0 + $1.withdrawn }) == ledger.withdrawn
            else {
                throw Broken("the uploads of \(list.name) have other free codes than it: \(parts), \(ledger)")
            }
        }
        let uploaded = life.engine.latestCatalog.list(named: "l")?.uploadedCount ?? 0
        guard uploaded >= acknowledgedCodes else { throw Broken("an acknowledged upload is lost") }
    }
}
