import TearoffCore
package import TearoffEngine
package import TearoffLog

package let hour: UInt64 = 3_600_000
package let day = 24 * hour

/// A data directory in memory, its wall clock, and the life of the engine that runs on it now. One thread, no
/// chance but what a seed gives.
package final class World {
    package static let directory = DirectoryID(bytes: [UInt8](repeating: 0xD1, count: DirectoryID.byteCount))
    /// A year after 1970, so that the clock can be moved back far.
    package static let firstMilliseconds: UInt64 = 365 * day

    package let directory: DirectoryID
    package let power = SimulatedPower()
    package let log: SimulatedLogStorage
    package let blobs: SimulatedBlobStore
    package let feed: SimulatedFeedStorage
    package let cipher: SimulatedCipher?
    package let post: SimulatedDeliveryStorage
    package let courier = FakeCourier()
    package let clock: WallClock
    package let shardCount: UInt16
    package let segmentBytes: UInt64
    package private(set) var life: Life?
    package private(set) var recovered: RecoveredState?

    /// - Parameters:
    ///   - directory, blobs: of a directory that was restored.
    ///   - isEncrypted: whether log and feed are.
    package init(
        seed: UInt64 = 1, shardCount: UInt16 = 4, segmentBytes: UInt64 = 64 << 10,
        directory: DirectoryID = World.directory, blobs: SimulatedBlobStore? = nil, isEncrypted: Bool = false
    ) {
        self.directory = directory
        cipher = isEncrypted ? SimulatedCipher(seed: seed) : nil
        log = SimulatedLogStorage(seed: seed, power: power, cipher: cipher)
        self.blobs = blobs ?? SimulatedBlobStore(power: power)
        feed = SimulatedFeedStorage(power: power, cipher: cipher)
        post = SimulatedDeliveryStorage(power: power)
        clock = WallClock(Self.firstMilliseconds)
        self.shardCount = shardCount
        self.segmentBytes = segmentBytes
    }

    /// What would be found on the medium of the other one now, on a medium of its own.
    package init(copyOf other: World) {
        directory = other.directory
        cipher = other.cipher
        log = other.log.copy(seed: 1, power: power)
        blobs = other.blobs.copy(power: power)
        feed = other.feed.copy(power: power)
        post = SimulatedDeliveryStorage(power: power)
        post.bytes = other.post.bytes
        clock = WallClock(other.clock.milliseconds)
        shardCount = other.shardCount
        segmentBytes = other.segmentBytes
    }

    package var source: RecoverySource {
        RecoverySource(
            directory: directory, shardCount: shardCount, log: log, blobs: blobs,
            makeHasher: { FakeHasher() }, seed: 99, progress: { _ in })
    }

    package func recover() throws(RecoveryError) -> RecoveredState { try Recovery.run(source) }

    /// Recovers and begins a life.
    ///
    /// - Parameter slow: flushes complete later: each frame is durable when the test says so.
    @discardableResult
    package func start(
        loops: Int = 1, slow: Bool = false, snapshotLogBytes: UInt64 = 0, keysMax: Int = Limits.keys,
        feed: FeedSettings? = nil, deliveryAttempts: Int? = nil
    ) throws -> Life {
        let state = try recover()
        recovered = state
        log.setCompletion(slow ? .manual : .immediate)
        var settings = EngineSettings(loopCount: loops)
        settings.lane.completion = slow ? .asynchronous : .inline
        settings.snapshotLogBytes = snapshotLogBytes
        settings.keysMax = keysMax
        settings.feed = feed
        if let deliveryAttempts { settings.deliveries.attemptsMaximum = deliveryAttempts }
        let life = try Life(self, state, settings)
        self.life = life
        return life
    }

    /// The power fails. Nothing of the life goes on.
    package func crash(_ way: Crash = .tearing) {
        life = nil
        switch way {
        case .tearing: log.crash()
        case .losing: log.crash { _ in false }
        case .keeping: log.crash { _ in true }
        case .leavingCache: log.crashLeavingCache()
        }
        blobs.crash(seed: clock.milliseconds)
        endFaults()
    }

    /// What becomes of the writes that are in flight when a life ends.
    package enum Crash: CaseIterable, Sendable {
        /// Any subset of their sectors is on the medium.
        case tearing
        /// None is.
        case losing
        /// All are, and nobody was told.
        case keeping
        /// They are read until they are synced, and are not on the medium: pages that a failed sync left clean.
        case leavingCache
    }

    /// Nothing that was planned fails any more.
    package func endFaults() {
        power.restore()
        log.fail(call: nil)
        blobs.fail(call: nil)
        feed.fail(call: nil)
        post.fail(call: nil)
    }

    /// Calls of all doors so far.
    package var callCount: Int { power.callCount }

    /// How many of them failed.
    package var failureCount: Int {
        log.failureCount + blobs.failureCount + feed.failureCount + post.failureCount
    }

    /// The power fails, and no write in flight left anything.
    package func crashLosingWrites() {
        life = nil
        log.crash { _ in false }
    }

    @discardableResult
    package func restart(loops: Int = 1, slow: Bool = false) throws -> Life {
        crashLosingWrites()
        return try start(loops: loops, slow: slow)
    }
}

/// `count` users of one shard, so that their records stand in one sequence.
package func users(_ count: Int, ofShard shard: UInt16 = 0, shardCount: UInt16 = 4) -> [String] {
    let routing = UserRouting(shardCount: shardCount)
    var found: [String] = []
    var number = 0
    while found.count < count {
        let user = "user-\(number)"
        if routing.shard(of: Array(user.utf8).span).rawValue == shard { found.append(user) }
        number += 1
    }
    return found
}
