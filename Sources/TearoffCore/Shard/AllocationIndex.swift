/// Finds the latest allocation of a (campaign, user): an extendible hash table of rows.
///
/// It grows a page at a time: the page that is full is split in two, which moves at most 2,048 entries, so no
/// operation stalls however large it is. (A table that doubles in place stood still for 0.4 to 1.1 s at 10 M
/// entries: PEERS, section 5.) A slot is 32 bits of hash and 32 bits of row; 9 to 19 bytes an entry.
///
/// - Source: R. Fagin et al., "Extendible Hashing", ACM TODS 1979.
struct AllocationIndex: Sendable {
    private static let pageSlots = 2_048
    /// A page is split at 85 %: linear probing stays short up to there.
    private static let pageEntriesMax = pageSlots * 85 / 100
    /// 2^20 pages hold 1.7 G entries, more than a shard has rows. Deeper, a page grows instead.
    private static let depthMax: UInt32 = 20

    private struct Page: Sendable {
        /// 0 is empty; else hash << 32 | 1 + row.
        var slots: ContiguousArray<UInt64>
        var count = 0
        var depth: UInt32
        /// Slots - 1. Beside the page's other figures: to read it from the slots' own header is a cache miss
        /// more, on which the look-up of the slot would wait.
        let mask: UInt32

        init(slots: Int, depth: UInt32) {
            self.slots = ContiguousArray(repeating: 0, count: slots)
            self.depth = depth
            mask = UInt32(slots - 1)
        }

        mutating func place(_ entry: UInt64) {
            let mask = Int(mask)
            var slot = Int(truncatingIfNeeded: entry >> 32) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = entry
            count += 1
        }
    }

    /// The page of each value of the hash's upper `depth` bits.
    private var directory: [Int32] = [0]
    private var depth: UInt32 = 0
    private var pages = [Page(slots: pageSlots, depth: 0)]
    private(set) var count = 0

    var byteCount: Int { pages.reduce(directory.count * 4) { $0 + $1.slots.count * 8 } }

    @inline(__always)
    private func page(of hash: UInt32) -> Int {
        Int(directory[Int(truncatingIfNeeded: UInt64(hash) >> UInt64(32 - depth))])
    }

    /// - Parameter isSame: whether that row is of the campaign and user looked for; hashes may collide.
    /// - Complexity: O(1) expected.
    @inline(__always)
    func find(hash: UInt32, isSame: (RowNumber) -> Bool) -> RowNumber? {
        let page = page(of: hash)
        guard let slot = slot(of: hash, in: page, isSame: isSame) else { return nil }
        return RowNumber(rawValue: UInt32(truncatingIfNeeded: pages[page].slots[slot]) - 1)
    }

    @inline(__always)
    private func slot(of hash: UInt32, in page: Int, isSame: (RowNumber) -> Bool) -> Int? {
        let mask = Int(pages[page].mask)
        var slot = Int(hash) & mask
        while true {
            let entry = pages[page].slots[slot]
            if entry == 0 { return nil }
            if UInt32(truncatingIfNeeded: entry >> 32) == hash
                && isSame(RowNumber(rawValue: UInt32(truncatingIfNeeded: entry) - 1))
            {
                return slot
            }
            slot = (slot + 1) & mask
        }
    }

    /// Points a (campaign, user) at `row`.
    ///
    /// - Parameter previous: what ``find(hash:isSame:)`` says of it now.
    mutating func set(_ row: RowNumber, replacing previous: RowNumber?, hash: UInt32) {
        let entry = UInt64(hash) << 32 | UInt64(row.rawValue + 1)
        var page = page(of: hash)
        if let previous {
            guard let slot = slot(of: hash, in: page, isSame: { $0 == previous }) else {
                preconditionFailure("row \(previous.rawValue) is not in the index")
            }
            pages[page].slots[slot] = entry
            return
        }
        while pages[page].count >= pages[page].slots.count / Self.pageSlots * Self.pageEntriesMax {
            makeRoom(in: page, hash: hash)
            page = self.page(of: hash)
        }
        pages[page].place(entry)
        count += 1
    }

    private mutating func makeRoom(in page: Int, hash: UInt32) {
        if pages[page].depth == Self.depthMax {
            enlarge(page)
        } else {
            split(page, hash: hash)
        }
    }

    /// Only for hashes that no split can part, which a seeded hash makes vanishingly rare.
    private mutating func enlarge(_ page: Int) {
        var larger = Page(slots: pages[page].slots.count * 2, depth: pages[page].depth)
        for entry in pages[page].slots where entry != 0 { larger.place(entry) }
        pages[page] = larger
    }

    private mutating func split(_ page: Int, hash: UInt32) {
        if pages[page].depth == depth {
            var doubled: [Int32] = []
            doubled.reserveCapacity(directory.count * 2)
            for page in directory {
                doubled.append(page)
                doubled.append(page)
            }
            directory = doubled
            depth += 1
        }
        let childDepth = pages[page].depth + 1
        var zero = Page(slots: Self.pageSlots, depth: childDepth)
        var one = Page(slots: Self.pageSlots, depth: childDepth)
        for entry in pages[page].slots where entry != 0 {
            if entry >> UInt64(64 - childDepth) & 1 == 0 { zero.place(entry) } else { one.place(entry) }
        }
        let sibling = Int32(pages.count)
        pages[page] = zero
        pages.append(one)
        // The directory entries of the page are one run, found by any hash in it; its upper half now leads to
        // the sibling.
        let run = 1 << Int(depth - childDepth)
        let position = Int(truncatingIfNeeded: UInt64(hash) >> UInt64(32 - depth))
        let upperHalf = (position & ~(2 * run - 1)) + run
        for index in upperHalf..<upperHalf + run { directory[index] = sibling }
    }
}
