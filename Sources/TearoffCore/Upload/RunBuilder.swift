/// Packs codes into strips, all of which are full but the last.
struct RunBuilder: Sendable {
    private let id: UploadID
    private(set) var strips: [Strip] = []
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []
    /// Codes appended so far.
    private(set) var count = 0

    init(id: UploadID) {
        self.id = id
    }

    mutating func append(_ code: Span<UInt8>) {
        bytes.append(code)
        ends.append(UInt32(bytes.count))
        count += 1
        if ends.count == Strip.capacity { seal() }
    }

    private mutating func seal() {
        // Copies are exact: what the growing buffers have to spare would be resident for ever.
        let text = StripText(bytes: Array(bytes[...]), ends: Array(ends[...]))
        strips.append(
            Strip(upload: id, firstOrdinal: Ordinal(count - ends.count), count: ends.count, text: text))
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Seals the last strip; nothing may be appended after it.
    mutating func finish() {
        if !ends.isEmpty { seal() }
    }

    mutating func takeStrips() -> [Strip] {
        defer { strips = [] }
        return strips
    }
}
