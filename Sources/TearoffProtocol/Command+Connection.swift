/// The commands about the connection itself. No error here shows an argument: it could be a password.
extension Command {
    static func hello(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let count = decoder.argumentCount
        guard count > 1 else { return .hello(HelloArguments()) }
        let number = try decoder.number(1, bytes, called: "version", in: 0...UInt64(UInt32.max))
        guard let version = RESPVersion(rawValue: Int(number)) else { throw .unsupportedProtocol }
        var credentials: Credentials?
        var name: String?
        var index = 2
        while index < count {
            switch decoder.word(index, bytes) {
            case "AUTH":
                guard credentials == nil else { throw .duplicateOption("AUTH", of: .hello) }
                guard index + 2 < count else { throw .wrongArgumentCount(.hello) }
                credentials = Credentials(
                    account: try account(decoder, bytes, at: index + 1),
                    password: Secret(decoder.bytes(index + 2, bytes)))
                index += 3
            case "SETNAME":
                guard name == nil else { throw .duplicateOption("SETNAME", of: .hello) }
                guard index + 1 < count else { throw .wrongArgumentCount(.hello) }
                name = try clientName(decoder, bytes, at: index + 1)
                index += 2
            default: throw .invalidArgument(name: "option", rule: "AUTH account password or SETNAME name")
            }
        }
        return .hello(HelloArguments(version: version, credentials: credentials, clientName: name))
    }

    static func auth(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        if decoder.argumentCount == 2 {
            return .auth(Credentials(account: nil, password: Secret(decoder.bytes(1, bytes))))
        }
        let account = try account(decoder, bytes, at: 1)
        return .auth(Credentials(account: account, password: Secret(decoder.bytes(2, bytes))))
    }

    /// As in Redis: no blanks and nothing unprintable, so that it stands in a line of `CLIENT LIST`.
    static func clientName(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> String {
        let name = decoder.bytes(index, bytes)
        guard name.count <= ArgumentLimits.nameBytes, name.allSatisfy(ASCII.isGraphic) else {
            throw .invalidArgument(
                name: "name", rule: "at most \(ArgumentLimits.nameBytes) printable characters without blanks")
        }
        return String(decoding: name, as: UTF8.self)
    }

    static func onOff(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, _ command: Command
    ) throws(CommandError) -> Command {
        switch decoder.word(2, bytes) {
        case "ON", "OFF": return command
        default: throw .invalidArgument(name: "the argument", rule: "ON or OFF")
        }
    }

    /// Any text: which of them are accounts is told to nobody who is not logged in.
    private static func account(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> String {
        try decoder.text(index, bytes, called: "account", lengths: 1...ArgumentLimits.valueBytes)
    }
}
