@testable import TearoffLoad

/// A server that answers every command after a fixed time, but for a stall, on a clock of its own. It drives
/// the engine through its whole run.
struct FakeServer {
    /// How long a reply takes, in nanoseconds.
    var delay: UInt64
    /// Nothing is answered inside; what came is answered at its end.
    var stall: Range<UInt64> = 0..<0
    var reply = Array("$2\r\nOK\r\n".utf8)

    private struct Answer {
        let due: UInt64
        let connection: Int
    }

    /// Runs a plan of one thread that starts at 0.
    ///
    /// - Returns: the tally, and all that each connection sent.
    func run(_ plan: LoadPlan, giveUpAt limit: UInt64 = .max) throws -> (LoadTally, [[UInt8]]) {
        var engine = LoadEngine(plan, thread: 0, startNanoseconds: 0)
        var sent = Array(repeating: [UInt8](), count: plan.connections)
        var answers: [Answer] = []
        var firstAnswer = 0
        var now: UInt64 = 0
        while !engine.isDone {
            if now > limit {
                engine.abandon(now: now)
                break
            }
            engine.issueDue(now: now)
            take(&engine, &sent, &answers, now: now)
            while firstAnswer < answers.count, answers[firstAnswer].due <= now {
                try engine.received(reply.span, on: answers[firstAnswer].connection, now: now)
                firstAnswer += 1
                take(&engine, &sent, &answers, now: now)
            }
            let answerDue = firstAnswer < answers.count ? answers[firstAnswer].due : .max
            let next = min(engine.nextDueNanoseconds ?? .max, answerDue)
            now = next == .max ? now + 1 : max(now + 1, next)
        }
        return (engine.tally, sent)
    }

    private func take(
        _ engine: inout LoadEngine, _ sent: inout [[UInt8]], _ answers: inout [Answer], now: UInt64
    ) {
        while let index = engine.takeUnsent() {
            engine.send(on: index) { bytes in
                let text = (0..<bytes.count).map { bytes[$0] }
                sent[index] += text
                let due = stall.contains(now + delay) ? stall.upperBound : now + delay
                for _ in 0..<commands(in: text) { answers.append(Answer(due: due, connection: index)) }
                return bytes.count
            }
        }
    }

    private func commands(in bytes: [UInt8]) -> Int { bytes.count { $0 == UInt8(ascii: "*") } }
}

func makePlan(_ pace: LoadPlan.Pace, _ extent: LoadPlan.Extent, connections: Int = 10) throws -> LoadPlan {
    var plan = LoadPlan(pace: pace, extent: extent, command: try CommandTemplate(CommandTemplate.allocation))
    plan.connections = connections
    return plan
}

let millisecond: UInt64 = 1_000_000
let second: UInt64 = 1_000_000_000
