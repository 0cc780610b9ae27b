/// The text of a strip's codes, one after the other.
package enum StripText: Sendable {
    /// All codes have `length` bytes: the usual case, with nothing to store beside the bytes.
    case uniform(bytes: [UInt8], length: Int)
    /// Codes of several lengths: `ends[i]` is where code i ends.
    case varied(bytes: [UInt8], ends: [UInt32])
    /// A fixed list: the same code every time.
    case same([UInt8])

    package init(bytes: [UInt8], ends: [UInt32]) {
        let length = Int(ends.first ?? 0)
        let isUniform = ends.indices.allSatisfy { Int(ends[$0]) == (Int($0) + 1) * length }
        self = isUniform ? .uniform(bytes: bytes, length: length) : .varied(bytes: bytes, ends: ends)
    }

    func withCode<Result>(at position: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        switch self {
        case .uniform(let bytes, let length):
            body(bytes.span.extracting(position * length..<(position + 1) * length))
        case .varied(let bytes, let ends):
            body(bytes.span.extracting((position == 0 ? 0 : Int(ends[position - 1]))..<Int(ends[position])))
        case .same(let code):
            body(code.span)
        }
    }

    var byteCount: Int {
        switch self {
        case .uniform(let bytes, _): bytes.count
        case .varied(let bytes, let ends): bytes.count + ends.count * 4
        case .same: 0
        }
    }
}
