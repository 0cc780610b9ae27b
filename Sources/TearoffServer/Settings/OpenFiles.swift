import Glibc
import Logging

/// How many descriptors the process may have, and how many of them are left for connections.
enum OpenFiles {
    /// For the log, snapshots, uploads, exports, the feed, backups, deliveries, and the threads that do them; for clients
    /// that are being refused, and for connections over the Unix socket for administration.
    static let reserved = 32 + ServerLimits.refusalsInHand + ServerLimits.adminConnections
    /// For a loop: its selector with two descriptors, its ring with its eventfd twice, a pipe, and two segments.
    static let reservedForLoop = 10

    /// Raises the process's limit to what it may be, and lowers the connections to what is left: one more would leave a
    /// commit without its next segment.
    static func fitted(_ settings: ServerSettings, _ logger: Logger) -> ServerSettings {
        var settings = settings
        let limit = raiseLimit()
        let left = max(1, limit - reserved - reservedForLoop * settings.loopCount)
        guard left < settings.connectionsMaximum else { return settings }
        logger.warning(
            "start.few-descriptors",
            metadata: [
                "open_files": "\(limit)", "asked_connections": "\(settings.connectionsMaximum)",
                "connections": "\(left)",
            ])
        settings.connectionsMaximum = left
        return settings
    }

    /// - Returns: the limit in force.
    private static func raiseLimit() -> Int {
        var limits = rlimit()
        // SAFETY: the struct is ours for the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return Int.max }
        if limits.rlim_cur < limits.rlim_max {
            let before = limits.rlim_cur
            limits.rlim_cur = limits.rlim_max
            // SAFETY: as above.
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) != 0 { limits.rlim_cur = before }
        }
        return Int(clamping: limits.rlim_cur)
    }
}
