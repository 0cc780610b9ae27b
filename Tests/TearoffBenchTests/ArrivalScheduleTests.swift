import Testing

@testable import TearoffLoad

@Suite("Arrivals: their times are fixed beforehand")
struct ArrivalScheduleTests {
    private static func times(
        _ count: Int, rate: Double, _ spacing: ArrivalSchedule.Spacing, seed: UInt64 = 1, thread: Int = 0,
        threads: Int = 1
    ) -> [UInt64] {
        var schedule = ArrivalSchedule(
            ratePerSecond: rate, spacing: spacing, seed: seed, thread: thread, threads: threads)
        return (0..<count).map { _ in schedule.next() }
    }

    /// Goal: no error adds up, also where the gap is no whole number of nanoseconds.
    @Test func evenArrivalsDoNotDrift() {
        let times = Self.times(3_000_001, rate: 3_000_000, .even)
        #expect(times[0] == 0)
        #expect(times[1] == 333)
        #expect(times[3_000_000] == second)
    }

    @Test func threadsInterleave() {
        let all = (0..<4).flatMap { Self.times(250, rate: 1_000, .even, thread: $0, threads: 4) }
        #expect(all.sorted() == Self.times(1_000, rate: 1_000, .even))
    }

    /// Goal: mean and spread of the gaps are those of a Poisson process, and a seed fixes them.
    @Test func poissonGapsAreExponential() {
        let times = Self.times(200_001, rate: 10_000, .poisson)
        let gaps = zip(times.dropFirst(), times).map { Double($0 - $1) }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean - 100_000) < 1_000)
        #expect(abs(variance.squareRoot() - 100_000) < 2_000)
        #expect(times == Self.times(200_001, rate: 10_000, .poisson))
        #expect(times != Self.times(200_001, rate: 10_000, .poisson, seed: 2))
    }
}
