import TearoffCore
import TearoffEngine

/// `ALLOC`s of one campaign that were read together and are not decided yet, in order.
///
/// Gathered first and decided then, so that the memory that each one will wait for is fetched while the others
/// are decided: at 10 M allocations the index is far larger than any cache.
struct AllocationBurst {
    struct Entry {
        let request: AllocationRequest
        /// Where the command begins in what was read.
        let start: Int
        /// Where the user stands.
        let user: Range<Int>
        /// The same of the marketing user id; empty when there is none.
        let userID: Range<Int>
        let isFull: Bool
    }

    private(set) var terms: CampaignTerms?
    private var entries: [Entry] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count >= LoopEngine.burstMaximum }

    subscript(_ index: Int) -> Entry { entries[index] }

    /// Whether a request on these terms may be added.
    func accepts(_ terms: CampaignTerms) -> Bool { isEmpty || self.terms === terms }

    @inline(__always)
    mutating func append(_ entry: Entry, _ terms: CampaignTerms) {
        if entries.isEmpty { self.terms = terms }
        entries.append(entry)
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        terms = nil
    }
}
