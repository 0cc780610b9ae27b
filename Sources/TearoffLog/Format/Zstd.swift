import CZstd

/// A zstd compression context, reused: no allocation per frame once it is warm.
@safe final class ZstdCompressor {
    private let context: OpaquePointer

    /// - Parameter level: zstd's; negative ones are faster.
    init(level: Int32) {
        // Contexts are made at start; without memory for one, no allocation of Swift's own would succeed either.
        guard let context = unsafe ZSTD_createCCtx() else { fatalError("no memory for a zstd context") }
        unsafe self.context = context
        // SAFETY: the context is alive; a level out of range is clamped by zstd.
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    }

    deinit {
        // SAFETY: made in init, freed once.
        unsafe ZSTD_freeCCtx(context)
    }

    /// Compresses into `output` from `start` on.
    ///
    /// - Parameter countMax: room for the result; `output` is as long.
    /// - Returns: the compressed size, or nil when it would not fit.
    func compress(_ input: Span<UInt8>, into output: inout [UInt8], at start: Int, countMax: Int) -> Int? {
        precondition(start + countMax <= output.count, "no room for \(countMax) bytes at \(start)")
        // SAFETY: both pointers are used inside their scopes, with counts that lie inside the buffers.
        let result = unsafe input.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                unsafe ZSTD_compress2(
                    context, target.baseAddress.map { unsafe $0 + start }, countMax, source.baseAddress,
                    source.count)
            }
        }
        return ZSTD_isError(result) == 0 ? result : nil
    }
}

/// A zstd decompression context, reused.
@safe final class ZstdDecompressor {
    private let context: OpaquePointer

    init() {
        // As above: memory that cannot be had ends the process, as everywhere in Swift.
        guard let context = unsafe ZSTD_createDCtx() else { fatalError("no memory for a zstd context") }
        unsafe self.context = context
    }

    deinit {
        // SAFETY: made in init, freed once.
        unsafe ZSTD_freeDCtx(context)
    }

    /// Replaces `output` by exactly `count` decompressed bytes.
    ///
    /// - Parameter count: what a checked header declares, within a limit that the caller checked; bounds the
    ///   output, whatever the input holds.
    /// - Returns: false when the input is no zstd frame of that size; `output` is then worthless.
    func decompress(_ input: Span<UInt8>, count: Int, into output: inout [UInt8]) -> Bool {
        // SAFETY: the pointer is used inside its scope, with its own count.
        let declared = unsafe input.withUnsafeBytes {
            unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
        }
        // Before there is memory for it: of so many bytes nothing is known but what the header says.
        guard declared == UInt64(count) else { return false }
        if output.count > count {
            output.removeLast(output.count - count)
        } else {
            output.append(contentsOf: repeatElement(0, count: count - output.count))
        }
        // SAFETY: both pointers are used inside their scopes, with their own counts.
        return unsafe input.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                unsafe ZSTD_decompressDCtx(
                    context, target.baseAddress, target.count, source.baseAddress, source.count) == count
            }
        }
    }
}
