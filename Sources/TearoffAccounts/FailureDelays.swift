/// How long failures to log in are held back, by the address that they come from: each one longer than the one before.
///
/// It holds back replies and nobody's thread, and only those to wrong passwords: who has the right one is not kept
/// waiting by a neighbour. So that nobody gets on by guessing on many connections at once, an address that has failed
/// has only so many attempts open, those included that are held back.
package struct FailureDelays {
    /// Of the first failure; each further one doubles it, up to the maximum.
    package static let firstMilliseconds: UInt64 = 250
    /// Shorter than the five seconds that clients wait for a connection.
    package static let millisecondsMaximum: UInt64 = 4_000
    /// Attempts of an address that has failed that may be open at a time: four guesses a second at the longest delay.
    package static let openMaximum = 16
    /// Addresses that are remembered, some 100 bytes each; one more takes the place of the one that failed longest ago.
    package static let addressesMaximum = 4_096
    /// After so long without a failure an address begins anew.
    package static let forgottenAfterMilliseconds: UInt64 = 15 * 60_000

    /// One attempt to log in that is under way.
    package struct Attempt: Sendable {
        fileprivate let address: AddressKey
        /// Whether it is among the address's open ones.
        fileprivate var isCounted: Bool
    }

    private struct Entry {
        var failures = 0
        var open = 0
        var lastAt: UInt64
    }

    private var entries: [AddressKey: Entry] = [:]

    package init() {}

    package var count: Int { entries.count }

    /// - Parameter now: milliseconds of a clock that never goes back.
    /// - Returns: nil when the address has too many attempts open.
    package mutating func begin(_ address: AddressKey, now: UInt64) -> Attempt? {
        guard let entry = entries[address] else { return Attempt(address: address, isCounted: false) }
        if entry.open == 0, now - entry.lastAt >= Self.forgottenAfterMilliseconds {
            entries[address] = nil
            return Attempt(address: address, isCounted: false)
        }
        guard entry.open < Self.openMaximum else { return nil }
        entries[address]?.open += 1
        return Attempt(address: address, isCounted: true)
    }

    /// The attempt failed.
    ///
    /// - Returns: for how long its reply is held back, then ``end(_:)``; and how often the address has failed.
    package mutating func fail(
        _ attempt: inout Attempt, now: UInt64
    ) -> (milliseconds: UInt64, failures: Int) {
        if entries[attempt.address] == nil { makeRoom() }
        var entry = entries[attempt.address] ?? Entry(lastAt: now)
        entry.failures += 1
        entry.lastAt = now
        if !attempt.isCounted { entry.open += 1 }
        attempt.isCounted = true
        entries[attempt.address] = entry
        let doublings = min(entry.failures - 1, 16)
        return (min(Self.firstMilliseconds << UInt64(doublings), Self.millisecondsMaximum), entry.failures)
    }

    /// The attempt is answered.
    package mutating func end(_ attempt: Attempt) {
        guard attempt.isCounted, let entry = entries[attempt.address] else { return }
        // An address that was forgotten meanwhile and failed again has fewer open than end.
        entries[attempt.address]?.open = max(0, entry.open - 1)
    }

    private mutating func makeRoom() {
        guard entries.count >= Self.addressesMaximum else { return }
        let oldest = entries.min { $0.value.lastAt < $1.value.lastAt }
        if let oldest { entries[oldest.key] = nil }
    }
}

/// An address as failures are counted by it: of IPv4 the whole, of IPv6 the network, its first 64 bits, since who has one
/// address of a network has all.
package struct AddressKey: Hashable, Sendable {
    private let bits: UInt64
    private let isNetwork: Bool

    /// Whoever has no address: they count as one.
    package static let none = AddressKey(bits: 0, isNetwork: false)

    /// - Parameter packed: 4 bytes, or 16, in the order of the network; else it is ``none``.
    package init(packed: [UInt8]) {
        // ::ffff:a.b.c.d is an IPv4 address that came by a socket for both.
        let mapped = packed.count == 16 && packed[..<10].allSatisfy { $0 == 0 } && packed[10...11] == [0xFF, 0xFF]
        let bytes = mapped ? packed[12...] : packed.prefix(8)
        bits = bytes.reduce(0) { $0 << 8 | UInt64($1) }
        isNetwork = packed.count == 16 && !mapped
    }

    private init(bits: UInt64, isNetwork: Bool) {
        self.bits = bits
        self.isNetwork = isNetwork
    }
}
