/// Which shard a user belongs to: CRC16 slots as in Redis Cluster, cut into equal runs of slots.
package struct UserRouting: Sendable {
    /// - Source: Redis Cluster specification, "Key distribution model".
    package static let slotCount = 16_384

    package let shardCount: UInt16

    /// - Parameter shardCount: a power of two up to ``Limits/shards``; fixed when a data directory is made.
    package init(shardCount: UInt16) {
        precondition(shardCount > 0 && shardCount <= Limits.shards, "\(shardCount) shards")
        precondition(shardCount & (shardCount - 1) == 0, "\(shardCount) shards is no power of two")
        self.shardCount = shardCount
    }

    package func shard(of user: Span<UInt8>) -> ShardID {
        let slot = Int(Self.slot(of: user))
        return ShardID(rawValue: UInt16(slot * Int(shardCount) / Self.slotCount))
    }

    /// The slot of a user, with Redis Cluster's hash tags: only what stands between the first `{` and the
    /// next `}` counts, when there is something, so that a cluster-aware client computes the same slot.
    package static func slot(of user: Span<UInt8>) -> UInt16 {
        for open in user.indices where user[open] == 0x7B {
            var close = open + 1
            while close < user.count && user[close] != 0x7D { close += 1 }
            if close < user.count && close > open + 1 {
                return crc16(user.extracting(open + 1..<close)) % UInt16(slotCount)
            }
            break
        }
        return crc16(user) % UInt16(slotCount)
    }

    /// CRC16-CCITT (XMODEM): polynomial 0x1021, start 0.
    private static func crc16(_ bytes: Span<UInt8>) -> UInt16 {
        // Once, not at each byte: a static table is checked for being made at each access.
        let table = Self.table
        var crc: UInt16 = 0
        for index in bytes.indices {
            crc = crc &<< 8 ^ table[Int(crc &>> 8 ^ UInt16(bytes[index]))]
        }
        return crc
    }

    private static let table: [UInt16] = (0..<256).map { byte in
        var crc = UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        return crc
    }
}
