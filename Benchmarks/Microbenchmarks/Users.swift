import TearoffCore
import TearoffSimulation

/// Users whose ids are UUIDs, the same in each run: user 7 is always the same one, and no other's.
struct Users {
    /// The ids, one after the other.
    let text: [UInt8]
    let count: Int

    private static let idBytes = 36

    init(_ numbers: some Collection<Int>) {
        var text: [UInt8] = []
        text.reserveCapacity(numbers.count * Self.idBytes)
        for number in numbers { Self.key(number).appendText(to: &text) }
        self.text = text
        count = numbers.count
    }

    /// Some of the users 0 to `limit` - 1, in no order.
    init(_ count: Int, below limit: Int) {
        var random = SplitMix64(seed: 1)
        self.init((0..<count).map { _ in Int.random(in: 0..<limit, using: &random) })
    }

    /// Where the id of the `index`-th one stands in ``text``.
    @inline(__always)
    func range(_ index: Int) -> Range<Int> {
        index &* Self.idBytes..<(index &+ 1) &* Self.idBytes
    }

    static func key(_ number: Int) -> UserKey {
        // The first number is another one for each seed.
        var random = SplitMix64(seed: UInt64(number))
        return UserKey(form: UserKey.lowercaseUUID, low: random.next(), high: random.next())
    }

    /// The keys of all, for campaign `campaign` in a shard with this seed.
    func allocationKeys(_ campaign: CampaignID, seed: UInt64) -> [AllocationKey] {
        let text = text.span
        return (0..<count).map {
            AllocationKey(campaign: campaign, user: text.extracting(range($0)), seed: seed)
        }
    }
}
