import Synchronization

/// The codes of a list in the order they go out: strips of all its uploads, and before them the holes: what a
/// crash left, and what was held and went back.
///
/// A refill makes a new pool that shares the strips and holes of the old one; a loop that still has the old
/// one draws from the same cursors and only sees the end a little earlier. A withdrawal makes one, too: a loop that
/// still has the old one may give some more of the upload.
package final class Pool: Sendable {
    package let strips: [Strip]
    /// Of uploads that were withdrawn: what nobody claimed of them is nobody's any more.
    private let withdrawnStrips: [Strip]
    /// Of imports: nobody is given a code of them.
    private let closedStrips: [Strip]
    /// `codesAfter[i]`: how many codes the strips behind strip i have.
    private let codesAfter: [UInt64]
    /// No strip before this one has a code left; a hint, so that a claim does not walk over used strips.
    private let firstOpen: Atomic<Int>
    private let holes: Holes

    package init(strips: [Strip] = []) {
        self.strips = strips
        withdrawnStrips = []
        closedStrips = []
        codesAfter = Self.countsAfter(strips)
        firstOpen = Atomic(0)
        holes = Holes()
    }

    private init(
        strips: [Strip], withdrawnStrips: [Strip], closedStrips: [Strip], firstOpen: Int, holes: Holes
    ) {
        self.strips = strips
        self.withdrawnStrips = withdrawnStrips
        self.closedStrips = closedStrips
        codesAfter = Self.countsAfter(strips)
        self.firstOpen = Atomic(firstOpen)
        self.holes = holes
    }

    package func appending(_ more: [Strip]) -> Pool {
        Pool(
            strips: strips + more, withdrawnStrips: withdrawnStrips, closedStrips: closedStrips,
            firstOpen: firstOpen.load(ordering: .relaxed), holes: holes)
    }

    /// The pool with codes that were given elsewhere: they count in the ledger, and none is ever claimed.
    package func appending(closed more: [Strip]) -> Pool {
        for strip in more { strip.close() }
        return Pool(
            strips: strips, withdrawnStrips: withdrawnStrips, closedStrips: closedStrips + more,
            firstOpen: firstOpen.load(ordering: .relaxed), holes: holes)
    }

    /// The pool without what is free of an upload, and without what goes back to it later.
    package func withdrawing(_ upload: UploadID) -> Pool {
        let leaving = strips.filter { $0.upload == upload }
        for strip in leaving { strip.withdraw() }
        holes.withdraw()
        let usedUp = strips.prefix(firstOpen.load(ordering: .relaxed)).count { $0.upload != upload }
        return Pool(
            strips: strips.filter { $0.upload != upload }, withdrawnStrips: withdrawnStrips + leaving,
            closedStrips: closedStrips, firstOpen: usedUp, holes: holes)
    }

    /// The same pool with other strips of the same codes; who draws from the old one draws codes twice.
    ///
    /// - Parameter exchange: the other strip.
    /// - Precondition: nobody claims from either meanwhile, and ``awaitsReturns`` is false.
    package func exchanging(_ exchange: (Strip) -> Strip) -> Pool {
        Pool(
            strips: strips.map(exchange), withdrawnStrips: withdrawnStrips.map(exchange),
            closedStrips: closedStrips.map(exchange), firstOpen: firstOpen.load(ordering: .relaxed),
            holes: holes.exchanging(exchange))
    }

    private static func countsAfter(_ strips: [Strip]) -> [UInt64] {
        var counts = [UInt64](repeating: 0, count: strips.count)
        var total: UInt64 = 0
        for index in strips.indices.reversed() {
            counts[index] = total
            total += UInt64(strips[index].count)
        }
        return counts
    }
}

/// A code claimed for the caller alone.
package struct Claim: Sendable {
    package let place: CodePosition
    /// Codes behind this one in the pool it was claimed from. Each value is seen by one claim of that pool
    /// only, so that "0 left" and "as many left as the warning says" are noticed exactly once; after a refill
    /// the same value can come again.
    package let remaining: UInt64

    package var code: CodeID { place.code }
}

