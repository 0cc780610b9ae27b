import TearoffCore
import TearoffLog

/// Which frames the latest rows of a shard wait for. Rows before ``firstRow`` are known to be durable.
struct InFlightRows {
    /// Packed: 16 bits of lane above, 48 bits of frame below. A ring, so that dropping the front is free.
    private var entries: [UInt64]
    private var head = 0
    private var count = 0
    private var firstRow: UInt32

    /// - Parameter firstRow: the rows before it were recovered.
    init(firstRow: Int) {
        self.firstRow = UInt32(firstRow)
        // The rows of an ordinary tick fit without growing: 4,096 over 16 shards.
        entries = [UInt64](repeating: 0, count: 256)
    }

    /// The frame that `row` waits for, or nil when it is durable.
    func dependency(of row: RowNumber, lanes: [LaneStatus]) -> LaneFrame? {
        guard row.rawValue >= firstRow else { return nil }
        let waiting = Self.unpack(entries[(head + Int(row.rawValue - firstRow)) & (entries.count - 1)])
        return lanes[waiting.lane].durableFrame >= waiting.frame ? nil : waiting
    }

    /// Adds the next row. When there is no room, rows at the front whose frames have become durable are
    /// forgotten, and only then does it grow.
    ///
    /// - Complexity: O(1) amortised.
    mutating func append(_ frame: LaneFrame, lanes: [LaneStatus]) {
        if count == entries.count {
            forgetDurable(lanes)
            // Less than half of the room won would have this done again soon.
            if count > entries.count / 2 { grow() }
        }
        entries[(head &+ count) & (entries.count &- 1)] = UInt64(frame.lane) << 48 | frame.frame.rawValue
        count += 1
    }

    private mutating func forgetDurable(_ lanes: [LaneStatus]) {
        while count > 0 {
            let oldest = Self.unpack(entries[head])
            if lanes[oldest.lane].durableFrame < oldest.frame { break }
            head = (head + 1) & (entries.count - 1)
            count -= 1
            firstRow += 1
        }
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: entries.count * 2)
        for index in 0..<count { larger[index] = entries[(head + index) & (entries.count - 1)] }
        entries = larger
        head = 0
    }

    private static func unpack(_ entry: UInt64) -> LaneFrame {
        LaneFrame(lane: Int(entry >> 48), frame: FrameNumber(rawValue: entry & (1 << 48 - 1)))
    }
}
