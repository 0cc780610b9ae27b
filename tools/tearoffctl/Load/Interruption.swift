import Dispatch
import Foundation

/// Ctrl-C while something is under way.
enum Interruption {
    /// Runs `work`; if SIGINT comes first, `interrupted` instead, and the work is left behind. A second
    /// SIGINT ends the process as usual.
    ///
    /// - Parameter interrupted: throws what the command then ends with.
    static func race<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value,
        interrupted: () async throws -> Never
    ) async throws -> Value {
        let (outcomes, continuation) = AsyncStream<Result<Value, any Error>?>.makeStream()
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            continuation.yield(nil)
        }
        source.resume()
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        let task = Task {
            do {
                continuation.yield(.success(try await work()))
            } catch {
                continuation.yield(.failure(error))
            }
        }
        for await outcome in outcomes {
            if let outcome { return try outcome.get() }
            task.cancel()
            try await interrupted()
        }
        throw CancellationError()
    }
}
