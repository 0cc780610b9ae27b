/// What came of a run, or of one thread's part of it.
package struct LoadTally: Sendable {
    package internal(set) var recorder: LatencyRecorder
    /// Commands that await their reply.
    package internal(set) var outstanding = 0
    /// All that came, the warm-up's too.
    package internal(set) var replies: UInt64 = 0
    package internal(set) var nulls: UInt64 = 0
    /// Error replies by their first word, the warm-up's too.
    package internal(set) var errors: [String: UInt64] = [:]
    /// Commands given up when the run's time was over.
    package internal(set) var unanswered: UInt64 = 0
    /// Arrivals that had to wait until the run's time was over.
    package internal(set) var unsent: UInt64 = 0

    /// Of a run that is about to begin; threads that are added up have the same start.
    package init(_ plan: LoadPlan, startNanoseconds: UInt64) {
        recorder = LatencyRecorder(
            startNanoseconds: startNanoseconds + plan.warmUpNanoseconds, hasSeries: plan.hasSeries)
    }

    /// - Parameter line: of the error, without its mark.
    mutating func noteError(_ line: Span<UInt8>) {
        var word: [UInt8] = []
        for index in line.indices {
            if line[index] == UInt8(ascii: " ") { break }
            word.append(line[index])
        }
        errors[String(decoding: word, as: UTF8.self), default: 0] += 1
    }

    /// Adds another thread's part.
    package mutating func add(_ other: LoadTally) {
        recorder.add(other.recorder)
        replies += other.replies
        nulls += other.nulls
        errors.merge(other.errors) { $0 + $1 }
        unanswered += other.unanswered
        unsent += other.unsent
    }
}
