import CUring
import Glibc
import TearoffLog

/// An open file, closed with its last reference. All calls are positioned, so several threads may use one.
final class SystemFile: Sendable {
    let descriptor: CInt
    /// Relative to the data directory, for errors.
    let name: String

    /// - Parameter flags: as for `open`; `O_CLOEXEC` is always added.
    init(
        path: String, name: String, flags: CInt, operation: StorageError.Operation = .open
    ) throws(StorageError) {
        self.name = name
        // Files are made readable by their owner alone, whatever the umask.
        descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .last(operation, name) }
    }

    deinit { _ = close(descriptor) }

    var byteCount: UInt64 {
        get throws(StorageError) { UInt64(try status.st_size) }
    }

    private var status: stat {
        get throws(StorageError) {
            var info = stat()
            // SAFETY: the call fills the struct that it is given.
            guard unsafe fstat(descriptor, &info) == 0 else { throw .last(.stat, name) }
            return info
        }
    }

    /// Whether a path leads to this very file. What cannot be found out is taken for a yes.
    func isAt(_ path: String) -> Bool {
        var there = stat()
        // SAFETY: as above.
        guard unsafe stat(path, &there) == 0 else { return errno != ENOENT && errno != ENOTDIR }
        guard let here = try? status else { return true }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }

    /// Background work leaves no more than so much unsynced: whatever is in the device's cache, the next commit's flush
    /// waits for.
    static let unsyncedBytesMax = 1 << 20

    func sync() throws(StorageError) {
        guard fsync(descriptor) == 0 else { throw .last(.sync, name) }
    }

    /// How far apart a lock that is held is tried again.
    private static let lockPauseMilliseconds = 50

    /// Locks the file against whoever else opens it, until this object goes and with it the last use of its descriptor:
    /// a write that a ring has under way keeps the lock, though its process has ended.
    ///
    /// - Parameters:
    ///   - kind: `LOCK_EX` or `LOCK_SH`.
    ///   - waitMilliseconds: how long a lock that is held is waited for.
    /// - Returns: false when it is held still.
    func lock(_ kind: CInt, waitMilliseconds: Int) throws(StorageError) -> Bool {
        for waited in stride(from: 0, through: max(0, waitMilliseconds), by: Self.lockPauseMilliseconds) {
            if waited > 0 { usleep(UInt32(Self.lockPauseMilliseconds) * 1_000) }
            if flock(descriptor, kind | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw .last(.lock, name) }
        }
        return false
    }

    /// Writes all bytes; a short write is continued.
    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let rest = bytes.extracting(written..<bytes.count)
            // SAFETY: the pointer is used inside its scope, with the span's own count.
            let count = unsafe rest.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset) + off_t(written))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .last(.write, name, offset: offset + UInt64(written)) }
            guard count > 0 else {
                throw StorageError(
                    .write, file: name, offset: ByteOffset(rawValue: offset), problem: .nothingWritten)
            }
            written += count
        }
    }

    /// Writes the buffer's first bytes, and returns when they are on stable media; a short write is continued, a
    /// failed one never tried again.
    func writeDurably(
        _ buffer: borrowing AlignedBuffer, count: Int, at offset: UInt64,
        _ settings: LogStorageSettings = LogStorageSettings()
    ) throws(StorageError) {
        var written = 0
        while written < count {
            let part = min(count - written, settings.writeBytesMax ?? .max)
            // SAFETY: the address is checked to lie in the buffer, which is borrowed meanwhile.
            let result = unsafe tearoff_write_now(
                descriptor, buffer.address(at: written, count: part), part, off_t(offset) + off_t(written))
            if result < 0 && errno == EINTR { continue }
            let place = offset + UInt64(written)
            guard result >= 0 else { throw .last(.write, name, offset: place) }
            guard result > 0 else {
                throw StorageError(
                    .write, file: name, offset: ByteOffset(rawValue: place), problem: .nothingWritten)
            }
            written += result
        }
        if settings.flushDelayMicroseconds > 0 { usleep(settings.flushDelayMicroseconds) }
    }

    /// Reads exactly `count` bytes into the buffer's beginning.
    func read(_ count: Int, at offset: UInt64, into buffer: inout AlignedBuffer) throws(StorageError) {
        var got = 0
        while got < count {
            // SAFETY: the buffer holds at least `count` bytes, as its owner checks.
            let result = unsafe pread(
                descriptor, buffer.address(at: got, count: count - got), count - got,
                off_t(offset) + off_t(got))
            if result < 0 && errno == EINTR { continue }
            guard result >= 0 else { throw .last(.read, name, offset: offset + UInt64(got)) }
            guard result > 0 else {
                throw StorageError(
                    .read, file: name, offset: ByteOffset(rawValue: offset),
                    problem: .truncated(expected: count, got: got))
            }
            got += result
        }
    }

    /// Forgets what the page cache has of the file, so that the next read comes from the medium.
    func dropCache() {
        // Advice only: where it is not taken, the read is answered from the cache and compares as well.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }
}

/// Memory aligned for direct I/O.
@safe struct AlignedBuffer: ~Copyable {
    let byteCount: Int
    private let memory: UnsafeMutableRawPointer

    /// - Parameter byteCount: more than 0.
    init(byteCount: Int) {
        precondition(byteCount > 0, "a buffer of nothing")
        self.byteCount = byteCount
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: LogLimits.blockBytesMax)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    deinit { unsafe memory.deallocate() }

    /// The address of a part, for the system; checked to lie inside.
    func address(at offset: Int, count: Int) -> UnsafeMutableRawPointer {
        precondition(offset >= 0 && count >= 0 && offset + count <= byteCount, "outside of the buffer")
        return unsafe memory + offset
    }

    mutating func copy(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= byteCount, "\(bytes.count) bytes into \(byteCount)")
        // SAFETY: both sides hold `bytes.count` bytes, and do not overlap: this memory is private.
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe memory.copyMemory(from: start, byteCount: source.count)
        }
    }

    /// Replaces `bytes` by the first `count`.
    func read(_ count: Int, into bytes: inout [UInt8]) {
        precondition(count <= byteCount, "\(count) bytes of \(byteCount)")
        bytes.removeAll(keepingCapacity: true)
        // SAFETY: `count` bytes lie inside, initialized since `init`.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: memory, count: count))
    }
}

extension StorageError {
    /// What the last system call said.
    static func last(_ operation: Operation, _ file: String, offset: UInt64? = nil) -> StorageError {
        .system(errno, operation, file, offset: offset)
    }

    static func system(
        _ code: CInt, _ operation: Operation, _ file: String, offset: UInt64? = nil
    ) -> StorageError {
        // SAFETY: strerror returns a string that lives at least until the next call on this thread.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "unknown"
        return StorageError(
            operation, file: file, offset: offset.map { ByteOffset(rawValue: $0) },
            problem: code == ENOENT ? .missing : .system(code: code, reason: reason))
    }
}
