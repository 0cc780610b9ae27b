import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("The feed tells repeats when it is told to, and nothing else comes to depend on them")
struct FeedRepeatTests {
    private static var settings: FeedSettings {
        var settings = FeedSettings.ample
        settings.tellsRepeats = true
        return settings
    }

    /// Goal: a repeat is told with what was asked and answered. Method: of a code that is given and of one that is held,
    /// by each command that may repeat; a confirmation and a replay, which are none.
    @Test func eachRepeatIsTold() throws {
        let life = try World().start(feed: Self.settings)
        try life.supply(codes: 4)
        try life.give("u1", userID: "m1")
        try life.give("u1", userID: "m2")
        try life.hold("u2", for: 1_000)
        try life.hold("u2", for: 9_000)
        try life.give("u2")
        _ = try life.give("u3", key: "k")
        _ = try life.give("u3", key: "k")
        _ = try #require(try life.allocateMany(["u1", "u4", "u4"]))
        _ = try life.loops[0].commit()
        life.tellAll()
        let events = try life.feed().filter { if case .allocation = $0.kind { true } else { false } }
        #expect(
            events.map(life.words) == [
                "given u1 K0", "repeated u1 K0", "held u2 K1", "repeated u2 K1", "confirmed u2 K1", "given u3 K2",
                "repeated u1 K0", "given u4 K3", "repeated u4 K3",
            ])
        guard case .allocation(let given, .repeated(holdUntil: nil)) = events[1].kind,
            case .allocation(_, .repeated(let deadline)) = events[3].kind
        else { throw Broken("\(events)") }
        #expect(given.userID == Array("m2".utf8), "as it was sent this time")
        #expect(deadline == Timestamp(milliseconds: World.firstMilliseconds + 1_000))
    }

    /// Goal: without the setting a repeat writes nothing. Method: the frames of the lane.
    @Test func byItselfARepeatWritesNothing() throws {
        let life = try World().start(feed: .ample)
        try life.supply(codes: 4)
        try life.give("u1")
        let frame = life.loops[0].durableFrame
        try life.give("u1")
        #expect(life.loops[0].durableFrame == frame)
        life.tellAll()
        #expect(try life.feedWords().last == "given u1 K0")
    }

    /// Goal: a repeat over another loop in the same millisecond is told behind what it repeats. Method: first on the
    /// second loop, again on the first, whose frames are looked at first.
    @Test func aRepeatIsToldBehindWhatItRepeats() throws {
        let life = try World().start(loops: 2, feed: Self.settings)
        try life.supply(codes: 20)
        for number in 0..<10 {
            try life.give("u\(number)", loop: 1)
            try life.give("u\(number)", loop: 0)
        }
        life.tellAll()
        let words = try life.feedWords()
        for number in 0..<10 {
            let given = try #require(words.firstIndex(of: "given u\(number) K\(number)"))
            #expect(try given < #require(words.firstIndex(of: "repeated u\(number) K\(number)")))
        }
    }

    /// Goal: each durable repeat is told once, whatever is lost, and a recovery is as if there were none. Method: crashes
    /// with the feed behind, over snapshots; the state beside one that never logged repeats.
    @Test func aCrashLosesAndDoublesNoRepeat() throws {
        let world = World()
        var life = try world.start(loops: 2, feed: Self.settings)
        try life.supply(codes: 40)
        for round in 0..<4 {
            for number in 0..<5 {
                try life.give("u\(round)-\(number)", loop: number % 2)
                try life.give("u\(round)-\(number)", loop: (number + 1) % 2)
            }
            if round == 1 { life.tellAll() }
            if round == 2 { try life.snapshot() }
            let before = try life.ledger()
            world.crashLosingWrites()
            life = try world.start(loops: 2, feed: Self.settings)
            #expect(try life.ledger() == before && before.holds)
        }
        life.tellAll()
        let words = try life.feedAllocations()
        #expect(words.filter { $0.hasPrefix("given") } == life.feedOracle())
        #expect(words.count == 40 && Set(words).count == 40)
    }
}
