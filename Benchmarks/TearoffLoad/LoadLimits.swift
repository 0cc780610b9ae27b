/// The bounds of a run. Each keeps memory or time within a known size.
package enum LoadLimits {
    /// Latencies above this are recorded as this; as long a silence of the server ends the run.
    package static let latencyNanosecondsMax: UInt64 = 60_000_000_000
    /// Commands without a reply that an open loop has on one connection before the next arrival waits.
    package static let outstandingPerConnection = 1_000
    package static let outstandingPerConnectionMax = 1_000_000
    /// How long replies are awaited after the last arrival's time.
    package static let drainNanoseconds: UInt64 = 30_000_000_000
    package static let connectionsMax = 50_000
    package static let depthMax = 100_000
    package static let threadsMax = 64
    /// Of the series of latencies over time.
    package static let intervalNanoseconds: UInt64 = 100_000_000
    /// A line of a reply without its end: more is no RESP.
    package static let replyLineBytesMax = 64 << 10
    package static let bulkBytesMax = 512 << 20
    package static let replyElementsMax = 1 << 30
    /// A thread that is busier than this share of the time may be what bounds the rate.
    package static let busyShareMax = 0.9
}
