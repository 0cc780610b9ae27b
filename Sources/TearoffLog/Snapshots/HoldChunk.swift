package import TearoffCore

/// A stretch of a shard's holds as a blob: what became of the rows that are holds.
package enum HoldChunk {
    package static let holdsMaximum = HoldStore.stretchHolds
    /// Bytes that any chunk can take: five numbers a hold.
    package static let bytesMaximum = 32 + holdsMaximum * 50
    private static let magic: UInt32 = 0x3157_4F54  // "TOW1"

    /// - Parameter range: indexes of holds, at most ``holdsMaximum``.
    /// - Source: bytes in `docs/FORMAT.md`, "Hold chunks".
    package static func encode(_ range: Range<Int>, of cut: ShardCut) -> [UInt8] {
        precondition(range.count <= holdsMaximum, "\(range.count) holds in a chunk")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count * 16)
        bytes.appendLittleEndian(magic)
        bytes.appendVarint(UInt64(cut.id.rawValue))
        bytes.appendVarint(UInt64(range.lowerBound))
        bytes.appendVarint(UInt64(range.count))
        let holds = range.map { cut.holds[$0] }
        var before = Hold(sequence: .none, row: RowNumber(rawValue: 0), deadline: .zero)
        for hold in holds {
            bytes.appendVarint(hold.sequence.rawValue - before.sequence.rawValue)
            bytes.appendVarint(UInt64(hold.row.rawValue - before.row.rawValue))
            bytes.appendZigzag(
                Int64(bitPattern: hold.deadline.milliseconds &- before.deadline.milliseconds))
            bytes.append(hold.end?.code ?? 0)
            if let end = hold.end {
                bytes.appendZigzag(
                    Int64(bitPattern: end.at.milliseconds &- hold.deadline.milliseconds))
            }
            before = hold
        }
        return bytes
    }

    /// Reads a chunk back.
    package static func decode(_ bytes: Span<UInt8>, shard: ShardID, first: Int) throws(RecordError) -> [Hold] {
        var reader = ByteReader()
        guard try reader.littleEndian(bytes) as UInt32 == magic else { throw .badField("magic", offset: 0) }
        guard try reader.varint(bytes) == UInt64(shard.rawValue) else { throw .badField("shard", offset: 4) }
        guard try reader.varint(bytes) == UInt64(first) else { throw .badField("first", offset: 4) }
        let count: Int = try reader.narrow(bytes)
        guard count <= holdsMaximum else { throw .badField("hold count", offset: 4) }
        var holds: [Hold] = []
        holds.reserveCapacity(count)
        var before = Hold(sequence: .none, row: RowNumber(rawValue: 0), deadline: .zero)
        for _ in 0..<count {
            before = try hold(behind: before, bytes, &reader)
            holds.append(before)
        }
        guard reader.isAtEnd(bytes) else { throw .badField("length", offset: reader.position) }
        return holds
    }

    private static func hold(
        behind before: Hold, _ bytes: Span<UInt8>, _ reader: inout ByteReader
    ) throws(RecordError) -> Hold {
        let start = reader.position
        let (sequence, sequenceOverflow) = before.sequence.rawValue.addingReportingOverflow(
            try reader.varint(bytes))
        let (row, rowOverflow) = UInt64(before.row.rawValue).addingReportingOverflow(try reader.varint(bytes))
        guard !sequenceOverflow, !rowOverflow, let row = UInt32(exactly: row) else {
            throw .badField("hold", offset: start)
        }
        let deadline = try reader.time(beside: before.deadline, bytes)
        let code = try reader.byte(bytes)
        var end: HoldEnd?
        if code != 0 {
            end = HoldEnd(code: code, at: try reader.time(beside: deadline, bytes))
            if end == nil { throw .badField("end of a hold", offset: start) }
        }
        return Hold(
            sequence: SequenceNumber(rawValue: sequence), row: RowNumber(rawValue: row), deadline: deadline,
            end: end)
    }
}

extension ByteReader {
    /// A time as the signed difference to another one.
    mutating func time(
        beside other: Timestamp, _ bytes: Span<UInt8>
    ) throws(RecordError) -> Timestamp {
        let offset = position
        let milliseconds = other.milliseconds &+ UInt64(bitPattern: try zigzag(bytes))
        guard milliseconds <= Timestamp.maximumMilliseconds else { throw .badField("time", offset: offset) }
        return Timestamp(milliseconds: milliseconds)
    }
}
