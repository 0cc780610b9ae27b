/// Where some bytes stand in an ``Arena``; 0 is "none".
package struct ArenaReference: Hashable, Sendable {
    let rawValue: UInt32
    static let none = ArenaReference(rawValue: 0)
}

/// Byte strings of 1 to 255 bytes, appended and never removed: long user ids and marketing user ids.
///
/// An entry is a length byte and the bytes, on a multiple of 8; so 32 bits reach 32 GiB a shard.
package struct Arena: Sendable {
    private static let blockBytes = 1 << 20
    private static let grain = 8
    static let entryBytesMaximum = 255

    private var blocks: [[UInt8]] = []

    /// - Complexity: O(bytes); a new block of 1 MiB now and then.
    mutating func append(_ bytes: Span<UInt8>) -> ArenaReference {
        precondition(bytes.count > 0 && bytes.count <= Self.entryBytesMaximum, "\(bytes.count) bytes for an arena")
        if blocks.isEmpty || blocks[blocks.count - 1].count + 1 + bytes.count > Self.blockBytes {
            var block: [UInt8] = []
            block.reserveCapacity(Self.blockBytes)
            // Reference 0 is "none", so the first grain of the first block stays empty.
            if blocks.isEmpty { block.append(contentsOf: repeatElement(0, count: Self.grain)) }
            blocks.append(block)
        }
        let block = blocks.count - 1
        let offset = blocks[block].count
        blocks[block].append(UInt8(bytes.count))
        blocks[block].append(bytes)
        while blocks[block].count % Self.grain != 0 { blocks[block].append(0) }
        return ArenaReference(rawValue: UInt32(block * (Self.blockBytes / Self.grain) + offset / Self.grain))
    }

    func withBytes<Result>(at reference: ArenaReference, _ body: (Span<UInt8>) -> Result) -> Result {
        let grains = Self.blockBytes / Self.grain
        let block = Int(reference.rawValue) / grains
        let offset = Int(reference.rawValue) % grains * Self.grain
        let bytes = blocks[block]
        return body(bytes.span.extracting(offset + 1..<offset + 1 + Int(bytes[offset])))
    }

    var byteCount: Int { blocks.count * Self.blockBytes }
}

// MARK: - What rows refer to

extension Arena {
    /// - Precondition: there is room for ``entryBytesMaximum``.
    func appendUser(of row: Row, to output: inout OutputSpan<UInt8>) {
        if row.form == UserKey.long {
            append(ArenaReference(rawValue: UInt32(truncatingIfNeeded: row.high)), to: &output)
        } else {
            UserKey(form: row.form, low: row.low, high: row.high).appendText(to: &output)
        }
    }

    /// - Precondition: there is room for ``entryBytesMaximum``.
    func appendUserID(of row: Row, to output: inout OutputSpan<UInt8>) {
        if row.userID != .none { append(row.userID, to: &output) }
    }

    private func append(_ reference: ArenaReference, to output: inout OutputSpan<UInt8>) {
        withBytes(at: reference) { bytes in
            output.append(copying: bytes)
        }
    }

    func copy(_ reference: ArenaReference) -> [UInt8] {
        withBytes(at: reference) { $0.copy }
    }
}
