import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// A connection's commands and replies: cuts the input into commands, runs each where it was read, and keeps
/// the replies in order until they may leave.
///
/// One value that a read opens once, not a reference whose fields are opened for each command.
struct CommandStream {
    /// Why the next command is not run yet.
    enum Stall: Equatable {
        /// The command met a row in flight in another lane; it is decided again when that frame is durable.
        case parked(LaneFrame)
        /// The command runs elsewhere and answers later.
        case awaitingReply
        /// The tick's batch is full.
        case batchFull
        /// It has had its turn; others may have theirs.
        case turnOver
        /// The client does not read its replies.
        case outputFull
        /// The replies that are still held leave, then the connection is closed.
        case closing
    }

    /// Why there is more to do than was done.
    enum Pause: Equatable {
        /// The next command is not whole.
        case starved
        /// What the connection has in the loop's burst must be decided first; then it goes on.
        case undecided
        case stalled(Stall)
    }

    /// How far a run came.
    struct Progress {
        /// Bytes of the input whose commands are done with or in the loop's burst; the next one begins there.
        var consumed: Int
        /// nil when nothing is left.
        var pause: Pause?
    }

    var outbox = Outbox()
    private var decoder: CommandDecoder
    private var latestTerms = LatestTerms()
    /// What this turn's commands and replies count against ``ServerLimits/turnBytes``.
    private var turnBytes = 0

    /// What the arguments of a command that has not ended take beside the input.
    var argumentBytes: Int { decoder.argumentBytes }

    init(limits: DecoderLimits) {
        decoder = CommandDecoder(limits: limits)
    }

    mutating func beginTurn() { turnBytes = 0 }

    /// Puts `ALLOC`s without a key into the loop's burst and runs every other command, until one has to wait.
    ///
    /// - Parameter start: where the first command begins.
    mutating func run(
        _ bytes: Span<UInt8>, from start: Int, of connection: ConnectionHandler, _ session: Session
    ) -> Progress {
        let loop = connection.loop
        var start = start
        while start < bytes.count {
            // First: a single reply may be more than either, and its client take it at once.
            if turnBytes >= ServerLimits.turnBytes {
                return Progress(consumed: start, pause: connection.isInBurst ? .undecided : .stalled(.turnOver))
            }
            if outbox.count >= ServerLimits.outputBytes {
                return Progress(
                    consumed: start, pause: connection.isInBurst ? .undecided : .stalled(.outputFull))
            }
            // ALLOCs of the usual form, one after the other; anything else, and any error, is for the decoder.
            if let engine = loop.engine, decoder.isBetweenCommands, session.mayAllocate {
                guard gather(bytes, from: &start, of: connection, session, engine) else {
                    return Progress(consumed: start, pause: .undecided)
                }
                if start == bytes.count { break }
            }
            let before = outbox.count
            let progress = runNext(bytes, from: start, of: connection, session)
            turnBytes += outbox.count - before
            if progress.pause != nil { return progress }
            start = progress.consumed
        }
        return Progress(consumed: start)
    }

    /// The commands from a place on are to be decoded again.
    mutating func goBack() { decoder.reset() }

    /// What is decoded next must keep to other bounds: somebody has logged in, or is out.
    mutating func adopt(_ limits: DecoderLimits) {
        if decoder.limits == limits { return }
        decoder.limits = limits
        // What was read of a command was read under the other bounds.
        if !decoder.isBetweenCommands { decoder.reset() }
    }
}

// MARK: - Commands

