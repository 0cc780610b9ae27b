import TearoffLog
import TearoffProtocol

/// A connection's replies, in order, and which of them wait for which frame.
struct Outbox {
    /// Replies from `start` on wait for `frame`, until the next mark.
    private struct Mark {
        let frame: FrameNumber
        let start: Int
        /// Replies written before this mark's first one.
        let repliesBefore: Int
    }

    var writer = ReplyWriter()
    /// Frames and starts both grow. Two at most while commits complete asynchronously: in flight and open.
    private var marks: [Mark] = []
    private var replies = 0

    var count: Int { writer.bytes.count }
    /// What its bytes take, with room for more.
    var capacity: Int { writer.bytes.capacity }
    var isEmpty: Bool { writer.bytes.isEmpty }
    var isHeld: Bool { !marks.isEmpty }

    /// Notes that the reply that begins at `start` waits for `frame`.
    mutating func hold(from start: Int, until frame: FrameNumber) {
        if let last = marks.last, last.frame >= frame { return }
        marks.append(Mark(frame: frame, start: start, repliesBefore: replies))
    }

    mutating func noteReply() { replies += 1 }

    /// Forgets the marks of durable frames. - Returns: how many bytes may leave.
    mutating func release(durable: FrameNumber) -> Int {
        marks.removeAll { $0.frame <= durable }
        return marks.first?.start ?? count
    }

    /// Takes the first bytes away; they were handed on.
    mutating func removeFirst(_ bytes: Int) {
        if bytes == count {
            let keepsRoom = writer.bytes.capacity <= ServerLimits.outputBytesKept
            writer.removeAll(keepingCapacity: keepsRoom)
            replies = 0
            return
        }
        writer.bytes.removeFirst(bytes)
        marks = marks.map { Mark(frame: $0.frame, start: $0.start - bytes, repliesBefore: $0.repliesBefore) }
    }

    /// Replaces every reply whose frame will never be known to be durable by an error.
    mutating func failHeld(_ word: ErrorWord, _ message: String) {
        guard let first = marks.first else { return }
        let held = replies - first.repliesBefore
        writer.bytes.removeLast(count - first.start)
        marks = []
        for _ in 0..<held { writer.error(word, message) }
    }
}
