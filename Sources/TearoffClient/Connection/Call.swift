import Synchronization
import TearoffProtocol

/// One caller's wait for its replies. Finished once; whatever comes later is dropped.
final class Call: Sendable {
    /// What a call came to: all its replies, or those that came before the failure.
    struct Outcome: Sendable {
        var replies: [Reply]
        var failure: TearoffError?
    }

    private enum State {
        case running
        case awaited(CheckedContinuation<Outcome, Never>)
        case finished(Outcome)
    }

    private let state = Mutex(State.running)

    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .finished: return nil
            case .running:
                state = .finished(outcome)
                return nil
            case .awaited(let continuation):
                state = .finished(outcome)
                return continuation
            }
        }
        continuation?.resume(returning: outcome)
    }

    /// Waits for the end; may be called once. A cancelled task gets ``TearoffError/Code/cancelled``.
    func outcome() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let finished = state.withLock { state -> Outcome? in
                    switch state {
                    case .finished(let outcome): return outcome
                    case .awaited: preconditionFailure("two tasks wait for one call")
                    case .running:
                        state = .awaited(continuation)
                        return nil
                    }
                }
                if let finished { continuation.resume(returning: finished) }
            }
        } onCancel: {
            finish(Outcome(replies: [], failure: .taskCancelled))
        }
    }

    /// The reply to a single command.
    func reply() async throws(TearoffError) -> Reply {
        let outcome = await outcome()
        guard let reply = outcome.replies.first else {
            throw outcome.failure ?? .invalid("a call ended without a reply")
        }
        if case .error(let text) = reply { throw TearoffError(reply: text) }
        return reply
    }
}
