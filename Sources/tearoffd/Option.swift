import TearoffServer

/// One setting of the server: how it is named in each place, and what it means.
///
/// The flag `--snapshot-log-mib` is the variable `TEAROFF_SNAPSHOT_LOG_MIB` and the key `snapshotLogMib` of
/// the file.
struct Option: Sendable {
    enum Value: Sendable {
        case text(placeholder: String)
        case number(ClosedRange<Int>)
        case toggle
        case choice([String])
    }

    /// In camel case.
    let key: String
    let value: Value
    /// As `--help` shows it.
    let standard: String
    let help: String

    var flag: String { "--" + Self.words(key).joined(separator: "-") }
    var variable: String { "TEAROFF_" + Self.words(key).joined(separator: "_").uppercased() }

    private static func words(_ key: String) -> [String] {
        var words = [""]
        for character in key {
            if character.isUppercase { words.append("") }
            words[words.count - 1] += character.lowercased()
        }
        return words
    }
}

extension Option {
    static let data = Option(
        key: "data", value: .text(placeholder: "DIR"), standard: "./tearoff-data",
        help: "The data directory. Made new, and said loudly, when it does not exist or is empty.")
    static let listen = Option(
        key: "listen", value: .text(placeholder: "HOST:PORT"), standard: "127.0.0.1:7071",
        help: "Where clients connect; port 0 lets the system choose.")
    static let allowRemote = Option(
        key: "allowRemoteWithoutEncryption", value: .toggle, standard: "no",
        help: "Permits an address that is not loopback. Codes and passwords then cross the network in clear.")
    static let passwordFile = Option(
        key: "passwordFile", value: .text(placeholder: "FILE"), standard: "none",
        help: "Clients must AUTH with the first line of this file.")
    static let expectData = Option(
        key: "expectData", value: .toggle, standard: "no",
        help:
            "Refuses to start on a new directory: for service units, where an unmounted disk must not look like a "
            + "fresh start.")
    static let backupDirectory = Option(
        key: "backupDirectory", value: .text(placeholder: "DIR"), standard: "none",
        help: "BACKUP writes below this directory, which must exist, and not lie in the data directory.")
    static let threads = Option(
        key: "threads", value: .number(1...256), standard: "one per core",
        help: "Event loops. Each has a log lane of its own; the number may change at every start.")
    static let shards = Option(
        key: "shards", value: .number(1...256), standard: "16",
        help: "Partitions of the users, a power of two; fixed when the directory is made.")
    static let timeZone = Option(
        key: "timeZone", value: .text(placeholder: "ZONE"), standard: "UTC",
        help: "A date without a time means the end of that day in this zone, e.g. Europe/Istanbul.")
    static let logMechanism = Option(
        key: "logMechanism", value: .choice(ServerSettings.Mechanism.allCases.map(\.rawValue)),
        standard: "automatic",
        help: "How the log is written; automatic takes io_uring, and pwritev2 where that is forbidden.")
    static let segmentKib = Option(
        key: "segmentKib", value: .number(64...4_194_304), standard: "65536",
        help: "Size of a log segment, in KiB, a multiple of 4.")
    static let compressionLevel = Option(
        key: "compressionLevel", value: .number(-7...9), standard: "-1",
        help: "zstd level of the log; negative levels are faster.")
    static let snapshotLogMib = Option(
        key: "snapshotLogMib", value: .number(0...1_048_576), standard: "1024",
        help: "A snapshot is written by itself after that much log, in MiB; 0: only on SNAPSHOT.")
    static let feedMib = Option(
        key: "feedMib", value: .number(0...1_048_576), standard: "256",
        help: "The feed keeps that much of the newest events, in MiB; 0: there is no feed.")
    static let feedHours = Option(
        key: "feedHours", value: .number(0...87_600), standard: "168",
        help: "The feed keeps events for so many hours; 0: there is no feed.")
    static let maxConnections = Option(
        key: "maxConnections", value: .number(1...1_000_000), standard: "10000",
        help: "More connections than this are told LIMIT and closed.")
    static let logLevel = Option(
        key: "logLevel", value: .choice(["debug", "info", "notice", "warning", "error"]), standard: "notice",
        help: "The least level of the lines written to standard error.")
    static let testFlushDelay = Option(
        key: "testFlushDelayMicroseconds", value: .number(0...10_000_000), standard: "0",
        help: "For tests and benchmarks: makes every flush of the log take that much longer.")
    static let testFailingWrite = Option(
        key: "testWritesBeforeFailure", value: .number(0...1_000_000_000), standard: "none",
        help: "For tests: after that many writes the log fails as on a broken disk.")

    static let all: [Option] = [
        data, listen, allowRemote, passwordFile, expectData, backupDirectory, threads, shards, timeZone,
        logMechanism, segmentKib, compressionLevel, snapshotLogMib, feedMib, feedHours, maxConnections, logLevel,
        testFlushDelay,
        testFailingWrite,
    ]
}
