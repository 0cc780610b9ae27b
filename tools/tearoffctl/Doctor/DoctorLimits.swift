/// From where on the doctor warns, and from where on it is a problem. `docs/CLI.md` lists them.
enum DoctorLimits {
    /// Of a durable write or a flush. Over the first, a burst waits visibly; over the second, clients run into their
    /// timeouts.
    static let flushWarnMicroseconds = 10_000
    static let flushFailMicroseconds = 1_000_000

    /// Of the server's clock against this machine's, beyond what the network may have taken.
    static let clockWarnMilliseconds = 1_000
    static let clockFailMilliseconds = 60_000

    /// Of connections against the most that are served, in percent.
    static let connectionsWarnPercent = 90

    /// Descriptors that a server may have open beside its connections. Measured were 22 for itself, and 9 of each loop:
    /// its selector, ring, events, pipe and segments. Then 4 for connections that are being refused, and 16 for those over the
    /// Unix socket for administration.
    static func descriptors(loops: Int) -> Int { 32 + 4 + 16 + 10 * loops }

    /// Of the server's certificate.
    static let certificateWarnDays = 14

    /// Of the machine's memory that is still to be had, in percent.
    static let memoryWarnPercent = 10
    static let memoryFailPercent = 2
}
