import Testing

@testable import TearoffCore

@Suite("The index of allocations: finds the latest row, and grows in small steps")
struct AllocationIndexTests {
    /// A dictionary beside the index; keys are what rows mean, since an index keeps no keys.
    private struct Model: ~Copyable {
        var index = AllocationIndex()
        var keyOfRow: [UInt64] = []
        var latest: [UInt64: RowNumber] = [:]

        func find(_ key: UInt64, hash: UInt32) -> RowNumber? {
            place(key, hash: hash).row
        }

        private func place(_ key: UInt64, hash: UInt32) -> AllocationIndex.Place {
            index.find(hash: hash) { keyOfRow[Int($0.rawValue)] == key }
        }

        mutating func set(_ key: UInt64, hash: UInt32) {
            let row = RowNumber(rawValue: UInt32(keyOfRow.count))
            index.set(row, at: place(key, hash: hash), hash: hash)
            keyOfRow.append(key)
            latest[key] = row
        }
    }

    private static func hash(_ key: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: ByteHash.fold(key, 99) >> 32)
    }

    /// Goal: as good as a dictionary, at size. Method: 1,000,000 sets over 700,000 keys, all looked up at the
    /// end.
    @Test func agreesWithADictionary() {
        let seed: UInt64 = 20_261_123
        var random = SplitMix64(seed: seed)
        var model = Model()
        for _ in 0..<1_000_000 {
            let key = UInt64.random(in: 0..<700_000, using: &random)
            model.set(key, hash: Self.hash(key))
        }
        #expect(model.index.count == model.latest.count, "SEED=\(seed)")
        var wrong = 0
        for key in 0..<UInt64(700_100) where model.find(key, hash: Self.hash(key)) != model.latest[key] {
            wrong += 1
        }
        #expect(wrong == 0, "SEED=\(seed)")
        let bytesEach = Double(model.index.byteCount) / Double(model.index.count)
        #expect(bytesEach < 20, "\(bytesEach) bytes an entry")
    }

    /// Goal: users whose hashes are the same stay apart. Method: hashes of few bits, at either end.
    @Test(arguments: [0xFFF0_0000, 0x0000_00FF, 0x8000_0001] as [UInt32])
    func collidingHashesAreToldApart(mask: UInt32) {
        var model = Model()
        for key in 0..<UInt64(12_000) { model.set(key % 6_000, hash: Self.hash(key % 6_000) & mask) }
        #expect(model.index.count == 6_000)
        for key in 0..<UInt64(6_001) {
            #expect(model.find(key, hash: Self.hash(key) & mask) == model.latest[key])
        }
    }

    /// Goal: a page that no split can part grows instead. Method: 4,000 keys of one hash, next to ordinary
    /// ones.
    @Test(arguments: [0, UInt32.max, 0x1234_5678])
    func equalHashesEnlargeTheirPage(hash: UInt32) {
        var model = Model()
        for key in 0..<UInt64(4_000) {
            model.set(key, hash: hash)
            model.set(key + 10_000, hash: Self.hash(key))
        }
        #expect(model.index.count == 8_000)
        for key in stride(from: UInt64(0), to: 4_000, by: 7) {
            #expect(model.find(key, hash: hash) == model.latest[key])
            #expect(model.find(key + 10_000, hash: Self.hash(key)) == model.latest[key + 10_000])
        }
        #expect(model.find(4_000, hash: hash) == nil)
    }

    /// Goal: no insert moves more than a page. Method: the index never grows by more than one page and the
    /// directory.
    @Test func anInsertAddsAtMostOnePage() {
        var index = AllocationIndex()
        var before = index.byteCount
        for row in 0..<UInt32(60_000) {
            let hash = Self.hash(UInt64(row))
            index.set(RowNumber(rawValue: row), at: index.find(hash: hash) { _ in false }, hash: hash)
            let after = index.byteCount
            #expect(after - before <= 2_048 * 8 + 64 + 256 * 8)
            before = after
        }
    }
}
