import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import Testing

@Suite("Restores: a code that was given after the backup is never given again")
struct RestoreTests {
    /// Gives until the list is empty. - Returns: the codes.
    private func drain(_ life: Life, _ prefix: String = "new") throws -> [String] {
        var codes: [String] = []
        while case .given(let allocation) = try life.decide("\(prefix)\(codes.count)") {
            _ = try life.loops[0].commit()
            codes.append(life.text(allocation.code))
        }
        return codes
    }

    /// Goal: burning as many as were given is enough, over two uploads, and stays so. Method: a server goes on behind
    /// its backup; the restored one is drained, over a crash, a snapshot and another crash.
    @Test func theNextCodesAreBurned() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        try life.upload((0..<30).map { "L\($0)" })
        for number in 0..<4 { try life.give("u\(number)") }
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let later = try (0..<9).map { try life.give("later\($0)") }

        let (restored, outcome) = try World.restored(from: place, burning: .next(9))
        #expect(outcome.burned == [9] && outcome.holdsEnded == 0)
        let acts = outcome.manifest.audit.tail.suffix(3).map(\.act)
        #expect(
            acts == [
                Act(
                    .restore, before: "backup=\"monday\" snapshot=1 at=1971-01-01T00:00:00.000Z",
                    after: "burned=next 9 holds-ended=0"),
                Act(.restore, object: "l", before: "upload=0", after: "upload=0 burned below 10"),
                Act(.restore, object: "l", before: "upload=1", after: "upload=1 burned below 3"),
            ])
        var again = try restored.start()
        #expect(try again.ledger().burned == 9 && again.ledger().free == 27)
        #expect(try again.give("u0") == "K0")
        #expect(try again.give("first") == "L3")
        again = try restored.restart()
        try again.snapshot()
        #expect(try again.give("second") == "L4")
        again = try restored.restart()
        let rest = try drain(again)
        #expect(Set(rest).isDisjoint(with: later) && rest.first == "L5" && rest.count == 25)
        let ledger = try again.ledger()
        #expect(ledger.holds && ledger.burned == 9 && ledger.free == 0 && ledger.given == 31)
        #expect(again.find("K4").found.map(\.state) == [.burned])
        let list = try #require(again.engine.latestCatalog.list(named: "l"))
        let uploads = again.engine.checkedLedgers(of: list.uploads(from: 0, count: 9), in: list)
        #expect(uploads.map(\.burned) == [6, 3] && uploads.allSatisfy(\.holds))
        #expect(again.engine.failure == nil)
    }

    /// Goal: what is known to have been given since is burned, however little was asked for, and counts as asked for.
    /// Method: two uploads, of which the log tells the place that was reached; less than that is asked for, then more.
    @Test(arguments: [(1, [9, 3]), (12, [10, 3]), (25, [10, 16])])
    func whatIsKnownToBeGivenIsBurned(asked: Int, below: [UInt64]) throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        try life.upload((0..<30).map { "L\($0)" })
        try life.give("u0")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let known: [UploadID: UInt64] = [UploadID(rawValue: 0): 9, UploadID(rawValue: 1): 3]
        let (restored, outcome) = try World.restored(
            from: place, burning: .next(UInt64(asked)), givenBelow: known)
        #expect(outcome.burned == [below[0] - 1 + below[1]])
        let codes = try drain(try restored.start())
        #expect(codes == (below[0]..<10).map { "K\($0)" } + (below[1]..<30).map { "L\($0)" })
    }

    /// Goal: after burning all, only new uploads give codes, and a burned one cannot come back with a file, not even
    /// when its upload is withdrawn. Method: a file with a burned code.
    @Test func allThatWasFreeIsBurned() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        try life.give("u0")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .all)
        #expect(outcome.burned == [9])
        var again = try restored.start()
        #expect(try again.decide("u1").refusal == .poolEmpty)
        again = try restored.restart()
        try again.undone(0)
        for life in [again, try restored.restart()] {
            let upload = try life.beginUpload("NEW\nK5\n")
            life.settle()
            let reply = life.commitUpload(upload, dryRun: true)
            life.settle()
            #expect(try #require(reply.value).get().status == .refused)
            let ledger = try life.ledger()
            #expect(ledger.burned == 9 && ledger.withdrawn == 0 && ledger.holds)
        }
    }

    /// Goal: what was on hold at the backup has one user at most. Method: the old server gives it to somebody else; its
    /// first user asks the restored one in every way.
    @Test func openHoldsAreBurned() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10, returns: .reuse)
        #expect(try life.hold("a") == "K0")
        #expect(try life.hold("b") == "K1")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        try life.end(.released, "a")
        life.settle()
        #expect(try life.give("other") == "K0")
        try life.end(.confirmed, "b")

        let (restored, outcome) = try World.restored(from: place, burning: .next(1))
        #expect(outcome.holdsEnded == 2)
        let again = try restored.start()
        #expect(try again.end(.confirmed, "a").isNothing)
        #expect(try again.hold("a") == "K3")
        restored.clock.milliseconds += day
        try again.endOverdueHolds()
        again.settle()
        let rest = try drain(again)
        #expect(!rest.contains("K0") && !rest.contains("K1") && !rest.contains("K2") && rest.contains("K3"))
        #expect(try again.ledger().burned == 3)
    }

    /// Goal: a hole that was free at the backup goes out first, so it is burned first. Method: a hold that went back
    /// before the backup, given again behind it.
    @Test func holesAreBurnedBesideTheNextCodes() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10, returns: .reuse)
        #expect(try life.hold("a") == "K0")
        #expect(try life.give("b") == "K1")
        try life.end(.released, "a")
        life.settle()
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        #expect(try life.give("c") == "K0")
        let (restored, outcome) = try World.restored(from: place, burning: .next(1))
        #expect(outcome.burned == [2])
        #expect(try drain(restored.start()) == (3..<10).map { "K\($0)" })
    }

    /// Goal: a request that was answered before the backup is answered the same after the restore. Method: a key, and a
    /// campaign that gives another code at every request.
    @Test func keysAreRestored() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10, rule: .always)
        let first = try life.give("u", key: "k")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, _) = try World.restored(from: place, burning: .next(1))
        #expect(try restored.start().give("u", key: "k") == first.replay)
        #expect(try restored.restart().give("u", key: "k") == first.replay)
    }

    /// Goal: who vouches gets the same state. Method: holds go on, the next code is the next one.
    @Test func nothingIsBurnedWhenSomebodyVouches() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        try life.hold("a")
        try life.give("b")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, outcome) = try World.restored(from: place, burning: .nothing)
        #expect(outcome.burned == [0] && outcome.holdsEnded == 0)
        let again = try restored.start()
        #expect(try again.end(.confirmed, "a").hasEnded)
        #expect(try again.give("c") == "K2")
        let acts = again.control.audit.trail.tail.map(\.act)
        #expect(acts.last?.command == .restore && acts.last?.after == "burned=nothing holds-ended=0")
    }

    /// Goal: a fixed code is not given more often than its limit allows. Method: a limit of 10, 4 given, 3 burned.
    @Test func aFixedListsLimitShrinks() throws {
        let world = World()
        let life = try world.start()
        try life.changed {
            $0.createList(
                name: "l", kind: .fixed(code: Array("HELLO".utf8), limit: 10), expiresAt: nil, warnAt: nil,
                done: $1)
        }
        try life.createCampaign()
        for number in 0..<4 { try life.give("u\(number)") }
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, _) = try World.restored(from: place, burning: .next(3))
        let again = try restored.start()
        #expect(try drain(again).count == 3)
        #expect(try again.ledger().burned == 3)
    }

    /// Goal: a second restore burns beside the first. Method: a backup of a restored directory.
    @Test func aRestoredDirectoryIsBackedUpAndRestored() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 20)
        let first = SimulatedBlobStore()
        try life.backUp(to: first)
        let again = try World.restored(from: first, burning: .next(5)).world.start()
        #expect(try again.give("u0") == "K5")
        let second = SimulatedBlobStore()
        try again.backUp(to: second)
        #expect(try again.give("u1") == "K6")
        let (restored, outcome) = try World.restored(from: second, burning: .next(2))
        #expect(outcome.burned == [2])
        let third = try restored.start()
        #expect(try third.ledger().burned == 7)
        #expect(try third.give("u0") == "K5")
        #expect(try third.give("u1") == "K8")
    }

    /// Goal: a restored directory that has lost its snapshot never starts empty. Method: it is damaged before the first
    /// start, behind one that nobody asked for anything, and behind one that gave a code.
    @Test(arguments: [(false, false), (true, false), (true, true)])
    func withoutItsSnapshotItIsRefused(hasBegun: Bool, hasGiven: Bool) throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 10)
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let (restored, _) = try World.restored(from: place, burning: .next(1))
        if hasBegun {
            let again = try restored.start()
            if hasGiven { try again.give("u0") }
            restored.crashLosingWrites()
        }
        restored.blobs.replaceNamed("manifest-0000000000000001", with: [1, 2, 3])
        #expect(throws: RecoveryError.self) { try restored.recover() }
        if hasBegun {
            // Also when it is gone, and not only damaged.
            restored.blobs.replaceNamed("manifest-0000000000000001", with: nil)
            #expect(throws: RecoveryError.self) { try restored.recover() }
        }
    }

    /// Goal: no code has two users over both servers, whatever happened. Method: dice for allocations, holds and their
    /// ends, in two uploads; a backup in between; the old server goes on; the restored one burns as many as it gave, and
    /// is drained.
    @Test(arguments: 1...40)
    func noCodeHasTwoUsers(seed: UInt64) throws {
        var dice = SplitMix64(seed: seed)
        let world = World()
        let life = try world.start()
        try life.supply(codes: 40, returns: seed % 2 == 0 ? .reuse : .quarantine)
        try life.upload((0..<60).map { "L\($0)" })
        /// Who was told of a code, unless it went back.
        var users: [String: String] = [:]
        var given = 0
        func play(_ steps: Int, prefix: String) throws {
            for _ in 0..<steps {
                let user = "\(prefix)\(dice.next() % 12)"
                switch dice.next() % 5 {
                case 0, 1:
                    guard case .given(let allocation) = try life.decide(user) else { continue }
                    _ = try life.loops[0].commit()
                    if !allocation.isRepeat { given += 1 }
                    users[life.text(allocation.code)] = user
                case 2:
                    guard case .given(let allocation) = try life.decideHold(user) else { continue }
                    _ = try life.loops[0].commit()
                    if !allocation.isRepeat { given += 1 }
                case 3: try life.end(.released, user)
                default:
                    if try life.end(.confirmed, user).hasEnded { users[try life.give(user)] = user }
                }
                life.settle()
            }
        }
        try play(40, prefix: "u")
        let place = SimulatedBlobStore()
        try life.backUp(to: place)
        let before = given
        // The same users come again, and new ones.
        try play(30, prefix: "u")
        try play(20, prefix: "v")
        let burning = Burning.next(UInt64(max(1, given - before)))
        let (restored, _) = try World.restored(from: place, burning: burning)
        let again = try restored.start()
        for number in 0..<12 {
            if try again.end(.confirmed, "u\(number)").hasEnded {
                Issue.record("SEED=\(seed): a hold was left")
            }
            guard case .given(let allocation) = try again.decide("u\(number)") else { continue }
            _ = try again.loops[0].commit()
            let code = again.text(allocation.code)
            #expect(users[code] == nil || users[code] == "u\(number)", "SEED=\(seed) \(code)")
        }
        for code in try drain(again) { #expect(users[code] == nil, "SEED=\(seed) \(code)") }
        #expect(try again.ledger().holds && again.engine.failure == nil)
    }
}
