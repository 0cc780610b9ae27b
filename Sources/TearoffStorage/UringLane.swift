import CUring
import Glibc
import TearoffLog

/// A lane whose writes go on in the background through an io_uring ring of its own.
///
/// Who waits writes with pwritev2 instead, one system call as well: the waiting thread then flushes by itself.
/// From a ring the flush is left to a kernel worker, which must first get a core; where the cores are busy that
/// took milliseconds (`docs/PERFORMANCE.md`).
@safe final class UringLane: LaneStorage {
    /// A write and, for the injected delay, a timer behind it.
    private static let queueDepth: UInt32 = 4
    private static let writeTag: UInt64 = 1
    private static let timerTag: UInt64 = 2
    /// How often an interrupted or momentarily refused submission is tried again; the write itself never is.
    private static let submissionTries = 100

    private let files: LaneFiles
    private let settings: LogStorageSettings
    private let ring: UnsafeMutablePointer<io_uring>
    private let delay: UnsafeMutablePointer<__kernel_timespec>
    private let event: CInt
    private var file: SystemFile?
    private var buffer = AlignedBuffer(byteCount: 64 << 10)
    private var write: Write?
    private var isPoisoned = false
    private(set) var lastWriteNanoseconds: UInt64 = 0

    private struct Write {
        let offset: UInt64
        let count: Int
        let startedNanoseconds: UInt64
        /// Whether the ring has it; else ``wait()`` writes it.
        let notify: Bool
        var written = 0
        /// Completions that the kernel still owes; the buffer is its until then.
        var outstanding = 0
        var isQueued = false
    }

    /// Whether this process may use io_uring.
    static var isAvailable: Bool {
        let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
        defer { unsafe ring.deallocate() }
        // SAFETY: the ring is set up before it is torn down, and used for nothing else.
        guard unsafe io_uring_queue_init(queueDepth, ring, 0) == 0 else { return false }
        unsafe io_uring_queue_exit(ring)
        return true
    }

    init(_ files: LaneFiles, settings: LogStorageSettings) throws(StorageError) {
        self.files = files
        self.settings = settings
        // Before anything is stored: a throw later on would run deinit on a ring that is none.
        (event, unsafe ring) = unsafe try Self.makeRing(files.lane)
        unsafe delay = UnsafeMutablePointer<__kernel_timespec>.allocate(capacity: 1)
        let microseconds = Int64(settings.flushDelayMicroseconds)
        unsafe delay.initialize(
            to: __kernel_timespec(
                tv_sec: microseconds / 1_000_000, tv_nsec: microseconds % 1_000_000 * 1_000))
    }

    /// A ring whose completions signal an eventfd. Leaves nothing behind when it throws.
    private static func makeRing(
        _ lane: LaneID
    ) throws(StorageError) -> (event: CInt, ring: UnsafeMutablePointer<io_uring>) {
        let name = "wal ring of lane \(lane)"
        let event = tearoff_make_event()
        guard event >= 0 else { throw .last(.create, name) }
        let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
        // SAFETY: the ring's memory is ours until deinit; it is torn down there, or here when it fails.
        let code = unsafe io_uring_queue_init(queueDepth, ring, UInt32(IORING_SETUP_CLAMP))
        let registered = unsafe code == 0 ? io_uring_register_eventfd(ring, event) : 0
        guard code == 0, registered == 0 else {
            if code == 0 { unsafe io_uring_queue_exit(ring) }
            unsafe ring.deallocate()
            _ = close(event)
            throw .system(code == 0 ? -registered : -code, .create, name)
        }
        return unsafe (event, ring)
    }

    deinit {
        // The kernel must be done with the buffer before it goes; tearing the ring down only cancels.
        while let write, write.outstanding > 0, !write.isQueued {
            let code = unsafe tearoff_uring_await(ring)
            guard code == 0 || code == -EINTR else { break }
            take()
        }
        unsafe io_uring_queue_exit(ring)
        unsafe ring.deallocate()
        unsafe delay.deallocate()
        _ = close(event)
    }

    var completionDescriptor: CInt { event }
    var mechanism: String { files.mechanism }

