import NIOCore
import TearoffProtocol

/// One connection on its event loop: writes what the queue holds, and matches replies with calls in order.
final class ConnectionHandler: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What other threads tell it, as user events.
    enum Signal: Sendable {
        /// The queue is no longer empty.
        case submitted
        /// The caller closes the client.
        case close
    }

    /// A call whose commands are written.
    private struct Waiting {
        let entry: CallQueue.Entry
        var replies: [Reply] = []
    }

    private let calls: CallQueue
    /// As it was asked for, to be told.
    private let host: String
    private var waiting = CircularBuffer<Waiting>()
    private var decoder = ReplyDecoder()
    /// Bytes of a reply that is not whole yet.
    private var input = ByteBuffer()
    /// Since when the first waiting call's next reply is due.
    private var dueSince = NIODeadline.uptimeNanoseconds(0)
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
    private var hasEnded = false

    init(calls: CallQueue, host: String) {
        self.calls = calls
        self.host = host
    }
}

// MARK: - Out

extension ConnectionHandler {
    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let signal = event as? Signal else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        switch signal {
        case .submitted: drain(context)
        case .close: end(context, TearoffError(.closed, "the client was closed on this side"))
        }
        promise?.succeed()
    }

    private func drain(_ context: ChannelHandlerContext) {
        guard !hasEnded else { return }
        let (bytes, entries) = calls.take()
        guard !entries.isEmpty else { return }
        if waiting.isEmpty { dueSince = .now() }
        for entry in entries { waiting.append(Waiting(entry: entry)) }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        setTimer(context)
    }
}

// MARK: - In

extension ConnectionHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        var buffer = unwrapInboundIn(data)
        if input.readableBytes > 0 {
            input.writeBuffer(&buffer)
            swap(&input, &buffer)
        }
        do throws(TearoffError) {
            let consumed = try decode(buffer)
            buffer.moveReaderIndex(forwardBy: consumed)
            buffer.discardReadBytes()
            input = buffer
            setTimer(context)
        } catch {
            end(context, error)
        }
    }

    /// - Returns: bytes of whole replies; each has been handed to its call.
    private func decode(_ buffer: ByteBuffer) throws(TearoffError) -> Int {
        let bytes = buffer.readableBytesUInt8Span
        var start = 0
        defer { if start > 0 { dueSince = .now() } }
        while true {
            let reply: Reply
            do throws(ReplyError) {
                guard let next = try decoder.decode(bytes, from: start) else { return start }
                (reply, start) = next
            } catch {
                throw .invalid("\(error)")
            }
            if case .push = reply { continue }
            guard !waiting.isEmpty else { throw .invalid("it came without a command") }
            deliver(reply)
        }
    }

    /// Gives a reply to the first waiting call, which is over with its last one.
    private func deliver(_ reply: Reply) {
        waiting[waiting.startIndex].replies.append(reply)
        let first = waiting[waiting.startIndex]
        guard first.replies.count == first.entry.replyCount else { return }
        waiting.removeFirst()
        // Room is made before the caller goes on: it must find what it gave back.
        calls.settle(commands: first.entry.replyCount, bytes: first.entry.byteCount)
        first.entry.call.finish(Call.Outcome(replies: first.replies, failure: nil))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context, .lost("the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, .lost("the connection broke: \(TearoffClient.TLS.words(for: error, host: host))"))
    }
}

// MARK: - The end

extension ConnectionHandler {
    /// Fails every call and closes. Only the first reason counts.
    private func end(_ context: ChannelHandlerContext, _ error: TearoffError) {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.task.cancel()
        timer = nil
        let untaken = calls.end(error)
        for call in waiting {
            call.entry.call.finish(Call.Outcome(replies: call.replies, failure: error))
        }
        waiting.removeAll()
        for entry in untaken { entry.call.finish(Call.Outcome(replies: [], failure: error)) }
        context.close(promise: nil)
    }

    /// Sees to it that the timer fires no later than the first waiting call's next reply is overdue. It is
    /// not moved when that time moves back, which it does with every reply: it looks again when it fires.
    private func setTimer(_ context: ChannelHandlerContext) {
        guard !hasEnded, let timeout = waiting.first?.entry.timeout else { return }
        let deadline = dueSince + timeout
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timerFired(context)
        }
        timer = (deadline, task)
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        if let timeout = waiting.first?.entry.timeout, .now() >= dueSince + timeout {
            let silence = timeout.nanoseconds / 1_000_000
            let error = TearoffError(
                .timeout, "no reply for \(silence) ms; it is unknown whether the command was carried out")
            return end(context, error)
        }
        setTimer(context)
    }
}
