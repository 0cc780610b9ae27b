import Foundation
import TearoffProtocol
import Testing

@testable import TearoffClient
@testable import tearoffctl

@Suite("tearoffctl top: what is drawn of what a server tells")
struct TopTests {
    private static func info(
        seconds: Int, given: Int, buckets: String = "", process: Int = 1, more: [String] = []
    ) -> String {
        let lines =
            [
                "# Server", "process_id:\(process)", "server_time_usec:\(seconds * 1_000_000)",
                "uptime_in_seconds:\(seconds)", "tearoff_version:0.2.0", "# Clients", "connected_clients:3",
                "# Memory", "used_memory_rss:412000000", "# Stats", "allocations_given:\(given)",
                "allocations_repeated:\(given / 10)", "allocations_refused:0", "holds_made:0", "holds_confirmed:0",
                "# Persistence", "log_frames:\(given / 100)", "log_written_bytes:\(given * 20)",
                "log_flush_microseconds:110", "log_mechanism:io_uring", "snapshot_latest:4",
                "snapshot_in_progress:0", "# Feed", "feed:1", "feed_newest:\(given)", "feed_failing:0",
                "# Latency", "latency_microseconds_buckets:\(buckets)",
            ] + more
        return lines.joined(separator: "\r\n")
    }

    private static func list(_ name: String, free: Int, warnAt: Int?) throws -> TearoffClient.ListInfo {
        var fields: [(String, Reply)] = ["kind", "expires-at", "stop-days", "per-user"].map { ($0, .null) }
        fields[0].1 = .bulk(Array("unique".utf8))
        for (key, value) in [
            ("uploaded", 1_000), ("free", free), ("held", 0), ("given", 1_000 - free), ("withdrawn", 0), ("burned", 0),
            ("uploads", 1), ("campaigns", 1), ("recipients", 0),
        ] { fields.append((key, .integer(Int64(value)))) }
        fields.append(("name", .bulk(Array(name.utf8))))
        fields.append(("expired", .boolean(false)))
        fields.append(("warn-days", .bulk(Array("7,3,1".utf8))))
        fields.append(("low", .boolean(warnAt.map { free <= $0 } ?? false)))
        fields.append(("warn-at", warnAt.map { .integer(Int64($0)) } ?? .null))
        let reply = Reply.map(fields.map { ReplyPair(key: .bulk(Array($0.0.utf8)), value: $0.1) })
        return try TearoffClient.ListInfo(Fields(reply))
    }

    private static func state() throws -> TopState {
        var state = TopState(server: "127.0.0.1:7071", interval: 1)
        for second in 0..<5 {
            let answers = second * second * 1_000
            state.add(
                TopSample(info: info(seconds: 60 + second, given: answers, buckets: "95=\(answers),2047=\(second)")))
        }
        state.add([
            try list("plenty", free: 900, warnAt: 10), try list("june", free: 5, warnAt: 10),
            try list("gone", free: 0, warnAt: nil),
        ])
        return state
    }

