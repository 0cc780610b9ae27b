import NIOCore

/// One connection: counts the commands of each read and answers them with as many copies of one reply.
/// Touched by its loop only.
final class EchoHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let loop: EchoLoop
    /// The beginning of a command whose end has not come.
    private var partial = ByteBuffer()
    /// Commands whose replies wait for the tick's frame.
    private var heldCount = 0
    private var context: ChannelHandlerContext?
    private var isWritable = true
    private var readIsPending = false

    init(loop: EchoLoop) {
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        if partial.readableBytes > 0 {
            partial.writeBuffer(&input)
            input = partial
            partial = ByteBuffer()
        }
        do throws(CommandSplitter.Failure) {
            let commands = try CommandSplitter.split(input.readableBytesUInt8Span)
            if commands.end < input.readableBytes {
                input.moveReaderIndex(forwardBy: commands.end)
                // Its own bytes only, so that a connection does not keep all that it ever sent.
                partial = input
                partial.discardReadBytes()
            }
            answer(commands.count)
        } catch {
            context.close(promise: nil)
        }
    }

    private func answer(_ count: Int) {
        guard count > 0 else { return }
        guard loop.hasLog else { return send(count) }
        loop.note(commands: count, first: heldCount == 0 ? self : nil)
        heldCount += count
    }

    /// The frame of the replies that wait is durable.
    func release() {
        let count = heldCount
        heldCount = 0
        send(count)
    }

    private func send(_ count: Int) {
        guard let context else { return }
        var remaining = count
        while remaining > Replies.countMax {
            context.write(wrapOutboundOut(loop.replies.first(Replies.countMax)), promise: nil)
            remaining -= Replies.countMax
        }
        context.writeAndFlush(wrapOutboundOut(loop.replies.first(remaining)), promise: nil)
    }
}

// MARK: - Back-pressure

extension EchoHandler {
    /// A client that does not read its replies is not read either.
    func read(context: ChannelHandlerContext) {
        if isWritable { context.read() } else { readIsPending = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable, readIsPending {
            readIsPending = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The reply, many times over: any number of replies is a slice of it, and costs no copy.
struct Replies {
    /// More than one read of 64 KiB holds commands.
    static let countMax = 4_096
    private static let text = "$12\r\nABCDEFGHJKLM\r\n"

    private let buffer: ByteBuffer

    init() {
        buffer = ByteBuffer(string: String(repeating: Self.text, count: Self.countMax))
    }

    @inline(__always)
    func first(_ count: Int) -> ByteBuffer {
        guard let slice = buffer.getSlice(at: 0, length: count * Self.text.utf8.count) else {
            preconditionFailure("\(count) replies at once")
        }
        return slice
    }
}
