import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Accounts are records: they survive what lists survive, and no trace of a password goes anywhere else")
struct AccountRecordTests {
    /// Bytes that stand nowhere by chance.
    static let salt: [UInt8] = (0..<16).map { 0xA0 &+ $0 }
    static let digest: [UInt8] = (0..<32).map { 0xC0 &+ $0 }

    static func hash(_ last: UInt8 = 0) -> PasswordHash {
        guard let parameters = PasswordHash.Parameters(costExponent: 15, blockSize: 8, parallelism: 3) else {
            preconditionFailure("parameters of a test")
        }
        return PasswordHash(parameters: parameters, salt: salt, digest: digest.dropLast() + [last])
    }

    static let ada = Account(name: "ada", password: hash(), roles: .admin, reach: .everything)
    static let shop = Account(
        name: "shop", password: hash(1), roles: [.allocate, .reveal],
        reach: Reach(lists: ["june", "crm-*"], campaigns: ["summer*"]))

    private static func accounts(_ life: Life) -> [Account] { life.engine.latestCatalog.accounts.all.map(\.account) }

    private static func world() throws -> (World, Life) {
        let world = World()
        let life = try world.start(loops: 2, feed: .ample)
        try life.changed { $0.create(account: ada, hasPassword: false, done: $1) }
        try life.changed { $0.create(account: shop, hasPassword: false, done: $1) }
        return (world, life)
    }

    /// Goal: what was acknowledged is there after a crash, exactly; what was not durable is not. Method: create, change and
    /// delete; crash behind each, with a last change in flight.
    @Test func accountsSurviveACrash() throws {
        var (world, life) = try Self.world()
        #expect(life.loops.allSatisfy { $0.catalog.accounts.count == 2 }, "every loop has them before the reply")
        life = try world.restart()
        #expect(Self.accounts(life) == [Self.ada, Self.shop])
        world.clock.milliseconds += 5
        try life.changed {
            $0.set(
                account: "shop", edits: [.roles(.audit), .password(Self.hash(9)), .lists([])], hasPassword: false,
                done: $1)
        }
        let changed = Account(
            name: "shop", password: Self.hash(9), roles: .audit, reach: Reach(lists: [], campaigns: ["summer*"]))
        life = try world.restart(slow: true)
        #expect(Self.accounts(life) == [Self.ada, changed])
        #expect(life.engine.latestCatalog.accounts.all[1].changedAt.milliseconds == World.firstMilliseconds + 5)
        let lost = life.change { $0.delete(account: "shop", hasPassword: false, done: $1) }
        life.pump()
        #expect(lost.count == 0)
        life = try world.restart()
        #expect(Self.accounts(life) == [Self.ada, changed])
        try life.changed { $0.delete(account: "shop", hasPassword: false, done: $1) }
        life = try world.restart()
        #expect(Self.accounts(life) == [Self.ada])
    }

    /// Goal: a snapshot has them, and recovery twice gives the same. Method: two snapshots, so that the log before is gone;
    /// a change behind.
    @Test func accountsAreInSnapshots() throws {
        var (world, life) = try Self.world()
        for _ in 0..<3 { try life.snapshot() }
        try life.changed { $0.set(account: "shop", edits: [.campaigns(["a", "b"])], hasPassword: false, done: $1) }
        life.settle()
        world.crashLosingWrites()
        let first = Digest(try world.recover())
        #expect(Digest(try world.recover()) == first)
        life = try world.start()
        #expect(Self.accounts(life).map(\.reach.campaigns) == [[], ["a", "b"]])
        #expect(Self.accounts(life).map(\.password) == [Self.hash(), Self.hash(1)])
    }

    /// Goal: the audit trail tells who was given what, and neither hash nor password. Method: each act's texts, whole.
    @Test func theTrailTellsRolesAndNoPassword() throws {
        let (_, life) = try Self.world()
        try life.changed {
            $0.set(account: "shop", edits: [.password(Self.hash(7)), .roles(.audit)], hasPassword: false, done: $1)
        }
        try life.changed { $0.delete(account: "shop", hasPassword: false, done: $1) }
        let acts = try life.trail().map(\.record.act)
        #expect(
            acts == [
                Act(.accountCreate, object: "ada", after: "roles=admin lists=* campaigns=*"),
                Act(.accountCreate, object: "shop", after: "roles=allocate,reveal lists=june,crm-* campaigns=summer*"),
                Act(
                    .accountSet, object: "shop", before: "roles=allocate,reveal password=***",
                    after: "roles=audit password=changed"),
                Act(.accountDelete, object: "shop", before: "roles=audit lists=june,crm-* campaigns=summer*"),
            ])
    }

    /// Goal: the feed's readers, who may be others, are told nothing of accounts, and its files have nothing of them.
    /// Method: a list behind them, and all that the feed has.
    @Test func theFeedKnowsNothingOfAccounts() throws {
        let (_, life) = try Self.world()
        try life.changed { $0.delete(account: "shop", hasPassword: false, done: $1) }
        try life.createList("m")
        life.tellAll()
        #expect(try life.feedWords() == ["listCreated"])
    }

    /// Goal: an account's record that is damaged refuses, and none of its bytes is taken for another account. Method: every
    /// length of the record, and the fields that have bounds.
    @Test func damagedRecordsAreNotRead() throws {
        var bytes: [UInt8] = []
        ControlEntry.change(ControlRecord(.accountSet(Self.shop), at: .zero), revision: 1).encode(into: &bytes)
        #expect(try ControlEntry.decodeAll(bytes.span).count == 1)
        for count in 1..<bytes.count {
            #expect(throws: RecordError.self) { try ControlEntry.decodeAll(bytes.span.extracting(0..<count)) }
        }
        let roles = try #require(bytes.firstRange(of: Array("shop".utf8))).upperBound
        for (offset, value) in [(roles, 0x40), (bytes.count - 51, 40), (bytes.count - 51, 0)] as [(Int, UInt8)] {
            var damaged = bytes
            damaged[offset] = value
            #expect(throws: RecordError.self, "\(offset) \(value)") { try ControlEntry.decodeAll(damaged.span) }
        }
    }

    /// Goal: what an account is limited to is all that it is told of look-ups. Method: a user with codes of two campaigns,
    /// one code in two lists.
    @Test func lookUpsAreLimited() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 3)
        try life.createList("m")
        try life.upload(["K0", "M1"], to: "m")
        try life.createCampaign("d", list: "m")
        try life.give("u")
        try life.give("u", in: "d")
        var history = life.history("u")
        #expect(history.found.count == 2)
        life.loops[0].limit(&history, to: Reach(lists: [], campaigns: ["d"]))
        #expect(history.found.map { life.loops[0].catalog[$0.campaign].name } == ["d"])
        var places = life.find("K0")
        #expect(places.found.count == 2)
        life.loops[0].limit(&places, to: Reach(lists: ["l"], campaigns: []))
        #expect(places.found.map { life.loops[0].catalog[$0.list].name } == ["l"])
        places = life.find("K0")
        life.loops[0].limit(&places, to: Reach(lists: [], campaigns: ["d"]))
        #expect(places.found.map { life.loops[0].catalog[$0.list].name } == ["m"])
    }
}
