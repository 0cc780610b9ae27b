import NIOCore
import NIOPosix
import TearoffProtocol

/// The listening socket, and what each accepted one gets.
enum Listener {
    static func bind(
        host: String, port: Int, loops: MultiThreadedEventLoopGroup, contexts: [NIOLoopBound<LoopContext>]
    ) async throws -> any Channel {
        let byLoop = Dictionary(
            uniqueKeysWithValues: contexts.map { (ObjectIdentifier($0.eventLoop as AnyObject), $0) })
        return try await ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: ServerLimits.acceptBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: ServerLimits.outputBytes / 4, high: ServerLimits.outputBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context = byLoop[ObjectIdentifier(channel.eventLoop as AnyObject)]?.value else {
                        preconditionFailure("a connection was accepted on a loop that is not the server's")
                    }
                    try admit(channel, to: context)
                }
            }
            .bind(host: host, port: port).get()
    }

    private static func admit(_ channel: any Channel, to context: LoopContext) throws {
        guard let id = context.server.admitConnection() else {
            var refusal = ReplyWriter()
            refusal.error(
                .limit, "max number of clients reached (\(context.server.settings.connectionsMaximum))")
            try channel.pipeline.syncOperations.addHandler(RefusalHandler(reply: refusal.bytes))
            return
        }
        let address = channel.remoteAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? ""
        let session = Session(id: id, address: address, server: context.server)
        context.server.noteClient(session)
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(loop: context, session: session))
    }
}

/// Tells a connection that is one too many so, once it can be told anything, and closes it.
private final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let reply: [UInt8]

    init(reply: [UInt8]) { self.reply = reply }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: reply))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    /// What it sends meanwhile is nobody's.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}

/// Listens on a lane's eventfd: a write of the log has completed.
enum CompletionChannel {
    /// - Parameter descriptor: stays its owner's; the channel has a duplicate.
    static func open(
        _ descriptor: CInt, on eventLoop: any EventLoop, _ proceed: @escaping @Sendable () -> Void
    ) async throws -> any Channel {
        try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(proceed: proceed))
                }
            }
            .takingOwnershipOfDescriptor(input: try duplicateDescriptor(descriptor)).get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let proceed: @Sendable () -> Void

        init(proceed: @escaping @Sendable () -> Void) { self.proceed = proceed }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { proceed() }
    }
}
