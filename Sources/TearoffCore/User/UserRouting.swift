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
            // SAFETY: the loop's condition keeps the eight bytes inside, and every bit pattern is a number.
            let word = unsafe user.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
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
        let table = ChecksumTable.shared
        var crc: UInt16 = 0
        var index = 0
        while index &+ 8 <= bytes.count {
            // SAFETY: the loop's condition keeps the eight bytes inside, and every bit pattern is a number.
            let loaded = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            let word = UInt64(bigEndian: loaded) ^ UInt64(crc) << 48
            // All but the first two bytes are known without the checksum so far: the processor need not wait.
            let rest =
                table[word, 5] ^ table[word, 4] ^ table[word, 3] ^ table[word, 2] ^ table[word, 1]
                ^ table[word, 0]
            crc = rest ^ table[word, 7] ^ table[word, 6]
            index &+= 8
        }
        while index < bytes.count {
            crc = crc &<< 8 ^ table[UInt64(crc &>> 8) ^ UInt64(bytes[index]), 0]
            index &+= 1
        }
        return crc
    }
}

/// Entry 256 * k + b: the CRC16 of byte b with k zero bytes behind it.
///
/// Sendable, proof: filled before it is shared, never changed or freed afterwards.
@safe private struct ChecksumTable: @unchecked Sendable {
    static let shared = ChecksumTable()

    /// A bare pointer, since the bounds of an array would be checked eight times for eight bytes.
    private let entries: UnsafePointer<UInt16>

    private init() {
        let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 8 * 256)
        // SAFETY: 2,048 entries are allocated; each is initialized once, from the one 256 before it.
        for byte in 0..<256 {
            var crc = UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
            unsafe (table + byte).initialize(to: crc)
        }
        for index in 256..<8 * 256 {
            let before = unsafe table[index - 256]
            unsafe (table + index).initialize(to: before << 8 ^ table[Int(before >> 8)])
        }
        unsafe entries = UnsafePointer(table)
    }

    /// The entry of byte `index` of the word, 0 being the lowest, with as many zero bytes behind it.
    ///
    /// - Parameter index: 0 to 7.
    @inline(__always)
    subscript(_ word: UInt64, _ index: Int) -> UInt16 {
        let byte = UInt8(truncatingIfNeeded: word &>> UInt64(index &* 8))
        // SAFETY: eight times 256 entries; the callers' indices are literals below eight.
        return unsafe entries[index &* 256 &+ Int(byte)]
    }
}
