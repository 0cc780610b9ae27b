import TearoffCore
import TearoffEngine

/// `ALLOC`s of one campaign that were read together and are not decided yet, in order.
///
/// Gathered first and decided then, so that the memory that each one will wait for is fetched while the others
/// are decided: at 10 M allocations the index is far larger than any cache.
struct AllocationBurst {
    struct Entry {
        /// Where the command begins in what was read.
        let start: Int
        /// Where the user stands.
        let user: Range<Int>
        /// The same of the marketing user id; empty when there is none.
        let userID: Range<Int>
        let isFull: Bool
    }

    private(set) var terms: CampaignTerms?
    private(set) var requests: [AllocationRequest] = []
    private var entries: [Entry] = []
    /// Of the first requests, as far as they are decided.
    private(set) var outcomes: [AllocationOutcome] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count >= LoopEngine.burstMaximum }

    subscript(_ index: Int) -> Entry { entries[index] }

    /// Whether a request on these terms may be added.
    func accepts(_ terms: CampaignTerms) -> Bool { isEmpty || self.terms === terms }

    @inline(__always)
    mutating func append(_ request: AllocationRequest, _ entry: Entry, _ terms: CampaignTerms) {
        if entries.isEmpty { self.terms = terms }
        requests.append(request)
        entries.append(entry)
    }

    @inline(__always)
    mutating func decided(_ outcome: AllocationOutcome) { outcomes.append(outcome) }

    mutating func removeAll() {
        requests.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        terms = nil
    }
}
