/// What a story does at one point.
package enum StepKind: String, CaseIterable, Sendable {
    // Clients. They repeat what they asked for, since there are few of them, and retry what had to wait.
    case allocate, allocateMany, allocateUnderKey, allocateFixed, retry, hold, endHold
    // Operators.
    case change, upload, takeOver, withdraw, changeFixed, archive, bringBack, snapshot
    // The machine: what is under way goes on, and time passes.
    case commit, run, completeLoop, completeControl, seal, settle, endOverdue, jump, passTime, readFeed
    // Faults of the life that is on: some call fails, or the power at some call.
    case failLog, failBlobs, failFeed, failDeliveries, cutPower
    // Faults that the next recovery meets.
    case interruptRecovery, failRecovery
    /// Damage, each tried on a copy of the medium once the life is over; the story goes on without.
    case rot, loseFile, misdirect, loseSuffix
    // Ends of a life.
    case crash, shutDown

    /// How often each comes, beside the others.
    static let usual: [(kind: StepKind, weight: Int)] = [
        (.allocate, 9), (.allocateMany, 2), (.allocateUnderKey, 3), (.allocateFixed, 1), (.retry, 2), (.hold, 3),
        (.endHold, 2), (.change, 1), (.upload, 1), (.takeOver, 2), (.withdraw, 1), (.changeFixed, 1), (.archive, 1),
        (.bringBack, 1), (.snapshot, 2), (.commit, 1), (.run, 3), (.completeLoop, 1), (.completeControl, 1), (.seal, 1),
        (.settle, 2), (.endOverdue, 1), (.jump, 1), (.passTime, 1), (.readFeed, 1),
    ]

    static let faults: [(kind: StepKind, weight: Int)] = [
        (.failLog, 2), (.failBlobs, 2), (.failFeed, 2), (.failDeliveries, 1), (.cutPower, 4), (.interruptRecovery, 3),
        (.failRecovery, 2), (.rot, 4), (.loseFile, 2), (.misdirect, 2), (.loseSuffix, 2),
    ]
}

/// One step of a story. Its dice are its own, so that the others come to the same when it is left out.
package struct Step: Sendable {
    package let number: Int
    package let kind: StepKind

    package func dice(seed: UInt64) -> SplitMix64 {
        var mixer = SplitMix64(seed: seed ^ UInt64(number) << 32)
        return SplitMix64(seed: mixer.next())
    }
}

/// A seed's course of events, laid down before it begins.
package struct Script: Sendable {
    package let seed: UInt64
    package let setting: Setting
    package private(set) var steps: [Step]

    /// What holds for all lives.
    package struct Setting: Sendable {
        package let shardCount: UInt16
        package let hasFeed: Bool
        package let tellsRepeats: Bool
        /// 0: snapshots are asked for only.
        package let snapshotLogBytes: UInt64
        /// How many of a thousand steps are faults.
        package let faultsPerMille: Int
    }

    package init(seed: UInt64) {
        self.seed = seed
        var dice = SplitMix64(seed: seed)
        func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }
        func draw(_ table: [(kind: StepKind, weight: Int)]) -> StepKind {
            var left = roll(table.reduce(0) { $0 + $1.weight })
            return table.first { entry in
                left -= entry.weight
                return left < 0
            }?.kind ?? .settle
        }
        setting = Setting(
            shardCount: seed % 2 == 0 ? 1 : 4, hasFeed: roll(2) == 0, tellsRepeats: roll(2) == 0,
            snapshotLogBytes: roll(4) == 0 ? 8 << 10 : 0, faultsPerMille: [0, 20, 60, 150][roll(4)])
        var kinds: [StepKind] = []
        for _ in 0..<(3 + roll(3)) {
            for _ in 0..<(10 + roll(40)) {
                kinds.append(draw(roll(1_000) < setting.faultsPerMille ? StepKind.faults : StepKind.usual))
            }
            kinds.append(roll(6) == 0 ? .shutDown : .crash)
        }
        steps = kinds.enumerated().map { Step(number: $0, kind: $1) }
    }

    /// The same with some of its steps only.
    package func keeping(_ numbers: Set<Int>) -> Script {
        var script = self
        script.steps = steps.filter { numbers.contains($0.number) }
        return script
    }
}
