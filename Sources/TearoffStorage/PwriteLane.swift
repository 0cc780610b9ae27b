import CUring
import Dispatch
import Glibc
import Synchronization
import TearoffLog

/// A lane that writes with pwritev2 and RWF_DSYNC: for systems that forbid io_uring.
///
/// A write that is waited for happens in ``wait()``; one that notifies happens on a thread of the lane's own.
final class PwriteLane: LaneStorage {
    private let files: LaneFiles
    private let settings: LogStorageSettings
    private let event: CInt
    private let thread: DispatchQueue
    private let writing = WritingBuffer()
    private var file: SystemFile?
    private var write: (offset: UInt64, count: Int, startedNanoseconds: UInt64, notify: Bool)?
    private var isPoisoned = false
    private(set) var lastWriteNanoseconds: UInt64 = 0

    init(_ files: LaneFiles, settings: LogStorageSettings) throws(StorageError) {
        self.files = files
        self.settings = settings
        thread = DispatchQueue(label: "wal-\(files.lane)")
        event = tearoff_make_event()
        guard event >= 0 else { throw .last(.create, "wal event of lane \(files.lane)") }
    }

    deinit {
        // The thread may still be writing from the buffer, and signals the event behind that.
        thread.sync {}
        _ = close(event)
    }

    var completionDescriptor: CInt { event }
    var mechanism: String { files.mechanism }

    func open(segment: SegmentNumber) throws(StorageError) {
        try checkAlive()
        precondition(write == nil, "lane \(files.lane) changes its segment under a write")
        do throws(StorageError) {
            file = try files.open(segment)
        } catch {
            isPoisoned = true
            throw error
        }
    }

    func begin(_ bytes: Span<UInt8>, at offset: ByteOffset, notify: Bool) throws(StorageError) {
        try checkAlive()
        precondition(write == nil, "lane \(files.lane) has two writes in flight")
        precondition(bytes.count.isMultiple(of: files.blockBytes), "unaligned write of \(bytes.count) bytes")
        guard let file else { preconditionFailure("lane \(files.lane) writes nowhere") }
        writing.fill(bytes)
        write = (offset.rawValue, bytes.count, monotonicNanoseconds(), notify)
        guard notify else { return }
        let (start, count, event, settings) = (offset.rawValue, bytes.count, event, settings)
        thread.async { [writing] in
            writing.write(count, to: file, at: start, settings)
            var one: UInt64 = 1
            // SAFETY: eight bytes of our own; a full counter is readable already.
            _ = unsafe Glibc.write(event, &one, 8)
        }
    }

    func wait() throws(StorageError) {
        try checkAlive()
        guard let write, let file else { preconditionFailure("lane \(files.lane) waits for nothing") }
        if write.notify {
            thread.sync {}
            clearEvent()
        } else {
            writing.write(write.count, to: file, at: write.offset, settings)
        }
        _ = try finish()
    }

    func poll() throws(StorageError) -> Bool {
        try checkAlive()
        clearEvent()
        return try finish()
    }

    private func clearEvent() {
        var count: UInt64 = 0
        // SAFETY: eight bytes are read into eight bytes; nothing there is no error.
        _ = unsafe read(event, &count, 8)
    }

    private func checkAlive() throws(StorageError) {
        if isPoisoned { throw StorageError(.write, file: "lane \(files.lane)", problem: .poisoned) }
    }

    private func finish() throws(StorageError) -> Bool {
        switch writing.takeResult() {
        case nil: return false
        case .failure(let error)?:
            isPoisoned = true
            throw error
        case .success?:
            lastWriteNanoseconds = monotonicNanoseconds() - (write?.startedNanoseconds ?? 0)
            write = nil
            return true
        }
    }
}

/// The bytes being written, shared with the lane's thread.
private final class WritingBuffer: Sendable {
    private struct State: ~Copyable {
        var buffer = AlignedBuffer(byteCount: 64 << 10)
        var result: Result<Void, StorageError>?
    }

    private let state = Mutex(State())

    func fill(_ bytes: Span<UInt8>) {
        state.withLock { state in
            if state.buffer.byteCount < bytes.count {
                state.buffer = AlignedBuffer(byteCount: LogLimits.round(bytes.count, upTo: 64 << 10))
            }
            state.buffer.copy(bytes)
            state.result = nil
        }
    }

    /// Writes the bytes and keeps what came of it. The lock is held meanwhile: the lane looks at the result only
    /// when the event says so, or waits anyway.
    func write(_ count: Int, to file: SystemFile, at offset: UInt64, _ settings: LogStorageSettings) {
        state.withLock { state in
            do throws(StorageError) {
                try file.writeDurably(state.buffer, count: count, at: offset, settings)
                state.result = .success(())
            } catch {
                state.result = .failure(error)
            }
        }
    }

    /// nil when the thread is still at it.
    func takeResult() -> Result<Void, StorageError>? {
        state.withLockIfAvailable { $0.result.take() } ?? nil
    }
}
