/// `ALLOC campaign user` as nearly every client sends it: a RESP array of three, all of it in the input. Recognised
/// at a glance, which takes a quarter of ``CommandDecoder``'s instructions.
///
/// It says nothing that the decoder would not: whatever looks otherwise, or is in error, is left to that.
package struct PlainAlloc: Equatable, Sendable {
    /// Where the campaign and the user stand in the input.
    package let campaign: Range<Int>
    package let user: Range<Int>
    /// Where the next command begins.
    package let end: Int

    /// `*3`, `$5`, `ALLOC` and `$` with their line ends: 16 bytes as two little-endian words.
    private static let head: (UInt64, UInt64) = (0x0A0D_3524_0A0D_332A, 0x240A_0D43_4F4C_4C41)
    /// What makes the five letters of the second word capitals. No other byte becomes a letter by it.
    private static let capitals: UInt64 = ~0x20_2020_2020
    private static let headBytes = 16

    /// - Returns: nil when the command that begins at `start` is not of this form, not whole, or in error.
    @inline(__always)
    package init?(_ bytes: Span<UInt8>, from start: Int) {
        guard bytes.count &- start >= Self.headBytes,
            bytes.littleEndianWord(at: start) == Self.head.0,
            bytes.littleEndianWord(at: start &+ 8) & Self.capitals == Self.head.1
        else { return nil }
        guard let campaign = bytes.bulk(lengthAt: start &+ Self.headBytes),
            campaign.count <= ArgumentLimits.nameBytes,
            campaign.upperBound &+ 2 < bytes.count, bytes[campaign.upperBound &+ 2] == ASCII.dollar,
            let user = bytes.bulk(lengthAt: campaign.upperBound &+ 3), user.count <= ArgumentLimits.valueBytes
        else { return nil }
        self.campaign = campaign
        self.user = user
        end = user.upperBound &+ 2
    }
}

extension Span<UInt8> {
    @inline(__always)
    fileprivate func littleEndianWord(at index: Int) -> UInt64 {
        // SAFETY: the bounds are checked by the load, and every bit pattern is a number.
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// A bulk string of 1 to 999 bytes, from the first digit of its length to its line end.
    ///
    /// - Returns: where its bytes stand, or nil.
    @inline(__always)
    fileprivate func bulk(lengthAt index: Int) -> Range<Int>? {
        var index = index
        var length = 0
        let digitsEnd = index &+ 3
        while index < count, index < digitsEnd {
            let digit = self[index] &- ASCII.zero
            guard digit < 10, length > 0 || digit > 0 else { break }
            length = length &* 10 &+ Int(digit)
            index &+= 1
        }
        let body = index &+ 2
        let end = body &+ length
        guard length > 0, end &+ 2 <= count, isLineEnd(at: index), isLineEnd(at: end) else { return nil }
        return body..<end
    }

    @inline(__always)
    private func isLineEnd(at index: Int) -> Bool {
        self[index] == ASCII.carriageReturn && self[index &+ 1] == ASCII.lineFeed
    }
}
