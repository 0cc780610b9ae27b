import Histogram
import Testing

@testable import TearoffLoad

@Suite("The engine: what should have been sent during a stall has waited, too")
struct LoadEngineTests {
    private static func open(_ rate: Double, outstandingMax: Int = 1_000) -> LoadPlan.Pace {
        .open(ratePerSecond: rate, spacing: .even, outstandingMax: outstandingMax)
    }

    /// Goal: no coordinated omission. Method: one second of 10,000/s with a stall of 200 ms in it; a fifth of
    /// all arrivals fall into it, and wait 100 ms on average.
    @Test(arguments: [1, 1_000])
    func aStallShowsInThePercentilesOfAnOpenLoop(outstandingMax: Int) throws {
        let server = FakeServer(delay: 100_000, stall: (400 * millisecond)..<(600 * millisecond))
        let plan = try makePlan(Self.open(10_000, outstandingMax: outstandingMax), .nanoseconds(second))
        let (tally, _) = try server.run(plan)
        let latencies = tally.recorder.total
        #expect(latencies.totalCount == 10_000)
        #expect(latencies.valueAtPercentile(50) < 110_000)
        #expect(latencies.valueAtPercentile(75) < 200_000)
        #expect((85 * millisecond...115 * millisecond).contains(latencies.valueAtPercentile(90)))
        #expect(latencies.valueAtPercentile(99.9) > 190 * millisecond)
        #expect(tally.unsent == 0 && tally.unanswered == 0)
    }

    /// Goal: the contrast, so that the test above is known to test something. Method: the same stall, closed.
    @Test func theSameStallHidesInAClosedLoop() throws {
        let server = FakeServer(delay: 1 * millisecond, stall: (400 * millisecond)..<(600 * millisecond))
        let plan = try makePlan(.closed(depth: 1), .nanoseconds(second))
        let latencies = try server.run(plan).0.recorder.total
        #expect(latencies.valueAtPercentile(99) < 2 * millisecond)
        #expect(latencies.maxRecorded > 190 * millisecond)
    }

    /// Goal: at the limit of outstanding commands an arrival waits and is then sent. Method: one connection,
    /// one command at a time, a reply that takes ten times the gap.
    @Test func anArrivalWaitsAtTheLimitAndItsLatencyCounts() throws {
        let plan = try makePlan(Self.open(1_000, outstandingMax: 1), .requests(100), connections: 1)
        let (tally, _) = try FakeServer(delay: 10 * millisecond).run(plan)
        #expect(tally.recorder.total.totalCount == 100)
        // The last was meant for 99 ms and was answered at 1,000 ms.
        let longest = tally.recorder.total.maxRecorded
        #expect((900 * millisecond...902 * millisecond).contains(longest))
    }

    /// Goal: a server that never answers cannot keep a run alive, and what was given up is counted.
    @Test func whatIsGivenUpIsCounted() throws {
        let plan = try makePlan(Self.open(1_000, outstandingMax: 2), .nanoseconds(second / 10))
        let server = FakeServer(delay: 100 * second)
        let (tally, _) = try server.run(plan, giveUpAt: second)
        #expect(tally.unanswered == 20)
        #expect(tally.unsent == 80)
        #expect(tally.recorder.total.totalCount == 0)
    }

    /// Goal: as many requests as were asked for, also when depth and connections do not divide them.
    @Test(arguments: [1, 7, 64])
    func aClosedLoopSendsAsManyAsAsked(depth: Int) throws {
        let plan = try makePlan(.closed(depth: depth), .requests(1_001), connections: 3)
        let (tally, sent) = try FakeServer(delay: 1_000).run(plan)
        #expect(tally.recorder.total.totalCount == 1_001)
        #expect(tally.replies == 1_001)
        #expect(sent.joined().count { $0 == UInt8(ascii: "*") } == 1_001)
    }

    /// Goal: what is sent before the end of the warm-up is not recorded, and is sent in addition.
    @Test func theWarmUpIsNotRecorded() throws {
        var plan = try makePlan(Self.open(1_000), .requests(500))
        plan.warmUpNanoseconds = second / 2
        let (tally, _) = try FakeServer(delay: 1_000).run(plan)
        #expect(tally.recorder.total.totalCount == 500)
        #expect(tally.replies == 1_000)
    }

    /// Goal: the series has an interval for each 100 ms, and its counts add up to the total.
    @Test func theSeriesAddsUp() throws {
        var plan = try makePlan(Self.open(10_000), .nanoseconds(second))
        plan.hasSeries = true
        let (tally, _) = try FakeServer(delay: 50_000).run(plan)
        #expect((10...11).contains(tally.recorder.series.count))
        #expect(tally.recorder.series.reduce(0) { $0 + $1.totalCount } == 10_000)
        let rows = tally.recorder.seriesCSV.split(separator: "\n")
        #expect(rows[0] == "second,replies,p50_us,p99_us,p99_9_us,max_us")
        #expect(rows[1].hasPrefix("0.0,1000,"))
    }

    /// Goal: errors and nulls are told apart by their first words, and judged.
    @Test func errorsAreCountedByTheirFirstWord() throws {
        let plan = try makePlan(.closed(depth: 2), .requests(10), connections: 1)
        let (tally, _) = try FakeServer(
            delay: 1_000, reply: Array("-POOLEMPTY no code is left\r\n".utf8)
        ).run(plan)
        #expect(tally.errors == ["POOLEMPTY": 10])
        let report = LoadReport(tally, threads: [], load: plan.summary)
        #expect(!report.isClean(allowing: []))
        #expect(report.isClean(allowing: ["POOLEMPTY"]))
        let nulls = try FakeServer(delay: 1_000, reply: Array("$-1\r\n".utf8)).run(plan).0
        #expect(nulls.nulls == 10 && nulls.errors.isEmpty)
    }

    /// Goal: a reply that nobody asked for ends the run.
    @Test func anUnaskedReplyIsAViolation() throws {
        var engine = LoadEngine(
            try makePlan(.closed(depth: 1), .requests(1), connections: 1), thread: 0, startNanoseconds: 0)
        engine.issueDue(now: 0)
        var isRefused = false
        do throws(ReplyScanner.Violation) {
            try engine.received(Array("+OK\r\n+OK\r\n".utf8).span, on: 0, now: 1)
        } catch {
            isRefused = true
        }
        #expect(isRefused)
    }

    /// Goal: output that a socket takes bit by bit arrives unchanged. Method: three bytes at a time.
    @Test func outputIsSentOnWhereItStopped() throws {
        let plan = try makePlan(.closed(depth: 5), .requests(5), connections: 1)
        var engine = LoadEngine(plan, thread: 0, startNanoseconds: 0)
        engine.issueDue(now: 0)
        var sent: [UInt8] = []
        for _ in 0..<1_000 {
            engine.send(on: 0) { bytes in
                let count = min(3, bytes.count)
                for index in 0..<count { sent.append(bytes[index]) }
                return count
            }
        }
        #expect(sent == (try FakeServer(delay: 1).run(plan).1[0]))
    }
}
