/// A fast 64-bit hash for tables in memory; not for disk, and not against attackers without a secret seed.
///
/// - Source: the multiply-and-fold step of wyhash (Wang Yi), which passes SMHasher; the constants are its
/// own.
package enum ByteHash {
    private static let first: UInt64 = 0xA076_1D64_78BD_642F
    private static let second: UInt64 = 0xE703_7ED1_A0B4_28DB

    /// Both words folded into one by a 128-bit product.
    @inline(__always)
    package static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ first).multipliedFullWidth(by: right ^ second)
        return product.high ^ product.low
    }

    /// - Complexity: O(bytes).
    package static func hash(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
        // The bytes meet the state on one side of the product, and the other side is made of the seed alone:
        // a word that could make a factor zero, and so all texts alike, cannot be chosen without knowing the
        // seed.
        let key = fold(seed, first)
        var state = fold(seed, UInt64(bytes.count))
        var index = 0
        while index < bytes.count {
            var word: UInt64 = 0
            let end = min(index + 8, bytes.count)
            var shift: UInt64 = 0
            while index < end {
                word |= UInt64(bytes[index]) &<< shift
                shift &+= 8
                index &+= 1
            }
            state = fold(state ^ word, key)
        }
        return state
    }
}
