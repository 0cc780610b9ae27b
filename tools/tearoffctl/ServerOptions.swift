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

    @Option(
        help: ArgumentHelp(
            "The server's Unix socket for administration, instead of --server.", valueName: "path"))
    var socket: String?

    @Flag(help: "Encrypt the connection; as --server tls://HOST:PORT.")
    var tls = false

    @Option(
        help: ArgumentHelp(
            "Certificates to trust for --tls. Default: TEAROFF_CA, else the system's.", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("A certificate to show to the server, with --tls.", valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("The key of that certificate.", valueName: "file"))
    var certificateKey: String?

    @Flag(help: "With --tls, take a certificate for another name.")
    var anyHostName = false

    @Option(help: "Log in as this account. Default: TEAROFF_ACCOUNT, else default.")
    var account: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password. Default: TEAROFF_PASSWORD; with an account it is asked for.",
            valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("Wait so long while the server recovers its data.", valueName: "seconds"))
    var wait: UInt32?

    @Flag(help: "Show what was asked for as JSON.")
    var json = false

    func validate() throws {
        if server != nil, host != nil || port != nil {
            throw ValidationError("Give either --server or --host and --port.")
        }
        if socket != nil, server != nil || host != nil || port != nil || tls || passwordFile != nil {
            throw ValidationError("--socket stands alone: there it needs no address, encryption or password.")
        }
        if let text = Self.environment("TEAROFF_SERVER"), ServerAddress(argument: text) == nil {
            throw ValidationError("TEAROFF_SERVER must be HOST:PORT, tls://HOST:PORT or unix:PATH.")
        }
        guard (certificate == nil) == (certificateKey == nil) else {
            throw ValidationError("--certificate and --certificate-key go together.")
        }
        guard address.isEncrypted || (ca == nil && certificate == nil && !anyHostName) else {
            throw ValidationError("--ca, --certificate and --any-host-name are for --tls.")
        }
    }

    /// nil when it is not set, or empty.
    static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Options before the environment, the environment before the default.
    var address: ServerAddress {
        if let socket { return .socket(path: socket) }
        let known = server ?? Self.environment("TEAROFF_SERVER").flatMap { ServerAddress(argument: $0) }
        switch known {
        case .network(let knownHost, let knownPort, let isEncrypted):
            return .network(
                host: host ?? knownHost, port: port.map(Int.init) ?? knownPort, isEncrypted: isEncrypted || tls)
        case .socket(let path) where host == nil && port == nil && !tls: return .socket(path: path)
        case .socket, nil:
            return .network(
                host: host ?? "127.0.0.1", port: port.map(Int.init) ?? TearoffClient.Limits.port, isEncrypted: tls)
        }
    }

    /// - Throws: ``Failure`` for the password file, `TearoffError` for the server.
    func connect() async throws -> TearoffClient {
        var options = TearoffClient.Options(
            waitWhileLoading: wait.map { .seconds(Int($0)) }, clientName: "tearoffctl")
        switch address {
        case .socket(let path): return try await TearoffClient.connect(socketPath: path, options: options)
        case .network(let host, let port, let isEncrypted):
            if isEncrypted {
                options.tls = TearoffClient.TLS(
                    authoritiesPath: ca ?? Self.environment("TEAROFF_CA"), certificatePath: certificate,
                    keyPath: certificateKey, verifiesHostName: !anyHostName)
            }
            let account = account ?? Self.environment("TEAROFF_ACCOUNT")
            return try await TearoffClient.connect(
                host: host, port: port, account: account ?? "default", password: try password(of: account),
                options: options)
        }
    }

    /// From its file, from the environment, or, of an account, from whoever sits at the terminal.
    private func password(of account: String?) throws -> String? {
        if let passwordFile { return try Self.firstLine(of: passwordFile, called: "password") }
        if let password = Self.environment("TEAROFF_PASSWORD") { return password }
        return try account.map { try Terminal.secret("Password of account \($0): ") }
    }

    /// Of a file that holds what must not stand on a command line.
    static func firstLine(of path: String, called kind: String) throws(Failure) -> String {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Failure(.file, "The \(kind) file \(path) cannot be read: \(Failure.reason(error))")
        }
        return String(text.prefix { !$0.isNewline })
    }
}

/// `HOST:PORT`, with an IPv6 address in brackets, `tls://HOST:PORT`, or `unix:PATH`.
enum ServerAddress: ExpressibleByArgument, Equatable, CustomStringConvertible {
    case network(host: String, port: Int, isEncrypted: Bool)
    case socket(path: String)

    init?(argument: String) {
        if argument.hasPrefix("unix:") {
            let path = argument.dropFirst("unix:".count)
            if path.isEmpty { return nil }
            self = .socket(path: String(path))
            return
        }
        let scheme = "tls://"
        let isEncrypted = argument.hasPrefix(scheme)
        let text = isEncrypted ? argument.dropFirst(scheme.count) : argument[...]
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self = .network(host: String(host), port: Int(port), isEncrypted: isEncrypted)
    }

    var description: String {
        switch self {
        case .network(let host, let port, let isEncrypted): "\(isEncrypted ? "tls://" : "")\(host):\(port)"
        case .socket(let path): "unix:\(path)"
        }
    }

    var isEncrypted: Bool {
        if case .network(_, _, true) = self { true } else { false }
    }

    /// Whether the server's process can be looked at from here.
    var isThisMachine: Bool {
        switch self {
        case .socket: true
        case .network(let host, _, _): host == "localhost" || host == "::1" || host.hasPrefix("127.")
        }
    }
}
