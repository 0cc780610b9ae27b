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

    /// By their options' keys.
    private let words: [String: String]

    /// - Parameters:
    ///   - arguments: with the program's name before them.
    ///   - readFile: the content of the file that `--config` names.
    /// - Throws: ``Failure`` for a word that is no setting, a flag that is given twice, and a file that cannot be read
    ///   or holds what is no setting.
    package init(
        arguments: [String], environment: [String: String],
        readFile: (String) throws(Failure) -> [UInt8] = SettingsFile.read
    ) throws(Failure) {
        var words = try Self.flags(in: arguments)
        for option in Option.all where words[option.key] == nil {
            words[option.key] = environment[option.variable]
        }
        if let file = words[Option.config.key] {
            words.merge(try SettingsFile.words(in: try readFile(file), of: file)) { said, _ in said }
        }
        self.words = words
    }

    /// Every argument must be a known flag or its value, and none come twice: neither a misspelt flag nor the first of
    /// two must be a setting that silently is not made.
    private static func flags(in arguments: [String]) throws(Failure) -> [String: String] {
        var words: [String: String] = [:]
        var rest = arguments.dropFirst()
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let option = Option.all.first(where: { $0.flag == parts[0] }) else {
                throw Failure(code: .usage, message: "unknown argument '\(argument)'; see tearoffd --help")
            }
            var word = parts.count > 1 ? parts[1] : nil
            if word == nil { word = if case .toggle = option.value { "true" } else { rest.popFirst() } }
            guard let word else {
                throw Failure(code: .usage, message: "\(option.flag) needs a value; see tearoffd --help")
            }
            guard words.updateValue(word, forKey: option.key) == nil else {
                throw Failure(code: .usage, message: "\(option.flag) is given twice; give it once")
            }
        }
        return words
    }
}

// MARK: - Values

extension SettingsReader {
    private func text(_ option: Option) -> String? { words[option.key] }

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
        guard case .number(let range) = option.value, let word = text(option) else { return nil }
        guard let number = Int(word) else {
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

    private func toggle(_ option: Option) throws(Failure) -> Bool {
        guard let word = text(option) else { return false }
        switch word.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw Failure(code: .usage, message: "\(option.flag) must be true or false, not '\(word)'")
        }
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
        settings.expectData = try toggle(.expectData)
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
        settings.feedTellsRepeats = try toggle(.feedRepeats)
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
        if settings.tls == nil, try !toggle(.allowRemoteInClear) {
            faults.append(
                "Without TLS, codes and passwords would cross the network in clear: give "
                    + "\(Option.tlsCertificate.flag) and \(Option.tlsKey.flag), or say "
                    + "\(Option.allowRemoteInClear.flag).")
        }
        if settings.password == nil, try !toggle(.allowRemoteToAll) {
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
