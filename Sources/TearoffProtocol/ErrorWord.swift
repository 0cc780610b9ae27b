/// The first word of every error reply. Stable: clients branch on it, and the text behind it may change.
///
/// docs/PROTOCOL.md holds ``meaning`` and ``whatToDo`` of each, and a test compares.
package enum ErrorWord: String, CaseIterable, Sendable {
    /// No such command; the word that Redis clients look for.
    case unknownCommand = "ERR"
    case syntax = "SYNTAX"
    case protocolViolation = "PROTOCOL"
    case noProtocol = "NOPROTO"
    case noAuthentication = "NOAUTH"
    case wrongPassword = "WRONGPASS"
    case noPermission = "NOPERM"
    case noAccount = "NOACCOUNT"
    case noList = "NOLIST"
    case noCampaign = "NOCAMPAIGN"
    case noUpload = "NOUPLOAD"
    case noExport = "NOEXPORT"
    case noFeed = "NOFEED"
    case feedAhead = "FEEDAHEAD"
    case noRecipient = "NORECIPIENT"
    case noDelivery = "NODELIVERY"
    case noHold = "NOHOLD"
    case noBackup = "NOBACKUP"
    case given = "GIVEN"
    case exists = "EXISTS"
    case exhausted = "EXHAUSTED"
    case expired = "EXPIRED"
    case finished = "FINISHED"
    case notOpen = "NOTOPEN"
    case closed = "CLOSED"
    case quota = "QUOTA"
    case dayQuota = "DAYQUOTA"
    case rate = "RATE"
    case userLimit = "USERLIMIT"
    case keyReuse = "KEYREUSE"
    case active = "ACTIVE"
    case archived = "ARCHIVED"
    case inUse = "INUSE"
    case badLines = "BADLINES"
    case busy = "BUSY"
    case noSpace = "NOSPACE"
    case diskError = "DISKERR"
    case damaged = "DAMAGED"
    case loading = "LOADING"
    case shutdown = "SHUTDOWN"
    case limit = "LIMIT"
    case ledger = "LEDGER"

    /// What has happened, in one sentence.
    package var meaning: String {
        switch self {
        case .unknownCommand: "There is no such command or subcommand."
        case .syntax: "The command exists, but its arguments are wrong; nothing was done."
        case .protocolViolation: "The input is not RESP or passes a limit; the connection is closed."
        case .noProtocol: "`HELLO` asked for a version other than 2 or 3; the connection keeps its version."
        case .noAuthentication: "The connection must authenticate first."
        case .wrongPassword: "The account or the password is wrong."
        case .noPermission:
            "The account may not do this, or not with this list or campaign; the text names what is missing. Nothing was done."
        case .noAccount: "There is no account of this name."
        case .noList: "There is no list of this name."
        case .noCampaign: "There is no campaign of this name."
        case .noUpload:
            "There is no open upload of this id on this connection, or the list was never loaded from one of this id."
        case .noExport: "There is no export of this id on this connection, or it was read to its end."
        case .noFeed: "The server keeps no feed, since `--feed-mib` or `--feed-hours` is 0."
        case .feedAhead:
            "The feed has not come to this number: it was read of another server, or of a later state of this one."
        case .noRecipient: "The list has no recipient of this address or URL."
        case .noDelivery: "There is no dead letter of this number."
        case .noHold: "No code of the campaign is held for the user: never, not any more, or it has gone back."
        case .noBackup: "The server has no directory for backups, so it writes none."
        case .given: "The user's code is given for good, so there is nothing to release."
        case .exists: "A list, campaign or backup of this name, or a recipient of this address, exists already."
        case .exhausted:
            "The campaign's list has no free code left; the campaign is finished, unless codes are held that may come back."
        case .expired: "The campaign's list is past its expiry; not even repeats are given."
        case .finished: "The campaign was stopped by an operator."
        case .notOpen: "The campaign gives no codes yet: its `START` has not come."
        case .closed: "The campaign gives no new codes any more: its `END` has passed, or its list expires too soon."
        case .quota: "The campaign has given as many codes as its `QUOTA` allows."
        case .dayQuota: "The campaign has given as many codes today as its `DAYQUOTA` allows."
        case .rate: "The campaign has given as many codes in this second as its `RATE` allows."
        case .userLimit:
            "The user has as many codes of the list as its `PERUSER` allows, or was given more in its campaigns than are "
                + "counted."
        case .keyReuse: "The key was used in the last 24 hours, with other arguments; nothing was done."
        case .active:
            "The campaign is active, so there is nothing to resume; or the list is not archived, so there is nothing to bring back."
        case .archived:
            "The list is archived, or the user's code is of a list that was archived or deleted since: it gives nothing."
        case .inUse:
            "The list is not past its expiry, codes of it are held, or an active campaign draws from it; nothing was changed."
        case .badLines: "The upload has bad lines and was refused whole."
        case .busy: "Another operation of this kind is under way, the list is being changed, or a queue is full."
        case .noSpace:
            "The disk has no room for the upload, the snapshot or the backup, or, with less free than "
                + "`--minimum-free-mib`, for new codes; nothing was changed."
        case .diskError: "A write failed, so it is unknown whether the change is kept; the server stops."
        case .damaged:
            "The file that holds an archived list's codes is missing, or is not what was written; nothing was changed."
        case .loading: "The server is still recovering its data."
        case .shutdown:
            "The server is going down: it takes no new commands, and whether one under way was done is seen when it is back."
        case .limit: "A named limit of the server was reached, such as its number of connections."
        case .ledger: "A list's ledger does not add up; the server stops rather than risk a code twice."
        }
    }

    /// What the caller does about it, in one sentence.
    package var whatToDo: String {
        switch self {
        case .unknownCommand: "Correct the name; `COMMAND LIST` shows all."
        case .syntax: "Correct the arguments; the reply shows the syntax or names the wrong one."
        case .protocolViolation: "Correct the client, then connect again."
        case .noProtocol: "Ask for version 2 or 3."
        case .noAuthentication: "Send `AUTH` or `HELLO 3 AUTH account password`."
        case .wrongPassword: "Correct the credentials."
        case .noPermission: "Ask an administrator for the role (`ACCOUNT SET`), or use an account that has it."
        case .noAccount: "Look at `ACCOUNT LIST`."
        case .noList: "Correct the name, or create the list."
        case .noCampaign: "Correct the name, or create the campaign."
        case .noUpload:
            "Begin the upload again; one does not outlive its connection. `LIST UPLOADS` shows those that a list was loaded from."
        case .noExport: "Begin the export again; one does not outlive its connection."
        case .noFeed: "Start the server with both above 0."
        case .feedAhead: "Look at `FEED INFO`, and decide where to go on."
        case .noRecipient: "Look at `LIST RECIPIENTS`."
        case .noDelivery: "Look at `DELIVERY LIST`; a delivery that is open is tried by itself."
        case .noHold:
            "After `CONFIRM`: `HOLD` or `ALLOC` anew. After `RELEASE`: nothing, there is nothing to give back."
        case .noBackup: "Start it with `--backup-directory`, and mount that directory."
        case .given: "Nothing; a code that was given is not taken back."
        case .exists: "Choose another name, or look at the existing one."
        case .exhausted: "Load more codes, then `CAMPAIGN RESUME`."
        case .expired: "Set a later expiry with `LIST SET`, then `CAMPAIGN RESUME`."
        case .finished: "`CAMPAIGN RESUME` if it is to go on."
        case .notOpen: "Ask again from then on, or set an earlier `START` with `CAMPAIGN SET`."
        case .closed: "Set a later `END` or expiry, or another `STOP`, then `CAMPAIGN RESUME`."
        case .quota: "Set a higher one with `CAMPAIGN SET`."
        case .dayQuota: "Ask again tomorrow (a day of the server's zone), or set a higher one with `CAMPAIGN SET`."
        case .rate: "Ask again in a second."
        case .userLimit: "Nothing, or set a higher one with `LIST SET`."
        case .keyReuse: "Send the arguments that the key was used with, or a key of its own for each request."
        case .active: "Nothing."
        case .archived: "`LIST RETURN`, then ask again."
        case .inUse: "Do what the text names first: wait for the expiry or the holds, or `CAMPAIGN FINISH`."
        case .badLines: "Correct the file, or commit with `SKIPBAD`."
        case .busy: "Try again a little later."
        case .noSpace: "Free or add disk space."
        case .diskError: "Look at the server's log and the disk; after a restart ask again."
        case .damaged: "Look at `tearoffctl verify`, and bring the file back from a backup; then ask again."
        case .loading: "Try again in a second."
        case .shutdown: "Connect again when the server is back."
        case .limit: "Use less of what the text names, or raise the limit in the settings."
        case .ledger: "Keep the data directory as it is and report the error."
        }
    }
}
