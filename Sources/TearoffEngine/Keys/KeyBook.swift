import Synchronization
import TearoffCore
import TearoffLog

/// The idempotency keys of all shards: one key is one use, whoever's it is.
///
/// Cut in parts by the keys' hashes, each behind a mutex. Whoever decides a command with a key holds its part's around
/// the shard's, so that two uses of a key are decided one after the other; nobody takes them the other way round, and
/// nobody holds two parts.
package final class KeyBook: Sendable {
    /// With ten million keys, a part has 40,000: what its table takes to grow is some milliseconds.
    private static let partCount = 256

    private final class Cell: Sendable {
        let part = Mutex(KeyPart())
    }

    private let cells: [Cell]
    private let seed: UInt64
    /// Keys in all parts. Relaxed: it is a bound, and guards no memory.
    private let total = Atomic<Int>(0)
    private let maximum: Int

    /// - Parameters:
    ///   - uses: those that were read back, in the order in which they were used.
    ///   - seed: the shards' own.
    ///   - maximum: how many are kept. What was read back is kept all the same.
    init(_ uses: [KeyUse], seed: UInt64, maximum: Int) {
        cells = (0..<Self.partCount).map { _ in Cell() }
        self.seed = seed
        self.maximum = maximum
        let durable = LaneFrame(lane: 0, frame: .none)
        for use in uses {
            let hash = use.keyHash(seed: seed)
            withPart(of: hash) { $0.append(KeptKey(use: use, hash: hash, frame: durable)) }
        }
    }

    func hash(of key: Span<UInt8>) -> UInt64 { ByteHash.hash(key, seed: seed) }

    var isFull: Bool { total.load(ordering: .relaxed) >= maximum }

    /// Keys in memory: those that are kept, and some that are over.
    package var count: Int { total.load(ordering: .relaxed) }

    func withPart<Result>(of hash: UInt64, _ body: (inout KeyPart) -> sending Result) -> sending Result {
        cells[Int(hash % UInt64(Self.partCount))].part.withLock { part in
            let before = part.count
            defer { total.wrappingAdd(part.count - before, ordering: .relaxed) }
            return body(&part)
        }
    }

    /// Gives the memory of keys back that are over.
    func dropExpired(at now: Timestamp) {
        for part in 0..<Self.partCount {
            withPart(of: UInt64(part)) { $0.dropExpired(at: now) }
        }
    }

    /// Parts as they are now, one after the other: with all keys that were used before it was called.
    func cut(at now: Timestamp) -> [KeyPart] {
        dropExpired(at: now)
        return cells.map { cell in cell.part.withLock { $0 } }
    }
}
