import TearoffProtocol

/// Why a call did not bring what it asked for.
public struct TearoffError: Error, Sendable, Hashable {
    /// What happened: branch on this.
    public let code: Code
    /// Text for a person. It may change, and holds neither a coupon code nor a password.
    public let message: String

    /// An error of the caller's own making, as for a test.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the command may have been carried out although no reply says so.
    ///
    /// `ALLOC` may simply be sent again: inside the campaign's window the user gets the same code. Of every
    /// other change, look first whether it was made.
    public var outcomeIsUnknown: Bool {
        switch code {
        case .connectionLost, .timeout, .cancelled, .closed, .diskError, .shutdown, .ledger, .invalidReply: true
        default: false
        }
    }

    /// The first word of the server's error reply, or what this client found itself.
    ///
    /// Open, not an enum: a newer server may send a word that this client does not know.
    public struct Code: Sendable, Hashable {
        /// The server's word in capitals, or this client's own in lower case.
        public let name: String

        /// Whether the server said it.
        public var isFromServer: Bool { name.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5A } && !name.isEmpty }

        init(_ name: String) { self.name = name }

        private init(_ word: ErrorWord) { name = word.rawValue }
    }
}

// MARK: - What the server says; docs/PROTOCOL.md tells each word's meaning

extension TearoffError.Code {
    /// `ERR`: there is no such command or subcommand.
    public static let unknownCommand = Self(ErrorWord.unknownCommand)
    /// `SYNTAX`: the command exists, but its arguments are wrong; nothing was done.
    public static let syntax = Self(ErrorWord.syntax)
    /// `PROTOCOL`: the input is not RESP or passes a limit; the connection is closed.
    public static let protocolViolation = Self(ErrorWord.protocolViolation)
    /// `NOPROTO`: `HELLO` asked for a version other than 2 or 3; the connection keeps its version.
    public static let noProtocol = Self(ErrorWord.noProtocol)
    /// `NOAUTH`: the connection must authenticate first.
    public static let noAuthentication = Self(ErrorWord.noAuthentication)
    /// `WRONGPASS`: the account or the password is wrong.
    public static let wrongPassword = Self(ErrorWord.wrongPassword)
    /// `NOPERM`: the account may not do this, or not with this list or campaign; the text names what is missing.
    public static let noPermission = Self(ErrorWord.noPermission)
    /// `NOACCOUNT`: there is no account of this name.
    public static let noAccount = Self(ErrorWord.noAccount)
    /// `NOLIST`: there is no list of this name.
    public static let noList = Self(ErrorWord.noList)
    /// `NOCAMPAIGN`: there is no campaign of this name.
    public static let noCampaign = Self(ErrorWord.noCampaign)
    /// `NOUPLOAD`: there is no open upload of this id on this connection, or the list was never loaded from one of
    /// this id.
    public static let noUpload = Self(ErrorWord.noUpload)
    /// `NOEXPORT`: there is no export of this id on this connection, or it was read to its end.
    public static let noExport = Self(ErrorWord.noExport)
    /// `NOFEED`: the server keeps no feed.
    public static let noFeed = Self(ErrorWord.noFeed)
    /// `FEEDAHEAD`: the feed has not come to this number.
    public static let feedAhead = Self(ErrorWord.feedAhead)
    /// `NORECIPIENT`: the list has no recipient of this address or URL.
    public static let noRecipient = Self(ErrorWord.noRecipient)
    /// `NODELIVERY`: there is no dead letter of this number.
    public static let noDelivery = Self(ErrorWord.noDelivery)
    /// `NOHOLD`: no code of the campaign is held for the user: never, not any more, or it has gone back.
    public static let noHold = Self(ErrorWord.noHold)
    /// `NOBACKUP`: the server has no directory for backups, so it writes none.
    public static let noBackup = Self(ErrorWord.noBackup)
    /// `GIVEN`: the user's code is given for good, so there is nothing to release.
    public static let given = Self(ErrorWord.given)
    /// `EXISTS`: a list or campaign of this name exists already.
    public static let exists = Self(ErrorWord.exists)
    /// `EXHAUSTED`: the campaign's list has no free code left; the campaign is finished, unless codes are held
    /// that may come back.
    public static let exhausted = Self(ErrorWord.exhausted)
    /// `EXPIRED`: the campaign's list is past its expiry; not even repeats are given.
    public static let expired = Self(ErrorWord.expired)
    /// `FINISHED`: the campaign was stopped by an operator.
    public static let finished = Self(ErrorWord.finished)
    /// `NOTOPEN`: the campaign gives no codes yet: its `START` has not come.
    public static let notOpen = Self(ErrorWord.notOpen)
    /// `CLOSED`: the campaign gives no new codes any more: its `END` has passed, or its list expires too soon.
    public static let campaignClosed = Self(ErrorWord.closed)
    /// `QUOTA`: the campaign has given as many codes as its `QUOTA` allows.
    public static let quota = Self(ErrorWord.quota)
    /// `DAYQUOTA`: the campaign has given as many codes today as its `DAYQUOTA` allows.
    public static let dayQuota = Self(ErrorWord.dayQuota)
    /// `RATE`: the campaign has given as many codes in this second as its `RATE` allows.
    public static let rate = Self(ErrorWord.rate)
    /// `USERLIMIT`: the user has as many codes of the list as its `PERUSER` allows.
    public static let userLimit = Self(ErrorWord.userLimit)
    /// `KEYREUSE`: the key was used in the last 24 hours, with other arguments; nothing was done.
    public static let keyReuse = Self(ErrorWord.keyReuse)
    /// `ACTIVE`: the campaign is active, so there is nothing to resume; or the list is not archived, so there is nothing
    /// to bring back.
    public static let active = Self(ErrorWord.active)
    /// `ARCHIVED`: the list is archived, or the user's code is of a list that was archived or deleted since.
    public static let archived = Self(ErrorWord.archived)
    /// `INUSE`: the list is not past its expiry, codes of it are held, or an active campaign draws from it.
    public static let inUse = Self(ErrorWord.inUse)
    /// `BADLINES`: the upload has bad lines and was refused whole.
    public static let badLines = Self(ErrorWord.badLines)
    /// `BUSY`: another operation of this kind is under way, or a queue is full: the server's, or this
    /// client's, see ``TearoffClient/Options/pendingCommandsMaximum``.
    public static let busy = Self(ErrorWord.busy)
    /// `NOSPACE`: the disk has no room for the upload or the snapshot, or is nearly full, so that no new codes are given;
    /// nothing was changed.
    public static let noSpace = Self(ErrorWord.noSpace)
    /// `DAMAGED`: the file that holds an archived list's codes is missing, or is not what was written.
    public static let damaged = Self(ErrorWord.damaged)
    /// `DISKERR`: a write failed, so it is unknown whether the change is kept; the server stops.
    public static let diskError = Self(ErrorWord.diskError)
    /// `LOADING`: the server is still recovering its data.
    public static let loading = Self(ErrorWord.loading)
    /// `SHUTDOWN`: the server is going down and takes no new commands.
    public static let shutdown = Self(ErrorWord.shutdown)
    /// `LIMIT`: a named limit of the server was reached, such as its number of connections.
    public static let limit = Self(ErrorWord.limit)
    /// `LEDGER`: a list's ledger does not add up; the server stops rather than risk a code twice.
    public static let ledger = Self(ErrorWord.ledger)
}

