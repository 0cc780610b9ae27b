import CUring
import Glibc
package import TearoffLog

/// How the log is written.
package struct LogStorageSettings: Sendable {
    package enum Mechanism: Sendable {
        /// io_uring, or pwritev2 where that is forbidden.
        case automatic, ioUring, pwritev2
    }

    package var mechanism = Mechanism.automatic
    /// Every flush takes that much longer: for tests and benchmarks.
    package var flushDelayMicroseconds: UInt32 = 0
    /// How long a start waits for a write of a process that was killed: as long as Linux waits for a disk to answer
    /// (`/sys/block/*/device/timeout`, 30 s). Other than that only in tests.
    package var writeUnderWayMilliseconds = 30_000
    /// Tests only: no write takes more bytes at once.
    package var writeBytesMax: Int?
    /// Tests only: after that many writes of all lanes the next one fails.
    package var writesBeforeFailure: Int?

    package init() {}
}

/// WAL segments in a directory, written with O_DIRECT and RWF_DSYNC.
package final class DirectoryLogStorage: LogStorage {
    package let blockBytes: Int
    /// For people: which way writes take.
    package let mechanism: String
    package let cipher: (any DirectoryCipher)?

    private let directory: SystemDirectory
    private let settings: LogStorageSettings
    private let usesUring: Bool
    /// Absent where the file system has no direct I/O (tmpfs).
    private let directFlag: CInt
    private let countdown: WriteCountdown?

    init(
        directory: SystemDirectory, settings: LogStorageSettings, cipher: (any DirectoryCipher)? = nil
    ) throws(StorageError) {
        self.directory = directory
        self.cipher = cipher
        self.settings = settings
        countdown = settings.writesBeforeFailure.map(WriteCountdown.init)
        let probe = try DirectIOProbe(directory)
        blockBytes = probe.blockBytes
        directFlag = probe.directFlag
        switch settings.mechanism {
        case .pwritev2: usesUring = false
        case .automatic: usesUring = UringLane.isAvailable
        case .ioUring:
            guard UringLane.isAvailable else {
                throw StorageError(
                    .create, file: "wal",
                    problem: .system(code: ENOSYS, reason: "io_uring is not permitted here"))
            }
            usesUring = true
        }
        let way = usesUring ? "io_uring" : "pwritev2"
        mechanism = directFlag == 0 ? "\(way), buffered: the file system has no direct I/O" : way
    }

    /// Whether a file under way has this name, given without its suffix.
    static func isTemporaryName(_ name: String) -> Bool {
        SegmentID(fileName: name) != nil || name == DirectIOProbe.name
    }

    package func settle() throws(StorageError) {
        let begun = monotonicNanoseconds()
        for name in try directory.list() ?? [] where SegmentID(fileName: name) != nil {
            let segment = try directory.open(name, O_RDONLY)
            let waited = Int((monotonicNanoseconds() - begun) / 1_000_000)
            // What is still to land must not do so behind the reading.
            guard try segment.lock(LOCK_SH, waitMilliseconds: settings.writeUnderWayMilliseconds - waited) else {
                throw StorageError(.lock, file: segment.name, problem: .inUse)
            }
            try segment.sync()
        }
        try directory.sync()
    }

    package func list() throws(StorageError) -> SegmentListing { try directory.listSegments() }

    package func prepareSegment(_ header: SegmentHeader) throws(StorageError) {
        // Renaming would replace a segment of that name, and everything acknowledged in it.
        guard try !directory.contains(header.id.fileName) else {
            throw .system(EEXIST, .create, header.id.description)
        }
        let temporary = header.id.fileName + SystemDirectory.temporarySuffix
        let file = try directory.open(
            temporary, O_WRONLY | O_CREAT | O_TRUNC | directFlag, operation: .create)
        let code = posix_fallocate(file.descriptor, 0, off_t(header.segmentBytes))
        // Where a file system cannot allocate beforehand, the zeros do it.
        guard code == 0 || code == EOPNOTSUPP || code == EINVAL else {
            throw .system(code, .allocate, file.name)
        }
        // Written once with zeros: a commit then moves no metadata, which took half of its time. Each piece is durable
        // before the next: a flush takes along all that the device has in its cache, and with the whole segment in
        // there the lanes' commits stood still for 100 to 180 ms.
        let zeros = AlignedBuffer(byteCount: SystemFile.unsyncedBytesMax)
        var offset: UInt64 = 0
        while offset < header.segmentBytes {
            let count = Int(min(UInt64(zeros.byteCount), header.segmentBytes - offset))
            try file.writeDurably(zeros, count: count, at: offset)
            offset += UInt64(count)
        }
        var block = AlignedBuffer(byteCount: LogLimits.segmentHeaderBytes)
        block.copy(header.encoded().span)
        try file.sync()
        try file.writeDurably(block, count: block.byteCount, at: 0)
        try file.sync()
        try directory.rename(temporary, to: header.id.fileName)
        try directory.sync()
    }

    package func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage {
        let files = LaneFiles(
            lane: lane, directory: directory, flags: O_WRONLY | directFlag, blockBytes: blockBytes,
            mechanism: mechanism)
        if let countdown { return FailingLane(try makeLane(files), countdown) }
        return try makeLane(files)
    }

    private func makeLane(_ files: LaneFiles) throws(StorageError) -> sending any LaneStorage {
        usesUring ? try UringLane(files, settings: settings) : try PwriteLane(files, settings: settings)
    }

    package func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        try directory.read(segment, from: offset, count: count, into: &bytes, directFlag: directFlag)
    }

    package func remove(_ segment: SegmentID) throws(StorageError) { try directory.remove(segment.fileName) }

    package func syncDirectory() throws(StorageError) { try directory.sync() }
}

