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
                expires = try decoder.date(index + 1, bytes)
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
            return .listLoadBegin(list: list, filename: try filename(decoder, bytes, at: 4))
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

    /// - Returns: nil when there is no such argument.
    static func filename(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at index: Int
    ) throws(CommandError) -> String? {
        if decoder.argumentCount == index { return nil }
        return try decoder.text(index, bytes, called: "filename", lengths: 1...ArgumentLimits.filenameBytes)
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
        let page = try page(
            decoder, bytes, at: 3, of: .listUploads, from: ("upload", 0), most: ArgumentLimits.uploadRowsMax)
        return .listUploads(
            list: list, from: page.from ?? 0, count: page.count ?? ArgumentLimits.uploadRowsMax)
    }

    /// `BACKUP name`: the name becomes a directory's, so it must not lead anywhere else.
    static func backup(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let name = try decoder.name(1, bytes)
        guard let first = name.utf8.first, !".:_-".utf8.contains(first) else {
            throw .invalidArgument(name: "name", rule: "one that begins with a letter or a digit")
        }
        return .backup(name: name)
    }

    /// `AUDIT READ [FROM number] [COUNT n]`.
    static func auditRead(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let page = try page(
            decoder, bytes, at: 2, of: .auditRead, from: ("number", 1), most: ArgumentLimits.auditRowsMax)
        return .auditRead(from: page.from, count: page.count ?? ArgumentLimits.auditRowsUsual)
    }

    /// `FEED READ from [COUNT n] [BLOCK milliseconds]`.
    static func feedRead(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let from = try decoder.number(2, bytes, called: "from", in: 1...UInt64(Int64.max))
        var (count, block): (UInt64?, UInt64?) = (nil, nil)
        for index in stride(from: 3, to: decoder.argumentCount, by: 2) {
            let option = decoder.word(index, bytes)
            guard option == "COUNT" || option == "BLOCK" else {
                throw .unknownOption(decoder.escaped(index, bytes), of: .feedRead)
            }
            guard option == "COUNT" ? count == nil : block == nil else {
                throw .duplicateOption(option, of: .feedRead)
            }
            guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(.feedRead) }
            if option == "COUNT" {
                count = try decoder.number(index + 1, bytes, called: "n", in: 1...ArgumentLimits.feedRowsMax)
            } else {
                let range = 1...ArgumentLimits.feedBlockMillisecondsMax
                block = try decoder.number(index + 1, bytes, called: "milliseconds", in: range)
            }
        }
        return .feedRead(from: from, count: count ?? ArgumentLimits.feedRowsUsual, block: block ?? 0)
    }

    /// `[FROM first] [COUNT n]`, in any order.
    ///
    /// - Parameters:
    ///   - from: what the syntax calls the first, and the least that it may be.
    ///   - most: of the count.
    private static func page(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, at first: Int, of command: CommandID,
        from: (name: String, least: UInt64), most: UInt64
    ) throws(CommandError) -> (from: UInt64?, count: UInt64?) {
        var page: (from: UInt64?, count: UInt64?) = (nil, nil)
        var index = first
        while index < decoder.argumentCount {
            let option = decoder.word(index, bytes)
            guard option == "FROM" || option == "COUNT" else {
                throw .unknownOption(decoder.escaped(index, bytes), of: command)
            }
            guard option == "FROM" ? page.from == nil : page.count == nil else {
                throw .duplicateOption(option, of: command)
            }
            guard index + 1 < decoder.argumentCount else { throw .wrongArgumentCount(command) }
            if option == "FROM" {
                let range = from.least...UInt64(Int64.max)
                page.from = try decoder.number(index + 1, bytes, called: from.name, in: range)
            } else {
                page.count = try decoder.number(index + 1, bytes, called: "n", in: 1...most)
            }
            index += 2
        }
        return page
    }

    /// `LIST SET name EXPIRES date|NEVER`, `WARN count|NEVER` and its like, `NAME new-name`, `PERUSER n|NONE`,
    /// `STOP days|NONE`, `OTHERLISTS refuse|allow` or `[CODE code] [LIMIT n]`.
    ///
    /// No error shows an argument: a misplaced word here may be the code.
    static func listSet(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let name = try decoder.name(2, bytes)
        let option = decoder.word(3, bytes)
        if option == "CODE" || option == "LIMIT" { return try listSetFixed(name, decoder, bytes) }
        guard Self.listOptions.contains(option) else { throw unknownListOption }
        guard decoder.argumentCount == 5 else { throw .wrongArgumentCount(.listSet) }
        if option.hasPrefix("WARN"), option != "WARN" {
            return .listWarn(name: name, try WarningArgument(option, at: 4, decoder, bytes))
        }
        let isNever = decoder.word(4, bytes) == "NEVER"
        let isNone = decoder.word(4, bytes) == "NONE"
        switch option {
        case "EXPIRES":
            return .listSetExpires(name: name, expires: isNever ? nil : try decoder.date(4, bytes))
        case "WARN": return .listSetWarning(name: name, warn: isNever ? nil : try warning(decoder, bytes, at: 4))
        case "PERUSER":
            let count = try isNone ? nil : decoder.number(4, bytes, called: "n", in: 1...UInt64(UInt32.max))
            return .listEdit(name: name, .perUser(count.map(UInt32.init)))
        case "STOP":
            let days = try isNone ? nil : decoder.number(4, bytes, called: "days", in: 1...ArgumentLimits.daysMax)
            return .listEdit(name: name, .stopDays(days.map(UInt32.init)))
        case "OTHERLISTS":
            switch decoder.word(4, bytes) {
            case "REFUSE": return .listEdit(name: name, .otherLists(refuses: true))
            case "ALLOW": return .listEdit(name: name, .otherLists(refuses: false))
            default: throw .invalidArgument(name: "rule", rule: "refuse or allow")
            }
        default: return .listRename(name: name, newName: try decoder.name(4, bytes, called: "new-name"))
        }
    }

    /// `LIST DELETE name CONFIRM name`.
    static func listDelete(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let name = try decoder.name(2, bytes)
        guard decoder.word(3, bytes) == "CONFIRM", try decoder.name(4, bytes) == name else {
            throw .invalidArgument(name: "end", rule: "CONFIRM and the list's name once more; nothing was deleted")
        }
        return .listDelete(name)
    }

    private static let listOptions = [
        "EXPIRES", "WARN", "WARNPERCENT", "WARNHOURS", "WARNDAYS", "PERUSER", "STOP", "OTHERLISTS",
        "NAME",
    ]

    private static var unknownListOption: CommandError {
        .invalidArgument(name: "option", rule: listOptions.joined(separator: ", ") + ", CODE or LIMIT")
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

    /// `CAMPAIGN CREATE name LIST list [RETRIGGER rule] [RETURNS quarantine|reuse] [setting value …]`.
    static func campaignCreate(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> Command {
        let options = try campaignOptions(decoder, bytes, of: .campaignCreate)
        guard let list = options.list else { throw .wrongArgumentCount(.campaignCreate) }
        return .campaignCreate(
            name: try decoder.name(2, bytes), list: list, retrigger: options.rule, returns: options.returns,
            edits: options.edits)
    }

    /// `CAMPAIGN SET name [RETRIGGER rule] [RETURNS quarantine|reuse] [setting value …]`.
    static func campaignSet(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        let options = try campaignOptions(decoder, bytes, of: .campaignSet)
        return .campaignSet(
            name: try decoder.name(2, bytes), retrigger: options.rule, returns: options.returns,
            edits: options.edits)
    }

    private struct CampaignOptions {
        var list: String?
        var rule: RetriggerArgument?
        var returns: ReturnsArgument?
        var edits: [CampaignEditArgument] = []
    }

    /// - Parameter command: a campaign that is there keeps its list.
    private static func campaignOptions(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>, of command: CommandID
    ) throws(CommandError) -> CampaignOptions {
        let count = decoder.argumentCount
        var options = CampaignOptions()
        var settings: Set<String> = []
        var index = 3
        while index < count {
            let word = decoder.word(index, bytes)
            switch word {
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
            case _ where CampaignEditArgument.words.contains(word):
                guard settings.insert(word).inserted else { throw .duplicateOption(word, of: command) }
                guard index + 1 < count else { throw .wrongArgumentCount(command) }
                options.edits.append(try CampaignEditArgument(word, at: index + 1, decoder, bytes))
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
}
