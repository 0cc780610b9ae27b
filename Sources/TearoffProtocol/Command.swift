/// One command whose arguments have been checked for form; whether it makes sense is the engine's to say.
///
/// Commands of the burst carry argument *indexes* (see ``CommandDecoder/argument(_:)``), so that parsing
/// copies nothing; the rest own their values.
package enum Command: Equatable, Sendable {
    case alloc(AllocArguments)
    /// Indexes of the campaign, 1 to 64 bytes, and of the first user; from there on all are users, 1 to 255 bytes.
    case allocMany(campaign: Int, firstUser: Int)
    /// `milliseconds` is from 1 to ``ArgumentLimits/holdMillisecondsMax``.
    case hold(AllocArguments, milliseconds: UInt64)
    case confirm(AllocArguments)
    case release(AllocArguments)
    /// Indexes of the campaign, 1 to 64 bytes, and of the user, 1 to 255 bytes, if there is one.
    case preview(campaign: Int, user: Int?)

    case listCreate(name: String, kind: ListKindArgument, expires: String?, warn: UInt64?)
    /// Begins an import, which goes on as an upload does.
    case listImport(list: String, filename: String?)
    case listLoadBegin(list: String, filename: String?)
    /// `bytes` is the index of the chunk, which may be empty.
    case listLoadChunk(list: String, upload: UInt64, bytes: Int)
    /// A dry run tells what the commit would come to, and keeps nothing; one that replaces withdraws all earlier
    /// uploads.
    case listLoadCommit(list: String, upload: UInt64, skipBad: Bool, dryRun: Bool, replaces: Bool)
    case listLoadAbort(list: String, upload: UInt64)
    /// `count` (1 to ``ArgumentLimits/errorRowsMax``) of the bad lines, from the `from`-th (0-based) on.
    case listLoadErrors(list: String, upload: UInt64, from: UInt64, count: UInt64)
    case listInfo(String)
    /// `count` (1 to ``ArgumentLimits/uploadRowsMax``) of the uploads, from the one of id `from` on.
    case listUploads(list: String, from: UInt64, count: UInt64)
    case listUndo(list: String, upload: UInt64)
    case listArchive(String)
    case listReturn(String)
    /// The name was said twice.
    case listDelete(String)
    case listAll
    /// `expires` is the date as text, not looked into (a date needs the server's zone); nil is `NEVER`.
    case listSetExpires(name: String, expires: String?)
    /// Nil is `NEVER`.
    case listSetWarning(name: String, warn: UInt64?)
    case listRename(name: String, newName: String)
    case listEdit(name: String, ListEditArgument)
    case listWarn(name: String, WarningArgument)
    case recipientAdd(list: String, RecipientArgument)
    case recipientRemove(list: String, address: String)
    case recipientTest(list: String)
    case listRecipients(String)
    /// A fixed list's code of 1 to 255 bytes, and how often it is given in all (1 or more); one of the two at least.
    case listSetFixed(name: String, code: [UInt8]?, limit: UInt32?)

    case campaignCreate(
        name: String, list: String, retrigger: RetriggerArgument?, returns: ReturnsArgument? = nil,
        edits: [CampaignEditArgument] = [])
    /// One of the three at least.
    case campaignSet(
        name: String, retrigger: RetriggerArgument?, returns: ReturnsArgument?,
        edits: [CampaignEditArgument] = [])
    case campaignInfo(String)
    case campaignAll
    case campaignFinish(String)
    case campaignResume(String)

    /// The index of the user, 1 to 255 bytes.
    case userHistory(user: Int)
    /// The index of the code, 1 to 255 bytes.
    case codeFind(code: Int)
    case exportBegin(ExportArguments)
    case exportRead(UInt64)
    case exportEnd(UInt64)
    /// `count` (1 to ``ArgumentLimits/auditRowsMax``) of the records, from that number (1 or more) on; nil: the newest.
    case auditRead(from: UInt64?, count: UInt64)
    case auditCheck
    /// `count` (1 to ``ArgumentLimits/feedRowsMax``) of the events, from that number (1 or more) on; `block`: how many
    /// milliseconds to wait for one (0: not at all).
    case feedRead(from: UInt64, count: UInt64, block: UInt64)
    case feedInfo
    case deliveryInfo
    case deliveryList
    /// Nil is `ALL`.
    case deliveryRetry(UInt64?)
    case accountCreate(name: String, AccountArguments)
    /// One of its fields at least.
    case accountSet(name: String, AccountArguments)
    case accountDelete(String)
    case accountList
    case accountShow(String)
    case snapshot
    /// A name of 1 to ``ArgumentLimits/nameBytes`` bytes without a slash that begins with a letter or a digit.
    case backup(name: String)
    /// The section in small letters, as sent by the client; nil for all.
    case info(section: String?)
    case shutdown
    case configGet([String])

    /// The index of the text to send back, if there is one.
    case ping(Int?)
    case echo(Int)
    case hello(HelloArguments)
    case auth(Credentials)
    case whoAmI
    case select(Int)
    case reset
    case quit
    case clientID
    case clientGetName
    /// An empty name takes the name away.
    case clientSetName(String)
    /// What the client tells of its library: answered `OK`, not kept.
    case clientSetInfo
    case clientInfo
    case clientList
    case clientNoEvict
    case clientNoTouch
    case commandAll
    case commandCount
    case commandList
    case commandInfo([String])
    case commandDocs([String])
    /// The answer itself, found in parsing: the keys among the arguments, as indexes.
    case commandGetKeys([Int])
}

