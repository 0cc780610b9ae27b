import NIOCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// One connection: decodes its input, runs each command where it was read, and keeps its replies in order
/// until they may leave. Touched by its loop only.
///
/// Whatever a connection waits for, it stops reading meanwhile, so what a client can make the server hold is
/// bounded.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why the next command is not run yet.
    private enum Stall {
        /// The command met a row in flight in another lane; it is decided again.
        case parked
        /// The command runs elsewhere and answers later.
        case awaitingReply
        /// The tick's batch is full.
        case batchFull
        /// The client does not read its replies.
        case outputFull
        /// The replies that are still held leave, then the connection is closed.
        case closing
    }

    let loop: LoopContext
    private let session: Session
    private var decoder: CommandDecoder
    private var input = ByteBuffer()
    private var outbox = Outbox()
    private var stall: Stall?
    private var isHeld = false
    private var isProcessing = false
    private var readIsPending = false
    private var inputIsClosed = false
    private var context: ChannelHandlerContext?

    init(loop: LoopContext, session: Session) {
        self.loop = loop
        self.session = session
        decoder = CommandDecoder(limits: session.decoderLimits)
    }

}

// MARK: - Channel

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        stall = .closing
        self.context = nil
        loop.remove(self)
        loop.server.connectionClosed(session)
        context.fireChannelInactive()
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
        if context.channel.isWritable, stall == .outputFull { resume() }
        context.fireChannelWritabilityChanged()
    }

    /// A client may close its sending half behind its last command: it is answered first.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            inputIsClosed = true
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
    func resume() {
        guard let reason = stall, reason != .closing, !isProcessing else { return }
        stall = nil
        process()
        if stall == nil, inputIsClosed { closeAfterReplies() }
        if stall == nil, readIsPending {
            readIsPending = false
            context?.read()
        }
    }

    private func process() {
        guard stall == nil, let context else { return }
        isProcessing = true
        loop.beginRead()
        run(context)
        isProcessing = false
        settleOutput()
    }

    /// Runs every whole command of the input, until one stalls the connection.
    private func run(_ context: ChannelHandlerContext) {
        // A second reference, so that the bytes can be borrowed while the handler changes.
        let buffer = input
        let bytes = buffer.readableBytesUInt8Span
        var start = 0
        while stall == nil, start < bytes.count {
            guard let end = runNext(bytes, from: start) else { break }
            start = end
            if outbox.count >= ServerLimits.outputBytes || !context.channel.isWritable {
                stall = stall ?? .outputFull
            }
        }
        if start == bytes.count {
            input = ByteBuffer()
        } else {
            input.moveReaderIndex(forwardBy: start)
            // A connection that always has half a command in it would else keep all that it ever sent.
            if input.readerIndex >= ServerLimits.readBytes { input.discardReadBytes() }
        }
    }

    /// Runs the command that begins at `start`.
    ///
    /// - Returns: where the next one begins; nil when this one is not whole, or is to be run again later.
    private func runNext(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        do throws(ProtocolError) {
            switch try decoder.decode(bytes, from: start) {
            case .needMore: return nil
            case .unbalancedQuotes(let end):
                outbox.writer.error(CommandError.unbalancedQuotes)
                outbox.noteReply()
                return end
            case .command(let end):
                return run(bytes.extracting(start..<end)) ? end : nil
            }
        } catch {
            outbox.writer.error(error)
            outbox.noteReply()
            stall = .closing
            return nil
        }
    }

    /// - Returns: false when the command is to be run again.
    private func run(_ command: Span<UInt8>) -> Bool {
        guard decoder.argumentCount > 0 else { return true }
        let outcome: SessionOutcome
        if decoder.source == .input {
            outcome = session.run(decoder, command, on: self, &outbox)
        } else {
            let unescaped = decoder.unescaped
            outcome = session.run(decoder, unescaped.span, on: self, &outbox)
        }
        switch outcome {
        case .answered:
            outbox.noteReply()
        case .later:
            stall = .awaitingReply
        case .parked(let frame):
            stall = .parked
            wait(for: frame)
            return false
        case .batchFull:
            stall = .batchFull
            loop.waitForBatch(self)
            return false
        case .close:
            outbox.noteReply()
            stall = .closing
        case .closeSilently:
            stall = .closing
        }
        decoder.limits = session.decoderLimits
        return true
    }

    private func wait(for frame: LaneFrame) {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.engine?.engine.lanes[frame.lane].whenDurable(frame.frame) { [eventLoop = loop.eventLoop] in
            eventLoop.execute { bound.value.resume() }
        }
    }

    /// Answers the command that ran elsewhere, and goes on with the next. To be called on the connection's
    /// loop.
    func answer(_ write: (inout ReplyWriter) -> Void) {
        guard stall == .awaitingReply else { return }
        write(&outbox.writer)
        outbox.noteReply()
        resume()
        settleOutput()
    }
}

// MARK: - Output

extension ConnectionHandler {
    /// Sends what waits for nothing; has the rest held until its frame is durable.
    private func settleOutput() {
        if outbox.isHeld {
            if !isHeld {
                isHeld = true
                loop.hold(self)
            }
        } else {
            flush(outbox.count)
        }
        closeIfDone()
    }

    /// The frames up to `durable` are.
    func release(durable: FrameNumber) {
        isHeld = false
        flush(outbox.release(durable: durable))
        settleOutput()
    }

    /// Whoever still waits is told that it is unknown whether the code is kept.
    func fail(_ failure: EngineFailure) {
        isHeld = false
        outbox.failHeld(failure.word, failure.message)
        switch stall {
        case .parked, .awaitingReply, .batchFull: outbox.writer.error(failure.word, failure.message)
        case .outputFull, .closing, nil: break
        }
        stall = .closing
        settleOutput()
    }

    private func flush(_ count: Int) {
        guard count > 0 else { return }
        guard let context else { return outbox.removeFirst(outbox.count) }
        var buffer = context.channel.allocator.buffer(capacity: count)
        if count == outbox.count {
            buffer.writeBytes(outbox.writer.bytes)
        } else {
            buffer.writeBytes(outbox.writer.bytes[..<count])
        }
        outbox.removeFirst(count)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        guard stall == .outputFull, context.channel.isWritable else { return }
        // Not from here: a client that pipelines could make each flush run the next commands, ever deeper.
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { bound.value.resume() }
    }

    /// Closes once every reply has left.
    func closeAfterReplies() {
        stall = .closing
        closeIfDone()
    }

    private func closeIfDone() {
        guard stall == .closing, outbox.isEmpty, let context else { return }
        // Behind the last reply, which may still be on its way to the socket.
        let written = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }
}
