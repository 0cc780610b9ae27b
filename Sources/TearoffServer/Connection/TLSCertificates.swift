import Foundation
import NIOCore
import NIOSSL
import Synchronization

/// What a new connection's handshake is made with: the server's certificate and key, and who signs clients'.
///
/// Read from files, at the start and whenever somebody asks; a connection keeps what it began with.
final class TLSCertificates: Sendable {
    /// One reading of the files.
    private struct Reading {
        let context: NIOSSLContext
        let expiresAt: Date
    }

    let files: TLSFiles
    private let latest: Mutex<Reading>

    /// - Throws: ``TLSFileError``, which says which file is wrong and how.
    init(_ files: TLSFiles) throws(TLSFileError) {
        self.files = files
        latest = Mutex(try Self.read(files))
    }

    var context: NIOSSLContext { latest.withLock { $0.context } }
    /// When the certificate ends.
    var expiresAt: Date { latest.withLock { $0.expiresAt } }

    /// Reads the files again, for connections that come from now on. Blocks on the disk.
    ///
    /// - Throws: as ``init(_:)``; what was read before stays.
    func reload() throws(TLSFileError) {
        let reading = try Self.read(files)
        latest.withLock { $0 = reading }
    }
}

// MARK: - Reading

extension TLSCertificates {
    private static func read(_ files: TLSFiles) throws(TLSFileError) -> Reading {
        let chain = try Self.certificates(in: files.certificatePath)
        let key = try Self.key(in: files.keyPath)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .milliseconds(ServerLimits.tlsFarewellMilliseconds)
        if let path = files.clientAuthoritiesPath {
            configuration.trustRoots = .certificates(try certificates(in: path))
            // A client's name is not compared with anything; that it has no certificate is refused.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            let expiresAt = Date(timeIntervalSince1970: TimeInterval(chain[0].notValidAfter))
            return Reading(context: try NIOSSLContext(configuration: configuration), expiresAt: expiresAt)
        } catch {
            throw TLSFileError(
                files.keyPath, "is not the key of the first certificate in \(files.certificatePath)")
        }
    }

    /// - Returns: one at least.
    private static func certificates(in path: String) throws(TLSFileError) -> [NIOSSLCertificate] {
        let bytes = try Self.bytes(of: path)
        let found: [NIOSSLCertificate]
        do {
            found = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw TLSFileError(path, "holds no certificate in PEM form, or one that is damaged")
        }
        if found.isEmpty { throw TLSFileError(path, "holds no certificate in PEM form") }
        return found
    }

    private static func key(in path: String) throws(TLSFileError) -> NIOSSLPrivateKey {
        let bytes = try Self.bytes(of: path)
        if bytes.contains("ENCRYPTED".utf8) {
            throw TLSFileError(
                path,
                "is protected by a passphrase, which nobody could type: openssl pkey -in FILE -out NEW takes it off")
        }
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw TLSFileError(path, "holds no private key in PEM form, or one that is damaged")
        }
    }

    private static func bytes(of path: String) throws(TLSFileError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw TLSFileError(path, "cannot be read: \(Self.reason(error))")
        }
    }

    /// A few words: Foundation's own sentences name no cause.
    private static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileNoSuchFile?, .fileReadNoSuchFile?: "no such file"
        case .fileReadNoPermission?: "permission denied"
        default: error.localizedDescription
        }
    }
}

/// A file that no handshake can be made with.
struct TLSFileError: Error, CustomStringConvertible {
    let path: String
    let problem: String

    init(_ path: String, _ problem: String) {
        self.path = path
        self.problem = problem
    }

    var description: String { "\(path) \(problem)" }
}
