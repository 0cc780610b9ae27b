import Synchronization

/// The page of each value of a hash's upper bits, for an ``AllocationIndex`` and, without its lock, for whoever
/// wants the processor to fetch a page ahead.
///
/// Sendable, proof: `current` is an atomic. What it leads to are atomics as well, made before the releasing store
/// that publishes them, and freed by `deinit` alone: a directory that became too small is kept, since somebody may
/// be reading it (all of them together are no larger than the current one). `tables` is changed by ``double()``,
/// which the one owner of the index calls, and read by `deinit`. The pages themselves are the index's, and nobody
/// else follows their addresses.
@safe package final class IndexDirectory: @unchecked Sendable {
    private typealias Table = UnsafeMutablePointer<Atomic<UInt>>

    private static let alignment = 64

    /// Address of the table | its depth, which fits into the bits that the alignment leaves.
    private let current: Atomic<UInt>
    private var tables: [Made] = []

    @safe private struct Made {
        let table: Table
        let count: Int
    }

    init(_ page: IndexPage) {
        let table = unsafe Self.makeTable(count: 1)
        unsafe table.initialize(to: Atomic(page.word))
        current = Atomic(UInt(bitPattern: table))
        tables.append(unsafe Made(table: table, count: 1))
    }

    deinit {
        for made in tables {
            unsafe made.table.deinitialize(count: made.count)
            unsafe UnsafeMutableRawPointer(made.table).deallocate()
        }
    }

    private static func makeTable(count: Int) -> Table {
        // SAFETY: as many as are asked for, and each one is initialized by the caller.
        unsafe UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<Atomic<UInt>>.stride, alignment: alignment
        ).bindMemory(to: Atomic<UInt>.self, capacity: count)
    }

    @inline(__always)
    private static func unpack(_ word: UInt) -> (table: Table, depth: UInt32) {
        guard let table = unsafe Table(bitPattern: word & ~UInt(alignment - 1)) else {
            preconditionFailure("a directory at address 0")
        }
        return unsafe (table, UInt32(word & UInt(alignment - 1)))
    }

    /// Upper bits of a hash that choose its page.
    var depth: UInt32 { unsafe Self.unpack(current.load(ordering: .relaxed)).depth }

    var byteCount: Int { tables.reduce(0) { $0 + $1.count * 8 } }

    @inline(__always)
    func page(of hash: UInt32) -> IndexPage {
        let (table, depth) = unsafe Self.unpack(current.load(ordering: .acquiring))
        // SAFETY: a table of that depth has an entry for each value of so many bits, and is never freed before.
        return unsafe IndexPage(word: table[Self.position(of: hash, depth)].load(ordering: .relaxed))
    }

    @inline(__always)
    private static func position(of hash: UInt32, _ depth: UInt32) -> Int {
        Int(truncatingIfNeeded: UInt64(hash) &>> UInt64(32 &- depth))
    }

    /// What an allocation of `key` will read first: see ``IndexPage/addressesToPrefetch(of:)``.
    package func addressesToPrefetch(for key: AllocationKey) -> (head: UInt, slot: UInt) {
        page(of: key.hash).addressesToPrefetch(of: key.hash)
    }

    /// Has the upper `page.depth` bits of `hash`, all hashes that begin so, lead to `page`.
    func set(_ page: IndexPage, for hash: UInt32) {
        let (table, depth) = unsafe Self.unpack(current.load(ordering: .relaxed))
        let run = 1 << Int(depth - page.depth)
        let first = Self.position(of: hash, depth) & ~(run - 1)
        // SAFETY: the run of a page's entries lies inside the table.
        for index in first..<first + run { unsafe table[index].store(page.word, ordering: .relaxed) }
    }

    /// Lets one more bit of the hash choose. To be called by the owner of the index only.
    func double() {
        let (old, depth) = unsafe Self.unpack(current.load(ordering: .relaxed))
        let count = 2 << Int(depth)
        let table = unsafe Self.makeTable(count: count)
        for index in 0..<count {
            // SAFETY: two entries for each of the old table's.
            unsafe (table + index).initialize(to: Atomic(old[index / 2].load(ordering: .relaxed)))
        }
        tables.append(unsafe Made(table: table, count: count))
        // Releasing: who finds the table finds its entries.
        current.store(UInt(bitPattern: table) | UInt(depth + 1), ordering: .releasing)
    }

    /// Every page once, in the order of their hashes.
    func forEachPage(_ body: (IndexPage) -> Void) {
        let (table, depth) = unsafe Self.unpack(current.load(ordering: .relaxed))
        var index = 0
        while index < 1 << Int(depth) {
            let page = unsafe IndexPage(word: table[index].load(ordering: .relaxed))
            index += 1 << Int(depth - page.depth)
            body(page)
        }
    }
}
