import NIOCore
import TearoffLog

/// One event loop: its log lane, and the connections whose replies wait. Touched by that loop only.
///
/// The first read of a tick schedules its end, which comes after every socket that was ready has been read:
/// one durable frame for all commands of the tick, then their replies leave. It is what `tearoffd` does, less
/// the work.
final class EchoLoop {
    let replies = Replies()
    let hasLog: Bool
    private let eventLoop: any EventLoop
    private let log: LoopLog?
    private var commands = 0
    private var held: [EchoHandler] = []
    private var failed: @Sendable (LogFailure) -> Void

    /// - Parameter failed: called once, when a frame cannot be written; no reply leaves any more.
    init(eventLoop: any EventLoop, log: LoopLog?, failed: @escaping @Sendable (LogFailure) -> Void) {
        self.eventLoop = eventLoop
        self.log = log
        self.failed = failed
        hasLog = log != nil
    }

    /// Has replies wait for the tick's frame.
    ///
    /// - Parameter first: the connection, unless it waits already.
    func note(commands count: Int, first handler: EchoHandler?) {
        if let handler { held.append(handler) }
        if commands == 0 {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute { bound.value.endTick() }
        }
        commands += count
    }

    private func endTick() {
        let count = commands
        commands = 0
        do throws(LogFailure) {
            try log?.write(commands: count)
        } catch {
            return failed(error)
        }
        for handler in held { handler.release() }
        held.removeAll(keepingCapacity: true)
    }
}
