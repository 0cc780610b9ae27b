import Foundation
import Histogram

/// The figures of a run, in three forms of text.
package struct LoadReport: Encodable, Equatable, Sendable {
    package struct Latency: Encodable, Equatable, Sendable {
        package var p50: Double
        package var p90: Double
        package var p99: Double
        package var p99_9: Double
        package var p99_99: Double
        package var max: Double
        package var mean: Double
    }

    package struct Generator: Encodable, Equatable, Sendable {
        package var cpuMicrosecondsPerCommand: Double
        /// Of its busiest thread, from 0 to 1.
        package var busyShare: Double
        /// Whether the server could perhaps have done more.
        package var isBottleneck: Bool
    }

    /// What was asked for, in words: `closed loop, 50 connections, depth 16`.
    package var load: String
    package var requests: UInt64
    package var seconds: Double
    package var requestsPerSecond: Double
    package var latencyMicroseconds: Latency
    package var nulls: UInt64
    package var errors: [String: UInt64]
    package var unanswered: UInt64
    package var unsent: UInt64
    package var generator: Generator

    package init(_ tally: LoadTally, threads: [GeneratorLoad], load: String) {
        let total = tally.recorder.total
        func microseconds(_ percentile: Double) -> Double {
            Double(total.valueAtPercentile(percentile)) / 1_000
        }
        self.load = load
        requests = total.totalCount
        seconds = tally.recorder.seconds
        requestsPerSecond = seconds > 0 ? Double(requests) / seconds : 0
        latencyMicroseconds = Latency(
            p50: microseconds(50), p90: microseconds(90), p99: microseconds(99), p99_9: microseconds(99.9),
            p99_99: microseconds(99.99), max: Double(total.maxRecorded) / 1_000,
            mean: requests > 0 ? total.mean / 1_000 : 0)
        nulls = tally.nulls
        errors = tally.errors
        unanswered = tally.unanswered
        unsent = tally.unsent
        let replies = threads.reduce(0) { $0 + $1.replies }
        let cpu = threads.reduce(0) { $0 + $1.cpuNanoseconds }
        let busyShare = threads.map(\.busyShare).max() ?? 0
        generator = Generator(
            cpuMicrosecondsPerCommand: replies > 0 ? Double(cpu) / 1_000 / Double(replies) : 0,
            busyShare: busyShare, isBottleneck: busyShare > LoadLimits.busyShareMax)
    }

    /// Whether nothing went wrong but errors of the allowed words.
    package func isClean(allowing words: Set<String>) -> Bool {
        unanswered == 0 && unsent == 0 && errors.keys.allSatisfy { words.contains($0) }
    }
}

// MARK: - Forms

extension LoadReport {
    /// An aligned table for people.
    package var text: String {
        var rows: [(String, String)] = [
            ("requests", "\(requests) in \(Self.number(seconds, 2)) s"),
            ("rate", "\(Self.number(requestsPerSecond, 0))/s"),
        ]
        rows += latencies.map { ($0.0, "\(Self.number($0.1 / 1_000, 3)) ms") }
        rows.append(("errors", errors.isEmpty ? "none" : errorText))
        if nulls > 0 { rows.append(("null replies", "\(nulls)")) }
        if unanswered > 0 { rows.append(("unanswered", "\(unanswered)")) }
        if unsent > 0 { rows.append(("unsent", "\(unsent)")) }
        let cpu = Self.number(generator.cpuMicrosecondsPerCommand, 3)
        let busy = Self.number(generator.busyShare * 100, 0)
        rows.append(("generator", "\(cpu) µs of CPU per command, busy \(busy) %"))
        let width = rows.map(\.0.count).max() ?? 0
        let lines = rows.map { name, value in
            name + String(repeating: " ", count: width + 2 - name.count) + value
        }
        let warning = generator.isBottleneck ? ["the generator is the bottleneck"] : []
        return ([load] + lines + warning).joined(separator: "\n")
    }

    /// One object on one line.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// A header and one row; latencies in microseconds.
    package var csv: String {
        let fields: [(String, String)] =
            [
                ("load", "\"\(load)\""), ("requests", "\(requests)"), ("seconds", Self.number(seconds, 3)),
                ("requests_per_second", Self.number(requestsPerSecond, 1)),
            ]
            + latencies.map {
                ($0.0.replacingOccurrences(of: ".", with: "_") + "_us", Self.number($0.1, 1))
            } + [
                ("nulls", "\(nulls)"), ("errors", "\(errors.values.reduce(0, +))"),
                ("unanswered", "\(unanswered)"), ("unsent", "\(unsent)"),
                ("generator_cpu_us", Self.number(generator.cpuMicrosecondsPerCommand, 4)),
                ("generator_busy", Self.number(generator.busyShare, 3)),
            ]
        return [fields.map(\.0), fields.map(\.1)].map { $0.joined(separator: ",") }.joined(separator: "\n")
    }

    private var latencies: [(String, Double)] {
        let latency = latencyMicroseconds
        return [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p99_9),
            ("p99.99", latency.p99_99), ("max", latency.max),
        ]
    }

    private var errorText: String {
        errors.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
    }

    fileprivate static func number(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }
}

extension LatencyRecorder {
    /// One row for each interval: its start in seconds, replies, and latencies in microseconds.
    package var seriesCSV: String {
        let rows = series.enumerated().map { index, interval in
            let start = Double(index) * Double(LoadLimits.intervalNanoseconds) / 1e9
            let latencies = [50, 99, 99.9, 100].map { percentile in
                LoadReport.number(Double(interval.valueAtPercentile(percentile)) / 1_000, 1)
            }
            let fields = [LoadReport.number(start, 1), "\(interval.totalCount)"] + latencies
            return fields.joined(separator: ",")
        }
        return (["second,replies,p50_us,p99_us,p99_9_us,max_us"] + rows).joined(separator: "\n") + "\n"
    }
}
