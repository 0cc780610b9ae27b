/// Which user each command is for. A seed fixes the sequence.
package struct UserSource: Sendable {
    package enum Distribution: Equatable, Sendable {
        /// Each user is one that was not asked for before.
        case new
        /// Some of a fixed number of users come far more often: rank k with weight k^-exponent.
        case zipf(count: UInt64, exponent: Double)
    }

    private let zipf: ZipfSampler?
    private let repeatShare: Double
    private let first: UInt64
    private let stride: UInt64
    private var askedCount: UInt64 = 0
    private var random: LoadRandom

    /// - Parameters:
    ///   - repeatShare: of 0...1, how many commands ask again for a user asked before by the same thread.
    ///   - thread: new users of different threads are different; together the threads ask for the first users
    ///     of the seed, however many threads there are.
    package init(
        _ distribution: Distribution, repeatShare: Double, seed: UInt64, thread: Int, threads: Int
    ) {
        precondition((0...1).contains(repeatShare), "a share of \(repeatShare)")
        if case .zipf(let count, let exponent) = distribution {
            zipf = ZipfSampler(count: count, exponent: exponent)
        } else {
            zipf = nil
        }
        self.repeatShare = repeatShare
        first = UInt64(thread)
        stride = UInt64(threads)
        random = LoadRandom(seed: seed, stream: UInt64(thread))
    }

    @inline(__always)
    package mutating func next() -> UserNumber {
        if let zipf { return UserNumber(rawValue: zipf.sample(&random)) }
        if repeatShare > 0, askedCount > 0, random.unit() < repeatShare {
            return UserNumber(rawValue: first + stride * random.next(below: askedCount))
        }
        defer { askedCount += 1 }
        return UserNumber(rawValue: first + stride * askedCount)
    }
}
