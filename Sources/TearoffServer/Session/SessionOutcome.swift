import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// What became of one command.
enum SessionOutcome {
    /// Its reply is in the outbox.
    case answered
    /// Its reply comes through ``ConnectionHandler/answer(_:)``.
    case later
    /// Nothing was done; to be run again when that is over.
    case again(CommandStream.Stall)
    /// Its reply is in the outbox; then the connection is closed.
    case close
    case closeSilently
}

extension EngineFailure {
    var word: ErrorWord {
        switch self {
        case .log: .diskError
        case .ledger, .apply: .ledger
        }
    }

    /// For a client: what it may believe.
    var message: String {
        switch self {
        case .log: "a write failed: it is unknown whether this change is kept; the server stops"
        case .ledger(let list, _): "the ledger of list \(list) does not add up; the server stops"
        case .apply: "a record contradicts the state; the server stops"
        }
    }
}

extension AllocationRefusal {
    /// How `ALLOC` is answered, and all that `ALLOCMANY` tells.
    var word: ErrorWord {
        switch self {
        case .listExpired, .finished(.expired): .expired
        case .poolEmpty, .finished(.exhausted): .exhausted
        case .finished(.stopped): .finished
        case .finished(.closed): .closed
        case .notOpen: .notOpen
        case .quotaReached: .quota
        case .dayQuotaReached: .dayQuota
        case .rateReached: .rate
        case .userLimitReached: .userLimit
        case .listFrozen: .busy
        case .diskFull: .noSpace
        case .codeAway: .archived
        case .shardFull: .limit
        }
    }

    /// The text behind the word.
    func message(campaign: String) -> String {
        switch self {
        case .listExpired, .finished(.expired): "the list of campaign '\(campaign)' is past its expiry"
        case .poolEmpty, .finished(.exhausted): "campaign '\(campaign)' has no code left"
        case .finished(.stopped): "campaign '\(campaign)' was stopped"
        case .finished(.closed): "campaign '\(campaign)' gives no new codes any more"
        case .notOpen: "campaign '\(campaign)' gives no codes yet"
        case .quotaReached: "campaign '\(campaign)' has given its quota"
        case .dayQuotaReached: "campaign '\(campaign)' has given its quota of today"
        case .rateReached: "campaign '\(campaign)' has given its codes of this second"
        case .userLimitReached: "the user has as many codes of this list as one may have"
        case .listFrozen: "the list of campaign '\(campaign)' is being changed; try again in a moment"
        case .diskFull: "the server's disk is nearly full: no new codes are given until it has room"
        case .codeAway:
            "the code that the user has of campaign '\(campaign)' is of a list that was archived or deleted since"
        case .shardFull: "this server holds as many allocations as it can"
        }
    }
}

extension ReplyWriter {
    mutating func error(_ error: CatalogError) {
        switch error {
        case .noList(let name): self.error(.noList, "no list '\(name)'")
        case .noCampaign(let name): self.error(.noCampaign, "no campaign '\(name)'")
        case .noUpload(let id, let list): self.error(.noUpload, "list '\(list)' has no upload \(id)")
        case .uploadIsImport(let id, let list):
            self.error(
                .syntax,
                "upload \(id) of list '\(list)' is an import: another system gave its codes, so none is free to "
                    + "withdraw")
        case .listExists(let name): self.error(.exists, "list '\(name)' exists already")
        case .campaignExists(let name): self.error(.exists, "campaign '\(name)' exists already")
        case .recipientExists(let address, let list):
            self.error(.exists, "'\(address)' is a recipient of list '\(list)' already")
        case .noRecipient(let address, let list):
            self.error(.noRecipient, "list '\(list)' has no recipient '\(address)'")
        case .listIsFixed(let name):
            self.error(.syntax, "list '\(name)' has one fixed code and no uploads")
        case .listIsUnique(let name):
            self.error(.syntax, "list '\(name)' has uploads; a code and a limit are what a fixed list has")
        case .limitBelowTaken(let name, let taken):
            self.error(
                .syntax,
                "\(taken) of list '\(name)' are taken already (given, held or burned), so the limit must be "
                    + "\(taken) or more; nothing was changed")
        case .expiryInThePast: self.error(.syntax, "the expiry is in the past")
        case .alreadyFinished(let name): self.error(.finished, "campaign '\(name)' is finished already")
        case .alreadyActive(let name): self.error(.active, "campaign '\(name)' is active")
        case .listExpired(let name):
            self.error(.expired, "list '\(name)' is past its expiry; set a later one with LIST SET first")
        case .listNotExpired(let name):
            self.error(
                .inUse,
                "list '\(name)' is not past its expiry; only an expired list can be archived. Set an earlier "
                    + "expiry with LIST SET first")
        case .listArchived(let name):
            self.error(.archived, "list '\(name)' is archived; bring it back with LIST RETURN first")
        case .listNotArchived(let name):
            self.error(.active, "list '\(name)' is not archived, so there is nothing to bring back")
        case .listHeld(let name):
            self.error(
                .inUse,
                "codes of list '\(name)' are held, or on their way back; confirm or release them, or wait until "
                    + "their time is over")
        case .listInUse(let name, let campaign):
            self.error(
                .inUse, "campaign '\(campaign)' is active and draws from list '\(name)'; CAMPAIGN FINISH it first")
        case .campaignClosed(let name):
            self.error(.closed, "the time of campaign '\(name)' is over")
        case .overflowTwice(let name):
            self.error(.syntax, "list '\(name)' stands twice among those that the campaign draws from")
        case .accountExists(let name): self.error(.exists, "account '\(name)' exists already")
        case .noAccount(let name): self.error(.noAccount, "no account '\(name)'")
        case .accountReserved(let name):
            self.error(.exists, "'\(name)' is a name that the server itself goes by; choose another one")
        case .noAdministrator(let name):
            self.error(
                .inUse,
                "without the role admin for account '\(name)' nobody could change accounts any more; give another "
                    + "one the role first. Nothing was changed")
        case .listExhausted(let name):
            self.error(.exhausted, "list '\(name)' has no free code; load more codes first")
        case .tooMany(let what, let maximum): self.error(.limit, "no more than \(maximum) \(what)")
        }
    }

