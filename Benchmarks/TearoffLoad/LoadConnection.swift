/// One connection of the load: what is to be written, and what awaits its reply since when.
struct LoadConnection {
    var output: [UInt8] = []
    /// How much of `output` the socket took.
    var sentCount = 0
    /// Whether the connection is in the list of those with something to write.
    var isListed = false
    var scanner = ReplyScanner()
    /// The beginning of a reply's line whose end has not come.
    var partial: [UInt8] = []
    private(set) var outstanding = 0
    /// In the order of their replies; commands of one moment are one run.
    private var runs: [Run] = []
    private var firstRun = 0

    struct Run {
        let nanoseconds: UInt64
        var count: Int
    }

    mutating func note(_ count: Int, at nanoseconds: UInt64) {
        runs.append(Run(nanoseconds: nanoseconds, count: count))
        outstanding += count
    }

    /// Takes the oldest commands that came at one moment, `limit` at most.
    ///
    /// - Precondition: something is outstanding.
    mutating func takeAnswered(_ limit: Int) -> Run {
        precondition(firstRun < runs.count, "nothing is outstanding")
        let count = min(limit, runs[firstRun].count)
        let run = Run(nanoseconds: runs[firstRun].nanoseconds, count: count)
        runs[firstRun].count -= count
        outstanding -= count
        if runs[firstRun].count == 0 { firstRun += 1 }
        if firstRun == runs.count {
            runs.removeAll(keepingCapacity: true)
            firstRun = 0
        } else if firstRun >= LoadLimits.outstandingPerConnection, firstRun * 2 > runs.count {
            // Moves less than was taken before, so that a queue which is never empty stays cheap.
            runs.removeFirst(firstRun)
            firstRun = 0
        }
        return run
    }
}
