import NIOCore
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// One connection: hands its input to its ``CommandStream``, stops reading while a command waits, and sends the
/// replies that may leave. Touched by its loop only.
///
/// Whatever a connection waits for, it stops reading meanwhile, so what a client can make the server hold is
/// bounded.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: LoopContext
    var isConnected: Bool { context != nil }
    private let session: Session
    private var commands: CommandStream
    private(set) var input = ByteBuffer()
    /// Bytes of the input whose commands are done with or in the loop's burst.
    private var consumed = 0
    /// Whether the loop's burst has commands of this connection: their bytes stay in the input until it is decided,
    /// and no other command is run before.
    var isInBurst = false
    /// The replies that left last: their memory serves again, unless the socket still has them.
    private var output = ByteBuffer()
    private var stall: CommandStream.Stall?
    private var isHeld = false
    private var isProcessing = false
    private var readIsPending = false
    /// As the channel said last: asking it each time goes through an existential and an atomic.
    private var isWritable = true
    private var inputIsClosed = false
    private var patience: Patience
    /// What the server counts of input and replies for this connection.
    private var countedBytes = 0
    /// The buffers that were handed to the socket since it was seen to have taken them all, and the largest of them.
    private var flushed = (bytes: 0, largest: 0)
    private var context: ChannelHandlerContext?

    init(loop: LoopContext, session: Session) {
        self.loop = loop
        self.session = session
        commands = CommandStream(limits: session.decoderLimits)
        patience = Patience(sweep: loop.sweep)
    }
}

// MARK: - Channel

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    /// A channel that is closed before it was active never becomes inactive.
    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        guard context != nil else { return }
        stall = .closing
        context = nil
        loop.remove(self)
        _ = loop.server.clientMemory.change(from: countedBytes, to: 0)
        countedBytes = 0
        loop.server.connectionClosed(session)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    /// Reads on only when what was read is done with.
    func read(context: ChannelHandlerContext) {
        if stall == nil {
            context.read()
        } else {
            readIsPending = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { resume(from: .outputFull) }
        context.fireChannelWritabilityChanged()
    }

    /// A client may close its sending half behind its last command: it is answered first.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            inputIsClosed = true
            loop.decideBurst()
            if stall == nil { closeAfterReplies() }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset by the peer and the like: nothing to say to anybody.
        context.close(promise: nil)
    }
}

// MARK: - Commands

extension ConnectionHandler {
    /// Goes on after a stall.
    ///
    /// - Parameter reason: what is over. It may be so for the second time, and the connection wait for something else
    ///   by now.
    func resume(from reason: CommandStream.Stall) {
        guard stall == reason, !isProcessing else { return }
        stall = nil
        patience.restart(sweep: loop.sweep)
        process()
        if stall == nil, inputIsClosed { closeAfterReplies() }
        if stall == nil, readIsPending {
            readIsPending = false
            context?.read()
        }
    }

    private func process() {
        guard stall == nil, context != nil else { return }
        isProcessing = true
        commands.beginTurn()
        loop.beginRead()
        run()
        isProcessing = false
        settleOutput()
    }

    private func run() {
        while stall == nil {
            guard isWritable else {
                stall(.outputFull)
                break
            }
            // A second reference, so that the bytes can be borrowed while the handler changes.
            let buffer = input
            let progress = commands.run(buffer.readableBytesUInt8Span, from: consumed, of: self, session)
            consumed = progress.consumed
            switch progress.pause {
            case .undecided: loop.decideBurst()
            case .stalled(let reason): stall(reason)
            case .starved, nil: return dropConsumed()
            }
        }
        dropConsumed()
    }

    /// Forgets the input whose commands are done with.
    private func dropConsumed() {
        if isInBurst { return }
        patience.note(hasRest: consumed < input.readableBytes, hasRun: consumed > 0, sweep: loop.sweep)
        if consumed == input.readableBytes {
            input = ByteBuffer()
        } else {
            input.moveReaderIndex(forwardBy: consumed)
            // A connection that always has half a command in it would else keep all that it ever sent.
            if input.readerIndex >= ServerLimits.readBytes { input.discardReadBytes() }
        }
        consumed = 0
    }

    private func stall(_ reason: CommandStream.Stall) {
        // Who closes meanwhile waits for nothing.
        if stall != nil { return }
        stall = reason
        switch reason {
        case .parked(let frame): wait(for: frame)
        case .batchFull: loop.waitForBatch(self)
        case .turnOver: loop.waitForTurn(self)
        case .awaitingReply, .outputFull, .closing: break
        }
    }

    private func wait(for frame: LaneFrame) {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.engine?.engine.lanes[frame.lane].whenDurable(frame.frame) { [eventLoop = loop.eventLoop] in
            eventLoop.execute { bound.value.resume(from: .parked(frame)) }
        }
    }

    /// Answers the command that ran elsewhere, and goes on with the next. To be called on the connection's
    /// loop.
    ///
    /// - Parameter frame: of the loop's lane; the reply leaves when it is durable.
    func answer(heldUntil frame: FrameNumber = .none, _ write: (inout ReplyWriter) -> Void) {
        guard stall == .awaitingReply else { return }
        if frame != .none { commands.outbox.hold(from: commands.outbox.count, until: frame) }
        write(&commands.outbox.writer)
        commands.outbox.noteReply()
        commands.adopt(session.decoderLimits)
        if input.readableBytes == 0 {
            resume(from: .awaitingReply)
        } else {
            // What runs elsewhere takes longer than others, and it may do so next.
            stall = nil
            stall(.turnOver)
        }
        settleOutput()
    }

    /// Accounts have changed, or are known now: it holds from the next command on.
    func renew(_ accounts: Accounts) {
        session.renew(accounts)
        commands.adopt(session.decoderLimits)
    }
}

