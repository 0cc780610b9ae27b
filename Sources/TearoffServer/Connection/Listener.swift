import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import TearoffAccounts
import TearoffCore
import TearoffEngine
import TearoffProtocol

/// The listening sockets, and what each accepted one gets.
enum Listener {
    /// Which way a client came.
    enum Entrance { case network, administration }

    /// Listens on the network.
    static func bind(
        _ settings: ServerSettings, loops: LoopGroup, contexts: [NIOLoopBound<LoopContext>]
    ) async throws -> any Channel {
        let unreadMilliseconds = settings.deadlines.unreadSeconds * 1_000
        // On Linux an accepted socket has the options of the one that listens: nothing is left to be set for each.
        return try await bootstrap(.network, settings.connectionsMaximum, loops.door, loops.sockets, contexts)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .serverChannelOption(.socketOption(.so_keepalive), value: 1)
            .serverChannelOption(tcp(TCP_KEEPIDLE), value: ServerLimits.keepaliveAfterSeconds)
            .serverChannelOption(tcp(TCP_KEEPINTVL), value: ServerLimits.keepaliveEverySeconds)
            .serverChannelOption(tcp(TCP_USER_TIMEOUT), value: unreadMilliseconds)
            .bind(host: settings.host, port: settings.port).get()
    }

    static func bind(
        adminSocket path: String, loops: LoopGroup, contexts: [NIOLoopBound<LoopContext>]
    ) async throws(StartFailure) -> AdminSocket {
        // Not at the door: there an operator would wait behind those who are too many.
        let bootstrap = bootstrap(
            .administration, ServerLimits.adminConnections, loops.control, loops.sockets, contexts)
        return try await AdminSocket.bind(path, bootstrap, loops: loops.control)
    }

    private static func bootstrap(
        _ entrance: Entrance, _ connectionsMaximum: Int, _ door: MultiThreadedEventLoopGroup,
        _ loops: MultiThreadedEventLoopGroup, _ contexts: [NIOLoopBound<LoopContext>]
    ) -> ServerBootstrap {
        let byLoop = Dictionary(
            uniqueKeysWithValues: contexts.map { (ObjectIdentifier($0.eventLoop as AnyObject), $0) })
        return ServerBootstrap(group: door, childGroup: loops)
            .serverChannelOption(.backlog, value: ServerLimits.acceptBacklog)
            // What is open is counted before one more is accepted.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let openMaximum = connectionsMaximum + ServerLimits.refusalsInHand
                    try channel.pipeline.syncOperations.addHandler(Door(openMaximum: openMaximum))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // A turn is one read: who sends without end would else have four in a row.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: ServerLimits.unsentBytes / 4, high: ServerLimits.unsentBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context = byLoop[ObjectIdentifier(channel.eventLoop as AnyObject)]?.value else {
                        preconditionFailure("a connection was accepted on a loop that is not the server's")
                    }
                    try admit(channel, through: entrance, to: context)
                }
            }
    }

    private static func tcp(_ name: CInt) -> ChannelOptions.Types.SocketOption {
        .init(level: .tcp, name: NIOBSDSocket.Option(rawValue: name))
    }

    private static func admit(
        _ channel: any Channel, through entrance: Entrance, to context: LoopContext
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        let tls = entrance == .network ? context.server.tls : nil
        let address = address(of: channel, through: entrance)
        let id: UInt64
        switch context.server.admitConnection(through: entrance, from: address) {
        case .success(let admitted): id = admitted
        case .failure(let full):
            // To be told so it would need a handshake, which is what there shall not be too many of.
            guard tls == nil else { return channel.close(promise: nil) }
            var refusal = ReplyWriter()
            refusal.error(.limit, full.message)
            return try pipeline.addHandler(RefusalHandler(reply: refusal.bytes))
        }
        let session = Session(
            id: id, address: address, addressKey: AddressKey(channel.remoteAddress), entrance: entrance,
            server: context.server, accounts: context.engine?.catalog.accounts)
        if let tls {
            try pipeline.addHandler(NIOSSLServerHandler(context: tls.context))
            try pipeline.addHandler(HandshakeGuard(server: context.server))
        }
        try pipeline.addHandler(ConnectionHandler(loop: context, session: session))
    }

    private static func address(of channel: any Channel, through entrance: Entrance) -> String {
        switch entrance {
        case .network: channel.remoteAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? ""
        case .administration: "unix"
        }
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
        try await SignalHandler.bootstrap(on: eventLoop, proceed)
            .takingOwnershipOfDescriptor(input: try duplicateDescriptor(descriptor)).get()
    }
}

/// What is read says no more than that something is to be done.
final class SignalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let proceed: @Sendable () -> Void

    private init(_ proceed: @escaping @Sendable () -> Void) { self.proceed = proceed }

    /// For a channel that has nothing but this handler.
    static func bootstrap(on eventLoop: any EventLoop, _ proceed: @escaping @Sendable () -> Void) -> NIOPipeBootstrap {
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SignalHandler(proceed))
                }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { proceed() }
}
