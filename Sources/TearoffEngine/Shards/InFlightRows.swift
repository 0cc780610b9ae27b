import TearoffCore
import TearoffLog

/// Which frames the latest rows of a shard wait for, as runs of rows that went into one frame. Rows before the
/// first run are known to be durable, unless something became of them since: of holds, one by one.
struct InFlightRows {
    /// From `firstRow` to the next run, or to the shard's last row.
    private struct Run {
        let firstRow: UInt32
        let frame: LaneFrame
    }

    /// A ring, so that dropping the front is free.
    private var runs: [Run?]
    private var head = 0
    private var count = 0
    private var nextRow: UInt32
    private var latest: LaneFrame?
    /// By row: the frame that a hold's beginning or end went into. Those of durable frames stay for a while.
    private var changes: [UInt32: LaneFrame] = [:]
    /// Whether something may have become of older rows that is not durable. Beside the dictionary, since every command
    /// asks.
    private(set) var hasChanges = false
    /// Of each lane, the latest frame that any change went into: when these are durable, all changes are.
    private var latestChanges: [LaneFrame] = []
    private var changesBeforeSweep = Self.changesAtFirst
    private static let changesAtFirst = 64

    /// Runs of a shard that two or three lanes write to fit without growing.
    private static let runsAtFirst = 16

    /// - Parameter firstRow: the rows before it were recovered.
    init(firstRow: Int) {
        nextRow = UInt32(firstRow)
        runs = [Run?](repeating: nil, count: Self.runsAtFirst)
    }

    /// The frame that `row` waits for, or nil when it is durable.
    ///
    /// - Parameter lanes: looked at seldom: all loops share it, and to refer to it for each command would have
    ///   their cores pass its reference count around.
    /// - Complexity: O(log runs).
    func dependency(of row: RowNumber, lanes: @autoclosure () -> [LaneStatus]) -> LaneFrame? {
        if hasChanges, let frame = change(of: row, lanes: lanes()) { return frame }
        // The usual case first: older than all that is remembered.
        guard count > 0, let oldest = run(0), oldest.firstRow <= row.rawValue else { return nil }
        var (low, high) = (1, count)
        while low < high {
            let middle = (low + high) / 2
            if let run = run(middle), run.firstRow <= row.rawValue { low = middle + 1 } else { high = middle }
        }
        guard let waiting = run(low - 1)?.frame else { return nil }
        return lanes()[waiting.lane].durableFrame >= waiting.frame ? nil : waiting
    }

    /// The frame that what became of a hold waits for, or nil when it is durable.
    func change(of row: RowNumber, lanes: [LaneStatus]) -> LaneFrame? {
        guard let frame = changes[row.rawValue] else { return nil }
        return lanes[frame.lane].durableFrame >= frame.frame ? nil : frame
    }

    /// Forgets the changes once all are durable, so that commands do not go on asking for them.
    mutating func forgetDurableChanges(_ lanes: [LaneStatus]) {
        guard latestChanges.allSatisfy({ lanes[$0.lane].durableFrame >= $0.frame }) else { return }
        changes.removeAll(keepingCapacity: true)
        latestChanges.removeAll(keepingCapacity: true)
        hasChanges = false
    }

    /// Notes that the hold in that row began or ended.
    ///
    /// - Complexity: O(1) amortised.
    mutating func noteChange(of row: RowNumber, in frame: LaneFrame, lanes: [LaneStatus]) {
        if changes.count >= changesBeforeSweep {
            changes = changes.filter { lanes[$0.value.lane].durableFrame < $0.value.frame }
            changesBeforeSweep = max(Self.changesAtFirst, 2 * changes.count)
        }
        changes[row.rawValue] = frame
        latestChanges.removeAll { $0.lane == frame.lane }
        latestChanges.append(frame)
        hasChanges = true
    }

    private func run(_ index: Int) -> Run? { runs[(head &+ index) & (runs.count &- 1)] }

    /// Adds the next row.
    ///
    /// - Parameter lanes: as above.
    /// - Complexity: O(1) amortised.
    @inline(__always)
    mutating func append(_ frame: LaneFrame, lanes: @autoclosure () -> [LaneStatus]) {
        if latest != frame { begin(frame, lanes: lanes()) }
        nextRow &+= 1
    }

    /// Begins a run. When there is no room, runs at the front whose frames have become durable are forgotten, and
    /// only then does it grow.
    private mutating func begin(_ frame: LaneFrame, lanes: [LaneStatus]) {
        if count == runs.count {
            forgetDurable(lanes)
            // Less than half of the room won would have this done again soon.
            if count > runs.count / 2 { grow() }
        }
        runs[(head + count) & (runs.count - 1)] = Run(firstRow: nextRow, frame: frame)
        count += 1
        latest = frame
    }

    private mutating func forgetDurable(_ lanes: [LaneStatus]) {
        while count > 0, let oldest = run(0)?.frame, lanes[oldest.lane].durableFrame >= oldest.frame {
            head = (head + 1) & (runs.count - 1)
            count -= 1
        }
    }

    private mutating func grow() {
        var larger = [Run?](repeating: nil, count: runs.count * 2)
        for index in 0..<count { larger[index] = run(index) }
        runs = larger
        head = 0
    }
}
