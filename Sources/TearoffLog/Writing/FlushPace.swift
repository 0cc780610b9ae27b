/// Whether a lane's commits are waited for in the tick or complete later, by how long flushes take.
///
/// On a fast disk waiting is best: it gathers the next batch and costs no hand-off. On a slow one the
/// loop must not stand still.
struct FlushPace {
    /// Above this mean, commits complete asynchronously. - Source: DESIGN.md, "over 0.5 ms".
    static let asynchronousAboveNanoseconds: UInt64 = 500_000
    /// Below this mean they are waited for again; half, so that the mode does not flutter.
    static let inlineBelowNanoseconds: UInt64 = 250_000
    /// Every so many asynchronous commits one is waited for, since only that measures the flush alone.
    static let probeInterval = 128

    let mode: LaneSettings.Completion
    private(set) var meanNanoseconds: UInt64 = 0
    private var isSlow = false
    private var sinceProbe = 0

    init(mode: LaneSettings.Completion) {
        self.mode = mode
    }

    /// Decides for the next write.
    mutating func nextIsAsynchronous() -> Bool {
        switch mode {
        case .inline: return false
        case .asynchronous: return true
        case .measured:
            guard isSlow else { return false }
            sinceProbe += 1
            guard sinceProbe < Self.probeInterval else {
                sinceProbe = 0
                return false
            }
            return true
        }
    }

    /// - Parameter waited: whether the time is the flush's own. A completion that the loop found when it came
    ///   by was over at some earlier moment: such a time only counts when it lowers the mean.
    mutating func record(nanoseconds: UInt64, waited: Bool) {
        if meanNanoseconds == 0 {
            meanNanoseconds = nanoseconds
        } else if waited || nanoseconds < meanNanoseconds {
            meanNanoseconds = meanNanoseconds - meanNanoseconds / 16 + nanoseconds / 16
        }
        if meanNanoseconds > Self.asynchronousAboveNanoseconds {
            isSlow = true
        } else if meanNanoseconds < Self.inlineBelowNanoseconds {
            isSlow = false
        }
    }
}
