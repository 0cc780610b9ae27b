/// The operator's commands on lists and campaigns.
extension Command {
    /// `LIST CREATE name UNIQUE|FIXED code limit [EXPIRES date] [WARN count]`.
    ///
    /// No error shows an argument: a misplaced word here may be the code.
    static func listCreate(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let count = decoder.argumentCount
        let name = try decoder.name(2, bytes)
        var index = 4
        let kind: ListKindArgument
        switch decoder.word(3, bytes) {
        case "UNIQUE": kind = .unique
        case "FIXED":
            guard count >= 6 else { throw .wrongArgumentCount(.listCreate) }
            kind = .fixed(code: try code(decoder, bytes, at: 4), limit: try limit(decoder, bytes, at: 5))
            index = 6
        default: throw .invalidArgument(name: "kind", rule: "UNIQUE or FIXED code limit")
        }
        var expires: String?
        var warn: UInt64?
        while index < count {
            let option = decoder.word(index, bytes)
            guard option == "EXPIRES" || option == "WARN" else {
                throw .invalidArgument(name: "option", rule: "EXPIRES date or WARN count")
            }
            guard option == "EXPIRES" ? expires == nil : warn == nil else {
                throw .duplicateOption(option, of: .listCreate)
            }
            guard index + 1 < count else { throw .wrongArgumentCount(.listCreate) }
            if option == "EXPIRES" {
                expires = try date(decoder, bytes, at: index + 1)
            } else {
                warn = try warning(decoder, bytes, at: index + 1)
            }
            index += 2
        }
        return .listCreate(name: name, kind: kind, expires: expires, warn: warn)
    }

    /// `LIST LOAD name BEGIN|CHUNK|COMMIT|ABORT|ERRORS ...`: the steps of one upload.
    static func listLoad(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let list = try decoder.name(2, bytes)
        let count = decoder.argumentCount
        let step = decoder.word(3, bytes)
        if step == "BEGIN" {
            guard count <= 5 else { throw .wrongArgumentCount(.listLoad) }
            guard count == 5 else { return .listLoadBegin(list: list, filename: nil) }
            let filename = try decoder.text(
                4, bytes, called: "filename", lengths: 1...ArgumentLimits.filenameBytes)
            return .listLoadBegin(list: list, filename: filename)
        }
        guard ["CHUNK", "COMMIT", "ABORT", "ERRORS"].contains(step) else {
            throw .unknownOption(decoder.escaped(3, bytes), of: .listLoad)
        }
        guard count >= 5 else { throw .wrongArgumentCount(.listLoad) }
        let upload = try decoder.number(4, bytes, called: "upload", in: 0...UInt64(Int64.max))
        switch (step, count) {
        case ("CHUNK", 6): return .listLoadChunk(list: list, upload: upload, bytes: 5)
        case ("COMMIT", _): return try listLoadCommit(list, upload, decoder, bytes)
        case ("ABORT", 5): return .listLoadAbort(list: list, upload: upload)
        case ("ERRORS", 7):
            let from = try decoder.number(5, bytes, called: "from", in: 0...UInt64(Int64.max))
            let rows = try decoder.number(
                6, bytes, called: "count", in: 1...ArgumentLimits.errorRowsMax)
            return .listLoadErrors(list: list, upload: upload, from: from, count: rows)
        default: throw .wrongArgumentCount(.listLoad)
        }
    }

    /// `LIST LOAD name COMMIT upload [SKIPBAD] [DRYRUN] [REPLACE]`, from the options on.
    private static func listLoadCommit(
        _ list: String, _ upload: UInt64, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> Command {
        var options: Set<String> = []
        for index in 5..<decoder.argumentCount {
            let option = decoder.word(index, bytes)
            guard ["SKIPBAD", "DRYRUN", "REPLACE"].contains(option) else {
                throw .unknownOption(decoder.escaped(index, bytes), of: .listLoad)
            }
            guard options.insert(option).inserted else { throw .duplicateOption(option, of: .listLoad) }
        }
        return .listLoadCommit(
            list: list, upload: upload, skipBad: options.contains("SKIPBAD"),
            dryRun: options.contains("DRYRUN"), replaces: options.contains("REPLACE"))
    }

    /// `LIST UPLOADS name [FROM upload] [COUNT n]`.
    static func listUploads(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let list = try decoder.name(2, bytes)
        var from: UInt64?
        var rows: UInt64?
        var index = 3
        while index < decoder.argumentCount {
            let option = decoder.word(index, bytes)
            guard option == "FROM" || option == "COUNT" else {
                throw .unknownOption(decoder.escaped(index, bytes), of: .listUploads)
            }
            guard option == "FROM" ? from == nil : rows == nil else {
                throw .duplicateOption(option, of: .listUploads)
            }
            guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(.listUploads) }
            if option == "FROM" {
                from = try decoder.number(index + 1, bytes, called: "upload", in: 0...UInt64(Int64.max))
            } else {
                rows = try decoder.number(index + 1, bytes, called: "n", in: 1...ArgumentLimits.uploadRowsMax)
            }
            index += 2
        }
        return .listUploads(list: list, from: from ?? 0, count: rows ?? ArgumentLimits.uploadRowsMax)
    }

