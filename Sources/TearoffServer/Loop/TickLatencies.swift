import NIOCore
import TearoffEngine
import TearoffLog

/// How long answers of one loop took: from the beginning of the tick that read the commands until their replies may
/// leave.
///
/// A tick's commands have both in common, so the clock is read twice a tick and not for each command.
struct TickLatencies {
    /// A loop whose flush takes long has many ticks meanwhile; what comes then is counted with the last one.
    private static let waitingMaximum = 1_024

    private struct Waiting {
        let frame: FrameNumber
        let start: NIODeadline
        var answers: UInt64
    }

    let histogram = LatencyHistogram()
    private var start = NIODeadline.uptimeNanoseconds(0)
    private var answersBefore: UInt64 = 0
    /// Ticks whose replies wait for a frame, the oldest first.
    private var waiting: [Waiting] = []

    mutating func beginTick() { start = .now() }

    /// What was decided since the last end of a tick has its replies in `frame`, or waits for nothing.
    mutating func endTick(answers: UInt64, frame: FrameNumber, durable: FrameNumber) {
        let count = answers - answersBefore
        answersBefore = answers
        if count > 0 {
            if waiting.count < Self.waitingMaximum {
                waiting.append(Waiting(frame: frame, start: start, answers: count))
            } else {
                waiting[waiting.count - 1].answers += count
            }
        }
        release(durable: durable)
    }

    /// The frames up to `durable` are.
    mutating func release(durable: FrameNumber) {
        if waiting.isEmpty { return }
        let now = NIODeadline.now()
        let left = waiting.firstIndex { $0.frame > durable } ?? waiting.count
        for tick in waiting[..<left] {
            histogram.note(
                microseconds: UInt64(max(0, (now - tick.start).nanoseconds)) / 1_000, count: tick.answers)
        }
        waiting.removeFirst(left)
    }
}
