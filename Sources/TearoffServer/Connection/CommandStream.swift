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
        var start = 0
        while start < bytes.count {
            let progress = runNext(bytes, from: start, of: connection, session)
            start = progress.consumed
            if progress.stall != nil { return progress }
            if progress.isStarved { break }
            if outbox.count >= ServerLimits.outputBytes {
                return decide(burst: bytes, session, connection)
                    ?? Progress(consumed: start, stall: .outputFull)
            }
        }
        return decide(burst: bytes, session, connection) ?? Progress(consumed: start)
    }
}

// MARK: - Commands

extension CommandStream {
    /// Runs the command that begins at `start`, or puts it into the burst.
    private mutating func runNext(
        _ bytes: Span<UInt8>, from start: Int, of connection: ConnectionHandler, _ session: Session
    ) -> Progress {
        let end: Int
        do throws(ProtocolError) {
            switch try decoder.decode(bytes, from: start) {
            case .needMore: return Progress(consumed: start, isStarved: true)
            case .unbalancedQuotes(let next):
                if let stalled = decide(burst: bytes, session, connection) { return stalled }
                outbox.writer.error(CommandError.unbalancedQuotes)
                outbox.noteReply()
                return Progress(consumed: next)
            case .command(let next): end = next
            }
        } catch {
            if let stalled = decide(burst: bytes, session, connection) { return stalled }
            outbox.writer.error(error)
            outbox.noteReply()
            return Progress(consumed: start, stall: .closing)
        }
        if case .input = decoder.source, let engine = connection.loop.engine, session.isAuthenticated {
            let command = bytes.extracting(start..<end)
            if decoder.isAlloc(command), gather(command, start..<end, bytes, engine, session, connection) {
                guard burst.isFull else { return Progress(consumed: end) }
                return decide(burst: bytes, session, connection) ?? Progress(consumed: end)
            }
        }
        if let stalled = decide(burst: bytes, session, connection) { return stalled }
        return runAlone(bytes, start..<end, of: connection, session)
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
    /// Puts an `ALLOC` into the burst.
    ///
    /// - Returns: false when it is to be run by itself: it is in error, names no campaign, or another one
    ///   than the burst, which is decided first.
    @inline(__always)
    private mutating func gather(
        _ command: Span<UInt8>, _ range: Range<Int>, _ bytes: Span<UInt8>, _ engine: LoopEngine,
        _ session: Session, _ connection: ConnectionHandler
    ) -> Bool {
        guard let arguments = try? AllocArguments(decoder, command),
            let terms = session.terms(of: command.extracting(decoder.argument(arguments.campaign)), engine),
            burst.accepts(terms)
        else { return false }
        let user = decoder.argument(arguments.user)
        burst.append(
            .init(
                request: engine.request(command.extracting(user), terms: terms), command: range, user: user,
                userID: arguments.userID.map { decoder.argument($0) } ?? 0..<0, isFull: arguments.isFull),
            terms)
        return true
    }

    /// Decides the gathered `ALLOC`s in order.
    ///
    /// - Returns: nil when all are answered; else where the first one begins that is to be run again.
    @inline(__always)
    private mutating func decide(
        burst bytes: Span<UInt8>, _ session: Session, _ connection: ConnectionHandler
    ) -> Progress? {
        if burst.isEmpty { return nil }
        return decideAll(bytes, session, connection)
    }

    private mutating func decideAll(
        _ bytes: Span<UInt8>, _ session: Session, _ connection: ConnectionHandler
    ) -> Progress? {
        defer { burst.removeAll() }
        guard let terms = burst.terms, let engine = connection.loop.engine else { return nil }
        if engine.isBatchFull {
            decoder.reset()
            return Progress(consumed: burst[0].command.lowerBound, stall: .batchFull)
        }
        let moment = engine.moment
        if burst.count > 1 {
            for index in 0..<burst.count { engine.prefetch(burst[index].request) }
        }
        for index in 0..<burst.count {
            let entry = burst[index]
            let command = bytes.extracting(entry.command)
            let outcome = engine.allocate(
                entry.request, terms: terms, at: moment, user: command.extracting(entry.user),
                userID: command.extracting(entry.userID))
            if let stall = session.answer(outcome, terms, isFull: entry.isFull, engine, &outbox) {
                // What is decoded already is decoded again from there.
                decoder.reset()
                return Progress(consumed: entry.command.lowerBound, stall: stall)
            }
            outbox.noteReply()
        }
        return nil
    }
}
