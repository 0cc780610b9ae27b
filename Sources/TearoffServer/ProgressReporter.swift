import Logging
import Synchronization
import TearoffEngine

/// Tells of a long recovery: to clients in the text of `LOADING`, and in the log every few seconds.
final class ProgressReporter: Sendable {
    private static let logIntervalMilliseconds: UInt64 = 2_000

    private let state: ServerState
    private let logger: Logger
    private let lastLogged: Mutex<UInt64>

    init(state: ServerState, logger: Logger) {
        self.state = state
        self.logger = logger
        lastLogged = Mutex(WallClock.milliseconds())
    }

    func note(_ progress: RecoveryProgress) {
        let percent = progress.total == 0 ? 100 : min(100, progress.done * 100 / progress.total)
        let text = "\(progress.stage.rawValue) \(percent) %"
        state.noteProgress(text)
        let now = WallClock.milliseconds()
        let isDue = lastLogged.withLock { last in
            guard now >= last + Self.logIntervalMilliseconds else { return false }
            last = now
            return true
        }
        if isDue { logger.notice("recovery.progress", metadata: ["at": "\(text)"]) }
    }
}
