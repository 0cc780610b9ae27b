import NIOCore

/// Accepts no more connections than may be open at a time, those among them that are being refused, and none while some are
/// on their way to their loops; others wait in the system's queue. A loop that stood still would else have all who came
/// meanwhile before it looks at those who are in; and a descriptor too many could be the one that a log's next segment needs.
final class Door: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let openMaximum: Int
    private var openCount = 0
    /// Accepted ones whose loops are not done with opening them.
    private var comingCount = 0
    private var readIsPending = false
    private var context: ChannelHandlerContext?

    /// - Parameter openMaximum: how many may be open.
    init(openMaximum: Int) { self.openMaximum = openMaximum }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let client = unwrapInboundIn(data)
        openCount += 1
        comingCount += 1
        let door = NIOLoopBound(self, eventLoop: context.eventLoop)
        client.closeFuture.whenComplete { _ in
            door.eventLoop.execute { door.value.noteClosed() }
        }
        context.fireChannelRead(data)
        // The client's loop is handed two tasks: one to set it up, and, once the door knows of that, one to begin reading.
        // A task behind each knows when it was run.
        client.eventLoop.execute {
            door.eventLoop.execute {
                client.eventLoop.execute {
                    door.eventLoop.execute { door.value.noteArrived() }
                }
            }
        }
    }

    func read(context: ChannelHandlerContext) {
        if openCount < openMaximum, comingCount < ServerLimits.comingConnections {
            context.read()
        } else {
            readIsPending = true
        }
    }

    private func noteClosed() {
        openCount -= 1
        goOn()
    }

    private func noteArrived() {
        comingCount -= 1
        goOn()
    }

    private func goOn() {
        guard readIsPending, let context else { return }
        readIsPending = false
        read(context: context)
    }
}
