import TearoffCore
import TearoffEngine
import TearoffLog

/// One seed's course of events, with the oracle beside it: plain dictionaries of what was acknowledged.
package struct Story {
    package let script: Script
    let world: World
    /// Of the step that is on.
    var dice = SplitMix64(seed: 0)
    /// Which piece of work is next, by the dice of the step that is on.
    let turns = Turns()
    var life: Life
    package internal(set) var trace: Trace
    package internal(set) var counters = Counters()

    // MARK: Told in the life that is on, and not known to be durable
    var pending: [Given] = []
    var pendingBookings: [Booking] = []
    var pendingKeys: [KeyUsed] = []
    var changes: [Asked] = []
    var uploads: [Reply<Result<UploadOutcome, ControlError>>] = []
    /// With the codes that had users when they were asked for.
    var snapshots: [(reply: Reply<Result<SnapshotReceipt, ControlError>>, owners: [CodeID: String])] = []
    /// All of this, and what readers of the feed asked for, with how often each was answered.
    var questions: [(what: String, answers: () -> Int)] = []
    /// Imports that were asked for, with their rows.
    var imports: [(reply: Reply<Result<UploadOutcome, ControlError>>, lines: [ImportLine])] = []

    // MARK: Acknowledged
    /// By code, who has it.
    var owners: [CodeID: String] = [:]
    /// Of these, the ones that the newest finished snapshot must have.
    var ownersInSnapshot: [CodeID: String] = [:]
    /// By campaign and user, the latest code and all that was said of it.
    var latest: [String: Given] = [:]
    /// By campaign and user, all that they were told of codes that are held, the latest last.
    var booked: [String: [Booking]] = [:]
    /// The latest use of each key.
    var keys: [String: KeyUsed] = [:]
    var lists: Set<String> = []
    var deletedLists: Set<String> = []
    /// Uploads of which nobody is given a code any more.
    var withdrawn: Set<UploadID> = []
    /// What was set last.
    var facts: [Fact: String] = [:]
    /// How many codes each upload of list `l` brought.
    var loaded: [UploadID: UInt64] = [:]
    /// By number, what the feed told.
    var told: [UInt64: FeedEvent] = [:]
    /// Codes that may be in a gap of the feed.
    var untold: Set<CodeID> = []

    /// What may have become durable at the end of the life before, with nobody to hear of it.
    var inDoubt: (given: [Given], bookings: [Booking]) = ([], [])

    // MARK: What clients and operators know
    var campaigns: [(name: String, rule: RetriggerRule)] = []
    /// Campaigns whose codes are held.
    var bookings: [String] = []
    /// Clients whose requests had to wait for a frame of another lane.
    var waiting: [Waiting] = []
    var nextName = 0
    /// Of the files that were sent: their codes may come again once their upload is withdrawn.
    var contents: [String] = []
    /// The last one that was asked for, whatever became of it.
    var latestImport: (reply: Reply<Result<UploadOutcome, ControlError>>, lines: [ImportLine])?

    // MARK: What the next recovery meets
    /// At which call the power fails again.
    var interruptions: [Int] = []
    var harms: [(kind: StepKind, dice: SplitMix64)] = []
    /// Whether the feed could not go on for a while, in the life that is on or in one before.
    var feedHasFailed = false
    /// Failed calls before the life that is on.
    var failuresBefore = 0

    package struct Counters: Sendable {
        /// Requests, changes, and whatever else a step did.
        package var operations = 0
        package var lives = 1
        package var faults = 0
        /// Damaged copies that were refused, and that came to the same state.
        package var refusals = 0
        package var repairs = 0
        /// How often a life began with the list archived.
        package var archives = 0
    }

    /// Whether the disk forgets what it said was durable, which no server can survive: for trying the oracle.
    let brokenDisk: Bool

    package init(_ script: Script, trace: Trace = Trace(), brokenDisk: Bool = false) throws {
        self.script = script
        self.trace = trace
        self.brokenDisk = brokenDisk
        world = World(
            seed: script.seed, shardCount: script.setting.shardCount, isEncrypted: script.seed % 4 == 3)
        life = try script.setting.start(world, loops: 1, slow: false)
        try prepare()
        life.settle()
        world.power.leaveEffects(seed: script.seed)
    }

    /// The lists and campaigns that everything is about.
    private mutating func prepare() throws {
        try life.createList()
        note(try life.upload((0..<20).map { "first\($0)" }))
        for rule in [RetriggerRule.window(milliseconds: day), .once, .always, .untilExpiry] {
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
        lists = ["l", "fixed"]
    }

    /// Calls of all doors.
    package var callCount: Int { world.callCount }

    mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }
    mutating func rollLoop() -> Int { roll(life.loops.count) }

    /// - Throws: ``Broken`` when a promise is not kept.
    package mutating func run() throws {
        for step in script.steps { try take(step) }
        if hasDied { try crash(.tearing) }
        world.endFaults()
        try comeToRest()
        try check()
        trace.note("over: \(world.callCount) calls, \(owners.count) codes have users")
    }

    private mutating func take(_ step: Step) throws {
        dice = step.dice(seed: script.seed)
        turns.dice = SplitMix64(seed: dice.next())
        counters.operations += 1
        let what = try act(step.kind)
        trace.note(
            "\(step.number) \(step.kind.rawValue) \(what): call \(world.callCount), \(world.clock.milliseconds) ms")
        if hasDied {
            let way = World.Crash.allCases[roll(3)]
            trace.note("\(step.number) died, \(way)")
            try crash(way)
        } else {
            try collect()
            try checkLedgers()
        }
    }

    /// - Returns: what it came to, for the trace.
    private mutating func act(_ kind: StepKind) throws -> String {
        switch kind {
        case .allocate: return try allocate()
        case .allocateMany: return try allocateMany()
        case .allocateUnderKey: return try allocateUnderKey()
        case .allocateFixed: return try allocate("u\(roll(12))", in: ("fixed", .always), userID: "", loop: rollLoop())
        case .retry: return try retry()
        case .hold: return try hold()
        case .endHold: return try endHold()
        case .change: return change()
        case .upload: return upload()
        case .takeOver: return takeOver()
        case .withdraw: return withdraw()
        case .changeFixed: return changeFixed()
        case .archive: return archive()
        case .bringBack: return bringBack()
        case .snapshot: return snapshot()
        case .commit, .run, .completeLoop, .completeControl, .seal, .settle, .endOverdue, .jump, .passTime:
            return goOn(kind)
        case .readFeed: return try readFeed()
        case .failLog, .failBlobs, .failFeed, .failDeliveries, .cutPower, .interruptRecovery: return plan(kind)
        case .failRecovery, .rot, .loseFile, .misdirect, .loseSuffix:
            counters.faults += 1
            harms.append((kind, SplitMix64(seed: dice.next())))
            return ""
        case .crash:
            let way = World.Crash.allCases[roll(World.Crash.allCases.count)]
            try crash(way)
            return "\(way)"
        case .shutDown: return try shutDown()
        }
    }

    static func words(_ outcome: AllocationOutcome) -> String {
        switch outcome {
        case .given(let given): "\(given.isRepeat ? "repeat" : "new") \(given.code) \(given.frame)"
        case .refused(let refusal): "refused \(refusal)"
        case .parked(let frame): "parked for \(frame)"
        }
    }
}

/// Whose turn it is, in all lives.
final class Turns {
    var dice = SplitMix64(seed: 0)

    func choose(_ count: Int) -> Int { Int.random(in: 0..<count, using: &dice) }
}

/// What one user was told, or may have been.
struct Given {
    let user: String
    let campaign: String
    let code: CodeID
    let text: String
    let times: AllocationTimes
    let loop: Int
    let frame: FrameNumber

    var key: String { campaign + "/" + user }
    var at: UInt64 { times.givenAt.milliseconds }
}

/// What a key was told to stand for, or may have been.
struct KeyUsed {
    let key: String
    /// Campaign, user, user id.
    let arguments: String
    let code: CodeID
    let at: UInt64
    let loop: Int
    let frame: FrameNumber
}

/// A client whose request waits for another lane.
struct Waiting {
    let user: String
    let campaign: (name: String, rule: RetriggerRule)
    let loop: Int
    let frame: LaneFrame
}
