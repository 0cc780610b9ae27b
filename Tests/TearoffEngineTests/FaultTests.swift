import TearoffCore
import TearoffLog
import TearoffSimulation
import Testing

@testable import TearoffEngine

@Suite("Faults: a failing call or a damaged file never gives a code twice and never loses one in silence")
struct FaultTests {
    /// Goal: whichever storage call fails in normal traffic, nothing is acknowledged that is not there
    /// afterwards, and the engine says that its log failed. Method: the n-th call of the log, for all n until
    /// a run is clean.
    @Test func everyFailingLogCallEndsTheEngineAndLosesNothing() throws {
        var call = 0
        var failed = true
        while failed && call < 300 {
            call += 1
            let world = World()
            let life = try world.start(loops: 2)
            try life.supply(codes: 50)
            world.log.fail(call: call)
            var acknowledged: [String: CodeID] = [:]
            for number in 0..<8 {
                let loop = number % 2
                guard let given = try? life.allocate("u\(number)", loop: loop) else { break }
                _ = try? life.loops[loop].commit()
                if life.isAcknowledged(given, loop: loop) { acknowledged["u\(number)"] = given.code }
                life.pump()
            }
            failed = world.log.failureCount > 0
            let isLogFailure = if case .log? = life.engine.failure { true } else { false }
            #expect(isLogFailure == failed, "call \(call)")
            #expect(
                life.events.filter { if case .engineFailed = $0 { true } else { false } }.count
                    == (failed ? 1 : 0))
            if failed {
                let change = life.change {
                    $0.createList(name: "x", kind: .unique, expiresAt: nil, warnAt: nil, done: $1)
                }
                #expect(change.value?.error == .failed)
            }
            world.log.fail(call: nil)
            world.crash()
            let next = try world.start()
            for (user, code) in acknowledged { #expect(try next.allocate(user).code == code) }
            #expect(try next.ledger().holds)
        }
        #expect(call > 5 && !failed)
    }

