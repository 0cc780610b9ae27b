import CZstd
import TearoffCore

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

    /// Replaces `content` by what was packed.
    ///
    /// - Parameter countMax: a larger content is refused before anything is allocated.
    /// - Returns: false when the bytes are no packed blob of at most that size; `content` is then worthless.
    package static func unpack(_ packed: Span<UInt8>, countMax: Int, into content: inout [UInt8]) -> Bool {
        guard packed.count > 8 else { return false }
        let count: UInt64 = packed.littleEndian(at: 0)
        guard count <= UInt64(countMax) else { return false }
        return ZstdDecompressor().decompress(
            packed.extracting(8..<packed.count), count: Int(count), into: &content)
    }
}

extension BlobStore {
    /// Packs some content and writes it as a blob.
    ///
    /// - Returns: and the bytes that it takes.
    package func writePacked(_ content: [UInt8]) throws(StorageError) -> (blob: BlobID, byteCount: Int) {
        let packed = PackedBlob.pack(content)
        let writer = try makeWriter()
        try writer.append(packed.span)
        return (try writer.finish(), packed.count)
    }

    /// Replaces `content` by what a packed blob holds.
    ///
    /// - Parameters:
    ///   - countMax: a larger content is refused before anything is allocated.
    ///   - packed: memory for the blob itself.
    /// - Throws: problem `.damaged` also for a blob that is not packed.
    package func readPacked(
        _ id: BlobID, countMax: Int, packed: inout [UInt8], into content: inout [UInt8]
    ) throws(StorageError) {
        try readAll(id, into: &packed)
        guard PackedBlob.unpack(packed.span, countMax: countMax, into: &content) else {
            throw StorageError(.read, file: "blobs/\(id)", problem: .damaged)
        }
    }
}