// MARK: - The loop's burst

extension ConnectionHandler {
    /// Writes the replies to its commands of a burst that is decided.
    func answer(_ run: AllocationBurst.Run, of burst: borrowing AllocationBurst, _ engine: LoopEngine) {
        isInBurst = false
        for index in run.entries {
            let entry = burst.entry(index)
            let reason = session.answer(
                burst.outcome(index), run.terms, isFull: entry.isFull, engine, &commands.outbox)
            if let reason { return goBack(to: entry, reason) }
            commands.outbox.noteReply()
        }
    }

    /// Its commands from this one on are to be read and run again.
    func goBack(to entry: AllocationBurst.Entry, _ reason: CommandStream.Stall) {
        isInBurst = false
        consumed = entry.start
        commands.goBack()
        stall(reason)
    }

    /// Goes on behind the burst, unless it was decided for this connection, which goes on by itself.
    func settleBehindBurst() {
        if isProcessing { return }
        dropConsumed()
        settleOutput()
    }
}

// MARK: - Output

extension ConnectionHandler {
    /// Sends what waits for nothing; has the rest held until its frame is durable.
    private func settleOutput() {
        if commands.outbox.isHeld {
            if !isHeld {
                isHeld = true
                loop.hold(self)
            }
        } else {
            flush(commands.outbox.count)
        }
        countMemory()
        closeIfDone()
    }

    /// The frames up to `durable` are.
    func release(durable: FrameNumber) {
        isHeld = false
        flush(commands.outbox.release(durable: durable))
        settleOutput()
    }

    /// Whoever still waits is told that it is unknown whether the code is kept.
    func fail(_ failure: EngineFailure) {
        isHeld = false
        commands.outbox.failHeld(failure.word, failure.message)
        end(failure.word, failure.message)
    }

    /// Closes it once every reply has left; a command that is not decided yet, or answered elsewhere, will not be.
    func stop() { end(.shutdown, "the server stops; whether this was done is seen when it is back") }

    private func end(_ word: ErrorWord, _ message: String) {
        switch stall {
        case .parked, .awaitingReply, .batchFull:
            commands.outbox.writer.error(word, message)
            commands.outbox.noteReply()
        case .turnOver, .outputFull, .closing, nil: break
        }
        stall = .closing
        settleOutput()
    }

    private func flush(_ count: Int) {
        guard count > 0 else { return }
        guard let context else { return commands.outbox.removeFirst(commands.outbox.count) }
        output.clear(minimumCapacity: count)
        if count == commands.outbox.count {
            output.writeBytes(commands.outbox.writer.bytes)
        } else {
            output.writeBytes(commands.outbox.writer.bytes[..<count])
        }
        commands.outbox.removeFirst(count)
        let capacity = output.storageCapacity
        flushed = (bytes: flushed.bytes + capacity, largest: max(flushed.largest, capacity))
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        if output.capacity > ServerLimits.outputBytesKept { output = ByteBuffer() }
        guard stall == .outputFull, isWritable else { return }
        // Not from here: a client that pipelines could make each flush run the next commands, ever deeper.
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { bound.value.resume(from: .outputFull) }
    }

    /// Counts what the connection holds beyond its share, and lets it go when all of them hold too much.
    private func countMemory() {
        // Its commands stand in the input still; or it is gone, and counted no more.
        if isInBurst || context == nil { return }
        let unsent = unsentMemory()
        let held = input.storageCapacity + commands.argumentBytes + commands.outbox.capacity + unsent
        let bytes = max(0, held - ServerLimits.connectionBytes)
        if bytes == countedBytes { return }
        let hasRoom = loop.server.clientMemory.change(from: countedBytes, to: bytes)
        countedBytes = bytes
        if hasRoom || stall == .closing { return }
        commands.outbox.writer.error(
            .busy, "clients hold more than \(loop.server.clientMemory.bytesMaximum) bytes of input and replies")
        commands.outbox.noteReply()
        giveUp()
        // It could not be told anyway, and what it does not read is to go now.
        if unsent > 0 { context?.close(promise: nil) }
    }

    /// What replies take that the socket did not take yet, or not whole: a buffer of which it took a part is there
    /// whole.
    private func unsentMemory() -> Int {
        if flushed.bytes <= ServerLimits.connectionBytes, isWritable { return 0 }
        let unsent = unsentBytes
        if unsent == 0 { flushed = (bytes: 0, largest: 0) }
        // A buffer has up to twice the room that its bytes need.
        return min(flushed.bytes, 2 * unsent + flushed.largest)
    }

    /// Replies that the socket did not take yet.
    private var unsentBytes: Int {
        do {
            return try context?.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            // A channel that is closed has none.
            return 0
        }
    }

    /// Its client has not done its part in time.
    func closeIfOverdue(_ deadlines: ClientDeadlines) {
        if session.identity != nil { patience.noteLogin(sweep: loop.sweep) }
        guard stall == nil, !isInBurst, let overdue = patience.overdue(at: loop.sweep, deadlines) else { return }
        loop.server.noteOverdue()
        if overdue == .half {
            commands.outbox.writer.error(
                .protocolViolation, "the command did not end within \(deadlines.requestSeconds) s")
            commands.outbox.noteReply()
        }
        giveUp()
    }

    /// Reads no more of it, and closes it as soon as what is in the outbox has left, if the client takes it.
    private func giveUp() {
        stall = .closing
        input = ByteBuffer()
        consumed = 0
        settleOutput()
    }

    /// Closes once every reply has left.
    func closeAfterReplies() {
        stall = .closing
        closeIfDone()
    }

    private func closeIfDone() {
        guard stall == .closing, commands.outbox.isEmpty, let context else { return }
        // Behind the last reply, which may still be on its way to the socket.
        let written = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }
}
