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
    case noList = "NOLIST"
    case noCampaign = "NOCAMPAIGN"
    case noUpload = "NOUPLOAD"
    case noExport = "NOEXPORT"
    case noHold = "NOHOLD"
    case given = "GIVEN"
    case exists = "EXISTS"
    case exhausted = "EXHAUSTED"
    case expired = "EXPIRED"
    case finished = "FINISHED"
    case active = "ACTIVE"
    case badLines = "BADLINES"
    case busy = "BUSY"
    case noSpace = "NOSPACE"
    case diskError = "DISKERR"
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
        case .wrongPassword: "The user or the password is wrong."
        case .noList: "There is no list of this name."
        case .noCampaign: "There is no campaign of this name."
        case .noUpload: "There is no open upload of this id on this connection, or the list was never loaded from one of this id."
        case .noExport: "There is no export of this id on this connection, or it was read to its end."
        case .noHold: "No code of the campaign is held for the user: never, not any more, or it has gone back."
        case .given: "The user's code is given for good, so there is nothing to release."
        case .exists: "A list or campaign of this name exists already."
        case .exhausted: "The campaign's list has no free code left; the campaign is finished, unless codes are held that may come back."
        case .expired: "The campaign's list is past its expiry; not even repeats are given."
        case .finished: "The campaign was stopped by an operator."
        case .active: "The campaign is active, so there is nothing to resume."
        case .badLines: "The upload has bad lines and was refused whole."
        case .busy: "Another operation of this kind is under way, the list is being changed, or a queue is full."
        case .noSpace: "The disk has no room for the upload or the snapshot; nothing was changed."
        case .diskError: "A write failed, so it is unknown whether the change is kept; the server stops."
        case .loading: "The server is still recovering its data."
        case .shutdown: "The server is going down and takes no new commands."
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
        case .noAuthentication: "Send `AUTH` or `HELLO 3 AUTH user password`."
        case .wrongPassword: "Correct the credentials."
        case .noList: "Correct the name, or create the list."
        case .noCampaign: "Correct the name, or create the campaign."
        case .noUpload: "Begin the upload again; one does not outlive its connection. `LIST UPLOADS` shows those that a list was loaded from."
        case .noExport: "Begin the export again; one does not outlive its connection."
        case .noHold: "After `CONFIRM`: `HOLD` or `ALLOC` anew. After `RELEASE`: nothing, there is nothing to give back."
        case .given: "Nothing; a code that was given is not taken back."
        case .exists: "Choose another name, or look at the existing one."
        case .exhausted: "Load more codes, then `CAMPAIGN RESUME`."
        case .expired: "Set a later expiry with `LIST SET`, then `CAMPAIGN RESUME`."
        case .finished: "`CAMPAIGN RESUME` if it is to go on."
        case .active: "Nothing."
        case .badLines: "Correct the file, or commit with `SKIPBAD`."
        case .busy: "Try again a little later."
        case .noSpace: "Free or add disk space."
        case .diskError: "Look at the server's log and the disk; after a restart ask again."
        case .loading: "Try again in a second."
        case .shutdown: "Connect again when the server is back."
        case .limit: "Use less of what the text names, or raise the limit in the settings."
        case .ledger: "Keep the data directory as it is and report the error."
        }
    }
}
