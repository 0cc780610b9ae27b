/// One round of SplitMix64: a bijection of 64-bit words whose output looks random.
///
/// - Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
@inline(__always)
func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
}

/// A sequence that a seed fixes.
struct LoadRandom: Sendable {
    static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var state: UInt64

    /// - Parameter stream: gives each user of a seed a sequence of its own.
    init(seed: UInt64, stream: UInt64) {
        state = mixed(seed &+ Self.increment) ^ mixed(stream &* Self.increment &+ 1)
    }

    mutating func next() -> UInt64 {
        state &+= Self.increment
        return mixed(state)
    }

    /// At least 0 and below 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// - Precondition: `bound` is above 0.
    mutating func next(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "nothing is below 0")
        return next().multipliedFullWidth(by: bound).high
    }
}
