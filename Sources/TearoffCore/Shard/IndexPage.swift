/// One page of an ``AllocationIndex``: a linear-probing table of slots, and before it, in the same block of memory,
/// how many are taken and how many bits of the hash it stands for.
///
/// A view of one word, so that a directory of words leads to the slots in one step: the address of the slots, and in
/// its low bits the page's size. Whoever makes a page frees it; a copy is a copy of the word.
@safe struct IndexPage: Sendable {
    static let slotCountMin = 2_048
    /// A page is split at 85 %: linear probing stays short up to there.
    private static let entriesMaxOfSmallest = slotCountMin * 85 / 100
    /// The head of the block: a cache line, of which two words are used.
    private static let headBytes = 64
    private static let sizeBits: UInt = 0xF

    /// Address of the slots | how often the page was doubled.
    let word: UInt

    init(word: UInt) { self.word = word }

    /// An empty page of ``slotCountMin`` slots, doubled so many times.
    ///
    /// - Parameter depth: upper bits of the hash that all its entries have in common.
    init(doublings: UInt, depth: UInt32) {
        precondition(doublings <= Self.sizeBits, "a page of \(doublings) doublings")
        let slotBytes = Self.slotCountMin << Int(doublings) * 8
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: Self.headBytes + slotBytes, alignment: Self.headBytes)
        unsafe block.initializeMemory(as: UInt64.self, repeating: 0, count: (Self.headBytes + slotBytes) / 8)
        word = UInt(bitPattern: block) + UInt(Self.headBytes) | doublings
        self.depth = depth
    }

    func free() {
        // SAFETY: the block that `init` allocated begins there.
        unsafe UnsafeMutableRawPointer(slots).advanced(by: -Self.headBytes).deallocate()
    }

    /// A slot is 0 when it is empty; else hash << 32 | 1 + row.
    @inline(__always)
    private var slots: UnsafeMutablePointer<UInt64> {
        guard let slots = unsafe UnsafeMutablePointer<UInt64>(bitPattern: word & ~Self.sizeBits) else {
            preconditionFailure("a page at address 0")
        }
        return unsafe slots
    }

    var doublings: UInt { word & Self.sizeBits }
    var slotCount: Int { Self.slotCountMin << Int(doublings) }
    var mask: Int { slotCount - 1 }
    var byteCount: Int { Self.headBytes + slotCount * 8 }
    var isFull: Bool { count >= Self.entriesMaxOfSmallest << Int(doublings) }

    // SAFETY: the mask keeps every position inside the slots, which live until `free`.
    subscript(_ slot: Int) -> UInt64 {
        @inline(__always) get { unsafe slots[slot & mask] }
        nonmutating set { unsafe slots[slot & mask] = newValue }
    }

    /// What a look-up of `hash` reads first: the head's words and the slot. Hints for the processor, never to be read
    /// through: by then the page may be gone.
    func addressesToPrefetch(of hash: UInt32) -> (head: UInt, slot: UInt) {
        let slots = word & ~Self.sizeBits
        return (slots &- 16, slots &+ UInt(Int(hash) & mask) &* 8)
    }

    /// Entries in the page.
    var count: Int {
        // SAFETY: the word before the slots is the head's last, made by `init`.
        get { unsafe Int(slots[-1]) }
        nonmutating set { unsafe slots[-1] = UInt64(newValue) }
    }

    var depth: UInt32 {
        // SAFETY: the word before that is the head's as well.
        get { unsafe UInt32(truncatingIfNeeded: slots[-2]) }
        nonmutating set { unsafe slots[-2] = UInt64(newValue) }
    }

    /// Puts an entry into the first free slot of its hash. There must be room.
    func place(_ entry: UInt64) {
        var slot = Int(truncatingIfNeeded: entry >> 32) & mask
        while self[slot] != 0 { slot = (slot &+ 1) & mask }
        self[slot] = entry
        count += 1
    }
}
