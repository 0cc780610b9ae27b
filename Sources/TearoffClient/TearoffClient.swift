import Foundation
import NIOCore
import NIOPosix
import TearoffProtocol

/// One connection to a Tearoff server.
///
/// It may be used by any number of tasks at once: their commands are written in the order of the calls,
/// several to a write when they come close together, and each task gets its own reply. A task that is
/// cancelled stops waiting; its command has been sent. When the connection ends, every waiting call fails,
/// and so does every later one: make a new client then.
///
///     let client = try await TearoffClient.connect(host: "127.0.0.1")
///     let code = try await client.allocateCode(campaign: "summer", user: "u1")
///     await client.close()
public final class TearoffClient: Sendable {
    let options: Options
    private let channel: any Channel
    private let calls: CallQueue

    private init(channel: any Channel, calls: CallQueue, options: Options) {
        self.channel = channel
        self.calls = calls
        self.options = options
    }

    deinit { channel.triggerUserOutboundEvent(ConnectionHandler.Signal.close, promise: nil) }
}

// MARK: - Beginning and end

extension TearoffClient {
    /// Connects, greets with RESP3, authenticates if there is a password, and waits while the server is
    /// loading if ``Options/waitWhileLoading`` says so.
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - account: to log in as; the server's own password is that of `default`.
    ///   - password: of that account; nil when the server wants none.
    /// - Throws: ``TearoffError/Code/unreachable``, ``TearoffError/Code/tls`` or ``TearoffError/Code/timeout``; what
    ///   the server answers, such as ``TearoffError/Code/wrongPassword``, ``TearoffError/Code/limit`` and
    ///   ``TearoffError/Code/loading``.
    public static func connect(
        host: String = "127.0.0.1", port: Int = Limits.port, account: String = "default", password: String? = nil,
        options: Options = Options()
    ) async throws(TearoffError) -> TearoffClient {
        let tls = try options.tls?.context()
        return try await connect(
            to: "\(host):\(port)", account: account, password: password, options: options
        ) { calls in
            try await bootstrap(options).channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handshake = try tls.map {
                            try TLS.encrypt(channel, $0, host: host, timeout: TimeAmount(options.connectTimeout))
                        }
                        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(calls: calls, host: host))
                        return (channel, handshake)
                    }
                }
        }
    }

    /// Connects to a server on this machine over its Unix socket for administration, and then as
    /// ``connect(host:port:account:password:options:)``. It needs no password there, and nothing is encrypted.
    ///
    /// - Parameter socketPath: as the server's `--admin-socket` has it.
    /// - Throws: as there.
    public static func connect(
        socketPath: String, options: Options = Options()
    ) async throws(TearoffError) -> TearoffClient {
        try await connect(to: socketPath, account: "default", password: nil, options: options) { calls in
            try await bootstrap(options).connect(unixDomainSocketPath: socketPath) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(calls: calls, host: socketPath))
                    return (channel, nil)
                }
            }
        }
    }

    /// A connection that is made; the future is that of its handshake, if there is one.
    private typealias Opened = (channel: any Channel, handshake: EventLoopFuture<Void>?)

    private static func bootstrap(_ options: Options) -> ClientBootstrap {
        ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(TimeAmount(options.connectTimeout))
    }

    private static func connect(
        to address: String, account: String, password: String?, options: Options,
        _ open: (CallQueue) async throws -> Opened
    ) async throws(TearoffError) -> TearoffClient {
        let calls = CallQueue(
            commandsMaximum: options.pendingCommandsMaximum, bytesMaximum: options.pendingBytesMaximum)
        let opened: Opened
        do {
            opened = try await open(calls)
        } catch {
            throw TearoffError(.unreachable, "\(address) does not answer: \(connectFailure(error))")
        }
        do {
            try await opened.handshake?.get()
        } catch {
            throw error as? TearoffError ?? TearoffError(.tls, "\(error)")
        }
        let client = TearoffClient(channel: opened.channel, calls: calls, options: options)
        do throws(TearoffError) {
            try await client.greet(account: account, password: password)
            try await client.waitWhileLoading()
        } catch {
            await client.close()
            throw error
        }
        return client
    }

    /// Ends the connection and returns when it is closed. Calls that wait fail with
    /// ``TearoffError/Code/closed``.
    public func close() async {
        channel.triggerUserOutboundEvent(ConnectionHandler.Signal.close, promise: nil)
        await connectionEnd()
    }

    /// Returns when the connection is closed, by whichever side.
    func connectionEnd() async {
        do {
            try await channel.closeFuture.get()
        } catch {
            // However it ended, it has ended.
        }
    }

    private func greet(account: String, password: String?) async throws(TearoffError) {
        var words = ["HELLO", "3"]
        if let password { words += ["AUTH", account, password] }
        if let name = options.clientName { words += ["SETNAME", name] }
        let reply: Reply
        do throws(TearoffError) {
            reply = try await call(Command(words), timeout: options.connectTimeout)
        } catch  where options.tls == nil && (error.code == .connectionLost || error.code == .invalidReply) {
            // One that speaks TLS answers so, and does not tell why.
            throw TearoffError(
                error.code, "the greeting was not answered; does the server want TLS? (\(error.message))")
        }
        let fields = try Fields(reply)
        guard try fields.text("server") == "tearoff" else { throw .invalid("this is no Tearoff server") }
    }

    private func waitWhileLoading() async throws(TearoffError) {
        guard let patience = options.waitWhileLoading else { return }
        let deadline = NIODeadline.now() + TimeAmount(patience)
        while true {
            do throws(TearoffError) {
                return try await ping()
            } catch  where error.code == .loading && NIODeadline.now() < deadline {
                await pause(options.loadingRetryInterval)
            }
        }
    }

    private func pause(_ duration: Duration) async {
        do {
            try await channel.eventLoop.scheduleTask(in: TimeAmount(duration)) {}.futureResult.get()
        } catch {
            // A loop that is shutting down runs no tasks: the next call tells.
        }
    }

    /// The cause in a few words: a connection error of NIO lists every attempt with all its addresses.
    private static func connectFailure(_ error: any Error) -> String {
        var cause = error
        if let error = error as? NIOConnectionError {
            guard let attempt = error.connectionErrors.first else { return "the name is unknown" }
            cause = attempt.error
        }
        switch cause {
        case let error as IOError where error.errnoCode == ECONNREFUSED: return "nothing listens there"
        case let error as IOError where error.errnoCode == ENOENT: return "there is no such socket"
        case let error as IOError where error.errnoCode == EACCES: return "the socket is another user's"
        case is SocketAddressError: return "that is no path of a Unix socket"
        case ChannelError.connectTimeout: return "no answer in time"
        default: return "\(cause)"
        }
    }
}

