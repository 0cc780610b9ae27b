/// How long a connection has waited for its client, and for what.
///
/// Counted in the sweeps of its loop, of which there is one a second: no read asks a clock.
struct Patience {
    /// What a client has not done in time.
    enum Overdue: Equatable {
        /// Sent its first byte, or its next command; or logged in.
        case silent
        /// Sent the rest of a command.
        case half
    }

    private enum Wait { case firstByte, rest, nextCommand }

    private var wait = Wait.firstByte
    /// The sweep before which it began.
    private var since: UInt32
    /// The last sweep at which somebody was logged in, or that before the connection began.
    private var knownAt: UInt32

    init(sweep: UInt32) { (since, knownAt) = (sweep, sweep) }

    /// Somebody is logged in.
    mutating func noteLogin(sweep: UInt32) { knownAt = sweep }

    /// What was read is done with, as far as it can be.
    ///
    /// - Parameters:
    ///   - hasRest: whether a part of the next command is there. Its next piece does not begin the wait anew: a client
    ///     that sends a byte now and then is as slow as one that sends none.
    ///   - hasRun: whether a command came to its end.
    @inline(__always)
    mutating func note(hasRest: Bool, hasRun: Bool, sweep: UInt32) {
        let next: Wait = hasRest ? .rest : .nextCommand
        if hasRun || next != wait { since = sweep }
        wait = next
    }

    /// The server had kept the client waiting, and goes on.
    mutating func restart(sweep: UInt32) { since = sweep }

    /// - Returns: nil while there is time left.
    func overdue(at sweep: UInt32, _ deadlines: ClientDeadlines) -> Overdue? {
        if deadlines.loginSeconds > 0, Int(sweep &- knownAt) > deadlines.loginSeconds { return .silent }
        let seconds = Int(sweep &- since)
        let limit =
            switch wait {
            case .firstByte: deadlines.firstByteSeconds
            case .rest: deadlines.requestSeconds
            case .nextCommand: deadlines.idleSeconds
            }
        guard limit > 0, seconds > limit else { return nil }
        return wait == .rest ? .half : .silent
    }
}

/// How long a client may take; 0 of any: for ever.
package struct ClientDeadlines: Equatable, Sendable {
    /// For a whole command, from its first byte on. Ten seconds carry the longest, 6 MiB, over 5 Mbit/s.
    package var requestSeconds = 10
    /// Between two commands. Pools keep connections for minutes; an hour is far beyond what any waits.
    package var idleSeconds = 3_600
    /// For replies that the system has not got rid of, as it measures it (`TCP_USER_TIMEOUT`): a client that does not
    /// read, or is not there any more.
    package var unreadSeconds = 60

    package init() {}

    /// For the first byte: a person may look at an open terminal for a moment.
    package var firstByteSeconds: Int { 3 * requestSeconds }
    /// For a login, where one is needed, also behind a RESET: who sends a PING now and then and never logs in would keep
    /// his connection from others for ever. A person has to look for the password.
    package var loginSeconds: Int { 6 * requestSeconds }
}
