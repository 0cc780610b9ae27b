/// A sliding view of one segment file: at most one read window, or one frame, in memory.
struct SegmentWindow {
    let file: SegmentFile
    private let storage: any LogStorage
    /// What is read at once, when no more is asked for.
    private let windowBytes: Int
    private var bytes: [UInt8] = []
    private var start: UInt64 = 0

    init(_ file: SegmentFile, storage: any LogStorage, windowBytes: Int = LogLimits.readWindowBytes) {
        self.file = file
        self.storage = storage
        self.windowBytes = windowBytes
    }

    /// Forgets what was read: the file has grown since.
    mutating func forget() {
        bytes = []
        start = 0
    }

    /// Bytes that are in view from `offset` on, after ``load(_:at:)``.
    func view(_ count: Int, at offset: UInt64) -> Range<Int> {
        precondition(offset >= start && offset + UInt64(count) <= start + UInt64(bytes.count), "not in view")
        let first = Int(offset - start)
        return first..<(first + count)
    }

    /// All that is in view from `offset` on, which must be in view itself.
    func range(from offset: UInt64) -> Range<Int> {
        precondition(offset >= start && offset <= start + UInt64(bytes.count), "not in view")
        return Int(offset - start)..<bytes.count
    }

    /// The memory that ranges of ``view(_:at:)`` and ``range(from:)`` point into.
    var memory: [UInt8] { bytes }

    /// Brings `count` bytes at `offset` into view. Reads are whole 4 KiB blocks.
    ///
    /// - Returns: false when the file ends before.
    mutating func load(_ count: Int, at offset: UInt64) throws(StorageError) -> Bool {
        precondition(
            count <= LogLimits.payloadBytesMax + LogLimits.segmentHeaderBytes, "a view of \(count) bytes")
        let end = offset + UInt64(count)
        guard end <= file.byteCount else { return false }
        if offset >= start && end <= start + UInt64(bytes.count) { return true }
        let unit = UInt64(LogLimits.segmentHeaderBytes)
        let first = offset / unit * unit
        let wanted = max(end, first + UInt64(windowBytes))
        let last = min((wanted + unit - 1) / unit * unit, file.byteCount / unit * unit)
        guard last >= end else { return false }
        try storage.read(file.id, from: ByteOffset(rawValue: first), count: Int(last - first), into: &bytes)
        start = first
        return true
    }
}
