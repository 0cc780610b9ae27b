/// Little-endian integers in byte buffers; every number on disk is written this way.
extension Span<UInt8> {
    /// - Precondition: the integer's bytes lie inside the span.
    @inline(__always)
    package func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type = Number.self, at offset: Int
    ) -> Number {
        // Cut to size first, so that the bounds are checked once.
        let bytes = extracting(offset..<offset + Number.bitWidth / 8)
        var number: Number = 0
        for index in 0..<(Number.bitWidth / 8) {
            number |= Number(truncatingIfNeeded: bytes[index]) &<< Number(truncatingIfNeeded: index &* 8)
        }
        return number
    }

    /// Whether every byte is zero.
    package var isZero: Bool {
        var seen: UInt8 = 0
        for index in indices {
            seen |= self[index]
        }
        return seen == 0
    }
}

extension [UInt8] {
    /// - Precondition: the integer's bytes lie inside the array.
    package mutating func storeLittleEndian<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ number: Number, at offset: Int
    ) {
        var span = mutableSpan
        // SAFETY: every byte is a UInt8.
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}
