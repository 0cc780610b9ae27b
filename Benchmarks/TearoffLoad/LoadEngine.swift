/// What one thread of a run sends and when, and how long the replies took. No sockets, no clock: times come
/// in as parameters (nanoseconds of any one clock), bytes go through closures.
///
/// A latency counts from the moment that the command was meant to be sent, so that a server which stalls
/// cannot keep the generator from noticing: whatever should have been sent meanwhile has waited, too.
package struct LoadEngine: ~Copyable {
    private let pace: LoadPlan.Pace
    private let outstandingMax: Int
    private let recordingStart: UInt64
    private let end: UInt64
    private var recordedRequestsLeft: UInt64
    private let startNanoseconds: UInt64
    private var commands: CommandSource
    private var schedule: ArrivalSchedule?
    private var nextArrival: UInt64?
    private var connections: [LoadConnection]
    private var nextConnection = 0
    private var fullConnections = 0
    private var hasBegun = false
    private var unsent: [Int] = []
    package private(set) var tally: LoadTally

    /// - Parameter startNanoseconds: when the first command is due.
    package init(_ plan: LoadPlan, thread: Int, startNanoseconds: UInt64) {
        pace = plan.pace
        self.startNanoseconds = startNanoseconds
        recordingStart = startNanoseconds + plan.warmUpNanoseconds
        switch plan.extent {
        case .requests(let count):
            recordedRequestsLeft = plan.share(of: count, thread: thread)
            end = .max
        case .nanoseconds(let length):
            recordedRequestsLeft = .max
            end = recordingStart + length
        }
        commands = CommandSource(plan, thread: thread)
        connections = Array(repeating: LoadConnection(), count: plan.connections(ofThread: thread))
        tally = LoadTally(plan, startNanoseconds: startNanoseconds)
        switch plan.pace {
        case .closed:
            outstandingMax = .max
        case .open(let rate, let spacing, let outstandingMax):
            self.outstandingMax = outstandingMax
            schedule = ArrivalSchedule(
                ratePerSecond: rate, spacing: spacing, seed: plan.seed, thread: thread, threads: plan.threads)
        }
        precondition(!connections.isEmpty, "thread \(thread) has no connection")
        advanceSchedule()
    }

    package var connectionCount: Int { connections.count }

    /// Whether nothing will be sent any more and every reply is there.
    package var isDone: Bool { tally.outstanding == 0 && isExhausted }

    private var isExhausted: Bool {
        switch pace {
        case .closed: hasBegun
        case .open: nextArrival == nil
        }
    }

    /// When ``issueDue(now:)`` has something to do though no reply came; nil when only a reply can change
    /// that.
    package var nextDueNanoseconds: UInt64? {
        switch pace {
        case .closed: hasBegun ? nil : startNanoseconds
        case .open: fullConnections == connections.count ? nil : nextArrival
        }
    }

    /// The last moment at which a command may be due; replies are awaited for a while after it.
    package var endNanoseconds: UInt64 { end }

    /// How many commands of `count` a moment may still issue.
    private mutating func admit(_ count: Int, at nanoseconds: UInt64) -> Int {
        guard nanoseconds < end else { return 0 }
        guard nanoseconds >= recordingStart else { return count }
        let admitted = Int(min(UInt64(count), recordedRequestsLeft))
        recordedRequestsLeft -= UInt64(admitted)
        return admitted
    }
}

// MARK: - Issuing

extension LoadEngine {
    /// Puts every command whose time has come into a connection's output.
    package mutating func issueDue(now: UInt64) {
        guard now >= startNanoseconds else { return }
        switch pace {
        case .closed(let depth):
            if hasBegun { return }
            hasBegun = true
            for index in connections.indices { issueBatch(depth, on: index, now: now) }
        case .open:
            while let due = nextArrival, due <= now, let index = connectionWithRoom() {
                issue(1, at: due, on: index)
                advanceSchedule()
            }
        }
    }

    private mutating func issueBatch(_ depth: Int, on index: Int, now: UInt64) {
        let count = admit(depth, at: now)
        if count > 0 { issue(count, at: now, on: index) }
    }

    @inline(__always)
    private mutating func issue(_ count: Int, at nanoseconds: UInt64, on index: Int) {
        commands.append(count, to: &connections[index].output)
        connections[index].note(count, at: nanoseconds)
        if connections[index].outstanding >= outstandingMax { fullConnections += 1 }
        tally.outstanding += count
        if !connections[index].isListed {
            connections[index].isListed = true
            unsent.append(index)
        }
    }

