import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

/// One run of a workload of every kind of operation, in which one storage call fails.
///
/// What must come of it is known from a run in which none does: what was told is there after a crash, lists and
/// campaigns are as they were before or behind the step that met the failure, and a server that goes on comes to the
/// same end.
struct Sweep {
    /// What somebody who asked was told.
    enum Answer: Equatable {
        case done
        case failed(String)
    }

    struct Step: Sendable {
        let name: String
        /// Whether it changes anything: nothing may be changed any more when the log has failed.
        var changes = true
        let run: @Sendable (inout Sweep) throws -> Answer
    }

    /// What a run comes to.
    struct Course {
        /// In words, before the first step, and behind each.
        var catalogs: [String] = []
        /// By campaign and user: the codes.
        var told: [String: String] = [:]
    }

    let world = World()
    var life: Life
    var course = Course()
    /// The backup that the workload makes.
    let place: SimulatedBlobStore
    private let plain: Course?
    /// The step in which the log failed.
    private(set) var failedStep: Int?

    /// - Parameter plain: the course of a run in which nothing fails; nil: this is that one.
    init(against plain: Course?) throws {
        self.plain = plain
        place = SimulatedBlobStore(power: world.power)
        life = try world.start(loops: 2, feed: .ample)
        note()
    }

    /// - Parameters:
    ///   - call: the one that fails; nil: none.
    ///   - happens: whether it has done its work all the same.
    /// - Returns: whether it came to that call.
    mutating func run(
        failing call: Int?, with problem: StorageError.Problem, happens: Bool
    ) throws -> Bool {
        world.power.fail(call: call, with: problem, happens: happens)
        for (index, step) in Self.steps.enumerated() {
            if failedStep != nil, !step.changes { continue }
            try take(step)
            if life.engine.failure != nil, failedStep == nil { failedStep = index }
        }
        let hasFailed = !world.power.failedCalls.isEmpty
        world.power.fail(call: nil, with: problem, happens: happens)
        try checkEnd()
        try checkRecovery()
        return hasFailed
    }

    private mutating func take(_ step: Step) throws {
        let failures = world.power.failedCalls.count
        let answer = try step.run(&self)
        // What other lanes still take is told, and must be there; of anything else there may be nothing.
        if failedStep != nil { return }
        if case .failed(let why) = answer, life.engine.failure == nil {
            guard world.power.failedCalls.count > failures else { throw Broken("\(step.name) is refused: \(why)") }
            let again = try step.run(&self)
            guard again == .done else { throw Broken("\(step.name) is refused again: \(again)") }
        }
        if life.engine.failure == nil { note() }
    }

    private mutating func note() { course.catalogs.append(Self.words(life.engine.latestCatalog)) }

    /// All that a catalog says but the moments: what was refused at first is done later.
    private static func words(_ catalog: Catalog) -> String {
        "\(catalog.condensed)".split(whereSeparator: { !$0.isNumber && !$0.isLetter }).map { word in
            UInt64(word).map { $0 >= World.firstMilliseconds ? "moment" : String(word) } ?? String(word)
        }.joined(separator: " ")
    }
}

// MARK: - What must be so

extension Sweep {
    /// Only the log's failure ends a life, and it is told once.
    private func checkEnd() throws {
        let ends = life.events.count { if case .engineFailed = $0 { true } else { false } }
        guard ends == (failedStep == nil ? 0 : 1) else { throw Broken("the failure is told \(ends) times") }
        guard let failure = life.engine.failure else {
            if let plain, course.told != plain.told { throw Broken("codes differ: \(course.told)") }
            if let plain, course.catalogs != plain.catalogs { throw Broken("lists and campaigns differ") }
            return
        }
        guard case .log = failure, let call = world.power.failedCalls.first, call.isOfLog else {
            throw Broken("\(failure) behind \(world.power.failedCalls)")
        }
    }

    /// What was told is there, once; and the next life goes on from it.
    private func checkRecovery() throws {
        world.crash()
        let state = try world.recover()
        guard Digest(state) == Digest(try world.recover()) else { throw Broken("two recoveries differ") }
        let catalog = Self.words(state.catalog)
        let (before, behind) = expectedCatalogs
        guard catalog == before || catalog == behind else { throw Broken("lists and campaigns of no moment") }
        let next = try world.start(loops: 3, feed: .ample)
        let owners = try Self.owners(in: next)
        for (key, code) in course.told where owners[code] != key {
            throw Broken("\(key) was told \(code), and it is \(owners[code] ?? "nobody")'s")
        }
        try Self.checkService(of: next, owners: owners, mayHaveGap: !world.power.failedCalls.isEmpty)
    }

    private var expectedCatalogs: (String, String) {
        let last = course.catalogs[course.catalogs.count - 1]
        guard let failedStep, let plain else { return (last, last) }
        return (last, plain.catalogs[failedStep + 1])
    }

    /// By code: campaign and user. Of lists with one code for all, none.
    static func owners(in life: Life) throws -> [String: String] {
        var owners: [String: String] = [:]
        let catalog = life.engine.latestCatalog
        for cell in life.engine.shards {
            let rows = cell.withState { state in
                (0..<UInt32(state.shard.rows.count)).map { number in
                    let row = state.shard.rows[RowNumber(rawValue: number)]
                    var user: [UInt8] = []
                    state.shard.appendUser(of: row, to: &user)
                    return (row, state.shard.standing(of: RowNumber(rawValue: number)).status, user)
                }
            }
            for (row, status, user) in rows where status == .given || status == .held {
                let name = catalog[row.campaign].name
                if name == "fixed" || catalog[row.code.upload].codes.isAway { continue }
                let (code, key) = (life.text(row.code), name + "/" + String(decoding: user, as: UTF8.self))
                if let other = owners.updateValue(key, forKey: code) {
                    throw Broken("\(code) is \(other)'s and \(key)'s")
                }
            }
        }
        return owners
    }

    /// Codes go out that nobody has, a snapshot can be taken, and the feed tells all.
    private static func checkService(of life: Life, owners: [String: String], mayHaveGap: Bool) throws {
        for name in ["new1", "new2"] {
            guard let terms = try? life.terms("c", loop: 0), terms.campaign.rawValue == 0,
                case .given(let allocation) = try life.decide(name)
            else { continue }
            _ = try life.loops[0].commit()
            let code = life.text(allocation.code)
            if let owner = owners[code] { throw Broken("\(name) gets \(code) of \(owner)") }
        }
        try life.snapshot()
        life.tellAll()
        // A snapshot does not keep the log for a feed that cannot go on: that is told, too.
        let tellsGap = try mayHaveGap && life.feed().contains { $0.kind == .gap }
        let (feed, oracle) = (try life.feedAllocations(), life.feedOracle())
        guard feed == oracle || tellsGap else { throw Broken("the feed tells \(feed), and there is \(oracle)") }
        for list in life.engine.latestCatalog.presentLists where !life.engine.ledgers(of: [list])[0].ledger.holds {
            throw Broken("the ledger of \(list.name)")
        }
    }
}
