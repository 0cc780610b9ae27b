import NIOCore
import NIOSSL
import NIOTLS
import TearoffProtocol

extension TearoffClient {
    /// How a connection is encrypted, and whom it trusts. At least TLS 1.2.
    public struct TLS: Sendable, Hashable {
        /// A file (PEM) with the certificates of those who may have signed the server's. Nil: the system's.
        public var authoritiesPath: String?
        /// A file (PEM) with this client's certificate, for servers that ask for one.
        public var certificatePath: String?
        /// A file (PEM) with the key of that certificate, without a passphrase.
        public var keyPath: String?
        /// Whether the server's certificate must be for the name or address that was asked for. That it is signed is
        /// checked in any case.
        public var verifiesHostName: Bool

        /// Trusts whom the system trusts, and checks the server's name, unless an argument says otherwise.
        public init(
            authoritiesPath: String? = nil, certificatePath: String? = nil, keyPath: String? = nil,
            verifiesHostName: Bool = true
        ) {
            self.authoritiesPath = authoritiesPath
            self.certificatePath = certificatePath
            self.keyPath = keyPath
            self.verifiesHostName = verifiesHostName
        }
    }
}

extension TearoffClient.TLS {
    /// Reads the files. Blocks on the disk.
    ///
    /// - Throws: ``TearoffError/Code/tls``, which names the file.
    func context() throws(TearoffError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if !verifiesHostName { configuration.certificateVerification = .noHostnameVerification }
        if let path = authoritiesPath {
            configuration.trustRoots = .certificates(try Self.certificates(in: path))
        }
        guard (certificatePath == nil) == (keyPath == nil) else {
            throw TearoffError(.tls, "a client's certificate and its key go together")
        }
        if let certificatePath, let keyPath {
            configuration.certificateChain = try Self.certificates(in: certificatePath).map { .certificate($0) }
            configuration.privateKey = .privateKey(try Self.key(in: keyPath))
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TearoffError(
                .tls, "\(keyPath ?? "the key") is not the key of \(certificatePath ?? "the certificate")")
        }
    }

    private static func certificates(in path: String) throws(TearoffError) -> [NIOSSLCertificate] {
        do {
            let found = try NIOSSLCertificate.fromPEMFile(path)
            if !found.isEmpty { return found }
        } catch {
            // Said below: the library's error does not tell a missing file from one that is something else.
        }
        throw TearoffError(.tls, "\(path) cannot be read, or holds no certificate in PEM form")
    }

    private static func key(in path: String) throws(TearoffError) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(file: path, format: .pem)
        } catch {
            throw TearoffError(.tls, "\(path) cannot be read, or holds no private key in PEM form without a passphrase")
        }
    }

    /// Puts the encryption in front of what the pipeline will have.
    ///
    /// - Parameter host: as it was asked for; of an address the library checks the peer's own.
    /// - Returns: fulfilled when the handshake is done; failed with a ``TearoffError``.
    static func encrypt(
        _ channel: any Channel, _ context: NIOSSLContext, host: String, timeout: TimeAmount
    ) throws -> EventLoopFuture<Void> {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let handshake = HandshakeHandler(
            done: channel.eventLoop.makePromise(of: Void.self), host: host, timeout: timeout)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
        try pipeline.addHandler(handshake)
        return handshake.done.futureResult
    }

    /// Why the encryption ended, for a person.
    static func words(for error: any Error, host: String) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the server's certificate is for another name than \(host)"
        }
        let word = HandshakeReason.word(in: "\(error)")
        return switch word {
        case "CERTIFICATE_VERIFY_FAILED":
            "the server's certificate is not signed by anybody who is trusted here, or its time is over"
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST": "the server does not speak TLS there"
        case "TLSV1_ALERT_CERTIFICATE_REQUIRED", "TLSV1_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE":
            "the server wants a client's certificate (\(word))"
        case "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED":
            "the server does not accept this client's certificate (\(word))"
        default: word
        }
    }
}

/// Tells when the handshake is done, or why not, and leaves the pipeline then.
private final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    let done: EventLoopPromise<Void>
    private let host: String
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?

    init(done: EventLoopPromise<Void>, host: String, timeout: TimeAmount) {
        self.done = done
        self.host = host
        self.timeout = timeout
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.fail(context, "the server did not finish the handshake in time")
        }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case .handshakeCompleted? = event as? TLSUserEvent {
            done.succeed()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, TearoffClient.TLS.words(for: error, host: host))
    }

    /// Also when the connection could not be made: nobody waits then.
    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        done.fail(TearoffError(.tls, "the server closed the connection in the handshake"))
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        done.fail(TearoffError(.tls, reason))
        context.close(promise: nil)
    }
}
