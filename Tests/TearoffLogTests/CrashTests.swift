import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("A crash loses nothing that was durable")
struct CrashTests {
    /// Two durable frames, and a third of five sectors in flight.
    private func threeFrames(_ rig: Rig) throws {
        let writer = try rig.writer(.data, .asynchronous)
        try writer.write([1])
        try writer.write([2])
        rig.storage.setCompletion(.manual)
        #expect(try writer.write(noise(2400, seed: 3)) == .inFlight)
        #expect(rig.storage.sectorsInFlight(.data) == 5)
    }

    @Test("Every subset of a torn frame's sectors is cut, and the next life takes its number")
    func tornTail() throws {
        // Goal: a frame is all or nothing. Method: all 32 subsets of its five sectors, then a second life.
        for subset in 0..<32 {
            let rig = Rig()
            try threeFrames(rig)
            rig.storage.crash { subset & 1 << $0 != 0 }
            rig.storage.setCompletion(.immediate)
            let found = try rig.recover()
            let isWhole = subset == 31
            let durable: [[UInt8]] = [[1], [2]] + (isWhole ? [noise(2400, seed: 3)] : [])
            #expect(found.payloads == durable, "sectors \(subset)")
            #expect(found.end.tornTails.count == (isWhole || subset == 0 ? 0 : 1))
            #expect(try rig.recover() == found)
            let writer = try rig.writer()
            #expect(writer.openFrame.rawValue == UInt64(durable.count + 1))
            try writer.write([9])
            _ = try writer.seal(timeMilliseconds: 1)
            #expect(try rig.recover().payloads == durable + [[9]], "sectors \(subset)")
            #expect(try rig.recover().end.tornTails.isEmpty, "what the next life has passed is settled")
        }
    }

    @Test("Two crashes in the first frames of two lives leave the durable frames")
    func tornTwice() throws {
        // Goal: a torn beginning is no witness against the life before. Method: all pairs of 8 subsets.
        let subsets = [0, 1, 2, 6, 17, 30, 31, 16]
        for (first, second) in subsets.flatMap({ first in subsets.map { (first, $0) } }) {
            let rig = Rig()
            try threeFrames(rig)
            rig.storage.crash { first & 1 << $0 != 0 }
            let writer = try rig.writer(.data, .asynchronous)
            #expect(try writer.write(noise(2400, seed: 4)) == .inFlight)
            rig.storage.crash { second & 1 << $0 != 0 }
            rig.storage.setCompletion(.immediate)
            var durable: [[UInt8]] = [[1], [2]]
            if first == 31 { durable.append(noise(2400, seed: 3)) }
            if second == 31 { durable.append(noise(2400, seed: 4)) }
            #expect(try rig.recover().payloads == durable, "sectors \(first) then \(second)")
            try rig.writer().write([5])
            #expect(try rig.recover().payloads == durable + [[5]], "sectors \(first) then \(second)")
        }
    }

    @Test("What only a cache held is not believed: recovery settles before it reads")
    func cachedOnly() throws {
        // Goal: a frame that never reached the medium is not served after a restart. Method: a dirty cache.
        let rig = Rig()
        try threeFrames(rig)
        rig.storage.crashLeavingCache()
        #expect(try rig.recover().payloads == [[1], [2]])
    }

    @Test("Random lives with random crashes keep every durable frame, in order")
    func randomLives() throws {
        // Goal: acknowledged is a subset of recovered. Method: seeded lives against a list of what was
        // durable.
        for seed in UInt64(1)...20 {
            let rig = Rig(seed: seed)
            var random = SplitMix64(seed: seed)
            var durable: [[UInt8]] = []
            for life in 0..<8 {
                rig.storage.setCompletion(.immediate)
                let found = try rig.recover()
                #expect(found.payloads.starts(with: durable), "SEED=\(seed) life \(life)")
                #expect(found.payloads.count <= durable.count + 1, "SEED=\(seed) life \(life)")
                durable = found.payloads
                let writer = try rig.writer(.data, .asynchronous)
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    let payload = noise(Int.random(in: 1...9000, using: &random), seed: random.next())
                    try writer.write(payload)
                    _ = try writer.drain()
                    durable.append(payload)
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        _ = try writer.seal(timeMilliseconds: 1)
                        _ = try writer.drain()
                    }
                }
                rig.storage.setCompletion(.manual)
                try writer.write(noise(Int.random(in: 1...9000, using: &random), seed: random.next()))
                rig.storage.crash()
            }
        }
    }
}