    /// Goal: rates and latencies are those between two looks. Method: figures that grow by known steps.
    @Test func aMomentIsTheDifference() throws {
        let moment = try #require(try Self.state().moment)
        #expect(moment.codes == 7_000 && moment.repeats == 700 && moment.frames == 70)
        #expect(moment.logBytes == 140_000)
        #expect(moment.p50 == 95 && moment.p99 == 95 && moment.p999 == 95)
        let one = try #require(
            TopMoment(
                from: TopSample(info: Self.info(seconds: 1, given: 0, buckets: "10=5,20=5")),
                to: TopSample(info: Self.info(seconds: 3, given: 0, buckets: "10=5,20=6,4095=1"))))
        #expect(one.p50 == 20 && one.p99 == 4_095 && one.codes == 0)
    }

    /// Goal: a server that began anew is compared with nothing. Method: another process, and a clock that stands.
    @Test func aRestartIsNoNegativeRate() {
        let old = TopSample(info: Self.info(seconds: 9, given: 1_000))
        #expect(TopMoment(from: old, to: TopSample(info: Self.info(seconds: 10, given: 1, process: 2))) == nil)
        #expect(TopMoment(from: old, to: old) == nil)
        #expect(TopMoment(from: old, to: TopSample(info: "")) == nil)
    }

    /// Goal: the whole screen, as a person sees it. Method: its text, in characters beyond ASCII and without them.
    @Test func aScreenIsDrawn() throws {
        let screen = TopScreen(state: try Self.state(), width: 60, height: 20, style: .init())
        #expect(
            screen.lines.map { $0.replacing(#/ +$/#, with: "") }.joined(separator: "\n") == """
                127.0.0.1:7071  up 1:04  3 clients  412 MB of memory  tearof

                codes/s     7.0 k   repeats/s 700   refused/s 0   holds/s 0
                answered in p50 95 µs   p99 95 µs   p99.9 95 µs

                10.0 k
                                                                           ▂
                                                                           █
                                                                          ██
                                                                         ▇██
                     0                                                  ▅███
                       -0:53                                             now

                log         140 kB/s   70 frames/s   flush 110 µs   io_uring
                snapshot    number 4   feed event 16000

                LIST           FREE  LEFT  EXPIRES
                gone              0   0 %  never  EMPTY
                june              5   0 %  never  LOW
                plenty          900  90 %  never
                """)
        let plain = TopScreen(state: try Self.state(), width: 60, height: 20, style: .init(isASCII: true))
        #expect(plain.lines.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
        #expect(plain.lines[3] == "answered in p50 95 us   p99 95 us   p99.9 95 us")
    }

    /// Goal: no terminal is too small, none is written beyond its edges. Method: every small size.
    @Test func everySizeFits() throws {
        let state = try Self.state()
        for width in 1...50 {
            for height in 1...30 {
                let lines = TopScreen(state: state, width: width, height: height, style: .init()).lines
                #expect(lines.count <= height && lines.allSatisfy { $0.count <= width }, "\(width)x\(height)")
            }
        }
    }

    /// Goal: colours are where they are wanted, and a server that is away is told. Method: both styles; a loss.
    @Test func aLossIsTold() throws {
        var state = try Self.state()
        #expect(!TopScreen(state: state, width: 60, height: 20, style: .init()).lines.joined().contains("\u{1B}"))
        let coloured = TopScreen(state: state, width: 60, height: 20, style: .init(isColoured: true)).lines
        #expect(coloured.contains { $0.hasPrefix("\u{1B}[31mgone") })
        state.lose("connection refused")
        let lines = TopScreen(state: state, width: 80, height: 20, style: .init()).lines
        #expect(lines[0] == "127.0.0.1:7071  trying again: connection refused")
        #expect(Record(state) == nil)
    }

    /// Goal: what is kept does not grow for ever. Method: more looks than are kept.
    @Test func theLastMinutesAreKept() {
        var state = TopState(server: "s", interval: 1)
        for second in 0..<(TopState.momentsMaximum + 50) {
            state.add(TopSample(info: Self.info(seconds: second, given: second)))
        }
        #expect(state.rates.count == TopState.momentsMaximum)
    }

    /// Goal: bars are as high as their values. Method: eighths of two lines; a gap; the scale's steps.
    @Test func barsAreAsHighAsTheirValues() {
        let plot = BarPlot(values: [0, 1, 5, nil, 10, 6], width: 8, height: 2, isASCII: false)
        #expect(plot.lines == ["      █▂", "   ▂█ ██"])
        #expect(BarPlot(values: plot.values, width: 8, height: 2, isASCII: true).lines == ["      #.", "   .# ##"])
        for (highest, scale) in [(0.0, 1.0), (1, 1), (1.5, 2), (3, 5), (6, 10), (52_000, 100_000)] {
            #expect(BarPlot(values: [highest], width: 1, height: 1, isASCII: false).scale == scale)
        }
    }
}
