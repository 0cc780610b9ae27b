package import TearoffCore

/// Idempotency keys as a blob: what a snapshot stores of those that are kept, of whichever shards, before compression.
package enum KeyChunk {
    package static let keysMaximum = 65_536
    /// Bytes that any chunk can take: a key and a marketing user id of 255 bytes each, and 60 of numbers.
    package static let bytesMaximum = 32 + keysMaximum * (2 * 255 + 60)
    private static let magic: UInt32 = 0x314B_4F54  // "TOK1"

    /// - Parameter keys: at most ``keysMaximum``.
    /// - Source: bytes in `docs/FORMAT.md`, "Key chunks".
    package static func encode(_ keys: [KeyUse]) -> [UInt8] {
        precondition(keys.count <= keysMaximum, "\(keys.count) keys in a chunk")
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(magic)
        bytes.appendVarint(UInt64(keys.count))
        var usedAt: UInt64 = 0
        for use in keys {
            bytes.append(addingCapacity: 64 + use.text.count) { bytes in
                bytes.appendVarint(UInt64(use.shard.rawValue))
                bytes.appendVarint(use.sequence.rawValue)
                bytes.appendVarint(UInt64(use.row.rawValue))
                bytes.appendZigzag(Int64(bitPattern: use.answer.usedAt.milliseconds &- usedAt))
                bytes.append(use.answer)
                bytes.append(use.keyByteCount)
                bytes.append(UInt8(use.text.count - Int(use.keyByteCount)))
                bytes.append(copying: use.text.span)
            }
            usedAt = use.answer.usedAt.milliseconds
        }
        return bytes
    }

    /// Reads a chunk back. Whether the rows exist is not known here.
    package static func decode(_ bytes: Span<UInt8>, shardCount: UInt16) throws(RecordError) -> [KeyUse] {
        var reader = ByteReader()
        guard try reader.littleEndian(bytes) as UInt32 == magic else { throw .badField("magic", offset: 0) }
        let count: Int = try reader.narrow(bytes)
        guard count <= keysMaximum else { throw .badField("key count", offset: 4) }
        var keys: [KeyUse] = []
        var usedAt = Timestamp.zero
        for _ in 0..<count {
            let start = reader.position
            let shard: UInt16 = try reader.narrow(bytes)
            guard shard < shardCount else { throw .badField("shard \(shard)", offset: start) }
            let sequence = SequenceNumber(rawValue: try reader.varint(bytes))
            let row = RowNumber(rawValue: try reader.narrow(bytes))
            usedAt = try reader.time(beside: usedAt, bytes)
            let answer = try reader.keyAnswer(usedAt: usedAt, bytes)
            let (keyByteCount, text) = try reader.keyText(bytes)
            keys.append(
                KeyUse(
                    shard: ShardID(rawValue: shard), sequence: sequence, row: row, answer: answer,
                    keyByteCount: keyByteCount, text: bytes.extracting(text).copy))
        }
        guard reader.isAtEnd(bytes) else { throw .badField("length", offset: reader.position) }
        return keys
    }
}