/// Who is to be told of a list's warnings; texts that are not looked into.
package enum RecipientArgument: Equatable, Sendable {
    case email(String)
    /// Without a secret the server makes one.
    case webhook(url: String, secret: String?)
}

/// One of a list's warnings as `LIST SET` tells it; nil (`NEVER`, of the days `DEFAULT`) takes it away.
package enum WarningArgument: Equatable, Sendable {
    /// 1 to 99.
    case percent(UInt32?)
    case hours(UInt32?)
    /// Most first, no two the same; none of them: never.
    case days([UInt32]?)
}

/// What becomes of a held code that goes back.
package enum ReturnsArgument: Equatable, Sendable {
    case quarantine, reuse
}

/// `ALLOC campaign user [USERID id] [KEY key] [FULL]` and what the commands on holds have of it, as indexes of arguments.
package struct AllocArguments: Equatable, Sendable {
    /// 1 to 64 bytes.
    package let campaign: Int
    /// 1 to 255 bytes.
    package let user: Int
    /// 1 to 255 bytes.
    package let userID: Int?
    /// The idempotency key, 1 to 255 bytes.
    package let key: Int?
    package let isFull: Bool

    package init(campaign: Int, user: Int, userID: Int? = nil, key: Int? = nil, isFull: Bool = false) {
        self.campaign = campaign
        self.user = user
        self.userID = userID
        self.key = key
        self.isFull = isFull
    }
}

/// `EXPORT BEGIN list …`; dates, cursor and columns are text that is not looked into.
package struct ExportArguments: Equatable, Sendable {
    package enum Selection: Equatable, Sendable {
        case given, free, all
    }

    package let list: String
    package var selection = Selection.given
    package var campaign: String?
    package var after: String?
    package var until: String?
    package var since: String?
    package var upload: UInt64?
    package var isJSONLines = false
    /// Names with commas between them; nil: the usual ones.
    package var columns: String?

    package init(list: String) {
        self.list = list
    }
}

/// What a list gives out.
package enum ListKindArgument: Equatable, Sendable {
    /// Each uploaded code once.
    case unique
    /// One code of 1 to 255 bytes, `limit` times (1 or more).
    case fixed(code: [UInt8], limit: UInt32)
}

/// An account and its password.
package struct Credentials: Equatable, Sendable {
    /// Nil when only a password was sent: the server's own.
    package let account: String?
    package let password: Secret

    package init(account: String?, password: Secret) {
        self.account = account
        self.password = password
    }
}

/// What is said of an account; nil: not said.
package struct AccountArguments: Equatable, Sendable {
    /// None: it may only log in.
    package var roles: [Role]?
    /// ``ArgumentLimits/passwordBytes`` bytes.
    package var password: Secret?
    /// Names, each perhaps with a `*` at its end; none: every one.
    package var lists: [String]?
    package var campaigns: [String]?

    package init() {}
}

/// `HELLO [2|3 [AUTH account password] [SETNAME name]]`.
package struct HelloArguments: Equatable, Sendable {
    /// Nil: keep the connection's version.
    package let version: RESPVersion?
    package let credentials: Credentials?
    package let clientName: String?

    package init(version: RESPVersion? = nil, credentials: Credentials? = nil, clientName: String? = nil) {
        self.version = version
        self.credentials = credentials
        self.clientName = clientName
    }
}

/// The version of RESP that replies are written in.
package enum RESPVersion: Int, Equatable, Sendable {
    case resp2 = 2
    case resp3 = 3
}
