import Configuration
import Foundation
package import Logging
import TearoffCore
import TearoffDelivery
package import TearoffServer

/// Reads the settings from flags, environment and file, in this order of precedence.
package struct SettingsReader {
    /// Why there are no settings, and what the process ends with.
    package struct Failure: Error {
        package let code: ExitCode
        package let message: String
    }

    private let config: ConfigReader

    /// - Parameters:
    ///   - arguments: with the program's name before them.
    ///   - readFile: the content of the file that `--config` names.
    /// - Throws: ``Failure`` for a word that is no setting, and a file that cannot be read or holds what is none.
    package init(
        arguments: [String], environment: [String: String],
        readFile: (String) throws(Failure) -> [UInt8] = SettingsFile.read
    ) throws(Failure) {
        try Self.check(arguments)
        var providers: [any ConfigProvider] = [
            CommandLineArgumentsProvider(arguments: arguments),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "tearoff"),
        ]
        if let file = ConfigReader(providers: providers).string(forKey: "config") {
            let values = try SettingsFile.values(in: try readFile(file), of: file)
            providers.append(InMemoryProvider(name: file, values: Self.keyed(values)))
        }
        config = ConfigReader(providers: providers)
    }

    private static func keyed(_ values: [String: SettingsFile.Value]) -> [AbsoluteConfigKey: ConfigValue] {
        var keyed: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, value) in values {
            let content: ConfigContent? =
                switch value {
                case .toggle(let toggle): .bool(toggle)
                case .number(let number): .int(number)
                case .text(let text): .string(text)
                case .other: nil
                }
            keyed[AbsoluteConfigKey([name])] = content.map { ConfigValue($0, isSecret: false) }
        }
        return keyed
    }

    /// Every word must be a known flag or its value: a misspelt flag must not be a setting that silently is
    /// not made.
    private static func check(_ arguments: [String]) throws(Failure) {
        var rest = arguments.dropFirst()
        while let word = rest.popFirst() {
            let flag = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
            let option = Option.all.first { $0.flag == flag }
            guard option != nil || flag == "--config" else {
                throw Failure(code: .usage, message: "unknown argument '\(word)'; see tearoffd --help")
            }
            if case .toggle? = option?.value { continue }
            guard word.contains("=") || rest.popFirst() != nil else {
                throw Failure(code: .usage, message: "\(flag) needs a value; see tearoffd --help")
            }
        }
    }
}

// MARK: - Values

extension SettingsReader {
    private func text(_ option: Option) -> String? {
        config.string(forKey: ConfigKey([option.key]))
    }

    private func choice(_ option: Option) throws(Failure) -> String? {
        guard case .choice(let words) = option.value, let word = text(option) else { return nil }
        guard words.contains(word) else {
            throw Failure(
                code: .usage,
                message: "\(option.flag) must be one of \(words.joined(separator: ", ")), not '\(word)'")
        }
        return word
    }

