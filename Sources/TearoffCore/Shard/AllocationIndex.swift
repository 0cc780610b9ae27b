/// Finds the latest allocation of a (campaign, user): an extendible hash table of rows.
///
/// It grows a page at a time: the page that is full is split in two, which moves at most 2,048 entries, so no
/// operation stalls however large it is. (A table that doubles in place stood still for 0.4 to 1.1 s at 10 M
/// entries: PEERS, section 5.) A slot is 32 bits of hash and 32 bits of row; 9 to 19 bytes an entry.
///
/// Sendable, proof: it cannot be copied and lends its slots to nobody, so whoever has the index has all that
/// its pointers lead to; it has no state beside.
///
/// - Source: R. Fagin et al., "Extendible Hashing", ACM TODS 1979.
@safe struct AllocationIndex: ~Copyable, @unchecked Sendable {
    private static let pageSlots = 2_048
    /// A page is split at 85 %: linear probing stays short up to there.
    private static let pageEntriesMax = pageSlots * 85 / 100
    /// 2^20 pages hold 1.7 G entries, more than a shard has rows. Deeper, a page grows instead.
    private static let depthMax: UInt32 = 20

    /// Where a (campaign, user) stands, or would stand; good until the index changes.
    struct Place: Sendable {
        /// nil when the index does not have it; `slot` is then the empty one where it belongs.
        let row: RowNumber?
        fileprivate let page: Int
        fileprivate let slot: Int
    }

    /// A bare pointer and no array: an array keeps its bounds beside its elements, a cache miss more on
    /// which each look-up would wait. The index owns the slots; a copy of a page is a copy of the pointer.
    @safe private struct Page {
        /// `mask` + 1 of them. 0 is empty; else hash << 32 | 1 + row.
        private let slots: UnsafeMutablePointer<UInt64>
        let mask: Int
        var depth: UInt32
        var count = 0

        init(slots count: Int, depth: UInt32) {
            precondition(count > 0 && count & (count - 1) == 0, "\(count) slots are no power of two")
            unsafe slots = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
            unsafe slots.initialize(repeating: 0, count: count)
            mask = count - 1
            self.depth = depth
        }

        func free() { unsafe slots.deallocate() }

        var slotCount: Int { mask + 1 }

        // SAFETY: the mask keeps every position inside the slots, which live as long as the index.
        subscript(_ slot: Int) -> UInt64 {
            get { unsafe slots[slot & mask] }
            nonmutating set { unsafe slots[slot & mask] = newValue }
        }

        func address(of slot: Int) -> UInt { unsafe UInt(bitPattern: slots + (slot & mask)) }

        mutating func place(_ entry: UInt64) {
            var slot = Int(truncatingIfNeeded: entry >> 32) & mask
            while self[slot] != 0 { slot = (slot &+ 1) & mask }
            self[slot] = entry
            count += 1
        }
    }

    /// The page of each value of the hash's upper `depth` bits.
    private var directory: [Int32] = [0]
    private var depth: UInt32 = 0
    private var pages = [Page(slots: pageSlots, depth: 0)]
    private(set) var count = 0

    init() {}

    deinit {
        for page in pages { page.free() }
    }

    var byteCount: Int { pages.reduce(directory.count * 4) { $0 + $1.slotCount * 8 } }

    @inline(__always)
    private func page(of hash: UInt32) -> Int {
        Int(directory[Int(truncatingIfNeeded: UInt64(hash) &>> UInt64(32 - depth))])
    }

    /// The memory that ``find(hash:isSame:)`` reads first: a hint for the processor, never to be read through.
    @inline(__always)
    func address(of hash: UInt32) -> UInt { pages[page(of: hash)].address(of: Int(hash)) }

    /// - Parameter isSame: whether that row is of the campaign and user looked for; hashes may collide.
    /// - Complexity: O(1) expected.
    @inline(__always)
    func find(hash: UInt32, isSame: (RowNumber) -> Bool) -> Place {
        let number = page(of: hash)
        let page = pages[number]
        var slot = Int(hash) & page.mask
        while true {
            let entry = page[slot]
            if entry == 0 { return Place(row: nil, page: number, slot: slot) }
            if UInt32(truncatingIfNeeded: entry &>> 32) == hash {
                let row = RowNumber(rawValue: UInt32(truncatingIfNeeded: entry) &- 1)
                if isSame(row) { return Place(row: row, page: number, slot: slot) }
            }
            slot = (slot &+ 1) & page.mask
        }
    }

    /// Points a (campaign, user) at `row`.
    ///
    /// - Parameter place: what ``find(hash:isSame:)`` says of it now.
    mutating func set(_ row: RowNumber, at place: Place, hash: UInt32) {
        let entry = UInt64(hash) << 32 | UInt64(row.rawValue + 1)
        if place.row != nil {
            pages[place.page][place.slot] = entry
            return
        }
        count += 1
        if pages[place.page].count < pages[place.page].slotCount / Self.pageSlots * Self.pageEntriesMax {
            pages[place.page][place.slot] = entry
            pages[place.page].count += 1
            return
        }
        var page = place.page
        while pages[page].count >= pages[page].slotCount / Self.pageSlots * Self.pageEntriesMax {
            makeRoom(in: page, hash: hash)
            page = self.page(of: hash)
        }
        pages[page].place(entry)
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
        let old = pages[page]
        var larger = Page(slots: old.slotCount * 2, depth: old.depth)
        for slot in 0..<old.slotCount where old[slot] != 0 { larger.place(old[slot]) }
        pages[page] = larger
        old.free()
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
        let old = pages[page]
        let childDepth = old.depth + 1
        var zero = Page(slots: Self.pageSlots, depth: childDepth)
        var one = Page(slots: Self.pageSlots, depth: childDepth)
        for slot in 0..<old.slotCount where old[slot] != 0 {
            let entry = old[slot]
            if entry >> UInt64(64 - childDepth) & 1 == 0 { zero.place(entry) } else { one.place(entry) }
        }
        let sibling = Int32(pages.count)
        pages[page] = zero
        pages.append(one)
        old.free()
        // The directory entries of the page are one run, found by any hash in it; its upper half now leads to
        // the sibling.
        let run = 1 << Int(depth - childDepth)
        let position = Int(truncatingIfNeeded: UInt64(hash) >> UInt64(32 - depth))
        let upperHalf = (position & ~(2 * run - 1)) + run
        for index in upperHalf..<upperHalf + run { directory[index] = sibling }
    }
}
