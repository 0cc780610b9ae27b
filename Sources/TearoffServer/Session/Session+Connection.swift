import TearoffCore
import TearoffEngine
import TearoffProtocol

extension Command {
    /// What a client may send before it has authenticated.
    var needsNoAuthentication: Bool {
        switch self {
        case .ping, .auth, .hello, .quit, .reset: true
        default: false
        }
    }
}

/// Commands about the connection itself, as Redis clients expect them. They work while the server is loading.
extension Session {
    /// - Returns: nil when the command is not one of these.
    func runAboutConnection(
        _ command: Command, _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>,
        on connection: ConnectionHandler, _ writer: inout ReplyWriter
    ) -> SessionOutcome? {
        switch command {
        case .ping(let text):
            // As in Redis: a client that waits for the server to be ready asks with PING.
            if connection.loop.engine == nil { return nil }
            if let text {
                writer.bulk(bytes.extracting(decoder.argument(text)))
            } else {
                writer.simple("PONG")
            }
        case .echo(let text): writer.bulk(bytes.extracting(decoder.argument(text)))
        case .hello(let arguments):
            guard let credentials = arguments.credentials else {
                hello(arguments, &writer)
                break
            }
            return authenticate(credentials, on: connection, &writer) { $0.hello(arguments, &$1) }
        case .auth(let credentials): return authenticate(credentials, on: connection, &writer) { $1.ok() }
        case .whoAmI: writer.bulk(identity?.name ?? "")
        case .select(let index):
            if index == 0 { writer.ok() } else { writer.error(.syntax, "there is one database, 0") }
        case .reset:
            name = ""
            logOut(connection.loop.engine?.catalog.accounts)
            writer.version = .resp2
            writer.simple("RESET")
        case .quit:
            writer.ok()
            return .close
        case .clientID: writer.integer(Int64(id))
        case .clientGetName: writer.bulkOrNull(name.isEmpty ? nil : name)
        case .clientSetName(let name):
            self.name = name
            writer.ok()
        case .clientSetInfo, .clientNoEvict, .clientNoTouch: writer.ok()
        case .clientInfo: writer.bulk(line + "\n")
        case .clientList: writer.bulk(server.clientLines.map { $0 + "\n" }.joined())
        case .commandAll: CommandTable.writeAll(to: &writer)
        case .commandCount: CommandTable.writeCount(to: &writer)
        case .commandList: CommandTable.writeList(to: &writer)
        case .commandInfo(let names): CommandTable.writeInfo(names, to: &writer)
        case .commandDocs(let names): CommandTable.writeDocs(names, to: &writer)
        case .commandGetKeys(let keys): CommandTable.writeKeys(keys, of: decoder, bytes: bytes, to: &writer)
        case .configGet(let names): writeSettings(names, &writer)
        case .info(let section): writer.bulk(server.info(section: section, engine: connection.loop.engine))
        case .shutdown:
            shutDown()
            return .closeSilently
        default: return nil
        }
        return .answered
    }

    private func hello(_ arguments: HelloArguments, _ writer: inout ReplyWriter) {
        guard identity != nil else {
            return writer.error(
                .noAuthentication, "HELLO must be called with the client already authenticated")
        }
        if let version = arguments.version { writer.version = version }
        if let clientName = arguments.clientName { name = clientName }
        writer.map(7)
        writer.bulk("server")
        writer.bulk("tearoff")
        writer.bulk("version")
        writer.bulk(ServerState.version)
        writer.bulk("proto")
        writer.integer(Int64(writer.version.rawValue))
        writer.bulk("id")
        writer.integer(Int64(id))
        writer.bulk("mode")
        writer.bulk("standalone")
        writer.bulk("role")
        writer.bulk("master")
        writer.bulk("modules")
        writer.array(0)
    }

    /// Stops the server, once it is written down who asked for it; while it is loading nothing is.
    private func shutDown() {
        let (server, origin) = (server, origin)
        let reason = "SHUTDOWN from \(address)"
        guard server.engine != nil else { return server.shutdown(reason: reason) }
        server.controlPort.execute { control in
            // It stops as well when that fails.
            control.asked(by: origin).noteShutdown { _ in server.shutdown(reason: reason) }
        }
    }

    /// What redis-benchmark asks for before it begins; both are true here.
    private func writeSettings(_ names: [String], _ writer: inout ReplyWriter) {
        let known = [("appendonly", "yes"), ("save", "")].filter { name, _ in
            names.contains { $0.lowercased() == name || $0 == "*" }
        }
        writer.map(known.count)
        for (name, value) in known {
            writer.bulk(name)
            writer.bulk(value)
        }
    }
}