    private func number(_ option: Option) throws(Failure) -> Int? {
        guard case .number(let range) = option.value else { return nil }
        let key = ConfigKey([option.key])
        guard let number = config.int(forKey: key) else {
            guard let word = text(option) else { return nil }
            throw Failure(code: .usage, message: "\(option.flag) must be a number, not '\(word)'")
        }
        guard range.contains(number) else {
            throw Failure(
                code: .usage,
                message:
                    "\(option.flag) must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    private func toggle(_ option: Option) -> Bool {
        config.bool(forKey: ConfigKey([option.key]), default: false)
    }

    /// - Throws: ``Failure`` for a word that is no level.
    package var logLevel: Logger.Level {
        get throws(Failure) { try choice(.logLevel).flatMap(Logger.Level.init(rawValue:)) ?? .notice }
    }

    /// What the server is to go by, each within its bounds. Files with passwords are read; the others are for whoever
    /// uses them.
    ///
    /// - Throws: ``Failure`` that names the setting.
    package func settings() throws(Failure) -> ServerSettings {
        let threads = try number(.threads) ?? ProcessInfo.processInfo.activeProcessorCount
        var settings = ServerSettings(dataPath: text(.data) ?? Option.data.standard, loopCount: threads)
        settings.password = try firstLine(of: .passwordFile)
        settings.tls = try tlsFiles()
        settings.secretPaths = [Option.passwordFile, .smtpPasswordFile, .tlsKey, .keyFile, .previousKeyFile]
            .compactMap { text($0) }
        settings.adminSocketPath = text(.adminSocket)
        (settings.host, settings.port) = try address()
        try checkReach(of: settings)
        settings.expectData = toggle(.expectData)
        (settings.keyFile, settings.keyCommand) = (text(.keyFile), text(.keyCommand))
        settings.previousKeyFile = text(.previousKeyFile)
        guard settings.keyFile == nil || settings.keyCommand == nil else {
            throw Failure(code: .usage, message: "--key-file and --key-command: give one of them")
        }
        guard settings.previousKeyFile == nil || settings.keyFile != nil || settings.keyCommand != nil else {
            throw Failure(
                code: .usage, message: "--previous-key-file needs the key to come, in --key-file or --key-command")
        }
        settings.backupPath = text(.backupDirectory)
        if let shards = try number(.shards) {
            guard shards & (shards - 1) == 0 else {
                throw Failure(code: .usage, message: "--shards must be a power of two, not \(shards)")
            }
            settings.shardCount = UInt16(shards)
        }
        if let name = text(.timeZone) {
            guard let zone = TimeZone(identifier: name) else {
                throw Failure(code: .usage, message: "--time-zone '\(name)' is not known")
            }
            settings.timeZone = zone
        }
        settings.mechanism =
            try choice(.logMechanism).flatMap(ServerSettings.Mechanism.init(rawValue:)) ?? .automatic
        if let size = try number(.segmentKib) {
            guard size % 4 == 0 else {
                throw Failure(code: .usage, message: "--segment-kib must be a multiple of 4, not \(size)")
            }
            settings.segmentBytes = UInt64(size) << 10
        }
        if let level = try number(.compressionLevel) { settings.compressionLevel = Int32(level) }
        if let size = try number(.snapshotLogMib) { settings.snapshotLogBytes = UInt64(size) << 20 }
        if let size = try number(.minimumFreeMib) { settings.freeBytesMinimum = UInt64(size) << 20 }
        if let size = try number(.feedMib) { settings.feedBytesMaximum = UInt64(size) << 20 }
        if let hours = try number(.feedHours) { settings.feedMillisecondsMaximum = UInt64(hours) * 3_600_000 }
        settings.feedTellsRepeats = toggle(.feedRepeats)
        settings.deliveryRoutes = try deliveryRoutes()
        if let count = try number(.deliveryAttempts) { settings.deliveryAttempts = count }
        if let pause = try number(.testDeliveryPause) { settings.deliveryPauseMilliseconds = UInt64(pause) }
        if let count = try number(.maxConnections) { settings.connectionsMaximum = count }
        settings.connectionsOfAddressMaximum = try number(.maxConnectionsPerAddress)
        if let seconds = try number(.requestSeconds) { settings.deadlines.requestSeconds = seconds }
        if let seconds = try number(.idleSeconds) { settings.deadlines.idleSeconds = seconds }
        if let seconds = try number(.unreadSeconds) { settings.deadlines.unreadSeconds = seconds }
        if let size = try number(.clientMemoryMib) { settings.clientMemoryBytes = size << 20 }
        if let delay = try number(.testFlushDelay) { settings.flushDelayMicroseconds = UInt32(delay) }
        settings.writesBeforeFailure = try number(.testFailingWrite)
        settings.passwordCostExponent = try number(.testPasswordCost).map { UInt8($0) }
        return settings
    }

    private func address() throws(Failure) -> (host: String, port: Int) {
        let listen = text(.listen) ?? Option.listen.standard
        guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...])
        else {
            throw Failure(code: .usage, message: "--listen must be HOST:PORT, not '\(listen)'")
        }
        let host = listen[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host, Int(port))
    }

