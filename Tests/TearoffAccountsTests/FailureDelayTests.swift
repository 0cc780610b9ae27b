import Testing

@testable import TearoffAccounts

@Suite("Failures to log in: held back longer each time, in a table that does not grow")
struct FailureDelayTests {
    private let here = AddressKey(packed: [127, 0, 0, 1])

    private static func address(_ number: Int) -> AddressKey {
        AddressKey(packed: [10, UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)])
    }

    /// An attempt that must be let in.
    private func begin(
        _ delays: inout FailureDelays, _ address: AddressKey, now: UInt64
    ) throws -> FailureDelays.Attempt {
        let attempt = delays.begin(address, now: now)
        return try #require(attempt)
    }

    /// Whether one more attempt is not let in.
    private func isFull(_ delays: inout FailureDelays) -> Bool {
        let attempt = delays.begin(here, now: 1)
        return attempt == nil
    }

    /// One failure from beginning to end. - Returns: its delay.
    private func fail(_ delays: inout FailureDelays, _ address: AddressKey, now: UInt64) throws -> UInt64 {
        var attempt = try begin(&delays, address, now: now)
        let (milliseconds, _) = delays.fail(&attempt, now: now)
        delays.end(attempt)
        return milliseconds
    }

    /// Goal: each failure is held back twice as long, up to the maximum, and of each address by itself.
    @Test func theDelayGrowsToItsMaximum() throws {
        var delays = FailureDelays()
        let told = try (0..<7).map { _ in try fail(&delays, here, now: 0) }
        #expect(told == [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
        #expect(try fail(&delays, Self.address(1), now: 0) == 250)
        for _ in 0..<100_000 { _ = try fail(&delays, here, now: 0) }
        let longest = try fail(&delays, here, now: 0)
        #expect(longest == FailureDelays.millisecondsMaximum)
    }

    /// Goal: an address that has failed has only so many attempts open, those held back included; one that ends makes
    /// room; one that has not failed is not bounded.
    @Test func onlySoManyAttemptsAreOpen() throws {
        var delays = FailureDelays()
        for _ in 0..<1_000 { _ = try begin(&delays, here, now: 0) }
        #expect(delays.count == 0, "who has not failed is not noted")
        var first = try begin(&delays, here, now: 0)
        _ = delays.fail(&first, now: 0)
        var open = [first]
        for _ in 1..<FailureDelays.openMaximum { open.append(try begin(&delays, here, now: 1)) }
        #expect(isFull(&delays))
        _ = try begin(&delays, Self.address(7), now: 1)
        delays.end(open[3])
        _ = try begin(&delays, here, now: 1)
        #expect(isFull(&delays))
    }

    /// Goal: guesses that were begun together, before the first failed, count as open too when they fail.
    @Test func guessesAtOnceAreCountedWhenTheyFail() throws {
        var delays = FailureDelays()
        var attempts = try (0..<40).map { _ in try begin(&delays, here, now: 0) }
        for index in attempts.indices { _ = delays.fail(&attempts[index], now: 0) }
        #expect(isFull(&delays))
        for attempt in attempts.dropLast(FailureDelays.openMaximum) { delays.end(attempt) }
        #expect(isFull(&delays))
        delays.end(attempts[39])
        _ = try begin(&delays, here, now: 1)
    }

    /// Goal: a success does not make the next failure short: who has one password must not guess others by it.
    @Test func aSuccessForgetsNothing() throws {
        var delays = FailureDelays()
        for _ in 0..<3 { _ = try fail(&delays, here, now: 0) }
        delays.end(try begin(&delays, here, now: 0))
        #expect(try fail(&delays, here, now: 0) == 2_000)
    }

    /// Goal: an address begins anew when it has not failed for long, and not before.
    @Test func aLongTimeForgets() throws {
        var delays = FailureDelays()
        for _ in 0..<4 { _ = try fail(&delays, here, now: 0) }
        let long = FailureDelays.forgottenAfterMilliseconds
        #expect(try fail(&delays, here, now: long - 1) == 4_000)
        #expect(try fail(&delays, here, now: 2 * long) == 250)
    }

    /// Goal: whoever comes from ever new addresses makes the table no larger than its maximum; the address that failed
    /// last keeps its delay.
    @Test func theTableIsBounded() throws {
        var delays = FailureDelays()
        for number in 0..<FailureDelays.addressesMaximum {
            _ = try fail(&delays, Self.address(number), now: UInt64(number))
        }
        let late = UInt64(FailureDelays.addressesMaximum)
        for number in 0..<200 {
            _ = try fail(&delays, Self.address(1 << 20 + number), now: late)
            #expect(delays.count == FailureDelays.addressesMaximum)
        }
        #expect(try fail(&delays, Self.address(FailureDelays.addressesMaximum - 1), now: late) == 500)
        #expect(try fail(&delays, Self.address(0), now: late) == 250, "the oldest made room")
    }

    /// Goal: of IPv6 a whole network counts as one, of IPv4 each address, also when it came by a socket for both.
    @Test func anAddressIsItsOwnOrItsNetworks() {
        var network = [UInt8](repeating: 0, count: 16)
        network[0] = 0x20
        var neighbour = network
        neighbour[15] = 9
        var other = network
        other[7] = 1
        #expect(AddressKey(packed: network) == AddressKey(packed: neighbour))
        #expect(AddressKey(packed: network) != AddressKey(packed: other))
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0, 0, 1]
        #expect(AddressKey(packed: mapped) == AddressKey(packed: [10, 0, 0, 1]))
        #expect(AddressKey(packed: [10, 0, 0, 1]) != AddressKey(packed: [10, 0, 0, 2]))
        let low = [UInt8](repeating: 0, count: 7) + [1] + [UInt8](repeating: 0, count: 8)
        #expect(AddressKey(packed: [0, 0, 0, 1]) != AddressKey(packed: low))
    }
}
