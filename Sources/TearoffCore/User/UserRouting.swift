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
        guard hasBrace(user) else { return crc16(user) % UInt16(slotCount) }
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

    /// Whether there is a `{`, eight bytes at a time: nearly no user has one.
    private static func hasBrace(_ user: Span<UInt8>) -> Bool {
        var index = 0
        while index &+ 8 <= user.count {
            // SAFETY: the bounds are checked by the load, and every bit pattern is a number.
            let word = unsafe user.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            // A byte that is `{` becomes 0, and only a 0 or a byte above one borrows into its upper bit.
            let difference = word ^ 0x7B7B_7B7B_7B7B_7B7B
            if (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080 != 0 { return true }
            index &+= 8
        }
        while index < user.count {
            if user[index] == 0x7B { return true }
            index &+= 1
        }
        return false
    }

    /// CRC16-CCITT (XMODEM): polynomial 0x1021, start 0; eight bytes at a time, from eight tables in one.
    ///
    /// - Source: "slicing-by-8", M. Kounavis and F. Berry, "A Systematic Approach to Building High
    ///   Performance Software-Based CRC Generators", 2005.
    private static func crc16(_ bytes: Span<UInt8>) -> UInt16 {
        // Once, not at each byte: a static table is checked for being made at each access.
        let table = Self.table.span
        var crc: UInt16 = 0
        var index = 0
        while index &+ 8 <= bytes.count {
            // SAFETY: the bounds are checked by the load, and every bit pattern is a number.
            let loaded = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let word = UInt64(bigEndian: loaded) ^ UInt64(crc) << 48
            // All but the first two bytes are known without the checksum so far: the processor need not wait.
            let rest =
                table[byte(word, 5) &+ 1_280] ^ table[byte(word, 4) &+ 1_024] ^ table[byte(word, 3) &+ 768]
                ^ table[byte(word, 2) &+ 512] ^ table[byte(word, 1) &+ 256] ^ table[byte(word, 0)]
            crc = rest ^ table[byte(word, 7) &+ 1_792] ^ table[byte(word, 6) &+ 1_536]
            index &+= 8
        }
        while index < bytes.count {
            crc = crc &<< 8 ^ table[Int(UInt8(truncatingIfNeeded: crc &>> 8) ^ bytes[index])]
            index &+= 1
        }
        return crc
    }

    /// Byte `index` of the word, 0 being the lowest.
    @inline(__always)
    private static func byte(_ word: UInt64, _ index: UInt64) -> Int {
        Int(UInt8(truncatingIfNeeded: word &>> (index &* 8)))
    }

    /// Entry 256 * k + b: the checksum of byte b with k zero bytes behind it.
    private static let table: [UInt16] = {
        var table: [UInt16] = []
        for byte in 0..<256 {
            var crc = UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
            table.append(crc)
        }
        for index in 256..<2_048 {
            let before = table[index - 256]
            table.append(before << 8 ^ table[Int(before >> 8)])
        }
        return table
    }()
}
