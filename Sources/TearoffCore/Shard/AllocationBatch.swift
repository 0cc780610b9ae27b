/// Records of one shard in the order in which they were read back, with the bytes of their ids beside them.
///
/// What a recovery's reader hands to whoever applies the records, perhaps on another thread. It is emptied
/// and filled again, so that a record costs no memory of its own.
package struct AllocationBatch: Sendable {
    package struct Entry: Sendable {
        package let record: ShardRecord
        private let start: UInt32
        private let userCount: UInt8
        private let besideCount: UInt16

        fileprivate init(_ record: ShardRecord, start: Int, userCount: Int, besideCount: Int) {
            self.record = record
            self.start = UInt32(start)
            self.userCount = UInt8(userCount)
            self.besideCount = UInt16(besideCount)
        }

        /// Where the text of a long user stands in ``AllocationBatch/text``; empty for any other.
        package var user: Range<Int> { Int(start)..<Int(start) + Int(userCount) }

        /// Where the marketing user id stands, or the text of a key; empty when there is none.
        package var beside: Range<Int> { user.upperBound..<user.upperBound + Int(besideCount) }
    }

    package private(set) var entries: [Entry] = []
    /// The bytes of all ids that are not in their records.
    package private(set) var text: [UInt8] = []

    package init() {}

    /// - Parameters:
    ///   - user: the text of a long user; not kept for any other.
    ///   - beside: the marketing user id, or of a key its text; empty when there is none.
    /// - Precondition: the ids have at most ``Limits/userBytes`` bytes, all of a batch together below 4 GiB.
    package mutating func append(_ record: ShardRecord, user: Span<UInt8>, beside: Span<UInt8>) {
        let userCount = record.hasLongUser ? user.count : 0
        entries.append(
            Entry(record, start: text.count, userCount: userCount, besideCount: beside.count))
        if userCount > 0 { text.append(user) }
        if !beside.isEmpty { text.append(beside) }
    }

    /// Empties the batch; its memory is kept.
    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
    }
}
