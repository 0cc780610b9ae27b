/// Which segment of which lane.
package struct SegmentID: Hashable, Comparable, Sendable {
    package let lane: LaneID
    package let number: SegmentNumber

    package init(lane: LaneID, number: SegmentNumber) {
        self.lane = lane
        self.number = number
    }

    package static func < (left: SegmentID, right: SegmentID) -> Bool {
        (left.lane, left.number) < (right.lane, right.number)
    }
}

extension SegmentID: CustomStringConvertible {
    package static let suffix = ".wal"

    /// The file's name in `wal/`: `<lane>-<number>.wal`, the number as 16 hex digits.
    package var fileName: String { "\(lane)-\(Hex.encode(number.rawValue))\(Self.suffix)" }

    package var description: String { "wal/\(fileName)" }

    /// Reads a name exactly as ``fileName`` writes it; nil for any other.
    package init?(fileName: String) {
        guard fileName.hasSuffix(Self.suffix) else { return nil }
        let parts = fileName.dropLast(Self.suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let digits = Hex.decode(parts[1]), digits.count == 8 else { return nil }
        let lane: LaneID
        if parts[0] == "control" {
            lane = .control
        } else if let raw = UInt16(parts[0]) {
            lane = LaneID(rawValue: raw)
        } else {
            return nil
        }
        let number = digits.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(lane: lane, number: SegmentNumber(rawValue: number))
        guard number > 0, self.fileName == fileName else { return nil }
    }
}

/// A segment file as the directory lists it.
package struct SegmentFile: Equatable, Sendable {
    package let id: SegmentID
    package let byteCount: UInt64

    package init(id: SegmentID, byteCount: UInt64) {
        self.id = id
        self.byteCount = byteCount
    }
}
