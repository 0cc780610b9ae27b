/// Makes the index over an upload's codes, block by block.
///
/// A table of many codes is larger than any cache, and codes come in no order of it. So the codes of a block
/// are sorted by the upper bits of their hashes first, which choose the slot: then the table is filled from
/// its beginning to its end, once for each block.
package struct CodeIndexBuilder: Sendable {
    /// 4,096 runs: with 10 M codes each is a stretch of 12 KiB of the table.
    private static let runBits: UInt64 = 12
    private static let runs = 1 << Int(runBits)

    private struct Entry: Sendable {
        let hash: UInt64
        let ordinal: Ordinal
    }

    package struct Duplicate: Equatable, Sendable {
        package let ordinal: Ordinal
        /// nil: in the file itself.
        package let earlier: EarlierCode?

        package var fault: LineFault { earlier?.fault ?? .duplicateInFile }
    }

    private var index: CodeIndex
    private var strips: [Strip] = []
    private var hashed: [Entry] = []
    private var sorted: [Entry] = []
    package private(set) var count = 0
    /// Codes that stand in the upload or in a list already, by ordinal; they are not in the index.
    package private(set) var duplicates: [Duplicate] = []

    /// - Parameter capacity: codes that will be added at most, up to ``Limits/uploadCodes``.
    package init(capacity: Int, seed: UInt64) {
        index = CodeIndex(capacity: capacity, seed: seed)
    }

    /// Adds a block: the strips behind those added before. Takes 32 bytes a code meanwhile, so blocks are
    /// best of some million codes.
    ///
    /// - Parameter earlier: where a code stands already, if that keeps it out.
    package mutating func add(_ block: [Strip], earlier: (Span<UInt8>) -> EarlierCode? = { _ in nil }) {
        strips += block
        let firstDuplicate = duplicates.count
        hash(block, earlier: earlier)
        sort()
        let strips = strips
        for entry in sorted {
            let existing = index.insert(entry.ordinal, hash: entry.hash) { other in
                Self.haveSameCode(entry.ordinal, other, in: strips)
            }
            if existing != nil {
                duplicates.append(Duplicate(ordinal: entry.ordinal, earlier: nil))
            }
        }
        duplicates[firstDuplicate...].sort { $0.ordinal < $1.ordinal }
        count += block.reduce(0) { $0 + $1.count }
    }

    /// - Returns: all codes with their index.
    package mutating func finish() -> CodeRun {
        hashed = []
        sorted = []
        return CodeRun(strips: strips, index: index)
    }

    private mutating func hash(_ block: [Strip], earlier: (Span<UInt8>) -> EarlierCode?) {
        hashed.removeAll(keepingCapacity: true)
        for strip in block {
            for position in 0..<strip.count {
                let ordinal = strip.firstOrdinal + Ordinal(position)
                strip.withCode(at: position) { code in
                    if let place = earlier(code) {
                        duplicates.append(Duplicate(ordinal: ordinal, earlier: place))
                    } else {
                        hashed.append(Entry(hash: index.hash(code), ordinal: ordinal))
                    }
                }
            }
        }
    }

    /// Sorts by the hashes' upper bits; codes that meet there keep their order, so that the earlier one of
    /// two equal codes is the one that stays.
    private mutating func sort() {
        var places = [Int](repeating: 0, count: Self.runs + 1)
        for entry in hashed { places[Self.run(of: entry.hash) + 1] += 1 }
        for run in 0..<Self.runs { places[run + 1] += places[run] }
        if sorted.count > hashed.count { sorted.removeLast(sorted.count - hashed.count) }
        while sorted.count < hashed.count { sorted.append(Entry(hash: 0, ordinal: 0)) }
        for entry in hashed {
            let run = Self.run(of: entry.hash)
            sorted[places[run]] = entry
            places[run] += 1
        }
    }

    private static func run(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> (64 - runBits)) }

    private static func haveSameCode(_ left: Ordinal, _ right: Ordinal, in strips: [Strip]) -> Bool {
        strips[Int(left) / Strip.capacity].withCode(at: Int(left) % Strip.capacity) { left in
            strips[Int(right) / Strip.capacity].withCode(at: Int(right) % Strip.capacity) {
                $0.hasSameBytes(as: left)
            }
        }
    }
}
