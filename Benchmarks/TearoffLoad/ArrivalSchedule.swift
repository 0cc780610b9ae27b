import Foundation

/// When the commands of an open loop arrive: fixed beforehand, whatever the server does.
package struct ArrivalSchedule: Sendable {
    package enum Spacing: String, CaseIterable, Sendable {
        case even
        /// Independent arrivals: exponentially distributed gaps.
        case poisson
    }

    private let spacing: Spacing
    private let gapNanoseconds: Double
    private let offsetNanoseconds: Double
    private var index = 0.0
    private var sumNanoseconds = 0.0
    private var random: LoadRandom

    /// The share of one thread of `threads`; together they have `ratePerSecond`.
    ///
    /// - Precondition: the rate is above 0.
    package init(ratePerSecond: Double, spacing: Spacing, seed: UInt64, thread: Int, threads: Int) {
        precondition(ratePerSecond > 0, "\(ratePerSecond) arrivals a second")
        self.spacing = spacing
        gapNanoseconds = 1e9 / ratePerSecond * Double(threads)
        offsetNanoseconds = 1e9 / ratePerSecond * Double(thread)
        // Apart from the users' stream, so that neither changes with the other.
        random = LoadRandom(seed: ~seed, stream: UInt64(thread))
    }

    /// Nanoseconds from the start to the next arrival. Even ones are multiplied out, so no error adds up.
    package mutating func next() -> UInt64 {
        switch spacing {
        case .even:
            defer { index += 1 }
            return UInt64(offsetNanoseconds + index * gapNanoseconds)
        case .poisson:
            sumNanoseconds -= gapNanoseconds * log(1 - random.unit())
            return UInt64(sumNanoseconds)
        }
    }
}