extension Pool {
    /// Claims the next code: a hole if there is one, else the next in upload order.
    ///
    /// - Returns: nil when the pool is empty.
    /// - Complexity: O(1) amortised; no lock unless there are holes.
    package func claim() -> Claim? {
        if let claim = holes.take(codesBehind: { unclaimedInStrips }) { return claim }
        var index = firstOpen.load(ordering: .relaxed)
        while index < strips.count {
            let strip = strips[index]
            if let position = strip.claim() {
                let behind = UInt64(strip.count - 1 - position) + codesAfter[index]
                return Claim(place: CodePosition(strip: strip, position: position), remaining: behind)
            }
            // Losing this exchange means that another loop moved the hint on already.
            _ = firstOpen.compareExchange(expected: index, desired: index + 1, ordering: .relaxed)
            index += 1
        }
        return nil
    }

    /// The code that ``claim()`` would bring now. Moves no cursor and takes no hole.
    ///
    /// A hint: any other claim may get this code, before this returns or later.
    /// - Returns: nil when the pool is empty.
    /// - Complexity: O(strips used up since the last claim); no lock unless there are holes.
    package func peek() -> CodePosition? {
        if let hole = holes.first { return hole }
        for strip in strips[firstOpen.load(ordering: .relaxed)...] {
            if let position = strip.nextPosition { return CodePosition(strip: strip, position: position) }
        }
        return nil
    }

    /// A code that was held goes back: it counts as free from now on, and can be claimed once it is
    /// ``putBack(_:)``. Under the mutex of the shard that held it, so that the ledger holds.
    package func expectReturn() { holes.expect() }

    /// Lets a code be claimed again that was expected back, now that a crash cannot undo that.
    package func putBack(_ place: CodePosition) { holes.fill(place) }

    /// Whether codes are on their way back: free, and not to be claimed before a crash cannot undo that.
    package var awaitsReturns: Bool { holes.awaitsReturns }

    /// Codes that nobody claimed, holes included. Exact when no claim runs meanwhile.
    ///
    /// - Complexity: O(strips not used up).
    package var totalFree: UInt64 {
        UInt64(holes.count) + unclaimedInStrips
    }

    /// Where the codes are that no shard counts, at one instant. Exact when no claim runs meanwhile, and no code
    /// is expected back.
    ///
    /// - Complexity: O(strips not used up, and those that are withdrawn or closed).
    package var counts: PoolCounts {
        holes.counts.adding(
            free: unclaimedInStrips, withdrawn: withdrawnStrips.reduce(0) { $0 + UInt64($1.unclaimedCount) },
            burned: closedStrips.reduce(0) { $0 + UInt64($1.burnedCount) })
    }

    private var unclaimedInStrips: UInt64 {
        let open = min(firstOpen.load(ordering: .relaxed), strips.count)
        return strips[open...].reduce(0) { $0 + UInt64($1.unclaimedCount) }
    }

    /// Sets every cursor behind the last code that was given or burned, and makes what is free before it the holes.
    ///
    /// Codes go out in order, so the last strip with an owner was the open one; all before it were used up,
    /// apart from claims whose frames never became durable. Recovery only, after all records were applied.
    package func settleAfterRecovery() {
        let lastUsed = strips.lastIndex { $0.hasOwners } ?? 0
        for (index, strip) in strips.enumerated() {
            let free = strip.settleAfterRecovery(everythingClaimed: index < lastUsed)
            for position in free {
                holes.add(CodePosition(strip: strip, position: position))
            }
            holes.addBurned(strip.burnedCount)
        }
        firstOpen.store(min(lastUsed, strips.count), ordering: .relaxed)
        for strip in withdrawnStrips {
            holes.addWithdrawn(strip.settleAfterRecovery(everythingClaimed: true).count)
            holes.addBurned(strip.burnedCount)
        }
    }
}

/// Codes of a list that nobody has.
package struct PoolCounts: Equatable, Sendable {
    package let free: UInt64
    package let withdrawn: UInt64
    package let burned: UInt64

    func adding(free: UInt64, withdrawn: UInt64, burned: UInt64) -> PoolCounts {
        PoolCounts(free: self.free + free, withdrawn: self.withdrawn + withdrawn, burned: self.burned + burned)
    }
}

