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
        /// The client does not read its replies.
        case outputFull
        /// The replies that are still held leave, then the connection is closed.
        case closing
    }

    /// How far a read came.
    struct Progress {
        /// Bytes of the input whose commands are done with; the next one begins there.
        var consumed: Int
        var stall: Stall?
        /// The command at `consumed` is not whole.
        var isStarved = false
    }

    var outbox = Outbox()
    private var decoder: CommandDecoder
    private var latestTerms = LatestTerms()
    /// Empty between reads.
    private var burst = AllocationBurst()

    init(limits: DecoderLimits) {
        decoder = CommandDecoder(limits: limits)
    }

    /// Runs every whole command of the input, until one stalls the connection.
    ///
    /// - Returns: how far it came; a command that is to be run again is not done with.
    mutating func run(
        _ bytes: Span<UInt8>, of connection: ConnectionHandler, _ session: Session
    ) -> Progress {
        swap(&burst, &connection.loop.idleBurst)
        defer { swap(&burst, &connection.loop.idleBurst) }
        let engine = connection.loop.engine
        var start = 0
        while start < bytes.count {
            // ALLOCs of the usual form, one after the other; anything else, and any error, is for the decoder.
            if let engine, decoder.isBetweenCommands, session.isAuthenticated {
                if let stalled = gather(bytes, from: &start, engine, session) { return stalled }
                if start == bytes.count { break }
            }
            let progress = runNext(bytes, from: start, engine, of: connection, session)
            start = progress.consumed
            if progress.stall != nil { return progress }
            if progress.isStarved { break }
            if let stalled = stallWhenFull(bytes, at: start, engine, session) { return stalled }
        }
        return decide(burst: bytes, engine, session) ?? Progress(consumed: start)
    }

    /// Stalls the connection when there are more replies than it may have.
    private mutating func stallWhenFull(
        _ bytes: Span<UInt8>, at start: Int, _ engine: LoopEngine?, _ session: Session
    ) -> Progress? {
        guard outbox.count >= ServerLimits.outputBytes else { return nil }
        return decide(burst: bytes, engine, session) ?? Progress(consumed: start, stall: .outputFull)
    }
}

// MARK: - Commands

extension CommandStream {
    /// Runs the command that begins at `start`, or puts it into the burst.
    private mutating func runNext(
        _ bytes: Span<UInt8>, from start: Int, _ engine: LoopEngine?, of connection: ConnectionHandler,
        _ session: Session
    ) -> Progress {
        let end: Int
        do throws(ProtocolError) {
            switch try decoder.decode(bytes, from: start) {
            case .needMore: return Progress(consumed: start, isStarved: true)
            case .unbalancedQuotes(let next):
                if let stalled = decide(burst: bytes, engine, session) { return stalled }
                outbox.writer.error(CommandError.unbalancedQuotes)
                outbox.noteReply()
                return Progress(consumed: next)
            case .command(let next): end = next
            }
        } catch {
            if let stalled = decide(burst: bytes, engine, session) { return stalled }
            outbox.writer.error(error)
            outbox.noteReply()
            return Progress(consumed: start, stall: .closing)
        }
        if case .input = decoder.source, let engine, session.isAuthenticated,
            let arguments = allocArguments(bytes.extracting(start..<end)),
            let terms = latestTerms.find(bytes.extracting(range(arguments.campaign, start)), in: engine)
        {
            let user = range(arguments.user, start)
            let userID = arguments.userID.map { range($0, start) } ?? 0..<0
            if let stalled = append(
                .init(start: start, user: user, userID: userID, isFull: arguments.isFull), terms, bytes, engine,
                session)
            {
                return stalled
            }
            return Progress(consumed: end)
        }
        if let stalled = decide(burst: bytes, engine, session) { return stalled }
        return runAlone(bytes, start..<end, of: connection, session)
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
        guard decoder.argumentCount > 0 else { return Progress(consumed: range.upperBound) }
        let outcome: SessionOutcome
        if case .input = decoder.source {
            outcome = session.run(decoder, bytes.extracting(range), on: connection, &outbox)
        } else {
            let unescaped = decoder.unescaped
            outcome = session.run(decoder, unescaped.span, on: connection, &outbox)
        }
        decoder.limits = session.decoderLimits
        switch outcome {
        case .answered:
            outbox.noteReply()
            return Progress(consumed: range.upperBound)
        case .later: return Progress(consumed: range.upperBound, stall: .awaitingReply)
        case .again(let stall): return Progress(consumed: range.lowerBound, stall: stall)
        case .close:
            outbox.noteReply()
            return Progress(consumed: range.upperBound, stall: .closing)
        case .closeSilently: return Progress(consumed: range.upperBound, stall: .closing)
        }
    }
}

