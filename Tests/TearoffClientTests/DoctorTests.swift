import TearoffClient
import Testing

@testable import tearoffctl

@Suite("The doctor judges what was measured, by the bounds of the manual")
struct DoctorTests {
    private static let healthy = [
        "tearoff_version": "0.2.0", "process_id": "7", "threads": "2", "uptime_in_seconds": "60",
        "connected_clients": "1", "maxclients": "100", "used_memory_rss": "1000", "loading": "0",
        "log_mechanism": "io_uring", "log_flush_microseconds": "120", "log_segment_waits": "0",
        "server_time_usec": "5000000", "tls": "1", "tls_certificate_expires": "1209605",
    ]

    /// What a server says with other figures than a healthy one's, asked at 5.0 s by our clock and told at 5.1 s.
    private func findings(_ figures: [String: String] = [:]) -> [String: Finding] {
        let lines = Self.healthy.merging(figures) { $1 }.map { "\($0):\($1)" }
        let server = ServerFindings(
            info: "# Server\r\n" + lines.joined(separator: "\r\n"), askedMilliseconds: 5_000,
            answeredMilliseconds: 5_100)
        return Dictionary(server.all.map { ($0.check, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Goal: a healthy server has no advice. Method: each check of one.
    @Test func aHealthyServerIsOk() {
        let found = findings()
        #expect(
            Set(found.keys) == [
                "server", "connections", "certificate", "log-writer", "log-flush", "log-segments", "server-clock",
            ])
        #expect(found.values.allSatisfy { $0.state == .ok && $0.advice == nil })
    }

    /// Goal: each figure has its bounds. Method: one figure at a time, at a bound and before it.
    @Test(arguments: [
        ("loading", "1", "server", Finding.State.warning),
        ("connected_clients", "89", "connections", .ok), ("connected_clients", "90", "connections", .warning),
        ("tls_certificate_expires", "1209604", "certificate", .warning),
        ("tls_certificate_expires", "6", "certificate", .warning),
        ("tls_certificate_expires", "5", "certificate", .problem),
        ("log_mechanism", "pwritev2", "log-writer", .warning),
        ("log_mechanism", "io_uring, buffered: the file system has no direct I/O", "log-writer", .warning),
        ("log_flush_microseconds", "9999", "log-flush", .ok),
        ("log_flush_microseconds", "10000", "log-flush", .warning),
        ("log_flush_microseconds", "1000000", "log-flush", .problem),
        ("log_segment_waits", "1", "log-segments", .warning),
        ("server_time_usec", "4001000", "server-clock", .ok),
        ("server_time_usec", "4000000", "server-clock", .warning),
        ("server_time_usec", "6099000", "server-clock", .ok),
        ("server_time_usec", "6100000", "server-clock", .warning),
        ("server_time_usec", "65100000", "server-clock", .problem),
    ])
    func eachFigureHasItsBounds(figure: String, value: String, check: String, state: Finding.State) {
        let finding = findings([figure: value])[check]
        #expect(finding?.state == state)
        #expect((finding?.advice == nil) == (state == .ok))
    }

    /// Goal: a figure that an older server does not tell is not guessed. Method: a server that tells nothing.
    @Test func whatIsNotToldIsLeftOut() {
        let server = ServerFindings(info: "", askedMilliseconds: 0, answeredMilliseconds: 0)
        #expect(server.all.map(\.check) == ["server"])
        #expect(ProcessFindings(server, isThisMachine: true) == nil)
    }

    /// Goal: the kernel's texts are read as it writes them. Method: lines of a real machine.
    @Test func theKernelsTextsAreRead() {
        let limits = """
            Limit                     Soft Limit           Hard Limit           Units
            Max processes             63206                63206                processes
            Max open files            1024                 524288               files
            """
        #expect(ProcessFindings.openFilesLimit(limits) == 1_024)
        #expect(
            ProcessFindings.openFilesLimit("Max open files            unlimited            unlimited") == .max
        )
        #expect(ProcessFindings.openFilesLimit("") == nil)
        let memory = "MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    8192 kB\n"
        #expect(ProcessFindings.meminfoBytes("MemAvailable", memory) == 8_192 << 10)
        #expect(ProcessFindings.meminfoBytes("Nothing", memory) == nil)
    }

    @Test(arguments: [(11, Finding.State.ok), (10, .warning), (2, .problem)])
    func memoryHasItsBounds(freePercent: Int, state: Finding.State) {
        #expect(ProcessFindings.memory(used: 1, free: freePercent, total: 100).state == state)
    }

    @Test(arguments: [("ext4", Finding.State.ok), ("nfs", .warning), ("tmpfs", .problem)])
    func fileSystemsHaveTheirState(type: String, state: Finding.State) {
        #expect(DirectoryFindings.type(type).state == state)
    }

    @Test(arguments: [(100, Finding.State.problem), (101, .warning), (301, .warning), (302, .ok)])
    func spaceHasItsBounds(freeBytes: Int, state: Finding.State) {
        let log = DirectoryFindings.LogSpace(byteCount: 201, nextSegmentsBytes: 101)
        let finding = DirectoryFindings.space(freeBytes: UInt64(freeBytes), totalBytes: 1_000, log)
        #expect(finding.state == state)
    }

    /// Goal: a server that is not there, or is none, is a problem with its own exit code. Method: the tool against a
    /// port that nobody has, and against a server that answers an error.
    @Test func aServerThatIsNotThereIsAProblem() async throws {
        let port = try await FakeServer.with(answerOK) { $0.port }
        try await Tool.with(port: port) { tool in
            let run = try await tool.run("doctor")
            #expect(run.exit == Exit.unhealthy.rawValue)
            #expect(run.output.contains("server  problem  127.0.0.1:\(port) does not answer"))
            #expect(run.words.contains("Start tearoffd") && run.words.hasSuffix("1 problem.\n"))
        }
    }
}
