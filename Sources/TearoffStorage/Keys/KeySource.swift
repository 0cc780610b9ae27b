import Glibc
import TearoffLog

/// Where the operator's key comes from.
package enum KeySource: Sendable {
    case file(String)
    /// A line for `/bin/sh`; what it writes to its standard output is the key.
    case command(String)

    /// A key and white space need no more.
    package static let bytesMaximum = 4096
    /// For a command that asks a key service over the network.
    package static let commandSecondsMaximum = 30

    /// Reads the file, or runs the command once.
    ///
    /// - Throws: ``OperatorKeyError``. A command that takes too long or writes too much is killed.
    package func read(within seconds: Int = Self.commandSecondsMaximum) throws(OperatorKeyError) -> OperatorKey {
        switch self {
        case .file(let path):
            let file: SystemFile
            do throws(StorageError) {
                file = try SystemFile(path: path, name: path, flags: O_RDONLY)
            } catch {
                throw .unreadable(path, reason: "\(error.problem)")
            }
            // It may also be a pipe, as shells make them.
            do throws(OperatorKeyError) {
                return try OperatorKey(text: try Self.collect(file.descriptor, seconds), from: "the key file \(path)")
            } catch {
                if case .malformed = error { throw error }
                throw .unreadable(path, reason: error.briefly)
            }
        case .command(let line):
            return try OperatorKey(text: try Self.run(line, seconds), from: "the key command")
        }
    }

    private static func run(_ line: String, _ seconds: Int) throws(OperatorKeyError) -> [UInt8] {
        var ends: [CInt] = [-1, -1]
        // SAFETY: the call fills both elements.
        guard unsafe pipe(&ends) == 0 else { throw .commandFailed("has no pipe: error \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let process: pid_t
        do {
            defer { close(ends[1]) }
            process = try spawn(line, output: ends[1])
        }
        let output = Result { () throws(OperatorKeyError) in try collect(ends[0], seconds) }
        // The group, since the shell may have begun others.
        if case .failure = output { kill(-process, SIGKILL) }
        let status = end(of: process, within: seconds)
        let bytes = try output.get()
        guard let status else { throw .commandTooSlow(seconds: seconds) }
        guard status == 0 else {
            let (signal, code) = (status & 0x7F, status >> 8 & 0xFF)
            throw .commandFailed(signal == 0 ? "ended with exit code \(code)" : "was ended by signal \(signal)")
        }
        return bytes
    }

    /// Waits for a command that has closed its output, and kills it when it goes on all the same.
    ///
    /// - Returns: as `waitpid` tells; nil: it was killed.
    private static func end(of process: pid_t, within seconds: Int) -> CInt? {
        let deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        var status: CInt = 0
        // SAFETY: the calls fill the number that they are given; no event is looked at.
        while unsafe waitpid(process, &status, WNOHANG) != process {
            if monotonicNanoseconds() > deadline {
                kill(-process, SIGKILL)
                while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
                return nil
            }
            _ = poll(nil, 0, 10)
        }
        return status
    }

    /// In a process group of its own, with what it writes going into the pipe and no input.
    private static func spawn(_ line: String, output: CInt) throws(OperatorKeyError) -> pid_t {
        // SAFETY: both are initialized before they are used, and destroyed once; the strings live as long as the call,
        // which copies them.
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        // The server ignores some signals; the command must not.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        let words: [String] = ["/bin/sh", "-c", line]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { word in unsafe strdup(word) }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw .commandFailed("cannot be run: error \(code)") }
        return process
    }

    /// All that comes until the writing end is closed.
    private static func collect(_ descriptor: CInt, _ seconds: Int) throws(OperatorKeyError) -> [UInt8] {
        let deadline = monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: bytesMaximum + 1)
        while true {
            let now = monotonicNanoseconds()
            guard now < deadline else { throw .commandTooSlow(seconds: seconds) }
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // SAFETY: one event, which the call fills.
            guard unsafe poll(&event, 1, CInt(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { continue }
            // SAFETY: the call writes at most as many bytes as the array has.
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .commandFailed("cannot be read: error \(errno)") }
            if count == 0 { return output }
            output += piece[..<count]
            guard output.count <= bytesMaximum else { throw .commandTooLong(bytes: bytesMaximum) }
        }
    }
}