// MARK: - Bursts

extension CommandStream {
    /// Puts every `ALLOC` of the usual form from `start` on into the burst, deciding it whenever it is full.
    ///
    /// - Parameter start: moved behind them.
    /// - Returns: nil unless the connection stalls.
    private mutating func gather(
        _ bytes: Span<UInt8>, from start: inout Int, _ engine: LoopEngine, _ session: Session
    ) -> Progress? {
        while let command = PlainAlloc(bytes, from: start),
            let terms = latestTerms.find(bytes.extracting(command.campaign), in: engine)
        {
            let stalled = append(
                .init(start: start, user: command.user, userID: 0..<0, isFull: false), terms, bytes, engine,
                session)
            if let stalled { return stalled }
            start = command.end
            if let stalled = stallWhenFull(bytes, at: start, engine, session) { return stalled }
        }
        return nil
    }

    /// Puts an `ALLOC` into the burst. One of another campaign is decided first, and a full one then.
    @inline(__always)
    private mutating func append(
        _ entry: AllocationBurst.Entry, _ terms: CampaignTerms, _ bytes: Span<UInt8>, _ engine: LoopEngine,
        _ session: Session
    ) -> Progress? {
        if !burst.accepts(terms), let stalled = decide(burst: bytes, engine, session) { return stalled }
        burst.append(engine.request(bytes.extracting(entry.user), terms: terms), entry, terms)
        return burst.isFull ? decide(burst: bytes, engine, session) : nil
    }

    /// Decides the gathered `ALLOC`s in order.
    ///
    /// - Returns: nil when all are answered; else where the first one begins that is to be run again.
    @inline(__always)
    private mutating func decide(
        burst bytes: Span<UInt8>, _ engine: LoopEngine?, _ session: Session
    ) -> Progress? {
        if burst.isEmpty { return nil }
        return decideAll(bytes, engine, session)
    }

    private mutating func decideAll(
        _ bytes: Span<UInt8>, _ engine: LoopEngine?, _ session: Session
    ) -> Progress? {
        defer { burst.removeAll() }
        guard let terms = burst.terms, let engine else { return nil }
        if engine.isBatchFull { return again(from: 0, stall: .batchFull) }
        if burst.count > 1 { engine.prefetch(burst.requests.span) }
        decideInOrder(terms, bytes, engine)
        for index in 0..<burst.count {
            let stall = session.answer(
                burst.outcomes[index], terms, isFull: burst[index].isFull, engine, &outbox)
            if let stall { return again(from: index, stall: stall) }
            outbox.noteReply()
        }
        return nil
    }

    /// Up to the first one that must wait, which is decided later, and with it all behind it.
    private mutating func decideInOrder(_ terms: CampaignTerms, _ bytes: Span<UInt8>, _ engine: LoopEngine) {
        let moment = engine.moment
        engine.withTick { tick in
            for index in 0..<burst.count {
                let entry = burst[index]
                let outcome = engine.allocate(
                    burst.requests[index], terms: terms, at: moment, user: bytes.extracting(entry.user),
                    userID: bytes.extracting(entry.userID), in: &tick)
                engine.prefetchText(of: outcome)
                burst.decided(outcome)
                if case .parked = outcome { return }
            }
        }
    }

    /// The burst's entries from this one on are to be read and run again.
    private mutating func again(from index: Int, stall: Stall) -> Progress {
        decoder.reset()
        return Progress(consumed: burst[index].start, stall: stall)
    }
}
