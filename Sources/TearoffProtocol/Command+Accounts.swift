/// The commands about accounts. No error here shows an argument: it could be a password.
extension Command {
    /// `ACCOUNT CREATE name ROLES role[,role...] PASSWORD password [LISTS ...] [CAMPAIGNS ...]`, in any order.
    static func accountCreate(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let name = try decoder.name(2, bytes)
        let arguments = try AccountArguments(decoder, bytes, of: .accountCreate)
        guard arguments.roles != nil, arguments.password != nil else { throw .wrongArgumentCount(.accountCreate) }
        return .accountCreate(name: name, arguments)
    }

    static func accountSet(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        .accountSet(name: try decoder.name(2, bytes), try AccountArguments(decoder, bytes, of: .accountSet))
    }
}

extension AccountArguments {
    fileprivate init(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, of command: CommandID
    ) throws(CommandError) {
        var seen: Set<String> = []
        for index in stride(from: 3, to: decoder.argumentCount, by: 2) {
            let option = decoder.word(index, bytes)
            guard ["ROLES", "PASSWORD", "LISTS", "CAMPAIGNS"].contains(option) else {
                throw .invalidArgument(name: "option", rule: "ROLES, PASSWORD, LISTS or CAMPAIGNS")
            }
            guard seen.insert(option).inserted else { throw .duplicateOption(option, of: command) }
            guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(command) }
            switch option {
            case "ROLES": roles = try Self.roles(decoder, bytes, at: index + 1)
            case "PASSWORD": password = try Self.password(decoder, bytes, at: index + 1)
            case "LISTS": lists = try Self.names(decoder, bytes, at: index + 1, called: "lists")
            default: campaigns = try Self.names(decoder, bytes, at: index + 1, called: "campaigns")
            }
        }
    }

    private static func roles(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> [Role] {
        let words = decoder.bytes(index, bytes).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let roles = words.compactMap { Role(rawValue: String(decoding: $0, as: UTF8.self).lowercased()) }
        guard roles.count == words.count, Set(roles).count == roles.count else {
            let all = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArgument(name: "roles", rule: "words with commas between them, each once, of: \(all)")
        }
        return roles
    }

    private static func password(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> Secret {
        let password = decoder.bytes(index, bytes)
        let lengths = ArgumentLimits.passwordBytes
        guard lengths.contains(password.count), !password.contains(0) else {
            throw .invalidArgument(
                name: "password", rule: "\(lengths.lowerBound) to \(lengths.upperBound) bytes, and none of them zero")
        }
        return Secret(password)
    }

    /// `*` stands for every name, and is none.
    private static func names(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int, called name: String
    ) throws(CommandError) -> [String] {
        let words = decoder.bytes(index, bytes).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        if words == [[UInt8(ascii: "*")]] { return [] }
        let areNames = words.allSatisfy { word in
            let stem = word.last == UInt8(ascii: "*") ? word.dropLast() : word
            return (1...ArgumentLimits.nameBytes).contains(stem.count) && stem.allSatisfy(ASCII.isNameByte)
        }
        guard areNames, words.count <= ArgumentLimits.reachPatterns else {
            throw .invalidArgument(
                name: name,
                rule:
                    "* for all, or up to \(ArgumentLimits.reachPatterns) names with commas between them, each perhaps "
                    + "with a * at its end")
        }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }
}