    /// An address that others may reach has encryption and a password, or somebody has said that it needs none.
    private func checkReach(of settings: ServerSettings) throws(Failure) {
        let host = settings.host
        if host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host) { return }
        var faults: [String] = []
        if settings.tls == nil, !toggle(.allowRemoteInClear) {
            faults.append(
                "Without TLS, codes and passwords would cross the network in clear: give "
                    + "\(Option.tlsCertificate.flag) and \(Option.tlsKey.flag), or say "
                    + "\(Option.allowRemoteInClear.flag).")
        }
        if settings.password == nil, !toggle(.allowRemoteToAll) {
            faults.append(
                "Without a password, whoever reaches it may do everything: give \(Option.passwordFile.flag), "
                    + "or say \(Option.allowRemoteToAll.flag).")
        }
        if faults.isEmpty { return }
        throw Failure(
            code: .configuration,
            message: "\(host) is not a loopback address. \(faults.joined(separator: " ")) Or listen on 127.0.0.1.")
    }

    private func tlsFiles() throws(Failure) -> TLSFiles? {
        let (certificate, key, authorities) = (text(.tlsCertificate), text(.tlsKey), text(.tlsClientCa))
        guard let certificate, let key else {
            if certificate == nil, key == nil, authorities == nil { return nil }
            throw Failure(
                code: .configuration,
                message: "\(Option.tlsCertificate.flag) and \(Option.tlsKey.flag) go together, and "
                    + "\(Option.tlsClientCa.flag) needs both")
        }
        return TLSFiles(certificatePath: certificate, keyPath: key, clientAuthoritiesPath: authorities)
    }

    /// An address, not a name that looks like one: 127.0.0.0/8.
    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// As tearoffctl reads a password's file: without the end of its line, whichever system wrote it.
    private func firstLine(of option: Option) throws(Failure) -> [UInt8]? {
        guard let path = text(option) else { return nil }
        let content = FileManager.default.contents(atPath: path)
        var line = content?.prefix { $0 != 0x0A } ?? Data()
        if line.last == 0x0D { line.removeLast() }
        guard !line.isEmpty else {
            throw Failure(code: .configuration, message: "\(path) cannot be read or has an empty first line")
        }
        return Array(line)
    }

    private func deliveryRoutes() throws(Failure) -> DeliveryRoutes {
        var routes = DeliveryRoutes()
        if let seconds = try number(.deliveryTimeoutSeconds) { routes.timeoutSeconds = seconds }
        if let path = text(.deliveryCaFile) {
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw Failure(code: .configuration, message: "\(path) cannot be read")
            }
            routes.authoritiesPath = path
        }
        routes.mail = try mail()
        return routes
    }

    private func mail() throws(Failure) -> DeliveryRoutes.Mail? {
        guard let server = text(.smtpServer) else { return nil }
        guard let colon = server.lastIndex(of: ":"), UInt16(server[server.index(after: colon)...]) != nil,
            server.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/@?#".utf8.contains($0) })
        else {
            throw Failure(code: .usage, message: "--smtp-server must be HOST:PORT, not '\(server)'")
        }
        guard let sender = text(.smtpSender), Recipient.email(sender) != nil else {
            throw Failure(
                code: .configuration, message: "--smtp-server needs an e-mail address to send from: --smtp-sender")
        }
        var mail = DeliveryRoutes.Mail(server: server, sender: sender)
        if let word = try choice(.smtpSecurity), let security = DeliveryRoutes.Mail.Security(rawValue: word) {
            mail.security = security
        }
        mail.user = text(.smtpUser)
        mail.password = try firstLine(of: .smtpPasswordFile)
        guard (mail.user == nil) == (mail.password == nil) else {
            throw Failure(code: .configuration, message: "--smtp-user and --smtp-password-file go together")
        }
        guard mail.user == nil || mail.security != .none else {
            throw Failure(
                code: .configuration,
                message: "--smtp-user with --smtp-security none would send the password in clear")
        }
        return mail
    }
}