    func open(segment: SegmentNumber) throws(StorageError) {
        try checkAlive()
        precondition(write == nil, "lane \(files.lane) changes its segment under a write")
        try guarded { () throws(StorageError) in file = try files.open(segment) }
    }

    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError) {
        try checkAlive()
        precondition(write == nil, "lane \(files.lane) has two writes in flight")
        precondition(bytes.count.isMultiple(of: files.blockBytes), "unaligned write of \(bytes.count) bytes")
        if buffer.byteCount < bytes.count {
            buffer = AlignedBuffer(byteCount: LogLimits.round(bytes.count, upTo: 64 << 10))
        }
        buffer.copy(bytes)
        write = Write(
            offset: offset.rawValue, count: bytes.count, startedNanoseconds: monotonicNanoseconds(),
            notify: notify)
        guard notify else { return }
        try guarded { () throws(StorageError) in
            try queue()
            try submit(waitFor: 0)
        }
    }

    func wait() throws(StorageError) {
        try checkAlive()
        guard let begun = write else { preconditionFailure("lane \(files.lane) waits for nothing") }
        try guarded { () throws(StorageError) in
            guard begun.notify else { return try writeNow(begun) }
            while write != nil {
                try submit(waitFor: 1)
                try reap()
            }
            clearEvent()
        }
    }

    private func writeNow(_ write: Write) throws(StorageError) {
        guard let file else { preconditionFailure("lane \(files.lane) writes nowhere") }
        try file.writeDurably(buffer, count: write.count, at: write.offset, settings)
        finish(write)
    }

    func poll() throws(StorageError) -> Bool {
        try checkAlive()
        clearEvent()
        try guarded { () throws(StorageError) in
            try reap()
            if write?.isQueued == true { try submit(waitFor: 0) }
        }
        return write == nil
    }
}

// MARK: - Ring

extension UringLane {
    private func clearEvent() {
        var count: UInt64 = 0
        // SAFETY: eight bytes are read into eight bytes; nothing there is no error.
        _ = unsafe read(event, &count, 8)
    }

    private func checkAlive() throws(StorageError) {
        if isPoisoned { throw StorageError(.write, file: "lane \(files.lane)", problem: .poisoned) }
    }

    /// Runs a step; after a throw nothing is tried again.
    private func guarded(_ step: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) {
            try step()
        } catch {
            isPoisoned = true
            throw error
        }
    }

    /// Queues what is left of the write, durable on completion, and the delay behind it.
    private func queue() throws(StorageError) {
        guard let file, var write else {
            preconditionFailure("lane \(files.lane) writes nothing, or nowhere")
        }
        let isDelayed = settings.flushDelayMicroseconds > 0
        let count = min(write.count - write.written, settings.writeBytesMax ?? .max)
        // SAFETY: the buffer is neither changed nor freed before the completion was taken: `write` stands
        // until then.
        let queued = unsafe tearoff_uring_queue_write(
            ring, file.descriptor, buffer.address(at: write.written, count: count), UInt32(count),
            write.offset + UInt64(write.written), tearoff_write_durably(),
            isDelayed ? UInt32(1 << IOSQE_IO_LINK_BIT) : 0, Self.writeTag)
        let delayed = unsafe !isDelayed || tearoff_uring_queue_timeout(ring, delay, Self.timerTag)
        guard queued && delayed else { throw .system(EBUSY, .submit, file.name, offset: write.offset) }
        write.outstanding += isDelayed ? 2 : 1
        write.isQueued = true
        self.write = write
    }

    private func submit(waitFor count: UInt32) throws(StorageError) {
        for _ in 0..<Self.submissionTries {
            // SAFETY: the ring is alive.
            let code = unsafe count > 0 ? io_uring_submit_and_wait(ring, count) : io_uring_submit(ring)
            if code >= 0 {
                write?.isQueued = false
                return
            }
            guard code == -EINTR || code == -EAGAIN || code == -EBUSY else {
                throw .system(-code, .submit, file?.name ?? "wal")
            }
        }
        throw .system(EAGAIN, .submit, file?.name ?? "wal")
    }

    /// Takes what has completed. The write is over when all its bytes are durable and the kernel owes
    /// nothing.
    private func reap() throws(StorageError) {
        while let (tag, result) = take() {
            guard tag == Self.writeTag else { continue }
            guard let file, var write else { preconditionFailure("a completion without a write") }
            let offset = write.offset + UInt64(write.written)
            guard result >= 0 else { throw .system(-result, .write, file.name, offset: offset) }
            guard result > 0 else {
                throw StorageError(
                    .write, file: file.name, offset: ByteOffset(rawValue: offset), problem: .nothingWritten)
            }
            write.written += Int(result)
            self.write = write
            if write.written < write.count { try queue() }
        }
        if let write, write.written == write.count, write.outstanding == 0 { finish(write) }
    }

    private func finish(_ write: Write) {
        lastWriteNanoseconds = monotonicNanoseconds() - write.startedNanoseconds
        self.write = nil
    }

    @discardableResult
    private func take() -> (tag: UInt64, result: CInt)? {
        var tag: UInt64 = 0
        var result: CInt = 0
        // SAFETY: the ring is alive, and both places are ours.
        guard unsafe tearoff_uring_take(ring, &tag, &result) else { return nil }
        write?.outstanding -= 1
        return (tag, result)
    }
}
