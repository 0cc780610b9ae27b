import Foundation

/// What the system knows of this process.
enum ProcessFigures {
    static var id: Int32 { ProcessInfo.processInfo.processIdentifier }

    /// Resident memory; 0 when the system does not say.
    static var residentBytes: UInt64 {
        guard let text = FileManager.default.contents(atPath: "/proc/self/statm"),
            let pages = String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first
                .flatMap({ UInt64($0) })
        else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// The one place where the wall clock is read.
package enum WallClock {
    package static func milliseconds() -> UInt64 {
        var time = timespec()
        // SAFETY: the call fills the struct that it is given.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

/// A second descriptor of the same file, closed on exec.
func duplicateDescriptor(_ descriptor: CInt) throws -> CInt {
    let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    if duplicate < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EBADF) }
    return duplicate
}
