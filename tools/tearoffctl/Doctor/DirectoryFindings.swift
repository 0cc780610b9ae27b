import Foundation
import TearoffLog
import TearoffStorage

/// The disk below a data directory, and what this machine allows. Writes a file there, and removes it.
struct DirectoryFindings {
    static let slowDiskAdvice =
        "Commits wait for the disk: a local SSD, and nobody else who writes to it, makes them quicker."

    private let path: String

    init(path: String) {
        self.path = path
    }

    var all: [Finding] {
        [identity] + fileSystem + disk + [ioUring, synchronization]
    }

    private var identity: Finding {
        do throws(DataDirectoryError) {
            let directory = try ReadOnlyDirectory(path: path, locks: false, readsContent: false)
            return Finding(
                "directory", .ok,
                "Tearoff's, format \(directory.identity.version), \(directory.identity.shardCount) shards"
                    + (directory.identity.isEncrypted ? ", encrypted" : ""))
        } catch .expectedData {
            return Finding(
                "directory", .warning, "missing or empty",
                advice: "A start makes a new one there, without any list. Is its disk mounted?")
        } catch {
            return Finding(
                "directory", .problem, Failure(error, path).message, advice: "Name tearoffd's --data.")
        }
    }

    // MARK: - Space

    private var fileSystem: [Finding] {
        do throws(StorageError) {
            let system = try FileSystem(directory: path)
            let space = Self.space(freeBytes: system.freeBytes, totalBytes: system.totalBytes, log())
            return [Self.type(system.type), space]
        } catch {
            return [
                Finding("file-system", .unknown, "\(error)", advice: "Make the directory, and ask again.")
            ]
        }
    }

    static func type(_ type: String) -> Finding {
        switch type {
        case "tmpfs", "ramfs":
            Finding(
                "file-system", .problem, type, advice: "It is gone when the machine restarts: use a disk.")
        case "nfs", "cifs", "smb2", "fuse", "9p":
            Finding(
                "file-system", .warning, type,
                advice: "Locks and durable writes depend on another program here: a local disk is safer.")
        default: Finding("file-system", .ok, type)
        }
    }

    /// What the log takes, and will.
    struct LogSpace {
        /// Of the segments that are there.
        let byteCount: UInt64
        /// One more of each lane, as large as the largest that is there.
        let nextSegmentsBytes: UInt64
    }

    /// For a directory without a log: what a server makes at its start, with its own settings.
    private func log() -> LogSpace {
        let segments: [SegmentFile]
        do {
            segments = try ReadOnlyDirectory(path: path, locks: false, readsContent: false).log.list()
                .segments
        } catch {
            // Why, the finding about the directory says.
            segments = []
        }
        guard let largest = segments.map(\.byteCount).max() else {
            let loops = UInt64(ProcessInfo.processInfo.activeProcessorCount)
            return LogSpace(
                byteCount: 0,
                nextSegmentsBytes: 2
                    * (loops * LogLimits.segmentBytesDefault + LogLimits.controlSegmentBytesMax))
        }
        let lanes = Set(segments.map(\.id.lane)).count
        return LogSpace(
            byteCount: segments.reduce(0) { $0 + $1.byteCount }, nextSegmentsBytes: UInt64(lanes) * largest)
    }

    static func space(freeBytes: UInt64, totalBytes: UInt64, _ log: LogSpace) -> Finding {
        // The log may grow to twice what it is before a second snapshot covers the older half.
        let wished = log.byteCount + log.nextSegmentsBytes
        let state: Finding.State =
            freeBytes < log.nextSegmentsBytes ? .problem : freeBytes < wished ? .warning : .ok
        func size(_ bytes: UInt64) -> String { ProcessFindings.size(Int(clamping: bytes)) }
        return Finding(
            "space", state,
            "\(size(freeBytes)) free of \(size(totalBytes)); the log has \(size(log.byteCount)), its next segments take "
                + size(log.nextSegmentsBytes),
            advice:
                "Free some, or give the directory a larger disk; a smaller --snapshot-log-mib keeps the log short."
        )
    }

    // MARK: - The disk

    private var disk: [Finding] {
        do throws(StorageError) {
            let probe = try DiskProbe(directory: path)
            return [Self.directIO(probe.hasDirectIO), Self.latency(probe)]
        } catch {
            // Without a directory there is nothing to be tried, and the file system's finding says so.
            guard error.problem != .missing else { return [] }
            let advice = "The server must be able to write there, as the user that it runs as."
            return [Finding("disk", .problem, "\(error)", advice: advice)]
        }
    }

    private static func directIO(_ isPossible: Bool) -> Finding {
        Finding(
            "direct-io", isPossible ? .ok : .warning, isPossible ? "possible" : "not possible",
            advice:
                "The log goes through the page cache, which is slower: use a file system such as ext4 or xfs."
        )
    }

    private static func latency(_ probe: DiskProbe) -> Finding {
        func milliseconds(_ share: Double) -> String {
            (Double(probe.writeNanoseconds(atShare: share)) / 1e6).formatted(
                .number.precision(.fractionLength(2)).locale(Locale(identifier: "en_US_POSIX")))
        }
        let state = Finding.state(
            Int(probe.writeNanoseconds(atShare: 0.99) / 1_000), warnFrom: DoctorLimits.flushWarnMicroseconds,
            failFrom: DoctorLimits.flushFailMicroseconds)
        return Finding(
            "disk-latency", state,
            "p50 \(milliseconds(0.5)) ms, p99 \(milliseconds(0.99)) ms of \(probe.writeNanoseconds.count) durable "
                + "writes of 4 KiB", advice: slowDiskAdvice)
    }

    // MARK: - The machine

    private var ioUring: Finding {
        SystemFacts.allowsIOUring
            ? Finding("io-uring", .ok, "permitted to this user")
            : Finding(
                "io-uring", .warning, "forbidden to this user",
                advice: "tearoffd writes with pwritev2 then, and waits for each flush of a slow disk.")
    }

    private var synchronization: Finding {
        switch SystemFacts.clockIsSynchronized {
        case true?: Finding("clock", .ok, "synchronised")
        case false?:
            Finding(
                "clock", .warning, "not synchronised",
                advice: "Expiries follow this machine's clock: run an NTP client such as chrony.")
        case nil:
            Finding("clock", .unknown, "the kernel does not say", advice: "Ask it outside of the container.")
        }
    }
}
