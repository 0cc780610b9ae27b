import TearoffCore

/// A key that is kept, and the frame that its record went into.
struct KeptKey: Sendable {
    let use: KeyUse
    /// Of the key.
    let hash: UInt64
    let frame: LaneFrame
}

/// The keys whose hashes begin alike, about in the order in which they were used first.
///
/// They are dropped a stretch at a time, so that a snapshot shares them, and memory comes back with no key looked at
/// twice.
struct KeyPart: Sendable {
    /// Keys of one part that are dropped together. A snapshot has the last stretch copied: some 20 KB.
    private static let stretchKeys = 256

    private struct Stretch: Sendable {
        var keys: ContiguousArray<KeptKey> = []
        /// Loops read their clocks apart, so the last one need not be the latest.
        var latest = Timestamp.zero
    }

    private var stretches: [Stretch] = []
    /// Keys that were dropped so far, in whole stretches: the number of the first one that is there.
    private var firstNumber = 0
    /// By the key's hash: its number, counted from the first key that the part ever had.
    private var numbers: [UInt64: Int] = [:]

    private(set) var count = 0

    /// What is known of a key; nil when it is as good as new.
    ///
    /// - Returns: by its hash, so it may be another key: its text tells. One in 2^64 pairs is.
    func find(_ hash: UInt64, at now: Timestamp) -> KeptKey? {
        guard let number = numbers[hash] else { return nil }
        let index = number - firstNumber
        let kept = stretches[index / Self.stretchKeys].keys[index % Self.stretchKeys]
        return kept.use.answer.isKept(at: now) ? kept : nil
    }

    mutating func append(_ kept: KeptKey) {
        if stretches.last.map({ $0.keys.count == Self.stretchKeys }) ?? true { stretches.append(Stretch()) }
        let last = stretches.count - 1
        numbers[kept.hash] = firstNumber + last * Self.stretchKeys + stretches[last].keys.count
        stretches[last].keys.append(kept)
        stretches[last].latest = max(stretches[last].latest, kept.use.answer.usedAt)
        count += 1
    }

    /// Drops stretches of which no key is kept any more.
    mutating func dropExpired(at now: Timestamp) {
        while let first = stretches.first, now.millisecondsSince(first.latest) >= Limits.keyMilliseconds {
            for (index, kept) in first.keys.enumerated() {
                // A key that was used again has another number by now.
                if numbers[kept.hash] == firstNumber + index { numbers[kept.hash] = nil }
            }
            stretches.removeFirst()
            firstNumber += Self.stretchKeys
            count -= first.keys.count
        }
    }

    /// Shows all keys, those among them that are over and not dropped yet.
    func forEach(_ body: (KeyUse) -> Void) {
        for stretch in stretches {
            for kept in stretch.keys { body(kept.use) }
        }
    }
}
