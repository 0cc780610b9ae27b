import TearoffDelivery
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
    static let config = Option(
        key: "config", value: .text(placeholder: "FILE"), standard: "none",
        help: #"Settings as JSON, keys in camel case: {"threads": 4, "expectData": true}."#)
    static let data = Option(
        key: "data", value: .text(placeholder: "DIR"), standard: "./tearoff-data",
        help: "The data directory. Made new, and said loudly, when it does not exist or is empty.")
    static let listen = Option(
        key: "listen", value: .text(placeholder: "HOST:PORT"), standard: "127.0.0.1:7071",
        help: "Where clients connect; port 0 lets the system choose.")
    static let tlsCertificate = Option(
        key: "tlsCertificate", value: .text(placeholder: "FILE"), standard: "none",
        help:
            "The server's certificate (PEM), and those that lead to one that clients know. Every connection to "
            + "--listen is then encrypted; TLS 1.2 at least.")
    static let tlsKey = Option(
        key: "tlsKey", value: .text(placeholder: "FILE"), standard: "none",
        help: "The certificate's private key (PEM), without a passphrase.")
    static let tlsClientCa = Option(
        key: "tlsClientCa", value: .text(placeholder: "FILE"), standard: "none",
        help: "Only clients with a certificate that one of these (PEM) has signed get in.")
    static let adminSocket = Option(
        key: "adminSocket", value: .text(placeholder: "PATH"), standard: "none",
        help: "A Unix socket for administration, for the server's own user alone, who needs no password there.")
    static let allowRemoteInClear = Option(
        key: "allowRemoteWithoutEncryption", value: .toggle, standard: "no",
        help:
            "Permits an address that is not loopback without TLS. Codes and passwords then cross the network in clear.")
    static let allowRemoteToAll = Option(
        key: "allowRemoteWithoutPassword", value: .toggle, standard: "no",
        help:
            "Permits an address that is not loopback without a password. Whoever reaches it may then do everything.")
    static let passwordFile = Option(
        key: "passwordFile", value: .text(placeholder: "FILE"), standard: "none",
        help: "Clients must AUTH with the first line of this file.")
    static let expectData = Option(
        key: "expectData", value: .toggle, standard: "no",
        help:
            "Refuses to start on a new directory: for service units, where an unmounted disk must not look like a "
            + "fresh start.")
    static let keyFile = Option(
        key: "keyFile", value: .text(placeholder: "FILE"), standard: "none",
        help:
            "The key of an encrypted data directory, 64 hex digits; a new directory is encrypted with it. "
            + "tearoffctl key make writes one.")
    static let keyCommand = Option(
        key: "keyCommand", value: .text(placeholder: "COMMAND"), standard: "none",
        help: "As --key-file, with what this command writes: it is run once by /bin/sh, for at most 30 seconds.")
    static let previousKeyFile = Option(
        key: "previousKeyFile", value: .text(placeholder: "FILE"), standard: "none",
        help:
            "The key that the directory has wanted so far: it wants the one of --key-file or --key-command from then "
            + "on.")
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
    static let minimumFreeMib = Option(
        key: "minimumFreeMib", value: .number(0...1_048_576), standard: "a segment for each thread and one",
        help: "With less free on the disk, in MiB, no new codes are given (NOSPACE); 0: until a write fails.")
    static let feedMib = Option(
        key: "feedMib", value: .number(0...1_048_576), standard: "256",
        help: "The feed keeps that much of the newest events, in MiB; 0: there is no feed.")
    static let feedHours = Option(
        key: "feedHours", value: .number(0...87_600), standard: "168",
        help: "The feed keeps events for so many hours; 0: there is no feed.")
    static let feedRepeats = Option(
        key: "feedRepeats", value: .toggle, standard: "no",
        help: "The feed also tells when a user asks again and gets the same code; each is a record in the log.")
    static let smtpServer = Option(
        key: "smtpServer", value: .text(placeholder: "HOST:PORT"), standard: "none",
        help: "The server that takes the mail with warnings; without it no e-mail is sent.")
    static let smtpSecurity = Option(
        key: "smtpSecurity", value: .choice(DeliveryRoutes.Mail.Security.allCases.map(\.rawValue)),
        standard: "starttls",
        help: "How the way there is encrypted; with starttls and tls nothing is said in clear.")
    static let smtpUser = Option(
        key: "smtpUser", value: .text(placeholder: "USER"), standard: "none",
        help: "Authenticates there as this user.")
    static let smtpPasswordFile = Option(
        key: "smtpPasswordFile", value: .text(placeholder: "FILE"), standard: "none",
        help: "With the first line of this file as the password.")
    static let smtpSender = Option(
        key: "smtpSender", value: .text(placeholder: "ADDRESS"), standard: "none",
        help: "The e-mail address that mails with warnings come from.")
    static let deliveryTimeoutSeconds = Option(
        key: "deliveryTimeoutSeconds", value: .number(1...300), standard: "30",
        help: "A try to send a warning takes no longer than this.")
    static let deliveryAttempts = Option(
        key: "deliveryAttempts", value: .number(1...100), standard: "10",
        help: "So often it is tried to send a warning, with growing pauses; then it is a dead letter.")
    static let deliveryCaFile = Option(
        key: "deliveryCaFile", value: .text(placeholder: "FILE"), standard: "none",
        help: "Certificates (PEM) to trust for mail and webhooks instead of the system's.")
    static let maxConnections = Option(
        key: "maxConnections", value: .number(1...1_000_000), standard: "10000",
        help: "More connections than this are told LIMIT and closed.")
    static let maxConnectionsPerAddress = Option(
        key: "maxConnectionsPerAddress", value: .number(1...1_000_000), standard: "none",
        help: "The same for those of one address.")
    static let requestSeconds = Option(
        key: "requestSeconds", value: .number(0...3_600), standard: "10",
        help: "A command must end so many seconds after its first byte, the first byte of a connection come within "
            + "three times as many, and a login within six times; 0: whenever.")
    static let idleSeconds = Option(
        key: "idleSeconds", value: .number(0...604_800), standard: "3600",
        help: "A connection that sends no command for so long is closed; 0: never.")
    static let unreadSeconds = Option(
        key: "unreadSeconds", value: .number(1...3_600), standard: "60",
        help: "A connection whose replies nobody takes for so long is closed.")
    static let clientMemoryMib = Option(
        key: "clientMemoryMib", value: .number(1...1_048_576), standard: "512",
        help:
            "Of input and replies all connections may hold that much, in MiB, beside 64 KiB each; one that would "
            + "hold more is told BUSY and closed.")
    static let logLevel = Option(
        key: "logLevel", value: .choice(["debug", "info", "notice", "warning", "error"]), standard: "notice",
        help: "The least level of the lines written to standard error.")
    static let testFlushDelay = Option(
        key: "testFlushDelayMicroseconds", value: .number(0...10_000_000), standard: "0",
        help: "For tests and benchmarks: makes every flush of the log take that much longer.")
    static let testFailingWrite = Option(
        key: "testWritesBeforeFailure", value: .number(0...1_000_000_000), standard: "none",
        help: "For tests: after that many writes the log fails as on a broken disk.")

    static let testDeliveryPause = Option(
        key: "testDeliveryPauseMilliseconds", value: .number(1...86_400_000), standard: "none",
        help: "For tests: no pause between two tries to send a warning is longer.")

    static let testPasswordCost = Option(
        key: "testPasswordCost", value: .number(1...15), standard: "none",
        help: "For tests: passwords are hashed at this cost, an exponent of 2, and so are soon guessed.")

    static let all = [config] + ofFile

    /// Without ``config``: a file names no other.
    static let ofFile: [Option] = [
        data, listen, tlsCertificate, tlsKey, tlsClientCa, adminSocket, allowRemoteInClear, allowRemoteToAll,
        passwordFile, expectData, keyFile, keyCommand, previousKeyFile, backupDirectory, threads, shards, timeZone,
        logMechanism, segmentKib, compressionLevel, snapshotLogMib, minimumFreeMib, feedMib, feedHours, feedRepeats,
        smtpServer, smtpSecurity, smtpUser, smtpPasswordFile, smtpSender, deliveryTimeoutSeconds, deliveryAttempts,
        deliveryCaFile, maxConnections, maxConnectionsPerAddress, requestSeconds, idleSeconds, unreadSeconds,
        clientMemoryMib, logLevel, testFlushDelay, testFailingWrite, testDeliveryPause, testPasswordCost,
    ]
}
