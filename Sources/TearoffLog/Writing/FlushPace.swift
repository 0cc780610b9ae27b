/// Whether a lane's commits are waited for in the tick or complete later, by how long flushes take.
///
/// On a fast disk waiting is best: it gathers the next batch and costs no hand-off. On a slow one the loop must not
/// stand still. Judged by many flushes, not by their mean: on busy cores a single flush of milliseconds is common,
/// and says nothing of the disk.
struct FlushPace {
    /// A flush above this is slow: in that time a loop decides some hundreds of commands.
    static let slowNanoseconds: UInt64 = 500_000
    /// A flush below this is quick; half, so that the mode does not flutter.
    static let quickNanoseconds: UInt64 = 250_000
    /// Of the last eight flushes that were waited for, so many slow ones make commits asynchronous.
    static let slowOfEight = 6
    /// So many quick ones in a row make them waited for again.
    static let quickInRow = 4
    /// Every so many asynchronous commits one is waited for, since only that measures the flush alone.
    static let probeInterval = 32

    let mode: LaneSettings.Completion
    /// Moving mean, for people.
    private(set) var meanNanoseconds: UInt64 = 0
    private var isSlow = false
    private var sinceProbe = 0
    /// A bit for each of the last eight flushes: whether it was slow.
    private var slowOnes: UInt8 = 0
    private var quickRun = 0

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
    ///   by was over at some earlier moment: such a time only counts when it is quick, or lowers the mean.
    mutating func record(nanoseconds: UInt64, waited: Bool) {
        if meanNanoseconds == 0 {
            meanNanoseconds = nanoseconds
        } else if waited || nanoseconds < meanNanoseconds {
            meanNanoseconds = meanNanoseconds - meanNanoseconds / 16 + nanoseconds / 16
        }
        guard waited || nanoseconds < Self.quickNanoseconds else { return }
        slowOnes = slowOnes << 1 | (nanoseconds > Self.slowNanoseconds ? 1 : 0)
        quickRun = nanoseconds < Self.quickNanoseconds ? quickRun + 1 : 0
        if quickRun >= Self.quickInRow {
            isSlow = false
        } else if slowOnes.nonzeroBitCount >= Self.slowOfEight {
            isSlow = true
        }
    }
}
