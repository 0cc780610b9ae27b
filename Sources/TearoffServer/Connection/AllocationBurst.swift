import NIOCore
import TearoffCore
import TearoffEngine

/// `ALLOC`s that a loop has read and not decided yet, in the order in which they were read, whichever connections
/// sent them.
///
/// Gathered first and decided then, so that the memory that each one will wait for is fetched while the others
/// are decided (at 10 M allocations the index is far larger than any cache), and so that what decides is run over
/// and over: between two sockets' system calls, much of it leaves the processor's caches.
struct AllocationBurst {
    struct Entry {
        /// Where the command begins in the connection's input.
        let start: Int
        /// Where the user stands.
        let user: Range<Int>
        /// The same of the marketing user id; empty when there is none.
        let userID: Range<Int>
        let isFull: Bool
    }

    /// The commands of one connection, which are of one campaign.
    struct Run {
        let connection: ConnectionHandler
        let terms: CampaignTerms
        fileprivate(set) var entries: Range<Int>
    }

    private(set) var runs: [Run] = []
    private var entries: [Entry] = []
    private var requests: [AllocationRequest] = []
    /// One for each entry, once they are decided.
    private var outcomes: [AllocationOutcome] = []

    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count >= LoopEngine.burstMaximum }

    func entry(_ index: Int) -> Entry { entries[index] }
    func outcome(_ index: Int) -> AllocationOutcome { outcomes[index] }

    /// Whether a command of that connection may be added. It may not behind one of another campaign, or behind
    /// another connection's that came between: a connection has one run.
    @inline(__always)
    func accepts(_ connection: ConnectionHandler, _ terms: CampaignTerms) -> Bool {
        if !connection.isInBurst { return true }
        guard let last = runs.last else { return true }
        return last.connection === connection && last.terms === terms
    }

    /// - Precondition: it is accepted, and the burst is not full.
    @inline(__always)
    mutating func append(
        _ request: AllocationRequest, _ entry: Entry, of connection: ConnectionHandler, _ terms: CampaignTerms
    ) {
        requests.append(request)
        entries.append(entry)
        if connection.isInBurst {
            runs[runs.count - 1].entries = runs[runs.count - 1].entries.lowerBound..<entries.count
        } else {
            connection.isInBurst = true
            runs.append(Run(connection: connection, terms: terms, entries: entries.count - 1..<entries.count))
        }
    }

    mutating func removeAll() {
        runs.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        requests.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
    }
}

// MARK: - Deciding

extension AllocationBurst {
    /// Decides all of it, in order.
    ///
    /// Of a run, what stands behind one that must wait, waits for the same.
    mutating func decide(_ engine: LoopEngine) {
        if entries.count > 1 { engine.prefetch(requests.span) }
        let moment = engine.moment
        engine.withTick { tick in
            for run in runs { decide(run, engine, at: moment, &tick) }
        }
    }

    private mutating func decide(
        _ run: Run, _ engine: LoopEngine, at moment: TickMoment, _ tick: inout Tick
    ) {
        let input = run.connection.input
        let bytes = input.readableBytesUInt8Span
        for index in run.entries {
            let entry = entries[index]
            let outcome = engine.allocate(
                requests[index], terms: run.terms, at: moment, user: bytes.extracting(entry.user),
                userID: bytes.extracting(entry.userID), in: &tick)
            engine.prefetchText(of: outcome)
            outcomes.append(outcome)
            if case .parked = outcome {
                for _ in index + 1..<run.entries.upperBound { outcomes.append(outcome) }
                return
            }
        }
    }
}