extension CommandStream {
    /// Runs the command that begins at `start`, or puts it into the loop's burst.
    private mutating func runNext(
        _ bytes: Span<UInt8>, from start: Int, of connection: ConnectionHandler, _ session: Session
    ) -> Progress {
        let end: Int
        do throws(ProtocolError) {
            switch try decoder.decode(bytes, from: start) {
            case .needMore: return Progress(consumed: start, pause: .starved)
            case .unbalancedQuotes(let next):
                if connection.isInBurst { return undecided(start) }
                turnBytes += ServerLimits.commandTurnBytes
                outbox.writer.error(CommandError.unbalancedQuotes)
                outbox.noteReply()
                return Progress(consumed: next)
            case .command(let next): end = next
            }
        } catch {
            if connection.isInBurst { return undecided(start) }
            outbox.writer.error(error)
            outbox.noteReply()
            return Progress(consumed: start, pause: .stalled(.closing))
        }
        if case .input = decoder.source, let engine = connection.loop.engine, session.mayAllocate,
            let arguments = allocArguments(bytes.extracting(start..<end)), arguments.key == nil,
            let terms = latestTerms.find(bytes.extracting(range(arguments.campaign, start)), in: engine, for: session)
        {
            let entry = AllocationBurst.Entry(
                start: start, user: range(arguments.user, start),
                userID: arguments.userID.map { range($0, start) } ?? 0..<0, isFull: arguments.isFull)
            guard append(entry, terms, bytes, of: connection, engine) else { return undecided(start) }
            return Progress(consumed: end)
        }
        if connection.isInBurst { return undecided(start) }
        return runAlone(bytes, start..<end, of: connection, session)
    }

    /// The command at `start` comes behind what the connection has in the burst.
    private mutating func undecided(_ start: Int) -> Progress {
        decoder.reset()
        return Progress(consumed: start, pause: .undecided)
    }

    /// nil when the command is no `ALLOC`, or one in error.
    private func allocArguments(_ command: Span<UInt8>) -> AllocArguments? {
        decoder.isAlloc(command) ? try? AllocArguments(decoder, command) : nil
    }

    /// Where an argument of the command that begins at `start` stands in the input.
    private func range(_ argument: Int, _ start: Int) -> Range<Int> {
        let range = decoder.argument(argument)
        return start + range.lowerBound..<start + range.upperBound
    }

    /// Runs any command by itself.
    private mutating func runAlone(
        _ bytes: Span<UInt8>, _ range: Range<Int>, of connection: ConnectionHandler, _ session: Session
    ) -> Progress {
        turnBytes += ServerLimits.commandTurnBytes
        guard decoder.argumentCount > 0 else { return Progress(consumed: range.upperBound) }
        let outcome: SessionOutcome
        if case .input = decoder.source {
            outcome = session.run(decoder, bytes.extracting(range), on: connection, &outbox)
        } else {
            let unescaped = decoder.unescaped
            outcome = session.run(decoder, unescaped.span, on: connection, &outbox)
        }
        decoder.limits = session.decoderLimits
        decoder.forgetLongList()
        switch outcome {
        case .answered:
            outbox.noteReply()
            return Progress(consumed: range.upperBound)
        case .later: return Progress(consumed: range.upperBound, pause: .stalled(.awaitingReply))
        case .again(let stall): return Progress(consumed: range.lowerBound, pause: .stalled(stall))
        case .close:
            outbox.noteReply()
            return Progress(consumed: range.upperBound, pause: .stalled(.closing))
        case .closeSilently: return Progress(consumed: range.upperBound, pause: .stalled(.closing))
        }
    }
}

// MARK: - The loop's burst

extension CommandStream {
    /// Puts every `ALLOC` of the usual form from `start` on into the burst.
    ///
    /// - Parameter start: moved behind them.
    /// - Returns: false when the burst takes no more of this connection before it is decided.
    private mutating func gather(
        _ bytes: Span<UInt8>, from start: inout Int, of connection: ConnectionHandler, _ session: Session,
        _ engine: LoopEngine
    ) -> Bool {
        while let command = PlainAlloc(bytes, from: start),
            let terms = latestTerms.find(bytes.extracting(command.campaign), in: engine, for: session)
        {
            let entry = AllocationBurst.Entry(start: start, user: command.user, userID: 0..<0, isFull: false)
            guard append(entry, terms, bytes, of: connection, engine) else { return false }
            start = command.end
        }
        return true
    }

    /// - Returns: false when the burst does not take it before it is decided.
    @inline(__always)
    private mutating func append(
        _ entry: AllocationBurst.Entry, _ terms: CampaignTerms, _ bytes: Span<UInt8>,
        of connection: ConnectionHandler, _ engine: LoopEngine
    ) -> Bool {
        let loop = connection.loop
        guard !loop.burst.isFull, loop.burst.accepts(connection, terms) else { return false }
        let request = engine.request(bytes.extracting(entry.user), terms: terms)
        loop.burst.append(request, entry, of: connection, terms)
        return true
    }
}
