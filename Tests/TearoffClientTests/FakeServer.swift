import NIOCore
import NIOPosix
import Synchronization
import TearoffClient
import TearoffProtocol
import Testing

/// A server on a port from the kernel that answers as a test says. It speaks real RESP over a real socket, so
/// that the client is tested whole.
final class FakeServer: Sendable {
    /// What follows what the script has written.
    enum Answer { case reply, silence, close }
    /// Answers one command; called in the commands' order.
    typealias Script = @Sendable (_ command: [String], _ writer: inout ReplyWriter) -> Answer

    let port: Int
    private let channel: any Channel
    private let seen: Seen

    /// The commands of all connections, without the greetings.
    var commands: [[String]] { seen.commands.withLock { $0 } }
    var connectionCount: Int { seen.connections.withLock { $0 } }

    fileprivate final class Seen: Sendable {
        let commands = Mutex<[[String]]>([])
        let connections = Mutex(0)
    }

    private init(channel: any Channel, port: Int, seen: Seen) {
        self.channel = channel
        self.port = port
        self.seen = seen
    }

    /// Runs `body` with a server and takes the server down again.
    ///
    /// - Parameter greets: whether `HELLO` is answered as a server does; else the script gets it too.
    static func with<Value>(
        greets: Bool = true, _ script: @escaping Script, _ body: (FakeServer) async throws -> Value
    ) async throws -> Value {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = FakeConnection(script: script, greets: greets, seen: seen)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = FakeServer(
            channel: channel, port: try #require(channel.localAddress?.port), seen: seen)
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    func connect(
        password: String? = nil, options: TearoffClient.Options = .init()
    ) async throws(TearoffError) -> TearoffClient {
        try await TearoffClient.connect(host: "127.0.0.1", port: port, password: password, options: options)
    }
}

private final class FakeConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: FakeServer.Script
    private let greets: Bool
    private let seen: FakeServer.Seen
    private var input: [UInt8] = []
    private var decoder = CommandDecoder()
    private var writer = ReplyWriter()

    init(script: @escaping FakeServer.Script, greets: Bool, seen: FakeServer.Seen) {
        self.script = script
        self.greets = greets
        self.seen = seen
    }

    func channelActive(context: ChannelHandlerContext) { seen.connections.withLock { $0 += 1 } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        var mustClose = false
        while !mustClose, let command = nextCommand() {
            if greets, command.first == "HELLO" {
                writer.version = .resp3
                writer.map(2)
                writer.bulk("server")
                writer.bulk("tearoff")
                writer.bulk("proto")
                writer.integer(3)
                continue
            }
            seen.commands.withLock { $0.append(command) }
            mustClose = script(command, &writer) == .close
        }
        if !writer.bytes.isEmpty {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: writer.bytes)), promise: nil)
            writer.removeAll()
        }
        if mustClose { context.close(promise: nil) }
    }

    private func nextCommand() -> [String]? {
        guard case .command(let end)? = try? decoder.decode(input.span, from: 0) else { return nil }
        let words = (0..<decoder.argumentCount).map { index in
            String(decoding: input[decoder.argument(index)], as: UTF8.self)
        }
        input.removeFirst(end)
        return words
    }
}

/// Answers `OK` to everything.
let answerOK: FakeServer.Script = { _, writer in
    writer.ok()
    return .reply
}

/// The error that `body` throws; an issue if it throws none.
func failure(of body: () async throws(TearoffError) -> some Any) async throws -> TearoffError {
    do throws(TearoffError) {
        _ = try await body()
    } catch {
        return error
    }
    return try #require(nil, "nothing was thrown")
}
