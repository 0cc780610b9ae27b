/// Records of one shard in the order in which they were read back, with the bytes of their ids beside them.
///
/// What a recovery's reader hands to whoever applies the records, perhaps on another thread. It is emptied
/// and filled again, so that a record costs no memory of its own.
package struct AllocationBatch: Sendable {
    package struct Entry: Sendable {
        package let record: ShardRecord
        private let start: UInt32
        private let userCount: UInt8
        private let userIDCount: UInt8

        fileprivate init(_ record: ShardRecord, start: Int, userCount: Int, userIDCount: Int) {
            self.record = record
            self.start = UInt32(start)
            self.userCount = UInt8(userCount)
            self.userIDCount = UInt8(userIDCount)
        }

        /// Where the text of a long user stands in ``AllocationBatch/text``; empty for any other.
        package var user: Range<Int> { Int(start)..<Int(start) + Int(userCount) }

        /// Where the marketing user id stands; empty when there is none.
        package var userID: Range<Int> { user.upperBound..<user.upperBound + Int(userIDCount) }
    }

    package private(set) var entries: [Entry] = []
    /// The bytes of all ids that are not in their records.
    package private(set) var text: [UInt8] = []

    package init() {}

    /// - Parameters:
    ///   - user: the text of a long user; not kept for any other.
    ///   - userID: the marketing user id; empty when there is none.
    /// - Precondition: the ids have at most ``Limits/userBytes`` bytes, all of a batch together below 4 GiB.
    package mutating func append(_ record: ShardRecord, user: Span<UInt8>, userID: Span<UInt8>) {
        var userCount = 0
        if case .allocation(let allocation) = record, allocation.user.isLong { userCount = user.count }
        entries.append(
            Entry(record, start: text.count, userCount: userCount, userIDCount: userID.count))
        if userCount > 0 { text.append(user) }
        if !userID.isEmpty { text.append(userID) }
    }

    /// Empties the batch; its memory is kept.
    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
    }
}
