import NIOCore
import Synchronization

/// What many tasks hand to one connection, in the order in which they came.
///
/// Callers append encoded commands; the connection takes all of them at once. So commands that come while the
/// connection is busy share one write, and a caller never waits for another.
final class CallQueue: Sendable {
    /// A call and what the connection must know of it.
    struct Entry: Sendable {
        let call: Call
        /// Replies that it waits for; at least 1.
        let replyCount: Int
        let byteCount: Int
        /// Longest silence while one of its replies is due; nil: for ever.
        let timeout: TimeAmount?
    }

    private struct State {
        /// Commands that the connection has not taken, and their calls.
        var bytes: [UInt8] = []
        var entries: [Entry] = []
        /// Everything without a reply, taken or not.
        var pendingCommands = 0
        var pendingBytes = 0
        /// Why the connection has ended.
        var end: TearoffError?
    }

    private let state = Mutex(State())
    private let commandsMaximum: Int
    private let bytesMaximum: Int

    init(commandsMaximum: Int, bytesMaximum: Int) {
        precondition(commandsMaximum > 0 && bytesMaximum > 0, "a queue that takes nothing")
        self.commandsMaximum = commandsMaximum
        self.bytesMaximum = bytesMaximum
    }

    /// Appends commands.
    ///
    /// - Returns: the call, and whether the connection must be told: it is not when it was told already.
    /// - Throws: ``TearoffError/Code/busy`` when a bound is reached, or why the connection ended. Nothing is
    ///   sent.
    func submit(
        _ encoded: [UInt8], replyCount: Int, timeout: TimeAmount?
    ) throws(TearoffError) -> (call: Call, mustTell: Bool) {
        precondition(replyCount > 0 && !encoded.isEmpty, "an empty call")
        let call = Call()
        let mustTell = try state.withLock { state throws(TearoffError) in
            if let end = state.end {
                throw TearoffError(end.code, "the connection had ended: \(end.message)")
            }
            let isLone = state.pendingCommands == 0
            guard state.pendingCommands + replyCount <= commandsMaximum else {
                throw TearoffError(.busy, "\(state.pendingCommands) commands wait for their replies already")
            }
            guard isLone || state.pendingBytes + encoded.count <= bytesMaximum else {
                throw TearoffError(.busy, "\(state.pendingBytes) bytes of commands wait already")
            }
            state.pendingCommands += replyCount
            state.pendingBytes += encoded.count
            state.bytes.append(contentsOf: encoded)
            state.entries.append(
                Entry(call: call, replyCount: replyCount, byteCount: encoded.count, timeout: timeout))
            return state.entries.count == 1
        }
        return (call, mustTell)
    }

    /// Hands over everything that was submitted since the last time.
    func take() -> (bytes: [UInt8], entries: [Entry]) {
        state.withLock { state in
            defer {
                state.bytes = []
                state.entries = []
            }
            return (state.bytes, state.entries)
        }
    }

    /// Makes room: these commands have their replies.
    func settle(commands: Int, bytes: Int) {
        state.withLock { state in
            state.pendingCommands -= commands
            state.pendingBytes -= bytes
        }
    }

    /// Refuses all later calls with `error`. - Returns: the calls that nobody has taken, to be failed.
    func end(_ error: TearoffError) -> [Entry] {
        state.withLock { state in
            defer {
                state.bytes = []
                state.entries = []
            }
            state.end = state.end ?? error
            return state.entries
        }
    }
}
