/// Borrowed bytes: compared and copied in one place.
extension Span<UInt8> {
    package func hasSameBytes(as other: Span<UInt8>) -> Bool {
        if count != other.count { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    /// The bytes as an array of their own.
    package var copy: [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(count)
        copy.append(self)
        return copy
    }
}

extension OutputSpan<UInt8> {
    /// - Precondition: there is room for them.
    package mutating func append(copying bytes: Span<UInt8>) {
        precondition(freeCapacity >= bytes.count, "no room for \(bytes.count) bytes")
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress, let start = buffer.baseAddress else { return }
                // SAFETY: so many bytes are free behind those that are counted, and none of them is another's.
                unsafe (start + count).initialize(from: source, count: bytes.count)
                count += bytes.count
            }
        }
    }
}

extension [UInt8] {
    package mutating func append(_ bytes: Span<UInt8>) {
        // SAFETY: the buffer is read before the call returns.
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