    private mutating func advanceSchedule() {
        guard let offset = schedule?.next() else { return }
        let due = startNanoseconds + offset
        nextArrival = admit(1, at: due) == 1 ? due : nil
    }

    /// The next connection in turn; one that is full is passed over. Nil when all are: the arrival waits.
    private mutating func connectionWithRoom() -> Int? {
        guard fullConnections < connections.count else { return nil }
        while true {
            let index = nextConnection
            nextConnection = index + 1 == connections.count ? 0 : index + 1
            if connections[index].outstanding < outstandingMax { return index }
        }
    }

    /// A connection with something to write that was not offered since; nil when there is none.
    package mutating func takeUnsent() -> Int? {
        guard let index = unsent.popLast() else { return nil }
        connections[index].isListed = false
        return index
    }

    /// Offers a connection's output.
    ///
    /// - Parameter write: returns how many bytes it took. What it left is offered with the next call.
    package mutating func send<Failure: Error>(
        on index: Int, _ write: (Span<UInt8>) throws(Failure) -> Int
    ) throws(Failure) {
        let start = connections[index].sentCount
        if start == connections[index].output.count { return }
        // Taken out, so that it is borrowed while nothing else is, and stays the array's only reference.
        var output: [UInt8] = []
        swap(&output, &connections[index].output)
        let sent = start + (try write(output.span.extracting(start...)))
        connections[index].sentCount = sent
        if sent == output.count {
            output.removeAll(keepingCapacity: true)
            connections[index].sentCount = 0
        }
        swap(&output, &connections[index].output)
    }

    /// Gives up what was not sent or not answered, and counts it. The run is over then.
    package mutating func abandon(now: UInt64) {
        tally.unanswered = UInt64(tally.outstanding)
        tally.outstanding = 0
        while let due = nextArrival, due <= now {
            tally.unsent += 1
            advanceSchedule()
        }
        nextArrival = nil
        hasBegun = true
    }
}

// MARK: - Replies

extension LoadEngine {
    /// Takes what a connection received; in a closed loop the next batch follows the last reply.
    ///
    /// - Throws: when it is no RESP, or a reply that nobody asked for.
    package mutating func received(
        _ bytes: Span<UInt8>, on index: Int, now: UInt64
    ) throws(ReplyScanner.Violation) {
        let replies: Int
        if connections[index].partial.isEmpty {
            replies = try scan(bytes, on: index)
        } else {
            var whole = connections[index].partial
            connections[index].partial = []
            for position in bytes.indices { whole.append(bytes[position]) }
            replies = try scan(whole.span, on: index)
        }
        try settle(replies, on: index, now: now)
        if case .closed(let depth) = pace, connections[index].outstanding == 0 {
            issueBatch(depth, on: index, now: now)
        }
    }

    /// - Returns: how many replies ended.
    private mutating func scan(_ bytes: Span<UInt8>, on index: Int) throws(ReplyScanner.Violation) -> Int {
        var scanner = connections[index].scanner
        var position = 0
        var replies = 0
        while let reply = try scanner.next(bytes, at: &position) {
            replies += 1
            switch reply {
            case .value: break
            case .null: tally.nulls += 1
            case .error(let range): tally.noteError(bytes.extracting(range))
            }
        }
        connections[index].scanner = scanner
        while position < bytes.count {
            connections[index].partial.append(bytes[position])
            position += 1
        }
        return replies
    }

    @inline(__always)
    private mutating func settle(
        _ replies: Int, on index: Int, now: UInt64
    ) throws(ReplyScanner.Violation) {
        guard replies <= connections[index].outstanding else { throw ReplyScanner.Violation() }
        let wasFull = connections[index].outstanding >= outstandingMax
        var left = replies
        while left > 0 {
            let run = connections[index].takeAnswered(left)
            left -= run.count
            if run.nanoseconds >= recordingStart {
                tally.recorder.record(now - min(now, run.nanoseconds), count: run.count, now: now)
            }
        }
        if wasFull, connections[index].outstanding < outstandingMax { fullConnections -= 1 }
        tally.outstanding -= replies
        tally.replies += UInt64(replies)
    }
}