@Suite("A failed call poisons the lane for good")
struct FailureTests {
    /// Ten frames, two seals and some segments; the payloads that were reported durable.
    private func work(_ rig: Rig, _ writer: LaneWriter) -> (durable: Int, failure: LogFailure?) {
        do throws(LogFailure) {
            for number in UInt64(0)..<10 {
                try writer.write(noise(20_000, seed: number))
                if number % 4 == 3 { _ = try writer.seal(timeMilliseconds: 2) }
            }
            return (Int(writer.durableFrame.rawValue), nil)
        } catch {
            return (Int(writer.durableFrame.rawValue), error)
        }
    }

    @Test("After the n-th call fails nothing succeeds any more, and the durable frames are there")
    func everyCall() throws {
        // Goal: no retry, no later success (fsyncgate). Method: SQLite's: fail call 1, 2, 3 … until a run is
        // clean.
        var call = 1
        while true {
            let rig = Rig(seed: UInt64(call))
            let writer = try rig.writer()
            rig.storage.fail(call: call)
            let (durable, failure) = work(rig, writer)
            let failed = rig.storage.failureCount
            rig.storage.fail(call: nil)
            if failed == 0 {
                #expect(failure == nil)
                #expect(durable == 10)
                #expect(call > 30)
                return
            }
            // A segment whose making failed while nothing came to need it hurts nobody yet.
            if let failure {
                #expect(!writer.needsSeal)
                #expect(throws: failure) { try writer.write([1]) }
                #expect(throws: failure) { _ = try writer.poll() }
                #expect(throws: failure) { _ = try writer.seal(timeMilliseconds: 3) }
                #expect(throws: failure) { _ = try writer.drain() }
                #expect(Int(writer.durableFrame.rawValue) == durable)
            }
            rig.storage.crash()
            let found = try rig.recover()
            #expect(found.payloads.count >= durable, "call \(call)")
            #expect(found.payloads.count <= durable + 1, "call \(call)")
            #expect(found.payloads == (0..<UInt64(found.payloads.count)).map { noise(20_000, seed: $0) })
            call += 1
        }
    }

    @Test("A call that fails in recovery is a refusal, never a shorter log")
    func everyRecoveryCall() throws {
        // Goal: EIO is not the end of the log. Method: fail each call of a recovery in turn.
        let rig = Rig()
        let (durable, _) = work(rig, try rig.writer())
        var call = 1
        while true {
            rig.storage.fail(call: call)
            let failuresBefore = rig.storage.failureCount
            do throws(RecoveryError) {
                let found = try rig.recover()
                #expect(rig.storage.failureCount == failuresBefore, "call \(call) failed and was passed over")
                #expect(found.payloads.count == durable)
                return
            } catch {
                #expect(error.kind == .unreadable, "call \(call): \(error)")
                call += 1
            }
        }
    }

    @Test("A simulated lane stays dead after its first error")
    func deadLane() throws {
        // Goal: the simulation keeps the door's contract. Method: call everything after a failed write.
        let rig = Rig()
        try rig.storage.prepareSegment(
            SegmentHeader(
                directoryID: testDirectory, id: .data(1), blockBytes: 512, segmentBytes: Rig.segmentBytes,
                createdMilliseconds: 0))
        let lane = try rig.storage.makeLane(.data)
        try lane.open(segment: .first)
        let block = [UInt8](repeating: 1, count: 512)
        let place = ByteOffset(rawValue: 4096)
        rig.storage.fail(call: 1, with: FaultPlan.noSpace)
        #expect(throws: StorageError.self) { try lane.begin(block.span, at: place, notify: false) }
        let poisoned = StorageError(.write, file: "lane 00000", problem: .poisoned)
        #expect(throws: poisoned) { try lane.begin(block.span, at: place, notify: false) }
        #expect(throws: poisoned) { try lane.wait() }
        #expect(throws: poisoned) { _ = try lane.poll() }
        #expect(throws: poisoned) { try lane.open(segment: .first) }
    }
}
