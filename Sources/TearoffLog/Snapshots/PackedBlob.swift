import CZstd

/// A blob's content under zstd: its size first, so that reading it back is bounded.
package enum PackedBlob {
    /// 3 is zstd's default: history chunks are written once, off the loops, and kept.
    private static let level: Int32 = 3

    package static func pack(_ content: [UInt8]) -> [UInt8] {
        var packed = [UInt8](repeating: 0, count: 8 + ZSTD_compressBound(content.count))
        let size = ZstdCompressor(level: level).compress(
            content.span, into: &packed, at: 8, countMax: packed.count - 8)
        guard let size else { preconditionFailure("zstd did not keep to its own bound") }
        packed.removeLast(packed.count - 8 - size)
        for index in 0..<8 { packed[index] = UInt8(truncatingIfNeeded: content.count >> (8 * index)) }
        return packed
    }

    /// - Parameter countMax: a larger content is refused before anything is allocated.
    /// - Returns: nil when the bytes are no packed blob of at most that size.
    package static func unpack(_ packed: Span<UInt8>, countMax: Int) -> [UInt8]? {
        guard packed.count > 8 else { return nil }
        var count: UInt64 = 0
        for index in 0..<8 { count |= UInt64(packed[index]) << UInt64(8 * index) }
        guard count <= UInt64(countMax) else { return nil }
        var content: [UInt8] = []
        let isWhole = ZstdDecompressor().decompress(
            packed.extracting(8..<packed.count), count: Int(count), into: &content)
        return isWhole ? content : nil
    }
}