// MARK: - What the client finds itself

extension TearoffError.Code {
    /// No connection could be made.
    public static let unreachable = Self("unreachable")
    /// No encrypted connection could be made: the server's certificate is not trusted or for another name, the server
    /// does not want this client's, or one of the files is no use. Nothing was sent.
    public static let tls = Self("tls")
    /// The connection ended before the reply came: whether the command was carried out is unknown.
    public static let connectionLost = Self("connection lost")
    /// The reply did not come in time. The connection is closed, since later replies would be late as well.
    public static let timeout = Self("timeout")
    /// The task that waited was cancelled. The command had been sent.
    public static let cancelled = Self("cancelled")
    /// ``TearoffClient/close()`` was called on this side.
    public static let closed = Self("closed")
    /// The server sent what is no reply to the command: it is no Tearoff server, or a much newer one.
    public static let invalidReply = Self("invalid reply")
}

extension TearoffError: CustomStringConvertible {
    /// The code and the message.
    public var description: String { "\(code.name): \(message)" }
}

extension TearoffError {
    /// - Parameter reply: the text of an error reply: a word, a blank, text for a person.
    init(reply: String) {
        let parts = reply.split(separator: " ", maxSplits: 1)
        self.init(Code(parts.first.map(String.init) ?? ""), parts.count > 1 ? String(parts[1]) : "")
    }

    static func lost(_ reason: String) -> Self {
        Self(.connectionLost, "\(reason); it is unknown whether the command was carried out")
    }

    static func invalid(_ what: String) -> Self {
        Self(.invalidReply, "the server's reply makes no sense: \(what)")
    }

    static let taskCancelled = Self(
        .cancelled, "the task was cancelled; it is unknown whether the command was carried out")
}
