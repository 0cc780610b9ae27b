import NIOCore
import TearoffEngine
import TearoffLog

/// The control plane's loop: drives its lane and its deadlines. Touched by that loop only.
final class ControlContext {
    let eventLoop: any EventLoop
    private(set) var control: ControlPlane?
    private var expiry: Scheduled<Void>?
    private var sealIsScheduled = false
    private var completions: (any Channel)?

    /// No timer is set further ahead: clocks are set, and machines sleep.
    private static let timerMillisecondsMax: UInt64 = 60_000

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func start(_ control: ControlPlane) { self.control = control }
    var completionDescriptor: CInt { control?.writer.completionDescriptor ?? -1 }
    func listen(to completions: any Channel) { self.completions = completions }

    func stop() {
        expiry?.cancel()
        completions?.close(promise: nil)
        control?.drain()
        control = nil
    }

    /// Runs a piece of the control plane's work.
    func perform(_ body: (ControlPlane) -> Void) {
        guard let control else { return }
        body(control)
        scheduleSeal()
    }

    func proceed() {
        control?.poll()
        scheduleSeal()
    }

    private func scheduleSeal() {
        guard let control, control.writer.needsSeal, !sealIsScheduled else { return }
        sealIsScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(ServerLimits.sealAfterMilliseconds)) {
            bound.value.sealIsScheduled = false
            bound.value.control?.sealIfNeeded()
        }
    }

    /// - Parameters:
    ///   - deadline: wall clock milliseconds; nil: none.
    ///   - now: what the wall clock says.
    func scheduleExpiry(at deadline: UInt64?, now: UInt64) {
        expiry?.cancel()
        guard let deadline else { return }
        let wait = min(deadline > now ? deadline - now : 0, Self.timerMillisecondsMax)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        expiry = eventLoop.scheduleTask(in: .milliseconds(Int64(wait))) {
            bound.value.perform { $0.finishExpired() }
        }
    }
}
