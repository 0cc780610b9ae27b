import Dispatch
import Synchronization
import Testing

@testable import TearoffCore

@Suite("Pools: every code goes out once, in upload order")
struct PoolTests {
    private static func strips(_ counts: [Int], upload: UInt32 = 0) -> [Strip] {
        var first: Ordinal = 0
        return counts.map { count in
            defer { first += Ordinal(count) }
            return Strip(
                upload: UploadID(rawValue: upload), firstOrdinal: first, count: count, text: StripText(same: bytes("X"))
            )
        }
    }

    private static func drain(_ pool: Pool) -> [Claim] {
        var claims: [Claim] = []
        while let claim = pool.claim() { claims.append(claim) }
        return claims
    }

    private static func drain(_ pool: Pool, tasks: Int) async -> [[Claim]] {
        await withTaskGroup(of: [Claim].self) { group in
            for _ in 0..<tasks { group.addTask { drain(pool) } }
            var all: [[Claim]] = []
            for await claims in group { all.append(claims) }
            return all
        }
    }

    /// Goal: no code twice, none left out, order kept. Method: four tasks drain a pool of uneven strips, many
    /// seeds.
    @Test(arguments: 0..<12)
    func claimersShareAPoolWithoutOverlap(seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        let counts = (0..<8).map { _ in Int.random(in: 1...Strip.capacity, using: &random) }
        let pool = Pool(strips: Self.strips(counts))
        let total = counts.reduce(0, +)
        let perTask = await Self.drain(pool, tasks: 4)
        let claims = perTask.flatMap { $0 }
        #expect(claims.map(\.code.ordinal).sorted() == (0..<Ordinal(total)).map { $0 }, "SEED=\(seed)")
        #expect(Set(claims.map(\.remaining)) == Set(0..<UInt64(total)), "SEED=\(seed)")
        for claims in perTask {
            #expect(zip(claims, claims.dropFirst()).allSatisfy { $0.code.ordinal < $1.code.ordinal })
        }
        #expect(pool.claim() == nil && pool.totalFree == 0)
        #expect(pool.strips.allSatisfy { $0.unclaimedCount == 0 }, "a cursor ran past its end")
    }