/// Free codes that stand before the cursors, lowest first, and the counts of those that were withdrawn or burned there.
private final class Holes: Sendable {
    private struct Codes {
        var all: [CodePosition] = []
        /// How many of them are taken: cheaper than moving all others forward at each claim.
        var taken = 0
        var withdrawn: UInt64 = 0
        var burned: UInt64 = 0
    }

    private let codes: Mutex<Codes>
    /// Lets a claim pass without the lock in the usual case of no holes.
    private let available: Atomic<Int>
    /// Those that are expected back included.
    private let total: Atomic<Int>

    private init(_ codes: Codes) {
        self.codes = Mutex(codes)
        available = Atomic(codes.all.count - codes.taken)
        total = Atomic(codes.all.count - codes.taken)
    }

    convenience init() { self.init(Codes()) }

    /// The same holes in other strips of the same codes.
    func exchanging(_ exchange: (Strip) -> Strip) -> Holes {
        precondition(!awaitsReturns, "codes are on their way back to strips that are exchanged")
        var codes = codes.withLock { $0 }
        codes.all = codes.all[codes.taken...].map { CodePosition(strip: exchange($0.strip), position: $0.position) }
        codes.taken = 0
        return Holes(codes)
    }

    /// Exact when no hold ends meanwhile, and no claim runs.
    var awaitsReturns: Bool { total.load(ordering: .relaxed) != available.load(ordering: .relaxed) }

    var count: Int { total.load(ordering: .relaxed) }

    var counts: PoolCounts {
        codes.withLock { PoolCounts(free: UInt64(count), withdrawn: $0.withdrawn, burned: $0.burned) }
    }

    /// The hole that would be taken next.
    var first: CodePosition? {
        // Relaxed: nothing is claimed on the strength of it.
        if available.load(ordering: .relaxed) == 0 { return nil }
        return codes.withLock { $0.taken < $0.all.count ? $0.all[$0.taken] : nil }
    }

    func expect() { total.wrappingAdd(1, ordering: .relaxed) }

    /// Adds one that was expected, behind all others; recovery adds in pool order, and holes are taken in that
    /// order.
    func fill(_ place: CodePosition) {
        codes.withLock { codes in
            // Under the lock, so that `withdraw` finds it among the others or it finds the strip withdrawn.
            if place.strip.isWithdrawn {
                codes.withdrawn += 1
                total.wrappingSubtract(1, ordering: .relaxed)
            } else {
                codes.all.append(place)
                available.wrappingAdd(1, ordering: .releasing)
            }
        }
    }

    func addWithdrawn(_ count: Int) {
        codes.withLock { $0.withdrawn += UInt64(count) }
    }

    func addBurned(_ count: Int) {
        codes.withLock { $0.burned += UInt64(count) }
    }

    /// Takes the codes away whose strips were withdrawn.
    func withdraw() {
        codes.withLock { codes in
            let kept = codes.all[codes.taken...].filter { !$0.strip.isWithdrawn }
            let count = codes.all.count - codes.taken - kept.count
            (codes.all, codes.taken) = (kept, 0)
            codes.withdrawn += UInt64(count)
            available.wrappingSubtract(count, ordering: .releasing)
            total.wrappingSubtract(count, ordering: .relaxed)
        }
    }

    func add(_ place: CodePosition) {
        expect()
        fill(place)
    }

    /// - Parameter codesBehind: counts the codes that go out after the holes; none of them is claimed
    ///   meanwhile.
    func take(codesBehind: () -> UInt64) -> Claim? {
        // Acquiring, with the releasing subtraction below: whoever sees no hole claims from the strips only
        // after they were counted here.
        if available.load(ordering: .acquiring) == 0 { return nil }
        return codes.withLock { codes in
            guard codes.taken < codes.all.count else { return nil }
            let place = codes.all[codes.taken]
            codes.taken += 1
            let left = UInt64(codes.all.count - codes.taken)
            if left == 0 { (codes.all, codes.taken) = ([], 0) }
            let claim = Claim(place: place, remaining: left + codesBehind())
            available.wrappingSubtract(1, ordering: .releasing)
            total.wrappingSubtract(1, ordering: .relaxed)
            return claim
        }
    }
}
