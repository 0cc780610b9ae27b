import Glibc
import NIOCore
import NIOPosix

/// The Unix socket for administration. Its file has mode 0600 from the moment at which it appears, and is removed by
/// a clean stop.
struct AdminSocket: Sendable {
    private let path: String
    private let channel: any Channel
    /// Of the file that was made here: another server may have put its own there since.
    private let file: FileStatus.Number

    /// The longest path in bytes: what SwiftNIO puts into a `sockaddr_un` on each of its systems (Linux has room for
    /// four more).
    static let pathBytesMaximum = 103

    private init(path: String, channel: any Channel, file: FileStatus.Number) {
        self.path = path
        self.channel = channel
        self.file = file
    }

    /// Takes the path, also from a server that died, and listens on it.
    ///
    /// - Throws: what stands in the way; nothing was changed then.
    static func bind(
        _ path: String, _ bootstrap: ServerBootstrap, loops: MultiThreadedEventLoopGroup
    ) async throws(StartFailure) -> AdminSocket {
        try check(path)
        try await removeStaleFile(at: path, loops: loops)
        do {
            // Bound here: SwiftNIO would remove the file at a close, whoever's it is then.
            let channel = try await bootstrap.withBoundSocket(try boundSocket(at: path)).get()
            guard let file = status(of: path)?.number else {
                throw StartFailure(.unavailable, "--admin-socket \(path) was removed while it was made")
            }
            return AdminSocket(path: path, channel: channel, file: file)
        } catch let failure as StartFailure {
            throw failure
        } catch {
            throw StartFailure(.unavailable, "--admin-socket \(path) cannot be listened on: \(error)")
        }
    }

    static func check(_ path: String) throws(StartFailure) {
        guard path.utf8.count <= pathBytesMaximum else {
            throw StartFailure(
                .configuration,
                "--admin-socket \(path) has \(path.utf8.count) bytes, and a Unix socket's path has "
                    + "\(pathBytesMaximum) at most: choose a shorter one, such as /run/tearoff/admin.sock")
        }
    }

    /// Linux gives the file the mode of the socket, less the umask; so it is never there with more rights, and no umask
    /// is changed, which would be that of all threads.
    private static func boundSocket(at path: String) throws -> CInt {
        let address = try SocketAddress(unixDomainSocketPath: path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "no socket") }
        if fchmod(descriptor, S_IRUSR | S_IWUSR) == 0 {
            // SAFETY: the address is used inside its scope, with its own size.
            let result = unsafe address.withSockAddr { unsafe Glibc.bind(descriptor, $0, socklen_t($1)) }
            if result == 0 { return descriptor }
        }
        let error = IOError(errnoCode: errno, reason: "bind")
        _ = Glibc.close(descriptor)
        throw error
    }

    /// Stops listening, and removes the file if it is still the one that was made here.
    func close() async {
        do {
            try await channel.close()
        } catch {
            // It is closed already.
        }
        guard Self.status(of: path)?.number == file else { return }
        // When it fails, the next start finds that nobody listens on it, and removes it then.
        _ = unsafe unlink(path)
    }
}

// MARK: - What a server before left

extension AdminSocket {
    /// Removes a socket that nobody listens on any more. Two servers that start at the same moment on one path could
    /// both find it stale, and the slower one would take it from the other; nobody starts two on purpose, and the data
    /// directory's lock stops the usual case.
    private static func removeStaleFile(
        at path: String, loops: MultiThreadedEventLoopGroup
    ) async throws(StartFailure) {
        guard let found = status(of: path) else { return }
        guard found.isSocket else {
            throw StartFailure(
                .configuration, "--admin-socket \(path) is there already, and is no socket; it was left alone")
        }
        guard found.owner == geteuid() else {
            throw StartFailure(
                .configuration, "--admin-socket \(path) belongs to another user (\(found.owner)); it was left alone")
        }
        do {
            let channel = try await ClientBootstrap(group: loops)
                .connectTimeout(.seconds(ServerLimits.staleSocketSeconds))
                .connect(unixDomainSocketPath: path).get()
            try await channel.close()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED {
            return try remove(path)
        } catch {
            throw StartFailure(
                .unavailable,
                "it cannot be told whether somebody listens on --admin-socket \(path) (\(error)); it was left alone")
        }
        throw StartFailure(.unavailable, "another process listens on --admin-socket \(path)")
    }

    private static func remove(_ path: String) throws(StartFailure) {
        // What has become a directory meanwhile is left alone.
        guard unsafe unlink(path) == 0 else {
            let error = IOError(errnoCode: errno, reason: "unlink")
            throw StartFailure(
                .unavailable, "--admin-socket \(path) is left from before and cannot be removed: \(error)")
        }
    }

    private static func status(of path: String) -> FileStatus? { FileStatus(path: path, followsLinks: false) }
}