/// Finds out by trying whether direct I/O works, and in what blocks.
struct DirectIOProbe {
    let blockBytes: Int
    let directFlag: CInt
    static let name = "probe"

    /// - Parameter name: of the file that is tried with and removed again; what is there under that name is lost.
    init(
        _ directory: SystemDirectory, name: String = Self.name + SystemDirectory.temporarySuffix
    ) throws(StorageError) {
        _ = try directory.open(name, O_WRONLY | O_CREAT | O_TRUNC, operation: .create)
        defer { _ = unsafe unlink(directory.filePath(name)) }
        let zeros = AlignedBuffer(byteCount: 2 * LogLimits.blockBytesMax)
        let direct: SystemFile
        do throws(StorageError) {
            direct = try directory.open(name, O_WRONLY | tearoff_open_direct())
        } catch {
            // Only this says that there is none; anything else would be hidden by going on without.
            guard case .system(code: EINVAL, _) = error.problem else { throw error }
            (blockBytes, directFlag) = (LogLimits.blockBytesMin, 0)
            return
        }
        for size in [LogLimits.blockBytesMin, LogLimits.blockBytesMax] {
            // SAFETY: the address is checked to lie in the buffer, which outlives the call.
            let result = unsafe pwrite(
                direct.descriptor, zeros.address(at: 0, count: size), size, off_t(size))
            if result == size {
                (blockBytes, directFlag) = (size, tearoff_open_direct())
                return
            }
            guard result < 0, errno == EINVAL else { throw .last(.write, direct.name) }
        }
        (blockBytes, directFlag) = (LogLimits.blockBytesMin, 0)
    }
}

/// The files that one lane writes, one after the other.
struct LaneFiles {
    let lane: LaneID
    let directory: SystemDirectory
    let flags: CInt
    let blockBytes: Int
    let mechanism: String

    /// Locked: whoever reads the log waits for the last write.
    func open(_ segment: SegmentNumber) throws(StorageError) -> SystemFile {
        let file = try directory.open(SegmentID(lane: lane, number: segment).fileName, flags)
        guard try file.lock(LOCK_EX, waitMilliseconds: DataDirectory.lockWaitMilliseconds) else {
            throw StorageError(.lock, file: file.name, problem: .inUse)
        }
        return file
    }
}

/// Nanoseconds of the monotonic clock.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    // SAFETY: the call fills the struct that it is given.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
