extension CommandTable {
    /// An exhaustive switch, so that a new command without an entry does not compile.
    static func makeEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .alloc, .allocMany, .hold, .confirm, .release, .preview, .userHistory, .codeFind: burstEntry(id)
        case .listCreate, .listLoad, .listImport, .listInfo, .listUploads, .listUndo, .listArchive, .listReturn,
            .listDelete,
            .listAll, .listSet, .listRecipient, .listRecipients:
            listEntry(id)
        case .deliveryInfo, .deliveryList, .deliveryRetry: deliveryEntry(id)
        case .accountCreate, .accountSet, .accountDelete, .accountList, .accountShow: accountEntry(id)
        case .campaignCreate, .campaignSet, .campaignInfo, .campaignAll, .campaignFinish, .campaignResume:
            campaignEntry(id)
        case .exportBegin, .exportRead, .exportEnd: exportEntry(id)
        case .auditRead, .auditCheck, .feedRead, .feedInfo, .snapshot, .backup, .info, .shutdown, .configGet:
            serverEntry(id)
        case .ping, .echo, .hello, .auth, .whoAmI, .select, .reset, .quit: connectionEntry(id)
        case .clientID, .clientGetName, .clientSetName, .clientSetInfo, .clientInfo, .clientList,
            .clientNoEvict, .clientNoTouch:
            clientEntry(id)
        case .command, .commandCount, .commandList, .commandInfo, .commandDocs, .commandGetKeys:
            commandEntry(id)
        }
    }

    private static func make(
        _ id: CommandID, _ group: String, _ counts: ClosedRange<Int>, _ flags: [CommandEntry.Flag],
        key: Int = 0, _ summary: String, _ syntax: String...
    ) -> CommandEntry {
        make(id, group, counts.lowerBound, counts.upperBound, flags, key, summary, syntax)
    }

    private static func make(
        _ id: CommandID, _ group: String, _ counts: PartialRangeFrom<Int>, _ flags: [CommandEntry.Flag],
        key: Int = 0, _ summary: String, _ syntax: String...
    ) -> CommandEntry {
        make(id, group, counts.lowerBound, nil, flags, key, summary, syntax)
    }

    private static func make(
        _ id: CommandID, _ group: String, _ minimum: Int, _ maximum: Int?, _ flags: [CommandEntry.Flag],
        _ key: Int, _ summary: String, _ syntax: [String]
    ) -> CommandEntry {
        CommandEntry(
            id: id, nameCount: id.rawValue.contains(" ") ? 2 : 1, minimum: minimum, maximum: maximum,
            flags: flags, keyIndex: key, need: need(of: id), group: group, summary: summary, syntax: syntax)
    }

    private static func burstEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .allocMany:
            make(
                id, "allocation", 3..., [.write], key: 2,
                "Gives each of many users a code, as ALLOC does, in one durable step.",
                "ALLOCMANY campaign user [user ...]")
        case .hold:
            make(
                id, "allocation", 5...10, [.write, .fast], key: 2,
                "Keeps a code of the campaign for the user until it is confirmed, released or the time is over.",
                "HOLD campaign user FOR duration [USERID id] [KEY key] [FULL]")
        case .confirm:
            make(
                id, "allocation", 3...3, [.write, .fast], key: 2,
                "Gives the user the code that is held, for good.", "CONFIRM campaign user")
        case .release:
            make(
                id, "allocation", 3...3, [.write, .fast], key: 2,
                "Gives back the code that is held for the user.", "RELEASE campaign user")
        case .preview:
            make(
                id, "allocation", 2...3, [.readonly], key: 2,
                "What ALLOC would give this user, or any new one; nothing is given.",
                "PREVIEW campaign [user]")
        case .userHistory:
            make(
                id, "allocation", 3...3, [.readonly], key: 2, "All codes that a user was given.",
                "USER HISTORY user")
        case .codeFind:
            make(
                id, "allocation", 3...3, [.readonly], "Where a code stands and who has it.",
                "CODE FIND code")
        default:
            make(
                .alloc, "allocation", 3...8, [.write, .fast], key: 2,
                "Gives the user a code of the campaign, or the same one again inside the window.",
                "ALLOC campaign user [USERID id] [KEY key] [FULL]")
        }
    }

    private static func listEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .listCreate:
            make(
                id, "list", 4...10, [.write], "Makes an empty list.",
                "LIST CREATE name UNIQUE|FIXED code limit [EXPIRES date] [WARN count]")
        case .listLoad:
            make(
                id, "list", 4...8, [.write], "Adds the codes of one file to a list, step by step.",
                "LIST LOAD name BEGIN [filename]", "LIST LOAD name CHUNK upload bytes",
                "LIST LOAD name COMMIT upload [SKIPBAD] [DRYRUN] [REPLACE]",
                "LIST LOAD name ABORT upload", "LIST LOAD name ERRORS upload from count")
        case .listImport:
            make(
                id, "list", 3...4, [.write],
                "Begins to take over codes that another system gave; it goes on as LIST LOAD does.",
                "LIST IMPORT name [filename]")
        case .listInfo:
            make(id, "list", 3...3, [.readonly], "A list's settings and its ledger.", "LIST INFO name")
        case .listUploads:
            make(
                id, "list", 3...7, [.readonly],
                "The files that a list was loaded from, and where the codes of each are.",
                "LIST UPLOADS name [FROM upload] [COUNT n]")
        case .listUndo:
            make(
                id, "list", 4...4, [.write], "Takes the free codes of one upload out of its list.",
                "LIST UNDO name upload")
        case .listArchive:
            make(
                id, "list", 3...3, [.write], "Takes the codes of an expired list out of memory.", "LIST ARCHIVE name")
        case .listReturn:
            make(id, "list", 3...3, [.write], "Brings the codes of an archived list back.", "LIST RETURN name")
        case .listDelete:
            make(
                id, "list", 5...5, [.write], "Removes a list and its campaigns for good.",
                "LIST DELETE name CONFIRM name")
        case .listSet:
            make(
                id, "list", 5...7, [.write],
                "Changes one of a list's settings, its name, or a fixed list's code and limit.",
                "LIST SET name EXPIRES date|NEVER", "LIST SET name WARN count|NEVER",
                "LIST SET name WARNPERCENT percent|NEVER", "LIST SET name WARNHOURS hours|NEVER",
                "LIST SET name WARNDAYS days[,days...]|NEVER|DEFAULT",
                "LIST SET name STOP days|NONE", "LIST SET name PERUSER n|NONE",
                "LIST SET name OTHERLISTS refuse|allow", "LIST SET name NAME new-name",
                "LIST SET name [CODE code] [LIMIT n]")
        case .listRecipient:
            make(
                id, "list", 4...8, [.write], "Who is told of a list's warnings.",
                "LIST RECIPIENT name ADD EMAIL address", "LIST RECIPIENT name ADD WEBHOOK url [SECRET secret]",
                "LIST RECIPIENT name REMOVE address", "LIST RECIPIENT name TEST")
        case .listRecipients:
            make(
                id, "list", 3...3, [.readonly], "Those who are told of a list's warnings.", "LIST RECIPIENTS name")
        default:
            make(.listAll, "list", 2...2, [.readonly], "Every list, as LIST INFO tells it.", "LIST ALL")
        }
    }

    private static func deliveryEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .deliveryList:
            make(
                id, "delivery", 2...2, [.readonly, .admin],
                "Warnings that are still to be sent, and those that could not be.",
                "DELIVERY LIST")
        case .deliveryRetry:
            make(
                id, "delivery", 3...3, [.write, .admin], "Has dead letters tried again.", "DELIVERY RETRY number|ALL")
        default:
            make(
                .deliveryInfo, "delivery", 2...2, [.readonly, .admin], "How the sending of warnings goes.",
                "DELIVERY INFO")
        }
    }

    private static let limits = "[LISTS name[,name...]] [CAMPAIGNS name[,name...]]"

    private static func accountEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .accountCreate:
            make(
                id, "account", 7...11, [.write, .admin], "Makes an account that may log in.",
                "ACCOUNT CREATE name ROLES role[,role...] PASSWORD password " + limits)
        case .accountSet:
            make(
                id, "account", 5...11, [.write, .admin], "Changes an account.",
                "ACCOUNT SET name [ROLES role[,role...]] [PASSWORD password] " + limits)
        case .accountDelete:
            make(id, "account", 3...3, [.write, .admin], "Removes an account.", "ACCOUNT DELETE name")
        case .accountShow:
            make(id, "account", 3...3, [.readonly, .admin], "What an account may do.", "ACCOUNT SHOW name")
        default:
            make(
                .accountList, "account", 2...2, [.readonly, .admin], "Every account, as ACCOUNT SHOW tells it.",
                "ACCOUNT LIST")
        }
    }

    private static func exportEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .exportRead:
            make(id, "export", 3...3, [.readonly], "The next piece of an export.", "EXPORT READ export")
        case .exportEnd:
            make(id, "export", 3...3, [.readonly], "Ends an export before its end.", "EXPORT END export")
        default:
            make(
                .exportBegin, "export", 3...18, [.readonly],
                "Begins an export of a list as it is at this instant.",
                "EXPORT BEGIN list [GIVEN|FREE|ALL] [CAMPAIGN name] [AFTER date] [UNTIL date] [SINCE cursor] "
                    + "[UPLOAD upload] [FORMAT csv|jsonl] [COLUMNS names]")
        }
    }

    private static let settings =
        "[START date|NONE] [END date|NONE] [VALIDITY days|NONE] [QUOTA n|NONE] [DAYQUOTA n|NONE] [RATE n|NONE] "
        + "[OVERFLOW list[,list...]|NONE] [TEST text|NONE]"

    private static func campaignEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .campaignCreate:
            make(
                id, "campaign", 5...26, [.write], "Makes an active campaign that draws from a list.",
                "CAMPAIGN CREATE name LIST list [RETRIGGER rule] [RETURNS quarantine|reuse] " + settings)
        case .campaignSet:
            make(
                id, "campaign", 5...24, [.write], "Changes a campaign's rules and settings.",
                "CAMPAIGN SET name [RETRIGGER rule] [RETURNS quarantine|reuse] " + settings)
        case .campaignInfo:
            make(
                id, "campaign", 3...3, [.readonly], "A campaign's settings and state.",
                "CAMPAIGN INFO name")
        case .campaignFinish:
            make(id, "campaign", 3...3, [.write], "Stops a campaign.", "CAMPAIGN FINISH name")
        case .campaignResume:
            make(
                id, "campaign", 3...3, [.write],
                "Makes a finished campaign active again, after a refill or a new expiry.",
                "CAMPAIGN RESUME name")
        default:
            make(
                .campaignAll, "campaign", 2...2, [.readonly],
                "Every campaign, as CAMPAIGN INFO tells it.", "CAMPAIGN ALL")
        }
    }

    private static func serverEntry(_ id: CommandID) -> CommandEntry {
        switch id {
        case .auditRead:
            make(
                id, "server", 2...6, [.readonly, .admin],
                "What was done to lists, campaigns and the server, by whom, from where and when.",
                "AUDIT READ [FROM number] [COUNT n]")
        case .auditCheck:
            make(
                id, "server", 2...2, [.readonly, .admin], "Follows the audit trail's whole chain of hashes.",
                "AUDIT CHECK")
        case .feedRead:
            make(
                id, "server", 3...7, [.readonly, .admin],
                "What happened, in the order of its numbers, from one of them on.",
                "FEED READ from [COUNT n] [BLOCK milliseconds]")
        case .feedInfo:
            make(id, "server", 2...2, [.readonly, .admin], "How far back the feed goes.", "FEED INFO")
        case .snapshot:
            make(
                id, "server", 1...1, [.admin], "Writes a snapshot while serving; replies when it is whole.",
                "SNAPSHOT")
        case .backup:
            make(
                id, "server", 2...2, [.admin],
                "Writes a snapshot and copies it into a directory of its own while serving.", "BACKUP name")
        case .shutdown:
            make(
                id, "server", 1...1, [.admin, .loading, .stale],
                "Finishes what is in flight, syncs and ends the server.", "SHUTDOWN")
        case .configGet:
            make(
                id, "server", 3..., [.admin, .loading, .stale],
                "Settings by name, for the tools of Redis.", "CONFIG GET pattern [pattern ...]")
        default:
            make(
                .info, "server", 1...2, [.loading, .stale], "Figures about the server.",
                "INFO [section]")
        }
    }

    private static func connectionEntry(_ id: CommandID) -> CommandEntry {
        let group = "connection"
        let always: [CommandEntry.Flag] = [.fast, .loading, .stale]
        let before: [CommandEntry.Flag] = [.fast, .loading, .stale, .noAuth]
        switch id {
        case .echo: return make(id, group, 2...2, always, "Sends the message back.", "ECHO message")
        case .hello:
            return make(
                id, group, 1...7, before, "Chooses the version of RESP, and perhaps authenticates.",
                "HELLO [version [AUTH account password] [SETNAME name]]")
        case .auth:
            return make(id, group, 2...3, before, "Authenticates.", "AUTH [account] password")
        case .whoAmI:
            return make(id, group, 2...2, always, "The account that the connection acts for.", "ACL WHOAMI")
        case .select:
            return make(id, group, 2...2, always, "There is one database, 0.", "SELECT index")
        case .reset:
            return make(id, group, 1...1, before, "Puts the connection back as it began.", "RESET")
        case .quit:
            return make(id, group, 1...1, before, "Closes the connection.", "QUIT")
        default:
            return make(.ping, group, 1...2, before, "Answers PONG, or the message.", "PING [message]")
        }
    }

    private static func clientEntry(_ id: CommandID) -> CommandEntry {
        let group = "connection"
        let flags: [CommandEntry.Flag] = [.loading, .stale]
        switch id {
        case .clientGetName:
            return make(id, group, 2...2, flags, "The connection's name.", "CLIENT GETNAME")
        case .clientSetName:
            return make(id, group, 3...3, flags, "Names the connection.", "CLIENT SETNAME name")
        case .clientSetInfo:
            return make(
                id, group, 4...4, flags, "What the client tells of its library; accepted and dropped.",
                "CLIENT SETINFO attribute value")
        case .clientInfo:
            return make(id, group, 2...2, flags, "One line about this connection.", "CLIENT INFO")
        case .clientList:
            return make(
                id, group, 2...2, flags + [.admin], "One line about each connection.", "CLIENT LIST")
        case .clientNoEvict:
            return make(
                id, group, 3...3, flags, "Accepted; nothing is evicted here.", "CLIENT NO-EVICT ON|OFF")
        case .clientNoTouch:
            return make(
                id, group, 3...3, flags, "Accepted; nothing is aged here.", "CLIENT NO-TOUCH ON|OFF")
        default:
            return make(.clientID, group, 2...2, flags, "The connection's number.", "CLIENT ID")
        }
    }

    private static func commandEntry(_ id: CommandID) -> CommandEntry {
        let group = "server"
        let flags: [CommandEntry.Flag] = [.loading, .stale]
        switch id {
        case .commandCount:
            return make(id, group, 2...2, flags, "How many commands there are.", "COMMAND COUNT")
        case .commandList:
            return make(id, group, 2...2, flags, "The names of all commands.", "COMMAND LIST")
        case .commandInfo:
            return make(
                id, group, 2..., flags, "Arity, flags and keys of the commands named, or of all.",
                "COMMAND INFO [name ...]")
        case .commandDocs:
            return make(
                id, group, 2..., flags, "What the commands named, or all, are for.",
                "COMMAND DOCS [name ...]")
        case .commandGetKeys:
            return make(
                id, group, 3..., flags, "The keys among a command's arguments.",
                "COMMAND GETKEYS command [argument ...]")
        default:
            return make(.command, group, 1...1, flags, "Arity, flags and keys of all commands.", "COMMAND")
        }
    }
}