    /// `LIST SET name EXPIRES date|NEVER`, `WARN count|NEVER`, `NAME new-name` or `[CODE code] [LIMIT n]`.
    ///
    /// No error shows an argument: a misplaced word here may be the code.
    static func listSet(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let name = try decoder.name(2, bytes)
        let option = decoder.word(3, bytes)
        if option == "CODE" || option == "LIMIT" { return try listSetFixed(name, decoder, bytes) }
        guard ["EXPIRES", "WARN", "NAME"].contains(option) else { throw unknownListOption }
        guard decoder.argumentCount == 5 else { throw .wrongArgumentCount(.listSet) }
        let isNever = decoder.word(4, bytes) == "NEVER"
        switch option {
        case "EXPIRES":
            return .listSetExpires(name: name, expires: isNever ? nil : try date(decoder, bytes, at: 4))
        case "WARN": return .listSetWarning(name: name, warn: isNever ? nil : try warning(decoder, bytes, at: 4))
        default: return .listRename(name: name, newName: try decoder.name(4, bytes, called: "new-name"))
        }
    }

    private static var unknownListOption: CommandError {
        .invalidArgument(name: "option", rule: "EXPIRES, WARN, NAME, CODE or LIMIT")
    }

    /// `LIST SET name [CODE code] [LIMIT n]`, one of them at least, from the options on.
    private static func listSetFixed(
        _ name: String, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> Command {
        var newCode: [UInt8]?
        var newLimit: UInt32?
        var index = 3
        while index < decoder.argumentCount {
            let option = decoder.word(index, bytes)
            guard option == "CODE" || option == "LIMIT" else { throw unknownListOption }
            guard option == "CODE" ? newCode == nil : newLimit == nil else {
                throw .duplicateOption(option, of: .listSet)
            }
            guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(.listSet) }
            if option == "CODE" {
                newCode = try code(decoder, bytes, at: index + 1)
            } else {
                newLimit = try limit(decoder, bytes, at: index + 1)
            }
            index += 2
        }
        return .listSetFixed(name: name, code: newCode, limit: newLimit)
    }

    private static func code(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> [UInt8] {
        decoder.bytes(try decoder.checkedIndex(index, called: "code"), bytes)
    }

    private static func limit(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> UInt32 {
        UInt32(try decoder.number(index, bytes, called: "limit", in: 1...UInt64(UInt32.max)))
    }

    private static func warning(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> UInt64 {
        try decoder.number(index, bytes, called: "count", in: 0...UInt64(UInt32.max))
    }

    /// `CAMPAIGN CREATE name LIST list [RETRIGGER rule] [RETURNS quarantine|reuse]`.
    static func campaignCreate(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> Command {
        let options = try campaignOptions(decoder, bytes, of: .campaignCreate)
        guard let list = options.list else { throw .wrongArgumentCount(.campaignCreate) }
        return .campaignCreate(
            name: try decoder.name(2, bytes), list: list, retrigger: options.rule, returns: options.returns)
    }

    /// `CAMPAIGN SET name [RETRIGGER rule] [RETURNS quarantine|reuse]`.
    static func campaignSet(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let options = try campaignOptions(decoder, bytes, of: .campaignSet)
        return .campaignSet(name: try decoder.name(2, bytes), retrigger: options.rule, returns: options.returns)
    }

    private struct CampaignOptions {
        var list: String?
        var rule: RetriggerArgument?
        var returns: ReturnsArgument?
    }

    /// - Parameter command: a campaign that is there keeps its list.
    private static func campaignOptions(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, of command: CommandID
    ) throws(CommandError) -> CampaignOptions {
        let count = decoder.argumentCount
        var options = CampaignOptions()
        var index = 3
        while index < count {
            switch decoder.word(index, bytes) {
            case "LIST" where command == .campaignCreate:
                guard options.list == nil else { throw .duplicateOption("LIST", of: command) }
                guard index + 1 < count else { throw .wrongArgumentCount(command) }
                options.list = try decoder.name(index + 1, bytes, called: "list")
                index += 2
            case "RETRIGGER":
                guard options.rule == nil else { throw .duplicateOption("RETRIGGER", of: command) }
                index += 1
                options.rule = try retrigger(decoder, bytes, at: &index, of: command)
            case "RETURNS":
                guard options.returns == nil else { throw .duplicateOption("RETURNS", of: command) }
                guard index + 1 < count else { throw .wrongArgumentCount(command) }
                options.returns = try returns(decoder.word(index + 1, bytes))
                index += 2
            default: throw .unknownOption(decoder.escaped(index, bytes), of: command)
            }
        }
        return options
    }

    private static func returns(_ word: String) throws(CommandError) -> ReturnsArgument {
        switch word {
        case "QUARANTINE": .quarantine
        case "REUSE": .reuse
        default: throw .invalidArgument(name: "rule", rule: "quarantine or reuse")
        }
    }

    /// `window duration`, `once`, `always` or `until-expiry`; `index` ends behind it.
    private static func retrigger(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: inout Int, of command: CommandID
    ) throws(CommandError) -> RetriggerArgument {
        guard index < decoder.argumentCount else { throw .wrongArgumentCount(command) }
        let word = decoder.word(index, bytes)
        index += 1
        switch word {
        case "ONCE": return .once
        case "ALWAYS": return .always
        case "UNTIL-EXPIRY": return .untilExpiry
        case "WINDOW":
            guard index < decoder.argumentCount else { throw .wrongArgumentCount(command) }
            let text = bytes.extracting(decoder.argument(index))
            guard let milliseconds = DurationText.milliseconds(text) else {
                throw .invalidArgument(
                    name: "duration", rule: "like 500ms, 30s, 15m, 24h or 7d, above zero and at most 3650d")
            }
            index += 1
            return .window(milliseconds: milliseconds)
        default:
            throw .invalidArgument(
                name: "rule", rule: "window duration, once, always or until-expiry")
        }
    }

    private static func date(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> String {
        try decoder.text(index, bytes, called: "date", lengths: 1...ArgumentLimits.dateBytes)
    }
}
