extension Command {
    /// Makes a command of what the decoder has just found.
    ///
    /// - Parameters:
    ///   - decoder: after `.command(end:)` with at least one argument.
    ///   - bytes: what ``CommandDecoder/source`` names, cut so that the command starts at 0.
    /// - Throws: ``CommandError``; nothing was done, and the connection goes on.
    /// - Complexity: no allocation for `ALLOC`.
    package init(
        parsing decoder: borrowing CommandDecoder, bytes: Span<UInt8>
    ) throws(CommandError) {
        guard decoder.argumentCount > 0 else { throw .unknownCommand(EscapedText(Span())) }
        if decoder.isAlloc(bytes) {
            self = .alloc(try AllocArguments(decoder, bytes))
            return
        }
        if let id = decoder.lookUpID(bytes) {
            self = try Self.cold(id, decoder, bytes)
            return
        }
        let entry = try CommandTable.find(decoder, bytes)
        guard entry.accepts(argumentCount: decoder.argumentCount) else { throw .wrongArgumentCount(entry.id) }
        self = try Self.cold(entry.id, decoder, bytes)
    }

    /// Every command but `ALLOC`; its number of arguments has been checked against the table.
    private static func cold(
        _ id: CommandID, _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> Command {
        switch id {
        case .alloc: .alloc(try AllocArguments(decoder, bytes))
        case .allocMany: try allocMany(decoder)
        case .hold: try hold(decoder, bytes)
        case .confirm: .confirm(try AllocArguments(decoder, bytes, of: id))
        case .release: .release(try AllocArguments(decoder, bytes, of: id))
        case .preview: try preview(decoder)
        case .listCreate: try listCreate(decoder, bytes)
        case .listLoad: try listLoad(decoder, bytes)
        case .listImport:
            .listImport(list: try decoder.name(2, bytes), filename: try filename(decoder, bytes, at: 3))
        case .listInfo: .listInfo(try decoder.name(2, bytes))
        case .listUploads: try listUploads(decoder, bytes)
        case .listUndo:
            .listUndo(
                list: try decoder.name(2, bytes),
                upload: try decoder.number(3, bytes, called: "upload", in: 0...UInt64(Int64.max)))
        case .listArchive: .listArchive(try decoder.name(2, bytes))
        case .listReturn: .listReturn(try decoder.name(2, bytes))
        case .listDelete: try listDelete(decoder, bytes)
        case .listAll: .listAll
        case .listSet: try listSet(decoder, bytes)
        case .listRecipient: try listRecipient(decoder, bytes)
        case .listRecipients: .listRecipients(try decoder.name(2, bytes))
        case .campaignCreate: try campaignCreate(decoder, bytes)
        case .campaignSet: try campaignSet(decoder, bytes)
        case .campaignInfo: .campaignInfo(try decoder.name(2, bytes))
        case .campaignAll: .campaignAll
        case .campaignFinish: .campaignFinish(try decoder.name(2, bytes))
        case .campaignResume: .campaignResume(try decoder.name(2, bytes))
        case .userHistory: .userHistory(user: try decoder.checkedIndex(2, called: "user"))
        case .codeFind: .codeFind(code: try decoder.checkedIndex(2, called: "code"))
        case .exportBegin: .exportBegin(try ExportArguments(decoder, bytes))
        case .exportRead: .exportRead(try decoder.number(2, bytes, called: "export", in: 0...UInt64(Int64.max)))
        case .exportEnd: .exportEnd(try decoder.number(2, bytes, called: "export", in: 0...UInt64(Int64.max)))
        case .auditRead: try auditRead(decoder, bytes)
        case .auditCheck: .auditCheck
        case .feedRead: try feedRead(decoder, bytes)
        case .feedInfo: .feedInfo
        case .deliveryInfo: .deliveryInfo
        case .deliveryList: .deliveryList
        case .deliveryRetry: try deliveryRetry(decoder, bytes)
        case .accountCreate: try accountCreate(decoder, bytes)
        case .accountSet: try accountSet(decoder, bytes)
        case .accountDelete: .accountDelete(try decoder.name(2, bytes))
        case .accountList: .accountList
        case .accountShow: .accountShow(try decoder.name(2, bytes))
        case .snapshot: .snapshot
        case .backup: try backup(decoder, bytes)
        case .info: .info(section: try section(decoder, bytes))
        case .shutdown: .shutdown
        case .configGet: .configGet(decoder.words(from: 2, bytes))
        case .ping: .ping(decoder.argumentCount > 1 ? 1 : nil)
        case .echo: .echo(1)
        case .hello: try hello(decoder, bytes)
        case .auth: try auth(decoder, bytes)
        case .whoAmI: .whoAmI
        case .select: .select(Int(try decoder.number(1, bytes, called: "index", in: 0...16_383)))
        case .reset: .reset
        case .quit: .quit
        case .clientID: .clientID
        case .clientGetName: .clientGetName
        case .clientSetName: .clientSetName(try clientName(decoder, bytes, at: 2))
        case .clientSetInfo: .clientSetInfo
        case .clientInfo: .clientInfo
        case .clientList: .clientList
        case .clientNoEvict: try onOff(decoder, bytes, .clientNoEvict)
        case .clientNoTouch: try onOff(decoder, bytes, .clientNoTouch)
        case .command: .commandAll
        case .commandCount: .commandCount
        case .commandList: .commandList
        case .commandInfo: .commandInfo(decoder.words(from: 2, bytes))
        case .commandDocs: .commandDocs(decoder.words(from: 2, bytes))
        case .commandGetKeys: .commandGetKeys(try keys(decoder, bytes))
        }
    }

    /// `ALLOCMANY campaign user [user ...]`.
    private static func allocMany(_ decoder: CommandDecoder) throws(CommandError) -> Command {
        let campaign = try decoder.checkedIndex(1, called: "campaign", most: ArgumentLimits.nameBytes)
        let firstUser = 2
        for (number, user) in decoder.arguments(from: firstUser).enumerated() {
            guard user.count >= 1, user.count <= ArgumentLimits.valueBytes else {
                throw .invalidArgument(
                    name: "user \(number + 1)",
                    rule: "1 to \(ArgumentLimits.valueBytes) bytes; nobody was given a code")
            }
        }
        return .allocMany(campaign: campaign, firstUser: firstUser)
    }

    /// `HOLD campaign user FOR duration [USERID id] [KEY key] [FULL]`.
    private static func hold(_ decoder: CommandDecoder, _ bytes: Span<UInt8>) throws(CommandError) -> Command {
        guard decoder.word(3, bytes) == "FOR" else {
            throw .invalidArgument(name: "third argument", rule: "FOR duration")
        }
        let text = bytes.extracting(decoder.argument(4))
        guard let milliseconds = DurationText.milliseconds(text),
            milliseconds <= ArgumentLimits.holdMillisecondsMax
        else {
            throw .invalidArgument(
                name: "duration", rule: "like 500ms, 30s, 15m, 24h or 7d, above zero and at most 31d")
        }
        return .hold(
            try AllocArguments(decoder, bytes, of: .hold, optionsFrom: 5), milliseconds: milliseconds)
    }

    /// `PREVIEW campaign [user]`.
    private static func preview(_ decoder: CommandDecoder) throws(CommandError) -> Command {
        let campaign = try decoder.checkedIndex(1, called: "campaign", most: ArgumentLimits.nameBytes)
        guard decoder.argumentCount > 2 else { return .preview(campaign: campaign, user: nil) }
        return .preview(campaign: campaign, user: try decoder.checkedIndex(2, called: "user"))
    }

    private static func section(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> String? {
        guard decoder.argumentCount > 1 else { return nil }
        return try decoder.name(1, bytes, called: "section").lowercased()
    }

    /// The keys of the command that stands behind `COMMAND GETKEYS`.
    private static func keys(
        _ decoder: CommandDecoder, _ bytes: Span<UInt8>
    ) throws(CommandError) -> [Int] {
        let entry = try CommandTable.find(decoder, bytes, at: 2)
        guard entry.accepts(argumentCount: decoder.argumentCount - 2) else {
            throw .wrongArgumentCount(entry.id)
        }
        // A key may be left out, as the user of PREVIEW.
        guard entry.keyIndex > 0, 2 + entry.keyIndex < decoder.argumentCount else {
            throw .invalidArgument(name: "command", rule: "one that has a key")
        }
        return [2 + entry.keyIndex]
    }
}

extension CommandDecoder {
    /// Whether the command is an `ALLOC`: what a server mostly gets, so it can be asked first.
    @inline(__always)
    package func isAlloc(_ bytes: Span<UInt8>) -> Bool {
        argumentCount > 0 && bytes.isWord(at: argument(0), Keyword.alloc, count: 5)
    }
}

extension CommandDecoder {
    /// `USER HISTORY` and `CODE FIND` with the one argument that they take: they come pipelined too, and finding them
    /// in the table takes longer than all the rest. Anything else is for the table.
    fileprivate func lookUpID(_ bytes: Span<UInt8>) -> CommandID? {
        guard argumentCount == 3 else { return nil }
        let (command, subcommand) = (argument(0), argument(1))
        if bytes.isWord(at: command, Keyword.user, count: 4),
            bytes.isWord(at: subcommand, Keyword.history, count: 7)
        {
            return .userHistory
        }
        if bytes.isWord(at: command, Keyword.code, count: 4),
            bytes.isWord(at: subcommand, Keyword.find, count: 4)
        {
            return .codeFind
        }
        return nil
    }
}

extension AllocArguments {
    /// `ALLOC campaign user [USERID id] [KEY key] [FULL]`, the options in any order.
    ///
    /// - Parameters:
    ///   - decoder, bytes: as for ``Command/init(parsing:bytes:)``.
    ///   - command: an `ALLOC`, or one that begins like it.
    ///   - first: the index of the first option.
    package init(
        _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>, of command: CommandID = .alloc,
        optionsFrom first: Int = 3
    ) throws(CommandError) {
        let count = decoder.argumentCount
        guard count >= 3 else { throw .wrongArgumentCount(command) }
        campaign = try decoder.checkedIndex(1, called: "campaign", most: ArgumentLimits.nameBytes)
        user = try decoder.checkedIndex(2, called: "user")
        var userID: Int?
        var key: Int?
        var isFull = false
        var index = first
        while index < count {
            let option = decoder.argument(index)
            if bytes.isWord(at: option, Keyword.full, count: 4) {
                guard !isFull else { throw .duplicateOption("FULL", of: command) }
                isFull = true
                index += 1
            } else if bytes.isWord(at: option, Keyword.userID, count: 6) {
                guard userID == nil else { throw .duplicateOption("USERID", of: command) }
                guard index + 1 < count else { throw .wrongArgumentCount(command) }
                userID = try decoder.checkedIndex(index + 1, called: "id")
                index += 2
            } else if bytes.isWord(at: option, Keyword.key, count: 3) {
                guard key == nil else { throw .duplicateOption("KEY", of: command) }
                guard index + 1 < count else { throw .wrongArgumentCount(command) }
                key = try decoder.checkedIndex(index + 1, called: "key")
                index += 2
            } else {
                throw .unknownOption(decoder.escaped(index, bytes), of: command)
            }
        }
        self.userID = userID
        self.key = key
        self.isFull = isFull
    }
}