    /// Goal: a crash at any storage call of a snapshot loses nothing. Method: the n-th call of log and of
    /// blobs fails while allocations go on; then the power fails too. The third snapshot is the one that also
    /// cleans up.
    @Test(arguments: [false, true])
    func aCrashAtAnyCallOfASnapshotLosesNothing(inBlobs: Bool) throws {
        var call = 0
        var failed = true
        while failed && call < 100 {
            call += 1
            let world = World()
            var life = try world.start(loops: 2)
            try life.supply(codes: 50)
            var acknowledged: [String: CodeID] = [:]
            for number in 0..<2 {
                acknowledged["u\(number)"] = try life.allocate("u\(number)", loop: number).code
                try life.snapshot()
            }
            if inBlobs { world.blobs.fail(call: call) } else { world.log.fail(call: call) }
            _ = life.askForSnapshot()
            var number = 2
            while number < 20 && life.engine.failure == nil {
                let loop = number % 2
                if let given = try? life.allocate("u\(number)", loop: loop) {
                    _ = try? life.loops[loop].commit()
                    if life.isAcknowledged(given, loop: loop) { acknowledged["u\(number)"] = given.code }
                }
                life.step()
                number += 1
            }
            life.pump()
            failed = world.log.failureCount + world.blobs.failureCount > 0
            world.log.fail(call: nil)
            world.blobs.fail(call: nil)
            world.crash()
            life = try world.start(loops: 3)
            for (user, code) in acknowledged { #expect(try life.allocate(user).code == code, "call \(call)") }
            #expect(try life.ledger().holds)
            let receipt = try life.snapshot()
            #expect(receipt.number >= 3)
        }
        #expect(call > 5 && !failed)
    }

    /// Goal: a segment that a life says it began must be there. Method: take away each segment that is named.
    @Test func aMissingSegmentIsRefused() throws {
        let original = World()
        try original.start(loops: 2).supply(codes: 5)
        try #require(original.life).give("u", loop: 1)
        for lane in [LaneID(rawValue: 0), LaneID(rawValue: 1), .control] {
            let world = World(copyOf: original)
            for file in try world.log.list().segments where file.id.lane == lane {
                world.log.replace(file.id, with: nil)
            }
            if lane == .control {
                // Nothing names the segments then; but the data lanes name what no catalog has.
                #expect(throws: RecoveryError.self) { _ = try world.recover() }
            } else {
                #expect(throws: RecoveryError.self) { _ = try world.recover() }
            }
        }
    }

    /// Goal: whoever has to mend a directory reads where, also when only what others say tells that a frame was durable.
    /// Method: the last frame of each lane is damaged; codes of the campaign were given behind the control lane's, and a
    /// later start has noted how far the other one reached.
    @Test func lastFramesThatOthersRestOnAreNamed() throws {
        for lane in [LaneID.control, LaneID(rawValue: 0)] {
            let world = World()
            let life = try world.start()
            try life.supply(codes: 5)
            try life.give("u")
            if lane != .control {
                world.crash()
                try world.start()
            }
            world.crash()
            let last = try #require(try world.frames()[lane]?.last)
            world.log.rot(last)
            let error = #expect(throws: RecoveryError.self) { _ = try world.recover() }
            #expect(error.map { "\($0)".contains(last.name) } == true, "\(last.name) in \(String(describing: error))")
            #expect(error?.offset != nil && error?.frame != nil)
        }
    }

    /// Goal: a change that is missing among the others is noticed, though every frame is whole. Method: one with the next
    /// number, and one with the number behind that.
    @Test(arguments: [true, false])
    func aMissingChangeIsRefused(isMissing: Bool) throws {
        let world = World()
        let life = try world.start()
        try life.createList()
        let change = ControlRecord(
            .listRenamed(list: ListID(rawValue: 0), name: "m"), at: Timestamp(milliseconds: World.firstMilliseconds))
        let writer = life.control.writer
        let revision: UInt64 = isMissing ? 3 : 2
        ControlEntry.change(change, revision: revision).encode(into: &writer.batch.bytes)
        writer.batch.recordCount += 1
        _ = try writer.commit(timeMilliseconds: World.firstMilliseconds)
        world.crashLosingWrites()
        guard isMissing else {
            #expect(try world.recover().catalog.list(named: "m") != nil)
            return
        }
        let error = #expect(throws: RecoveryError.self) { try world.recover() }
        #expect(error?.problem.contains("change 3 of the catalog follows on change 1") == true)
    }

    /// Goal: no start with a ledger that does not add up, whatever has come about. Method: a code is marked as somebody's
    /// whom no shard knows.
    @Test func aLedgerThatDoesNotHoldIsRefused() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 5)
        try life.give("u")
        world.crash()
        for isTampered in [false, true] {
            let segments = try LaneCatalog(of: world.log, directoryID: World.directory)
            var recovering = RecoveringState(world.source, manifest: nil, notices: [])
            try recovering.readControlLane(segments)
            try recovering.readCodes()
            try recovering.readDataLanes(segments)
            if isTampered {
                let upload = recovering.catalog[UploadID(rawValue: 0)]
                let owner = try #require(CodeOwner(rawValue: 1))
                #expect(upload.position(of: 3).strip.setOwner(owner, at: 3))
                #expect(throws: RecoveryError.self) { _ = try recovering.finish(newestSnapshot: 0) }
            } else {
                #expect(try recovering.finish(newestSnapshot: 0).ledgers.first?.given == 1)
            }
        }
    }

    /// Goal: a segment that was copied to another place is refused: its records would be there twice.
    @Test func aCopiedSegmentIsRefused() throws {
        let original = World()
        try original.start(loops: 2).supply(codes: 5)
        try #require(original.life).give("u", loop: 0)
        original.crash()
        let bytes = try #require(original.log.bytes(of: SegmentID(lane: LaneID(rawValue: 0), number: .first)))
        for target in [
            SegmentID(lane: LaneID(rawValue: 1), number: .first),
            SegmentID(lane: LaneID(rawValue: 7), number: .first),
        ] {
            let world = World(copyOf: original)
            world.log.replace(target, with: bytes)
            #expect(throws: RecoveryError.self) { _ = try world.recover() }
        }
    }

    /// Goal: a lost upload blob is refused, never an upload with fewer codes.
    @Test func aDamagedUploadIsRefused() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 5)
        let blob = try #require(try world.blobs.all().first)
        world.crash()
        for bytes in [nil, Array("K0\nK1\n".utf8)] as [[UInt8]?] {
            world.blobs.replace(blob, with: bytes)
            #expect(throws: RecoveryError.self) { _ = try world.recover() }
        }
    }

    /// Goal: damage in an acknowledged frame that a later one vouches for is refused.
    @Test func damageInAnAcknowledgedFrameIsRefused() throws {
        let world = World()
        let life = try world.start()
        try life.supply(codes: 5)
        for number in 0..<3 { try life.give("u\(number)") }
        world.crash()
        let id = SegmentID(lane: LaneID(rawValue: 0), number: .first)
        var bytes = try #require(world.log.bytes(of: id))
        bytes[LogLimits.segmentHeaderBytes + 70] ^= 1
        world.log.replace(id, with: bytes)
        #expect(throws: RecoveryError.self) { _ = try world.recover() }
    }
}
