import CCRC32C

/// CRC32C (Castagnoli). It finds accidents, not attackers.
package enum CRC32C {
    /// The checksum of what `crc` covers followed by `bytes`; begin with 0.
    ///
    /// - Complexity: O(`bytes.count`), about 10 GB/s with the processor's instruction.
    package static func checksum(_ bytes: Span<UInt8>, continuing crc: UInt32 = 0) -> UInt32 {
        // SAFETY: the pointer and its count come from one buffer, which outlives the call.
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe tearoff_crc32c(crc, buffer.baseAddress, buffer.count)
        }
    }
}
