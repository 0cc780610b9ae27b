/// The text of a strip's codes, one after the other.
package struct StripText: Sendable {
    private let bytes: [UInt8]
    private let layout: Layout

    private enum Layout: Sendable {
        /// All codes have as many bytes: the usual case, with nothing to store beside the bytes.
        case uniform(length: Int)
        /// Codes of several lengths: `ends[i]` is where code i ends.
        case varied(ends: [UInt32])
        /// A fixed list: the same code every time.
        case same
    }

    package init(bytes: [UInt8], ends: [UInt32]) {
        self.bytes = bytes
        let length = Int(ends.first ?? 0)
        let isUniform = ends.indices.allSatisfy { Int(ends[$0]) == (Int($0) + 1) * length }
        layout = isUniform ? .uniform(length: length) : .varied(ends: ends)
    }

    /// What stands for codes whose text is not in memory: it reads as empty, which no code is.
    static let away = StripText(bytes: [], ends: [])

    package init(same code: [UInt8]) {
        bytes = code
        layout = .same
    }

    func withCode<Result>(at position: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(range(of: position)))
    }

    /// Where a code begins: a hint for the processor, never to be read through.
    func addressToPrefetch(of position: Int) -> UInt {
        // SAFETY: the address leaves as a number.
        unsafe bytes.withUnsafeBufferPointer { bytes in
            UInt(bitPattern: bytes.baseAddress) &+ UInt(range(of: position).lowerBound)
        }
    }

    private func range(of position: Int) -> Range<Int> {
        switch layout {
        case .uniform(let length): position * length..<(position + 1) * length
        case .varied(let ends): (position == 0 ? 0 : Int(ends[position - 1]))..<Int(ends[position])
        case .same: 0..<bytes.count
        }
    }

    /// Bytes that the text takes in memory.
    var byteCount: Int {
        switch layout {
        case .uniform: bytes.count
        case .varied(let ends): bytes.count + ends.count * 4
        case .same: 0
        }
    }
}
