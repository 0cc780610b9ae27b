/// Which row of which shard holds a code, in 32 bits: 1 + row * shard count + shard.
package struct CodeOwner: Equatable, Sendable {
    package let rawValue: UInt32

    package init?(rawValue: UInt32) {
        if rawValue == 0 { return nil }
        self.rawValue = rawValue
    }

    /// - Returns: nil when the row is beyond ``rowsMaximum(shardCount:)``.
    package init?(shard: ShardID, row: RowNumber, shardCount: UInt16) {
        if row.rawValue >= Self.rowsMaximum(shardCount: shardCount) { return nil }
        rawValue = 1 + row.rawValue * UInt32(shardCount) + UInt32(shard.rawValue)
    }

    package func shard(shardCount: UInt16) -> ShardID {
        ShardID(rawValue: UInt16((rawValue - 1) % UInt32(shardCount)))
    }

    package func row(shardCount: UInt16) -> RowNumber {
        RowNumber(rawValue: (rawValue - 1) / UInt32(shardCount))
    }

    /// Allocations that one shard can hold: 268 million with 16 shards, far beyond a machine's memory.
    package static func rowsMaximum(shardCount: UInt16) -> UInt32 {
        (UInt32.max - UInt32(shardCount)) / UInt32(shardCount)
    }
}