    mutating func error(_ error: ControlError) {
        switch error {
        case .catalog(let error): self.error(error)
        case .upload(let error): self.error(error)
        case .export(.noExport(let id)): self.error(.noExport, "no export \(id) on this connection")
        case .export(.tooManyExports(let maximum)):
            self.error(.busy, "\(maximum) exports are under way; try again later")
        case .feed(.notReady): self.error(.loading, "the feed is being read")
        case .feed(.ahead(let next)): self.error(.feedAhead, "the next event has number \(next)")
        case .feed(.tooManyReaders(let maximum)):
            self.error(.busy, "\(maximum) readers of the feed wait; try again later")
        case .storage(let error):
            self.error(error.isOutOfSpace ? .noSpace : .diskError, "nothing was changed: \(error)")
        case .unreadableCodes(let error):
            self.error(
                .damaged, "\(error.file): \(error.problem). The list stays archived, and nothing was changed")
        case .backup(let error): self.error(error)
        case .busy: self.error(.busy, "another operation of this kind is under way; try again")
        case .failed:
            self.error(.diskError, "the server has failed and stops; it is unknown whether this is kept")
        }
    }

    mutating func error(_ error: BackupError) {
        switch error {
        case .notAllowed:
            self.error(
                .noBackup, "the server was started without --backup-directory, so it writes no backups")
        case .noDirectory:
            self.error(
                .noBackup,
                "the directory for backups does not exist; nothing was written. Is its disk mounted?")
        case .exists(let name):
            self.error(.exists, "there is a '\(name)' among the backups already; nothing was written")
        case .cutShort(let name, let error):
            self.error(
                error.isOutOfSpace ? .noSpace : .diskError,
                "'\(name)' is no backup: \(error). Remove what is there of it and back up again; nothing else was "
                    + "changed")
        }
    }

    private mutating func error(_ error: UploadError) {
        switch error {
        case .noUpload(let id): self.error(.noUpload, "no upload \(id) of this list on this connection")
        case .tooManyUploads(let maximum):
            self.error(.busy, "\(maximum) uploads are under way; try again later")
        case .tooManyBadLines(let line):
            self.error(
                .badLines,
                "more than \(Limits.badLines) bad lines up to line \(line); the upload was thrown away")
        case .tooManyCodes(let line):
            self.error(
                .limit,
                "more than \(Limits.uploadCodes - 1) codes at line \(line); the upload was thrown away")
        case .tooManyRows(let line):
            self.error(
                .limit,
                "more than \(Limits.importRows) rows at line \(line); nothing of the file was kept. Send it in several")
        case .importReplaces: self.error(.syntax, "an import takes the place of nothing: COMMIT it without REPLACE")
        case .shardFull:
            self.error(
                .limit,
                "the server has as many allocations as it can hold; a part of the import is there, and its other codes "
                    + "are burned")
        case .closed: self.error(.noUpload, "the upload is over: it was committed or tried already")
        }
    }

    mutating func error(_ refusal: AllocationRefusal, campaign: String) {
        error(refusal.word, refusal.message(campaign: campaign))
    }

    mutating func bulk(_ time: Timestamp) { time.withISO8601 { bulk($0) } }

    mutating func bulkOrNull(_ time: Timestamp?) {
        if let time { bulk(time) } else { null() }
    }
}
