import Foundation
import TearoffClient

/// The view as lines of text. Pure.
struct TopScreen {
    struct Style {
        var isASCII = false
        var isColoured = false
    }

    /// Lines for the plot at most: more say nothing more.
    private static let plotHeightMaximum = 8
    /// `999 M ` before it.
    private static let axisWidth = 7

    let state: TopState
    let width: Int
    let height: Int
    let style: Style

    /// At most as many as the screen is high, none wider than it.
    var lines: [String] {
        let head = [heading, "", rates, answers, ""]
        let tail = ["", log, upkeep, ""] + lists
        let room = height - head.count - tail.prefix(7).count
        let plot = room >= 4 ? self.plot(height: min(room - 2, Self.plotHeightMaximum)) : []
        return (head + plot + tail).prefix(height).map(cut)
    }

    private func cut(_ line: Line) -> String {
        let text = String(line.text.prefix(width))
        guard style.isColoured, let colour = line.colour else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    private struct Line: ExpressibleByStringLiteral {
        enum Colour: Int {
            case bold = 1, red = 31, yellow = 33
        }

        let text: String
        var colour: Colour?

        init(_ text: String, _ colour: Colour? = nil) {
            self.text = text
            self.colour = colour
        }

        init(stringLiteral text: String) { self.init(text) }
    }
}

// MARK: - Parts

extension TopScreen {
    private var heading: Line {
        if let problem = state.problem { return Line("\(state.server)  trying again: \(problem)", .red) }
        guard let sample = state.sample else { return Line(state.server, .bold) }
        let clients = BadLineReport.count(sample["connected_clients"], "client")
        return Line(
            "\(state.server)  up \(LoadProgress.clock(sample["uptime_in_seconds"]))  \(clients)  "
                + "\(Self.short(Double(sample["used_memory_rss"])))B of memory  tearoffd \(sample.text("tearoff_version"))",
            .bold)
    }

    private var rates: Line {
        guard let moment = state.moment else { return "codes/s     -" }
        return Line(
            "codes/s     \(Self.short(moment.codes))   repeats/s \(Self.short(moment.repeats))   refused/s "
                + "\(Self.short(moment.refusals))   holds/s \(Self.short(moment.holds))")
    }

    private var answers: Line {
        let (p50, p99, p999) = (state.moment?.p50, state.moment?.p99, state.moment?.p999)
        return Line("answered in p50 \(duration(p50))   p99 \(duration(p99))   p99.9 \(duration(p999))")
    }

    private var log: Line {
        guard let sample = state.sample else { return "log         -" }
        let moment = state.moment.map { "\(Self.short($0.logBytes))B/s   \(Self.short($0.frames)) frames/s   " }
        return Line(
            "log         \(moment ?? "")flush \(duration(sample["log_flush_microseconds"]))   "
                + sample.text("log_mechanism"))
    }

    private var upkeep: Line {
        guard let sample = state.sample else { return "snapshot    -" }
        let snapshot =
            sample["snapshot_latest"] == 0 ? "none yet" : "number \(sample["snapshot_latest"])"
        let writing = sample["snapshot_in_progress"] == 1 ? ", one is being written" : ""
        let isFailing = sample["feed_failing"] == 1
        let feed =
            sample["feed"] == 0 ? "none" : "event \(sample["feed_newest"])\(isFailing ? ", CANNOT BE WRITTEN" : "")"
        return Line("snapshot    \(snapshot)\(writing)   feed \(feed)", isFailing ? .red : nil)
    }

    private var lists: [Line] {
        if state.lists.isEmpty { return ["no list has codes"] }
        let nameWidth = max(4, state.lists.map(\.name.count).max() ?? 0)
        let head = Table.padded("LIST", to: nameWidth, isNumber: false) + "         FREE  LEFT  EXPIRES"
        return [Line(head, .bold)]
            + state.lists.map { list in
                let name = Table.padded(list.name, to: nameWidth, isNumber: false)
                let free = Table.padded("\(list.free)", to: 13, isNumber: true)
                let left = Table.padded("\(Int(list.shareFree * 100)) %", to: 6, isNumber: true)
                let expires = list.expiresAt.map { String(ServerTime.text($0).prefix(10)) } ?? "never"
                return Line(
                    "\(name)\(free)\(left)  \(expires)\(list.free == 0 ? "  EMPTY" : list.isLow ? "  LOW" : "")",
                    list.free == 0 ? .red : list.isLow ? .yellow : nil)
            }
    }

    private func plot(height: Int) -> [Line] {
        let plot = BarPlot(
            values: state.rates, width: max(1, width - Self.axisWidth), height: height, isASCII: style.isASCII)
        let top = Table.padded(Self.short(plot.scale), to: Self.axisWidth - 1, isNumber: true)
        let bars = plot.lines.enumerated().map { index, line in
            let label = index == 0 ? top : index == height - 1 ? "     0" : "      "
            return Line("\(label) \(line)")
        }
        let past = "-" + LoadProgress.clock(Int(Double(plot.width) * state.interval))
        let axis = Table.padded("now", to: plot.width - past.count, isNumber: true)
        return bars + [Line(String(repeating: " ", count: Self.axisWidth) + past + axis)]
    }

    /// Three digits and a prefix.
    private static func short(_ value: Double) -> String {
        let (digits, prefix) = LoadProgress.short(value)
        return prefix.isEmpty ? digits : "\(digits) \(prefix)"
    }

    private func duration(_ microseconds: Int?) -> String {
        guard let microseconds else { return "-" }
        let (digits, prefix) = LoadProgress.short(Double(microseconds))
        return switch prefix {
        case "": "\(digits) \(style.isASCII ? "us" : "µs")"
        case "k": "\(digits) ms"
        default: "\(digits) s"
        }
    }
}
