package import Histogram

/// The latencies of a run: all together, and for each interval of its time.
package struct LatencyRecorder: Sendable {
    package typealias Total = Histogram<UInt64>
    package typealias Interval = Histogram<UInt32>

    /// Nanoseconds, to three digits.
    package private(set) var total = Total(
        highestTrackableValue: LoadLimits.latencyNanosecondsMax, numberOfSignificantValueDigits: .three)
    /// Nanoseconds, to two digits and not below half a microsecond: 10 KB each. By when the replies came.
    package private(set) var series: [Interval] = []
    /// When the last recorded reply came; the start of recording before.
    package private(set) var lastNanoseconds: UInt64
    private let startNanoseconds: UInt64
    private let hasSeries: Bool

    package init(startNanoseconds: UInt64, hasSeries: Bool) {
        self.startNanoseconds = startNanoseconds
        self.hasSeries = hasSeries
        lastNanoseconds = startNanoseconds
    }

    /// - Parameters:
    ///   - latency: in nanoseconds.
    ///   - now: when the replies came, not before the start of recording.
    @inline(__always)
    mutating func record(_ latency: UInt64, count: Int, now: UInt64) {
        let latency = min(latency, LoadLimits.latencyNanosecondsMax)
        total.record(latency, count: UInt64(count))
        lastNanoseconds = max(lastNanoseconds, now)
        if hasSeries {
            let index = Int((now - startNanoseconds) / LoadLimits.intervalNanoseconds)
            while series.count <= index { series.append(Self.emptyInterval) }
            series[index].record(latency, count: UInt32(count))
        }
    }

    private static var emptyInterval: Interval {
        Interval(
            lowestDiscernibleValue: 512, highestTrackableValue: LoadLimits.latencyNanosecondsMax,
            numberOfSignificantValueDigits: .two)
    }

    /// Adds what another thread recorded since the same start.
    package mutating func add(_ other: LatencyRecorder) {
        precondition(startNanoseconds == other.startNanoseconds, "recorders of different runs")
        total.add(other.total)
        lastNanoseconds = max(lastNanoseconds, other.lastNanoseconds)
        while series.count < other.series.count { series.append(Self.emptyInterval) }
        for index in other.series.indices { series[index].add(other.series[index]) }
    }

    package var seconds: Double { Double(lastNanoseconds - startNanoseconds) / 1e9 }
}
