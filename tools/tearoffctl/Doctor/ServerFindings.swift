import Foundation
import TearoffClient

/// What `INFO` says, and how the server's clock compares. Pure: figures come in.
struct ServerFindings {
    private let figures: [String: String]
    /// This machine's clock when `INFO` was asked for and when it was there, in milliseconds.
    private let asked: Int
    private let answered: Int

    /// - Parameter info: the text of `INFO`.
    init(info: String, askedMilliseconds: Int, answeredMilliseconds: Int) {
        figures = InfoCommand.figures(info)
        asked = askedMilliseconds
        answered = answeredMilliseconds
    }

    /// Of the server's process on its own machine.
    var processID: Int? { number("process_id") }
    var loops: Int? { number("threads") }
    var connectionsMaximum: Int? { number("maxclients") }
    var residentBytes: Int? { number("used_memory_rss") }

    /// A figure that this server does not tell leaves its check out.
    var all: [Finding] {
        [state, connections, certificate, logWriter, logFlush, logSegments, deliveries, clock].compactMap { $0 }
    }

    private func number(_ name: String) -> Int? { figures[name].flatMap { Int($0) } }

    private var state: Finding {
        let version = figures["tearoff_version"] ?? "of unknown version"
        guard number("loading") == 1 else {
            let seconds = number("uptime_in_seconds").map { ", up for \($0) s" } ?? ""
            return Finding("server", .ok, "tearoffd \(version) serves\(seconds)")
        }
        return Finding(
            "server", .warning, "tearoffd \(version) is recovering its data",
            advice: "Wait: tearoffctl ping --wait 60. Its log tells the progress.")
    }

    private var connections: Finding? {
        guard let count = number("connected_clients"), let maximum = connectionsMaximum else { return nil }
        return Finding(
            "connections", count * 100 >= maximum * DoctorLimits.connectionsWarnPercent ? .warning : .ok,
            "\(count) of \(maximum)",
            advice:
                "More are told LIMIT and closed: raise --max-connections, or have clients share connections.")
    }

    private var certificate: Finding? {
        guard let expires = number("tls_certificate_expires"), let microseconds = number("server_time_usec")
        else { return nil }
        let seconds = expires - microseconds / 1_000_000
        let days = seconds / 86_400
        return Finding(
            "certificate",
            seconds <= 0 ? .problem : days < DoctorLimits.certificateWarnDays ? .warning : .ok,
            seconds <= 0 ? "it has ended" : "it ends in \(BadLineReport.count(days, "day"))",
            advice: "Put a new certificate in its place and send the server SIGHUP.")
    }

    private var logWriter: Finding? {
        guard let mechanism = figures["log_mechanism"] else { return nil }
        if mechanism.contains("buffered") {
            return Finding(
                "log-writer", .warning, mechanism,
                advice: "Put the data directory on a file system with direct I/O, such as ext4 or xfs.")
        }
        return Finding(
            "log-writer", mechanism == "io_uring" ? .ok : .warning, mechanism,
            advice: "io_uring is forbidden here: on a slow disk, loops then wait for each flush. Allow it "
                + "(kernel.io_uring_disabled, the container's seccomp profile).")
    }

    private var logFlush: Finding? {
        guard let microseconds = number("log_flush_microseconds") else { return nil }
        return Finding(
            "log-flush",
            Finding.state(
                microseconds, warnFrom: DoctorLimits.flushWarnMicroseconds,
                failFrom: DoctorLimits.flushFailMicroseconds),
            "\(microseconds) µs, mean of the slowest loop", advice: DirectoryFindings.slowDiskAdvice)
    }

    private var logSegments: Finding? {
        guard let waits = number("log_segment_waits") else { return nil }
        return Finding(
            "log-segments", waits == 0 ? .ok : .warning, "waited for \(waits) times",
            advice: "The disk cannot make segments ready in time: a larger --segment-kib, or a faster disk.")
    }

    private var deliveries: Finding? {
        guard let open = number("deliveries_open"), let dead = number("deliveries_dead") else { return nil }
        if number("deliveries_failing") == 1 {
            return Finding(
                "deliveries", .problem, "what is to be sent cannot be written down",
                advice: "No warning is sent: look at the disk and the server's log.")
        }
        return Finding(
            "deliveries", dead == 0 ? .ok : .warning, "\(open) open, \(dead) dead",
            advice: "Warnings did not reach their recipients: tearoffctl delivery all tells why, and once they can be "
                + "reached, tearoffctl delivery retry sends them.")
    }

    private var clock: Finding? {
        guard let microseconds = number("server_time_usec") else { return nil }
        let server = microseconds / 1_000
        // Anything between asking and answer may be the moment at which the server looked.
        let difference = server < asked ? server - asked : max(0, server - answered)
        return Finding(
            "server-clock",
            Finding.state(
                abs(difference), warnFrom: DoctorLimits.clockWarnMilliseconds,
                failFrom: DoctorLimits.clockFailMilliseconds),
            "\(difference) ms against this machine's",
            advice: "Expiries follow the server's clock: have both synchronised (NTP).")
    }
}

extension ServerFindings {
    /// What a server that gives no `INFO` is.
    static func unreachable(_ error: TearoffError) -> Finding {
        let failure = Failure(error)
        let advice =
            switch failure.exit {
            case .unreachable: "Start tearoffd, or name its address with --server; its log says why it ended."
            case .protocolViolation: "Another program listens there: name tearoffd's address with --server."
            default: "See the error word in docs/PROTOCOL.md."
            }
        return Finding("server", .problem, failure.message, advice: advice)
    }
}