    /// Goal: two claimers that are at the same strip get different codes. Method: two threads that begin together, and
    /// codes for some tenths of a second.
    @Test func claimersThatRaceGetDifferentCodes() {
        let pool = Pool(strips: Self.strips(Array(repeating: Strip.capacity, count: 64)))
        let waiting = Atomic(2)
        let claims = Mutex<[Claim]>([])
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            waiting.subtract(1, ordering: .relaxed)
            // For a moment only: a machine with one core may have one thread for both.
            for _ in 0..<1_000_000 where waiting.load(ordering: .relaxed) > 0 {}
            let mine = Self.drain(pool)
            claims.withLock { $0 += mine }
        }
        let codes = claims.withLock { $0.map(\.code) }
        #expect(codes.count == 64 * Strip.capacity && Set(codes).count == codes.count)
    }

    /// Goal: one claimer sees upload order and an exact count of what is left. Method: one thread, two
    /// uploads.
    @Test func oneClaimerGetsUploadOrder() {
        let pool = Pool(strips: Self.strips([3, 2])).appending(Self.strips([2], upload: 1))
        #expect(pool.totalFree == 7)
        let claims = Self.drain(pool)
        #expect(claims.map(\.code) == (0..<5).map { code($0) } + (0..<2).map { code($0, upload: 1) })
        #expect(claims.map(\.remaining) == [6, 5, 4, 3, 2, 1, 0])
    }

    /// Goal: a refill does not fork the cursors. Method: tasks drain the old pool and the refilled one at
    /// once.
    @Test func theOldPoolAndTheRefilledOneShareTheirCursors() async {
        let old = Pool(strips: Self.strips([4_096, 4_096]))
        #expect(old.claim()?.code == code(0))
        let refilled = old.appending(Self.strips([1_000], upload: 1))
        async let first = Self.drain(old, tasks: 2)
        async let second = Self.drain(refilled, tasks: 2)
        let claims = await (first + second).flatMap { $0.map(\.code) }
        #expect(claims.count == 8_191 + 1_000)
        #expect(Set(claims).count == claims.count)
        #expect(old.claim() == nil && refilled.claim() == nil)
    }

    /// Goal: codes whose frames were lost go out first, lowest first. Method: owners as replay would set
    /// them.
    @Test func holesAreGivenBeforeFreshCodes() throws {
        let pool = Pool(strips: Self.strips([4, 4, 4]))
        let owner = try #require(CodeOwner(rawValue: 9))
        for position in [1, 3] { #expect(pool.strips[0].setOwner(owner, at: position)) }
        for position in [0, 2] { #expect(pool.strips[1].setOwner(owner, at: position)) }
        pool.settleAfterRecovery()
        #expect(pool.totalFree == 8)
        let refilled = pool.appending(Self.strips([1], upload: 1))
        let claims = Self.drain(refilled)
        let expected: [Ordinal] = [0, 2, 5, 7, 8, 9, 10, 11]
        #expect(claims.map(\.code) == expected.map { code($0) } + [code(0, upload: 1)])
        #expect(claims.map(\.remaining) == [8, 7, 6, 5, 4, 3, 2, 1, 0])
    }

    /// Goal: a peek shows what the next claim brings, and takes nothing. Method: a pool with holes, a used-up
    /// strip, an open one and a refill; three peeks before each claim.
    @Test func aPeekShowsTheNextClaim() throws {
        let settled = Pool(strips: Self.strips([2, 4, 4]))
        let owner = try #require(CodeOwner(rawValue: 9))
        for position in [0, 2] { #expect(settled.strips[1].setOwner(owner, at: position)) }
        settled.settleAfterRecovery()
        let pool = settled.appending(Self.strips([1], upload: 1))
        for free in (1...9).reversed() {
            let peeks = (0..<3).map { _ in pool.peek()?.code }
            #expect(pool.totalFree == UInt64(free))
            let claimed = try #require(pool.claim()).code
            #expect(peeks == [claimed, claimed, claimed])
        }
        #expect(pool.peek() == nil && pool.claim() == nil && Pool().peek() == nil)
    }

    /// Goal: a code that goes back is told next when it can be claimed, and not before. Method: an empty
    /// pool, and one with codes left.
    @Test func aPeekShowsWhatWentBack() throws {
        let pool = Pool(strips: Self.strips([3]))
        let first = try #require(pool.claim())
        let second = try #require(pool.claim())
        pool.expectReturn()
        #expect(pool.peek()?.code == code(2), "it is on its way")
        pool.putBack(second.place)
        #expect(pool.peek()?.code == second.code)
        #expect(pool.claim()?.code == second.code)
        #expect(pool.claim()?.code == code(2))
        pool.expectReturn()
        #expect(pool.peek() == nil && pool.totalFree == 1)
        pool.putBack(first.place)
        #expect(pool.peek()?.code == first.code && pool.totalFree == 1)
    }

    /// Goal: an untouched, an empty and a full pool survive recovery. Method: settle, then count.
    @Test func settlingNeedsNoOwners() throws {
        let empty = Pool()
        empty.settleAfterRecovery()
        #expect(empty.totalFree == 0 && empty.claim() == nil)
        let fresh = Pool(strips: Self.strips([5, 5]))
        fresh.settleAfterRecovery()
        #expect(Self.drain(fresh).map(\.code.ordinal) == (0..<10).map { $0 })
        let used = Pool(strips: Self.strips([2]))
        let owner = try #require(CodeOwner(rawValue: 1))
        for position in 0..<2 { #expect(used.strips[0].setOwner(owner, at: position)) }
        used.settleAfterRecovery()
        #expect(used.totalFree == 0 && used.claim() == nil)
    }

    /// Goal: holes too are claimed once, each with its own count. Method: four tasks on a settled pool.
    @Test func claimersShareHolesWithoutOverlap() async throws {
        let pool = Pool(strips: Self.strips([4_096, 4_096]))
        let owner = try #require(CodeOwner(rawValue: 1))
        for position in stride(from: 0, to: 4_096, by: 2) {
            #expect(pool.strips[1].setOwner(owner, at: position))
        }
        pool.settleAfterRecovery()
        let total = Int(pool.totalFree)
        let claims = await Self.drain(pool, tasks: 4).flatMap { $0 }
        #expect(total == 4_096 + 2_048 && claims.count == total)
        #expect(Set(claims.map(\.code)).count == total)
        #expect(Set(claims.map(\.remaining)) == Set(0..<UInt64(total)))
    }
}

@Suite("Owners: a code remembers its first owner and no other")
struct CodeOwnerTests {
    /// Goal: (shard, row) fit in 32 bits for every shard count. Method: the corners of each power of two.
    @Test(arguments: [1, 2, 4, 8, 16, 32, 64, 128, 256] as [UInt16])
    func shardAndRowRoundTrip(shardCount: UInt16) throws {
        let rows = CodeOwner.rowsMaximum(shardCount: shardCount)
        for shard in [0, shardCount / 2, shardCount - 1].map(ShardID.init(rawValue:)) {
            for row in [0, 1, rows / 2, rows - 1].map(RowNumber.init(rawValue:)) {
                let owner = try #require(CodeOwner(shard: shard, row: row, shardCount: shardCount))
                #expect(owner.shard(shardCount: shardCount) == shard)
                #expect(owner.row(shardCount: shardCount) == row)
                #expect(CodeOwner(rawValue: owner.rawValue) == owner)
            }
            #expect(CodeOwner(shard: shard, row: RowNumber(rawValue: rows), shardCount: shardCount) == nil)
        }
        #expect(CodeOwner(rawValue: 0) == nil)
    }

    /// Goal: a second owner is refused and the first stays. Method: set twice, also on the neighbour.
    @Test func aSecondOwnerIsRefused() throws {
        let strip = Strip(
            upload: UploadID(rawValue: 0), firstOrdinal: 0, count: 2, text: StripText(same: bytes("X")))
        let first = try #require(CodeOwner(rawValue: 1))
        let second = try #require(CodeOwner(rawValue: 2))
        #expect(strip.owner(at: 0) == nil && !strip.hasOwners)
        #expect(strip.setOwner(first, at: 0))
        #expect(!strip.setOwner(second, at: 0))
        #expect(strip.owner(at: 0) == first)
        #expect(strip.owner(at: 1) == nil && strip.setOwner(second, at: 1))
    }
}
