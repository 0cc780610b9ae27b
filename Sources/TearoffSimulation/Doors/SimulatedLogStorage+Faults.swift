import Synchronization
package import TearoffLog

extension SimulatedLogStorage {
    /// Fails the n-th call from now on (1 is the next); nil ends the plan.
    package func fail(call: Int?, with problem: StorageError.Problem = FaultPlan.inputOutputError) {
        state.withLock { $0.faults.fail(call: call, with: problem) }
    }

    /// Calls of any kind so far.
    package var callCount: Int { state.withLock { $0.faults.callCount } }

    /// How many calls failed by plan.
    package var failureCount: Int { state.withLock { $0.faults.failureCount } }

    package func setCompletion(_ completion: Completion) {
        state.withLock { $0.completion = completion }
    }

    /// What lanes report as the time of each flush.
    package func setFlushNanoseconds(_ nanoseconds: UInt64) {
        state.withLock { $0.flushNanoseconds = nanoseconds }
    }

    /// Makes the lane's write in flight durable.
    ///
    /// - Returns: false when there is none.
    @discardableResult
    package func complete(_ lane: LaneID) -> Bool {
        state.withLock { $0.complete(lane) }
    }

    /// Whether the lane has a write that is not durable yet.
    package func hasWriteInFlight(_ lane: LaneID) -> Bool {
        state.withLock { $0.inFlight[lane] != nil }
    }

    /// Sectors of the lane's write in flight, 0 without one.
    package func sectorsInFlight(_ lane: LaneID) -> Int {
        state.withLock { ($0.inFlight[lane]?.bytes.count ?? 0) / Self.sectorBytes }
    }

    /// The power fails: of each write in flight a random subset of its sectors is on the medium, and of the segments
    /// whose removal was not synced a random subset is there again. What only a cache had is gone.
    package func crash() {
        state.withLock { state in
            for lane in state.inFlight.keys.sorted() {
                state.keepSectors(of: lane) { random, _ in Bool.random(using: &random) }
            }
            for segment in state.removed.keys.sorted() where Bool.random(using: &state.random) {
                state.durable[segment] = state.removed[segment]
            }
            state.cached = []
            state.endLife()
        }
    }

    /// As ``crash()``, with a chosen subset for every lane: sector i survives when `survives(i)`.
    package func crash(keeping survives: (Int) -> Bool) {
        state.withLock { state in
            for lane in state.inFlight.keys.sorted() {
                state.keepSectors(of: lane) { _, sector in survives(sector) }
            }
            state.endLife()
        }
    }

    /// The process dies while a cache holds the writes in flight: reads show them whole until
    /// ``settle()``, and the medium never gets them.
    package func crashLeavingCache() {
        state.withLock { state in
            for lane in state.inFlight.keys.sorted() {
                if let write = state.inFlight[lane] { state.cached.append(write) }
            }
            state.endLife()
        }
    }

    /// The bytes on the medium; nil when there is no such segment.
    package func bytes(of segment: SegmentID) -> [UInt8]? {
        state.withLock { $0.durable[segment] }
    }

    /// Puts any bytes in a segment's place, or takes it away: damage, copies, truncation.
    package func replace(_ segment: SegmentID, with bytes: [UInt8]?) {
        state.withLock { $0.durable[segment] = bytes }
    }

    package func addForeignName(_ name: String) {
        state.withLock { $0.foreignNames.append(name) }
    }

    /// A directory of its own with the same content: for trying many damages on one log.
    package func copy(seed: UInt64, power: SimulatedPower = SimulatedPower()) -> SimulatedLogStorage {
        let durable = state.withLock { $0.durable }
        let other = SimulatedLogStorage(seed: seed, blockBytes: blockBytes, power: power, cipher: cipher)
        other.state.withLock { $0.durable = durable }
        return other
    }
}

extension SimulatedLogStorage.State {
    mutating func complete(_ lane: LaneID) -> Bool {
        guard let write = inFlight.removeValue(forKey: lane) else { return false }
        durable[write.segment]?.replaceSubrange(
            write.offset..<(write.offset + write.bytes.count), with: write.bytes)
        completed.insert(lane)
        return true
    }

    fileprivate mutating func keepSectors(of lane: LaneID, where survives: (inout SplitMix64, Int) -> Bool) {
        guard let write = inFlight[lane] else { return }
        let sectorBytes = SimulatedLogStorage.sectorBytes
        for sector in 0..<(write.bytes.count / sectorBytes) where survives(&random, sector) {
            let start = sector * sectorBytes
            durable[write.segment]?.replaceSubrange(
                (write.offset + start)..<(write.offset + start + sectorBytes),
                with: write.bytes[start..<(start + sectorBytes)])
        }
    }

    fileprivate mutating func endLife() {
        inFlight = [:]
        completed = []
        removed = [:]
        life += 1
    }
}
