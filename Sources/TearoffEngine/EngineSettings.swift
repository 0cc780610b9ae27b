package import TearoffCore
package import TearoffLog

/// How an engine works; all of it may differ at the next start, but for the shard count.
package struct EngineSettings: Sendable {
    /// Event loops, each with a lane of its own.
    package var loopCount: Int
    package var lane = LaneSettings()
    /// A batch of this size is committed before more is put in: bounds what one tick holds back. A batch of 1
    /// MiB has some 40,000 allocations.
    package var batchBytesMax = 1 << 20
    /// A snapshot is written by itself after this many bytes of log; 0 never.
    package var snapshotLogBytes: UInt64 = 1 << 30
    /// Idempotency keys that are kept at a time.
    package var keysMax = Limits.keys
    /// nil: there is no feed.
    package var feed: FeedSettings?
    package var deliveries = DeliverySettings()

    /// Each lane asks for a snapshot after its share of that log.
    var snapshotShareBytes: UInt64 { snapshotLogBytes / UInt64(loopCount) }

    package init(loopCount: Int) {
        self.loopCount = loopCount
    }
}

/// What the engine needs from outside: it has no threads, clock or log of its own.
package struct EngineHost: Sendable {
    /// Wall clock, milliseconds since 1970.
    package let wallMilliseconds: @Sendable () -> UInt64
    /// The day of the configured zone that an instant is in.
    package let day: @Sendable (Timestamp) -> Day
    /// Runs slow work (files, indexes) elsewhere, in any order.
    package let background: SegmentSupply.Background
    /// Makes segments elsewhere. Commits wait for those, so this waits for no other work.
    package let segments: SegmentSupply.Background
    /// Runs a short piece of work on some thread when so many milliseconds have passed.
    package let later: @Sendable (_ milliseconds: UInt64, @escaping @Sendable () -> Void) -> Void
    /// Called now and then by long work in the background: whoever waits for the processor goes first.
    package let giveWay: @Sendable () -> Void
    package let report: @Sendable (EngineEvent) -> Void

    package init(
        wallMilliseconds: @escaping @Sendable () -> UInt64, day: @escaping @Sendable (Timestamp) -> Day,
        background: @escaping SegmentSupply.Background, segments: @escaping SegmentSupply.Background,
        later: @escaping @Sendable (_ milliseconds: UInt64, @escaping @Sendable () -> Void) -> Void,
        giveWay: @escaping @Sendable () -> Void, report: @escaping @Sendable (EngineEvent) -> Void
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.day = day
        self.background = background
        self.segments = segments
        self.later = later
        self.giveWay = giveWay
        self.report = report
    }
}
