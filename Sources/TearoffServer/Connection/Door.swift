import NIOCore

/// Accepts no more connections than may be open at a time, those among them that are being refused; others wait in the
/// system's queue. The loops do not count those that are on their way to them, and a descriptor too many could be the one
/// that a log's next segment needs.
final class Door: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let openMaximum: Int
    private var openCount = 0
    private var readIsPending = false
    private var context: ChannelHandlerContext?

    /// - Parameter openMaximum: how many may be open.
    init(openMaximum: Int) { self.openMaximum = openMaximum }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        openCount += 1
        let door = NIOLoopBound(self, eventLoop: context.eventLoop)
        unwrapInboundIn(data).closeFuture.whenComplete { _ in
            door.eventLoop.execute { door.value.noteClosed() }
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if openCount < openMaximum {
            context.read()
        } else {
            readIsPending = true
        }
    }

    private func noteClosed() {
        openCount -= 1
        guard readIsPending else { return }
        readIsPending = false
        context?.read()
    }
}
