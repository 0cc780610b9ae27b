import ArgumentParser
import Foundation
import TearoffClient

/// Which server, and how its answers are shown: the options that every command has.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server as HOST:PORT. Default: TEAROFF_SERVER, else 127.0.0.1:7071.")
    var server: ServerAddress?

    @Option(help: "The server's name or address, instead of --server.")
    var host: String?

    @Option(help: "The server's port, instead of --server.")
    var port: UInt16?

    @Option(help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("Wait so long while the server recovers its data.", valueName: "seconds"))
    var wait: UInt32?

    @Flag(help: "Show what was asked for as JSON.")
    var json = false

    func validate() throws {
        if server != nil, host != nil || port != nil {
            throw ValidationError("Give either --server or --host and --port.")
        }
        if let text = Self.environmentServer, ServerAddress(argument: text) == nil {
            throw ValidationError("TEAROFF_SERVER must be HOST:PORT.")
        }
    }

    private static var environmentServer: String? {
        ProcessInfo.processInfo.environment["TEAROFF_SERVER"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Options before the environment, the environment before the default.
    var address: ServerAddress {
        let known =
            server ?? Self.environmentServer.flatMap { ServerAddress(argument: $0) }
            ?? ServerAddress(host: "127.0.0.1", port: TearoffClient.Limits.port)
        return ServerAddress(host: host ?? known.host, port: port.map(Int.init) ?? known.port)
    }

    /// - Throws: ``Failure`` for the password file, `TearoffError` for the server.
    func connect() async throws -> TearoffClient {
        let password = try passwordFile.map { try Self.readPassword($0) }
        let options = TearoffClient.Options(
            waitWhileLoading: wait.map { .seconds(Int($0)) }, clientName: "tearoffctl")
        return try await TearoffClient.connect(
            host: address.host, port: address.port, password: password, options: options)
    }

    private static func readPassword(_ path: String) throws(Failure) -> String {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Failure(.file, "The password file \(path) cannot be read: \(Failure.reason(error))")
        }
        return String(text.prefix { !$0.isNewline })
    }
}

/// `HOST:PORT`, with an IPv6 address in brackets.
struct ServerAddress: ExpressibleByArgument, Equatable {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            let port = UInt16(argument[argument.index(after: colon)...]), port > 0
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: Int(port))
    }
}