// MARK: - Commands

extension TearoffClient {
    /// Sends any command.
    ///
    /// - Throws: the server's error reply, or why there is no reply.
    public func send(_ command: Command) async throws(TearoffError) -> Value {
        Value(try await call(command, timeout: options.replyTimeout))
    }

    /// Sends many commands in one write and waits for all their replies. More commands than
    /// ``Options/pendingCommandsMaximum`` fail all with ``TearoffError/Code/busy``.
    ///
    /// - Returns: as many results as commands, in their order. When the connection ends in between, the
    ///   replies that came before are there, and the rest failed.
    public func pipeline(_ commands: [Command]) async -> [Result<Value, TearoffError>] {
        await replies(to: commands).map { result in result.map { Value($0) } }
    }

    func replies(to commands: [Command]) async -> [Result<Reply, TearoffError>] {
        guard !commands.isEmpty else { return [] }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(commands.reduce(0) { $0 + $1.encoded.count })
        for command in commands { encoded += command.encoded }
        let call: Call
        do throws(TearoffError) {
            call = try start(encoded, replyCount: commands.count, timeout: options.replyTimeout)
        } catch {
            return commands.map { _ in .failure(error) }
        }
        let outcome = await call.outcome()
        var results = outcome.replies.map { reply -> Result<Reply, TearoffError> in
            if case .error(let text) = reply { return .failure(TearoffError(reply: text)) }
            return .success(reply)
        }
        let failure = outcome.failure ?? .invalid("replies are missing")
        while results.count < commands.count { results.append(.failure(failure)) }
        return results
    }

    func call(_ command: Command, timeout: Duration?) async throws(TearoffError) -> Reply {
        try await start(command, timeout: timeout).reply()
    }

    func call(_ words: String...) async throws(TearoffError) -> Reply {
        try await call(Command(words), timeout: options.replyTimeout)
    }

    /// Sends a command without waiting for its reply: commands started one after the other go out in that
    /// order.
    func start(_ command: Command, timeout: Duration?) throws(TearoffError) -> Call {
        try start(command.encoded, replyCount: 1, timeout: timeout)
    }

    private func start(
        _ encoded: [UInt8], replyCount: Int, timeout: Duration?
    ) throws(TearoffError) -> Call {
        let (call, mustTell) = try calls.submit(
            encoded, replyCount: replyCount, timeout: timeout.map { TimeAmount($0) })
        if mustTell {
            channel.triggerUserOutboundEvent(ConnectionHandler.Signal.submitted, promise: nil)
        }
        return call
    }
}
