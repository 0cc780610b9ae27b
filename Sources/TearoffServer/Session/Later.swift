import NIOCore
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol
import TearoffStorage

/// The way back from wherever a command runs to the connection that waits for its reply.
struct Later: Sendable {
    private let connection: NIOLoopBound<ConnectionHandler>
    private let eventLoop: any EventLoop
    private let version: RESPVersion
    private let server: ServerState
    /// Who waits.
    let origin: Origin

    init(
        _ connection: ConnectionHandler, _ server: ServerState, _ version: RESPVersion, origin: Origin
    ) {
        self.connection = NIOLoopBound(connection, eventLoop: connection.loop.eventLoop)
        eventLoop = connection.loop.eventLoop
        self.version = version
        self.server = server
        self.origin = origin
    }

    /// For replies that are written before they may leave.
    func writer() -> ReplyWriter { ReplyWriter(version: version) }

    /// Sends a reply that is written already. From any thread.
    func raw(_ reply: [UInt8]) {
        eventLoop.execute { [connection] in
            connection.value.answer { writer in writer.bytes.append(contentsOf: reply) }
        }
    }

    /// Sends a result, or its error. From any thread.
    func reply<Value>(_ result: Result<Value, ControlError>, _ write: (inout ReplyWriter, Value) -> Void) {
        switch result {
        case .success(let value):
            var writer = writer()
            write(&writer, value)
            raw(writer.bytes)
        case .failure(let error): refuse(error)
        }
    }

    /// Sends many bytes: they are copied once, to where they leave from. From any thread.
    func bulk(_ result: Result<[UInt8], ControlError>) {
        switch result {
        case .success(let bytes):
            eventLoop.execute { [connection] in connection.value.answer { $0.bulk(bytes.span) } }
        case .failure(let error): refuse(error)
        }
    }

    /// Sends an error. From any thread.
    func refuse(_ error: ControlError) {
        var writer = writer()
        writer.error(error)
        raw(writer.bytes)
    }

    /// Answers with what was looked up, once the frames that it rests on are durable. From any thread.
    ///
    /// - Parameter frames: asked for behind the look-up, so that a row that came meanwhile is waited for, too.
    func report(
        behind frames: @autoclosure () -> [LaneFrame], _ engine: Engine, _ write: (inout ReplyWriter) -> Void
    ) {
        var writer = writer()
        write(&writer)
        let reply = writer.bytes
        engine.whenDurable(frames()) { raw(reply) }
    }

    /// Goes on with what was found on the connection's loop, or sends its error. From any thread.
    func onLoop<Value: Sendable>(
        _ result: Result<Value, ControlError>, _ body: @escaping @Sendable (LoopEngine, Value) -> Void
    ) {
        switch result {
        case .success(let value):
            eventLoop.execute { [connection] in
                // Without an engine the server has failed, and closes its connections.
                connection.value.loop.perform { engine in body(engine, value) }
            }
        case .failure(let error): refuse(error)
        }
    }

    /// Runs a piece of work on the control plane's loop, for whoever waits.
    func control(_ body: @escaping @Sendable (Operator) -> Void) {
        server.controlPort.execute { [origin] control in body(control.asked(by: origin)) }
    }

    /// Makes a change of the catalog and answers `OK` when it is durable and every loop has it.
    func change(_ body: @escaping @Sendable (Operator, @escaping Operator.Done) -> Void) {
        control { control in body(control) { reply($0) { writer, _ in writer.ok() } } }
    }

    /// The same for a change that frees much memory: what the allocator would keep goes back to the system.
    func changeAndTrim(
        _ body: @escaping @Sendable (Operator, @escaping @Sendable (Result<Void, ControlError>) -> Void) -> Void
    ) {
        control { control in
            body(control) { result in
                if case .success = result { ProcessMemory.trim() }
                reply(result) { writer, _ in writer.ok() }
            }
        }
    }
}
