import Synchronization

/// How many answers took how long, from 1 µs to 134 s, each bucket within 6 % of the next: one loop counts, anybody may
/// read meanwhile.
///
/// The library's histogram (hdrhistogram-swift) has one thread for both; this has the same layout in atomics.
///
/// - Source: the bucket layout is that of HdrHistogram (Gil Tene, public domain).
final class LatencyHistogram: Sendable {
    /// Buckets of one power of two.
    private static let steps = 16
    /// 16 exact ones for 0 to 15 µs, then 16 for each of 23 powers of two.
    private typealias Buckets = InlineArray<384, Atomic<UInt64>>
    static var bucketCount: Int { Buckets.count }

    private let buckets = Buckets { _ in Atomic(0) }

    /// Counts answers that all took so long. What is beyond the last bucket counts in it.
    func note(microseconds: UInt64, count: UInt64) {
        // Relaxed: single figures, read for their sum. One writer, so a load and a store do without a locked addition.
        let index = Self.bucket(of: microseconds)
        buckets[index].store(buckets[index].load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }

    func count(inBucket index: Int) -> UInt64 { buckets[index].load(ordering: .relaxed) }

    private static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= UInt64(steps) else { return Int(microseconds) }
        let power = 63 - microseconds.leadingZeroBitCount
        let step = Int(truncatingIfNeeded: microseconds >> UInt64(power - 4)) - steps
        return min((power - 3) * steps + step, bucketCount - 1)
    }

    /// The highest number of microseconds that counts in a bucket.
    static func upperBound(ofBucket index: Int) -> UInt64 {
        guard index >= steps else { return UInt64(index) }
        let shift = UInt64(index / steps - 1)
        return (UInt64(steps + index % steps + 1) << shift) - 1
    }
}

/// What all loops counted, at one moment.
struct Latencies {
    /// Ascending; only those that have any.
    private let buckets: [(upperBound: UInt64, count: UInt64)]
    let count: UInt64

    init(_ histograms: [LatencyHistogram]) {
        buckets = (0..<LatencyHistogram.bucketCount).compactMap { index in
            let count = histograms.reduce(0) { $0 + $1.count(inBucket: index) }
            return count > 0 ? (LatencyHistogram.upperBound(ofBucket: index), count) : nil
        }
        count = buckets.reduce(0) { $0 + $1.count }
    }

    /// How many microseconds that share of all answers took at most; 0 when there was none.
    func quantile(_ share: Double) -> UInt64 {
        let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for bucket in buckets {
            seen += bucket.count
            if seen >= rank { return bucket.upperBound }
        }
        return buckets.last?.upperBound ?? 0
    }

    /// `upper bound=count` with commas between them.
    var text: String { buckets.map { "\($0.upperBound)=\($0.count)" }.joined(separator: ",") }
}
