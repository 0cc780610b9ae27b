/// What a run does: everything that decides which commands are sent when.
package struct LoadPlan: Equatable, Sendable {
    package enum Pace: Equatable, Sendable {
        /// Each connection writes `depth` commands at once and awaits all their replies, again and again.
        case closed(depth: Int)
        /// Commands are sent when their time has come, whatever is outstanding.
        case open(ratePerSecond: Double, spacing: ArrivalSchedule.Spacing, outstandingMax: Int)
    }

    package enum Extent: Equatable, Sendable {
        /// So many commands behind the warm-up.
        case requests(UInt64)
        /// So long behind the warm-up.
        case nanoseconds(UInt64)
    }

    package enum CampaignOrder: String, CaseIterable, Sendable {
        case roundRobin = "round-robin"
        case random
    }

    package var pace: Pace
    package var extent: Extent
    package var warmUpNanoseconds: UInt64 = 0
    package var connections = 50
    package var threads = 1
    package var users = UserSource.Distribution.new
    package var repeatShare = 0.0
    package var seed: UInt64 = 1
    package var campaigns = ["c"]
    package var campaignOrder = CampaignOrder.roundRobin
    package var command: CommandTemplate
    package var hasSeries = false

    package init(pace: Pace, extent: Extent, command: CommandTemplate) {
        self.pace = pace
        self.extent = extent
        self.command = command
    }

    /// A thread's part of a count that all threads share.
    package func share(of total: UInt64, thread: Int) -> UInt64 {
        let threads = UInt64(threads)
        return total / threads + (UInt64(thread) < total % threads ? 1 : 0)
    }

    package func connections(ofThread thread: Int) -> Int {
        Int(share(of: UInt64(connections), thread: thread))
    }
}

extension LoadPlan {
    /// In words, for the report.
    package var summary: String {
        let loop =
            switch pace {
            case .closed(let depth): "closed loop, depth \(depth)"
            case .open(let rate, let spacing, _): "open loop, \(rate)/s \(spacing.rawValue)"
            }
        return "\(loop), \(connections) connections, \(threads) \(threads == 1 ? "thread" : "threads")"
    }
}
