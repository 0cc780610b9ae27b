import Foundation
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffSimulation
import Testing

@Suite("Mutex waits: an ALLOC that finds its shard taken is counted, and no other")
struct MutexWaitTests {
    /// Goal: a wait is counted once, and the command is decided behind it. Method: this thread is inside the
    /// only shard until the other loop's `ALLOC` has been counted, which comes before it waits.
    @Test func whoMeetsAnotherLoopInsideWaitsAndIsCounted() throws {
        let world = World(shardCount: 1)
        let life = try world.start(loops: 2)
        try life.supply(codes: 10)
        try life.give("u0")
        let terms = try life.terms("c", loop: 1)
        // SAFETY: until `ended` is signalled that thread alone uses this loop, and afterwards this one does.
        nonisolated(unsafe) let other = life.loops[1]
        let isGiven = Atomic<Bool>(false)
        let ended = DispatchSemaphore(value: 0)
        let engine = life.engine
        engine.shards[0].withState { _ in
            Thread {
                if case .given = unsafe other.allocate("u1", terms: terms) {
                    isGiven.store(true, ordering: .relaxed)
                }
                ended.signal()
            }.start()
            let deadline = ContinuousClock.now + .seconds(60)
            while engine.mutexWaits == 0 && ContinuousClock.now < deadline {}
        }
        ended.wait()
        #expect(engine.mutexWaits == 1)
        let given = isGiven.load(ordering: .relaxed)
        #expect(given)
        life.settle()
        #expect(try life.ledger() == Ledger(uploaded: 10, free: 8, given: 2))
    }

    /// Goal: nothing is counted where nobody waited. Method: loops take turns, with look-ups, a snapshot
    /// and a refusal between them.
    @Test func whoIsAloneIsNotCounted() throws {
        let world = World(shardCount: 1)
        let life = try world.start(loops: 2)
        try life.supply(codes: 40)
        for (index, user) in users(40).enumerated() {
            try life.give(user, loop: index % 2)
            _ = life.history(user, loop: (index + 1) % 2)
        }
        try life.snapshot()
        #expect(try life.decide("late", loop: 1).refusal != nil)
        #expect(try life.allocate(users(1)[0], loop: 1).isRepeat)
        #expect(life.engine.mutexWaits == 0)
    }
}
