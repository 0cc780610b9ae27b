import CUring
import Glibc
package import TearoffLog

/// What a directory's disk can do, found by trying. The file that it is tried with has no name any more while it is
/// written, so nothing stays behind.
package struct DiskProbe: Sendable {
    /// As many durable writes as give a p99, and no longer than a person waits.
    package static let writesMax = 200
    package static let nanosecondsMax: UInt64 = 2_000_000_000
    /// Bytes of each write: a frame of a busy loop's tick.
    package static let writeBytes = 4096

    /// Whether writes can go past the page cache.
    package let hasDirectIO: Bool
    /// Nanoseconds of each durable write of ``writeBytes``, sorted; up to ``writesMax``.
    package let writeNanoseconds: [UInt64]

    /// Writes into a file of its own in the directory, over zeros that are there already, as the log does.
    ///
    /// - Throws: when it cannot be written there.
    package init(directory path: String) throws(StorageError) {
        let directory = SystemDirectory(path: path, name: "")
        let name = "doctor-\(Hex.encode(UInt64.random(in: 0...UInt64.max)))\(SystemDirectory.temporarySuffix)"
        let direct = try DirectIOProbe(directory, name: name)
        hasDirectIO = direct.directFlag != 0
        let file = try directory.open(
            name, O_WRONLY | O_CREAT | O_EXCL | direct.directFlag, operation: .create)
        try directory.remove(name)
        try file.writeDurably(
            AlignedBuffer(byteCount: Self.writesMax * Self.writeBytes),
            count: Self.writesMax * Self.writeBytes,
            at: 0)
        let block = AlignedBuffer(byteCount: Self.writeBytes)
        var measured: [UInt64] = []
        let start = monotonicNanoseconds()
        var before = start
        while measured.count < Self.writesMax, before - start < Self.nanosecondsMax {
            try file.writeDurably(block, count: Self.writeBytes, at: UInt64(measured.count * Self.writeBytes))
            let now = monotonicNanoseconds()
            measured.append(now - before)
            before = now
        }
        writeNanoseconds = measured.sorted()
    }

    /// - Parameter share: 0.5 for the median.
    package func writeNanoseconds(atShare share: Double) -> UInt64 {
        writeNanoseconds[min(writeNanoseconds.count - 1, Int(share * Double(writeNanoseconds.count)))]
    }
}

/// The file system that a directory is on.
package struct FileSystem: Sendable {
    /// As `mount` names it, or its number in hex.
    package let type: String
    /// For who is not root.
    package let freeBytes: UInt64
    package let totalBytes: UInt64

    /// Numbers of `statfs(2)`.
    private static let types: [UInt32: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x2FC1_2FC1: "zfs", 0xF2F5_2010: "f2fs",
        0x0102_1994: "tmpfs", 0x8584_58F6: "ramfs", 0x794C_7630: "overlayfs", 0x6969: "nfs",
        0xFF53_4D42: "cifs", 0xFE53_4D42: "smb2", 0x6573_5546: "fuse", 0x0102_1997: "9p",
    ]

    /// - Throws: when there is no such directory.
    package init(directory path: String) throws(StorageError) {
        var info = tearoff_file_system()
        // SAFETY: the string lives as long as the call, which fills the struct that it is given.
        guard unsafe tearoff_look_at_file_system(path, &info) == 0 else { throw .last(.stat, path) }
        type = Self.types[info.type] ?? "0x" + String(info.type, radix: 16)
        (freeBytes, totalBytes) = (info.free_bytes, info.total_bytes)
    }
}

/// What the kernel allows and says, beside files.
package enum SystemFacts {
    /// Whether this process may use io_uring.
    package static var allowsIOUring: Bool { UringLane.isAvailable }

    /// Whether something keeps the wall clock right; nil when the kernel does not say.
    package static var clockIsSynchronized: Bool? {
        switch tearoff_clock_status() {
        case 0: false
        case 1: true
        default: nil
        }
    }
}
