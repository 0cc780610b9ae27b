/// The holds of a shard in the order in which they were made, in chunks, so that a snapshot shares those that
/// do not change any more.
package struct HoldStore: Sendable {
    /// A chunk is copied when one of its holds ends after a cut: 4,096 holds of 56 bytes, some 30 µs.
    private static let chunkHolds = 4_096
    /// What a snapshot writes together, and leaves alone when nothing in it has changed.
    package static let stretchHolds = 65_536

    private var chunks: [ContiguousArray<Hold>] = []
    package private(set) var count = 0
    /// By stretch: how often it has changed.
    package private(set) var changes: [UInt64] = []

    package init() {}

    package subscript(_ index: Int) -> Hold { chunks[index / Self.chunkHolds][index % Self.chunkHolds] }

    /// - Precondition: its sequence number and its row are higher than those of all others.
    mutating func append(_ hold: Hold) {
        if count % Self.chunkHolds == 0 { chunks.append([]) }
        chunks[chunks.count - 1].append(hold)
        if count % Self.stretchHolds == 0 { changes.append(0) }
        changes[changes.count - 1] += 1
        count += 1
    }

    /// - Precondition: it has not ended.
    mutating func end(_ index: Int, _ end: HoldEnd) {
        precondition(self[index].end == nil, "a hold ends once")
        chunks[index / Self.chunkHolds][index % Self.chunkHolds].end = end
        changes[index / Self.stretchHolds] += 1
    }

    /// The hold that the row is, or nil.
    ///
    /// - Complexity: O(log holds).
    package func index(of row: RowNumber) -> Int? {
        let index = firstIndex { $0.row >= row }
        return index < count && self[index].row == row ? index : nil
    }

    /// The hold that the record made, or nil.
    ///
    /// - Complexity: O(log holds).
    func index(of sequence: SequenceNumber) -> Int? {
        let index = firstIndex { $0.sequence >= sequence }
        return index < count && self[index].sequence == sequence ? index : nil
    }

    private func firstIndex(where isReached: (Hold) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isReached(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
