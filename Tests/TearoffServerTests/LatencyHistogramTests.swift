import Testing

@testable import TearoffServer

@Suite("Latencies: what is told is no less than what was measured, and at most 6 % more")
struct LatencyHistogramTests {
    private static func told(_ microseconds: UInt64) -> UInt64 {
        let histogram = LatencyHistogram()
        histogram.note(microseconds: microseconds, count: 1)
        return Latencies([histogram]).quantile(1)
    }

    /// Goal: the promise of `INFO`. Method: values on both sides of every bucket's edge, up to the last one's.
    @Test func eachValueIsInItsBucket() {
        for index in 0..<LatencyHistogram.bucketCount - 1 {
            let edge = LatencyHistogram.upperBound(ofBucket: index)
            #expect(Self.told(edge) == edge)
            let next = Self.told(edge + 1)
            #expect(next > edge && Double(next) <= 1.0625 * Double(edge + 1), "\(edge + 1) is told as \(next)")
        }
    }

    /// Goal: what is beyond the last bucket counts in it. Method: the longest time that there is.
    @Test func noTimeIsTooLong() {
        let last = LatencyHistogram.upperBound(ofBucket: LatencyHistogram.bucketCount - 1)
        #expect(Self.told(.max) == last)
    }

    /// Goal: a quantile is that of all loops together. Method: 99 answers on one, one that is slow on another.
    @Test func quantilesAreOfAllLoops() {
        let (fast, slow) = (LatencyHistogram(), LatencyHistogram())
        fast.note(microseconds: 10, count: 99)
        slow.note(microseconds: 15, count: 1)
        let both = Latencies([fast, slow])
        #expect(both.count == 100 && both.quantile(0.99) == 10 && both.quantile(0.991) == 15)
        #expect(both.text == "10=99,15=1")
        #expect(Latencies([LatencyHistogram()]).quantile(0.5) == 0)
    }
}
