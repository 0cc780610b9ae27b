import NIOCore
import NIOPosix
import TearoffLog

/// The sockets and threads: as those of `tearoffd`, so that the difference between the two is the work.
struct EchoServer {
    let port: Int
    private let listener: any Channel
    private let loops: MultiThreadedEventLoopGroup

    /// What a connection's unsent replies may hold before it is no longer read; `tearoffd` has the same.
    private static let outputBytes = 256 << 10
    private static let acceptBacklog: CInt = 1_024

    /// - Parameter log: where the loops write; nil for a server that answers at once.
    static func start(
        host: String, port: Int, threads: Int, log: LogDirectory?,
        failed: @escaping @Sendable (LogFailure) -> Void
    ) async throws -> EchoServer {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        var contexts: [ObjectIdentifier: NIOLoopBound<EchoLoop>] = [:]
        for (index, eventLoop) in loops.makeIterator().enumerated() {
            contexts[ObjectIdentifier(eventLoop as AnyObject)] = try await eventLoop.submit {
                let log = try log?.makeLog(loop: index)
                return NIOLoopBound(
                    EchoLoop(eventLoop: eventLoop, log: log, failed: failed), eventLoop: eventLoop)
            }.get()
        }
        let listener = try await bind(host: host, port: port, loops: loops, contexts: contexts)
        return EchoServer(port: listener.localAddress?.port ?? port, listener: listener, loops: loops)
    }

    private static func bind(
        host: String, port: Int, loops: MultiThreadedEventLoopGroup,
        contexts: [ObjectIdentifier: NIOLoopBound<EchoLoop>]
    ) async throws -> any Channel {
        try await ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: acceptBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: outputBytes / 4, high: outputBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = contexts[ObjectIdentifier(channel.eventLoop as AnyObject)]?.value else {
                        preconditionFailure("a connection was accepted on a loop that is not the server's")
                    }
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(loop: loop))
                }
            }
            .bind(host: host, port: port).get()
    }

    /// Closes the listener and every connection.
    func stop() async throws {
        try await listener.close()
        try await loops.shutdownGracefully()
    }
}
