import NIOCore
import TearoffAccounts
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol
import TearoffStorage

/// The operator's commands. Changes go to the control plane and are answered from there; look-ups are
/// answered here.
extension Session {
    func runOperator(
        _ command: Command, _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>, _ engine: LoopEngine,
        on connection: ConnectionHandler, _ outbox: inout Outbox
    ) -> SessionOutcome {
        let later = Later(connection, server, outbox.writer.version, origin: origin)
        switch command {
        case .listCreate(let name, let kind, let expires, let warn):
            return createList(name, kind, expires, warn, later, &outbox.writer)
        case .listSetExpires(let name, let expires):
            guard let expiry = readExpiry(expires, &outbox.writer) else { return .answered }
            later.change { control, done in control.setExpiry(list: name, expiresAt: expiry.value, done: done)
            }
        case .campaignCreate(let name, let list, let retrigger, let returns, let edits):
            guard let edits = read(edits, &outbox.writer) else { return .answered }
            let rule = retrigger.map(RetriggerRule.init) ?? .standard
            let returns = returns.map(ReturnRule.init) ?? .standard
            later.change { control, done in
                control.createCampaign(
                    name: name, list: list, rule: rule, returns: returns, edits: edits, done: done)
            }
        case .listSetWarning(let name, let warn):
            later.change { control, done in control.setWarning(list: name, warnAt: warn, done: done) }
        case .listRename(let name, let newName):
            later.change { control, done in control.renameList(name, to: newName, done: done) }
        case .listEdit(let name, let edit):
            later.change { control, done in control.setList(name, edits: [ListEdit(edit)], done: done) }
        case .listWarn(let name, let edit):
            later.change { control, done in control.setWarning(list: name, WarningEdit(edit), done: done) }
        case .recipientAdd, .recipientRemove, .recipientTest, .listRecipients:
            return runRecipients(command, engine, later, &outbox.writer)
        case .listSetFixed(let name, let code, let limit):
            guard isFixedSupply(code, limit, &outbox.writer) else { return .answered }
            later.change { control, done in
                control.setFixed(list: name, code: code, limit: limit, done: done)
            }
        case .campaignSet(let name, let retrigger, let returns, let edits):
            guard let edits = read(edits, &outbox.writer) else { return .answered }
            let (rule, returns) = (retrigger.map(RetriggerRule.init), returns.map(ReturnRule.init))
            later.change { control, done in
                control.setCampaign(name: name, rule: rule, returns: returns, edits: edits, done: done)
            }
        case .campaignFinish(let name):
            later.change { control, done in control.finishCampaign(name: name, done: done) }
        case .campaignResume(let name):
            later.change { control, done in control.resumeCampaign(name: name, done: done) }
        case .snapshot:
            later.control { control in
                control.snapshot { later.reply($0) { writer, receipt in writer.receipt(receipt) } }
            }
        case .backup(let name): return backUp(name, later, &outbox.writer)
        case .listInfo(let name):
            guard let list = list(named: name, engine, &outbox.writer) else { return .answered }
            // A ledger counts what is in flight too, in every lane.
            return report(later, behind: engine.engine.barrier(), engine) { writer in
                writer.lists([list], of: engine, asArray: false)
            }
        case .listUploads(let name, let from, let count):
            guard let list = list(named: name, engine, &outbox.writer) else { return .answered }
            return report(later, behind: engine.engine.barrier(), engine) { writer in
                writer.uploads(
                    list.uploads(from: from, count: Int(count)), in: list, of: engine.engine, seenBy: sight)
            }
        case .listUndo(let name, let upload):
            let (engine, sight) = (engine.engine, sight)
            later.control { control in
                control.withdrawUpload(upload, of: name) { result in
                    switch result {
                    case .success(let found):
                        later.report(behind: engine.barrier(), engine) { writer in
                            writer.uploads([found.upload], in: found.list, of: engine, seenBy: sight)
                        }
                    case .failure(let error): later.refuse(error)
                    }
                }
            }
        case .listArchive(let name):
            later.changeAndTrim { control, done in control.archive(list: name, done: done) }
        case .listReturn(let name): return bringBack(name, later, &outbox.writer)
        case .listDelete(let name):
            later.changeAndTrim { control, done in control.delete(list: name, done: done) }
        case .listAll:
            let lists = engine.catalog.presentLists.filter(sight.sees)
            return report(later, behind: engine.engine.barrier(), engine) { writer in
                writer.lists(lists, of: engine, asArray: true)
            }
        case .campaignInfo(let name):
            guard let campaign = engine.catalog.campaign(named: name) else {
                outbox.writer.error(.noCampaign, "no campaign '\(name)'")
                return .answered
            }
            outbox.writer.campaign(campaign, in: engine.catalog)
            return .answered
        case .campaignAll:
            let campaigns = engine.catalog.presentCampaigns.filter { sight.sees($0, in: engine.catalog) }
            outbox.writer.array(campaigns.count)
            for campaign in campaigns { outbox.writer.campaign(campaign, in: engine.catalog) }
            return .answered
        case .listImport, .listLoadBegin, .listLoadChunk, .listLoadCommit, .listLoadAbort, .listLoadErrors:
            return runUpload(command, decoder, bytes, engine, later, &outbox.writer)
        case .exportBegin, .exportRead, .exportEnd:
            return runExport(command, engine, on: connection, later, &outbox.writer)
        case .auditRead, .auditCheck: return runAudit(command, later, &outbox.writer)
        case .feedRead, .feedInfo: return runFeed(command, engine.engine, later, &outbox.writer)
        case .deliveryInfo, .deliveryList, .deliveryRetry:
            return runDeliveries(command, engine.engine, later, &outbox.writer)
        case .accountCreate, .accountSet, .accountDelete, .accountList, .accountShow:
            return runAccounts(command, engine, later, &outbox.writer)
        default:
            return loadingOrUnknown(&outbox.writer)
        }
        return .later
    }

    /// - Returns: nil when an error was written.
    func list(named name: String, _ engine: LoopEngine, _ writer: inout ReplyWriter) -> List? {
        let list = engine.catalog.list(named: name)
        if list == nil { writer.error(CatalogError.noList(name)) }
        return list
    }

    /// Every other command was answered before; a new one that is not must not look like a success.
    private func loadingOrUnknown(_ writer: inout ReplyWriter) -> SessionOutcome {
        writer.error(.unknownCommand, "this command is not served")
        return .answered
    }

    private func backUp(_ name: String, _ later: Later, _ writer: inout ReplyWriter) -> SessionOutcome {
        guard let backups = server.backups else {
            writer.error(.notAllowed)
            return .answered
        }
        later.control { control in
            control.backup(
                name, to: { () throws(BackupError) in try backups.place(for: name) },
                version: ServerState.version
            ) { later.reply($0) { writer, receipt in writer.receipt(receipt, name: name) } }
        }
        return .later
    }

    private func bringBack(_ name: String, _ later: Later, _ writer: inout ReplyWriter) -> SessionOutcome {
        guard let desk = server.uploads else {
            writer.error(.loading, "the server is not ready")
            return .answered
        }
        desk.bringBack(name, by: origin) { later.reply($0) { writer, _ in writer.ok() } }
        return .later
    }

    private func createList(
        _ name: String, _ kind: ListKindArgument, _ expires: String?, _ warn: UInt64?, _ later: Later,
        _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        var expiry: Timestamp?
        if let expires {
            guard let read = readExpiry(expires, &writer) else { return .answered }
            expiry = read.value
        }
        let listKind: List.Kind
        switch kind {
        case .unique: listKind = .unique
        case .fixed(let code, let limit):
            guard isFixedSupply(code, limit, &writer) else { return .answered }
            listKind = .fixed(code: code, limit: limit)
        }
        let expiresAt = expiry
        later.change { control, done in
            control.createList(name: name, kind: listKind, expiresAt: expiresAt, warnAt: warn, done: done)
        }
        return .later
    }

    /// - Returns: nil when an error was written.
    private func read(_ edits: [CampaignEditArgument], _ writer: inout ReplyWriter) -> [CampaignEdit]? {
        var read: [CampaignEdit] = []
        for edit in edits {
            switch edit {
            case .test(let text):
                if let text, CodeLine(text.span) != .code {
                    writer.error(.syntax, "the text must have no white space, comma or control character")
                    return nil
                }
                read.append(.sample(text))
            case .quota(let count): read.append(.quota(count))
            case .quotaPerDay(let count): read.append(.quotaPerDay(count))
            case .rate(let count): read.append(.ratePerSecond(count))
            case .start(let date):
                guard let time = readDate(date, server.dates.readBeginning, &writer) else { return nil }
                read.append(.opensAt(time.value))
            case .end(let date):
                guard let time = readExpiry(date, &writer) else { return nil }
                read.append(.closesAt(time.value))
            case .validity(let days): read.append(.validityDays(days))
            case .overflow(let names): read.append(.overflow(names))
            }
        }
        return read
    }

    /// Whether a fixed list may have this code and limit. - Returns: false when an error was written.
    private func isFixedSupply(_ code: [UInt8]?, _ limit: UInt32?, _ writer: inout ReplyWriter) -> Bool {
        if let code, CodeLine(code.span) != .code {
            writer.error(.syntax, "the code must have no white space, comma or control character")
            return false
        }
        if let limit, limit > Limits.fixedLimit {
            writer.error(.syntax, "the limit must be at most \(Limits.fixedLimit)")
            return false
        }
        return true
    }

    /// - Returns: nil when an error was written; nil inside for "never".
    func readExpiry(_ text: String?, _ writer: inout ReplyWriter) -> (value: Timestamp?, Void)? {
        readDate(text, server.dates.read, &writer)
    }

    private func readDate(
        _ text: String?, _ read: (String) -> Timestamp?, _ writer: inout ReplyWriter
    ) -> (value: Timestamp?, Void)? {
        guard let text else { return (nil, ()) }
        guard let time = read(text) else {
            writer.error(.syntax, "the date must be \(DateReader.forms)")
            return nil
        }
        return (time, ())
    }
}

// MARK: - Look-ups

extension Session {
    /// What whoever is logged in sees of codes, lists and campaigns.
    var sight: Sight { identity?.sight ?? .none }

    /// See ``Later/report(behind:_:_:)``.
    func report(
        _ later: Later, behind frames: @autoclosure () -> [LaneFrame], _ engine: LoopEngine,
        _ write: (inout ReplyWriter) -> Void
    ) -> SessionOutcome {
        later.report(behind: frames(), engine.engine, write)
        return .later
    }

    /// - Parameter user: empty for any user to whom the campaign has given nothing.
    func preview(
        _ campaign: Span<UInt8>, _ user: Span<UInt8>, _ engine: LoopEngine, _ outbox: inout Outbox
    ) -> SessionOutcome {
        guard let terms = terms(ofCampaign: campaign, engine, &outbox) else { return .answered }
        switch engine.preview(user, terms: terms) {
        case .told(let preview):
            if preview.frame != .none { outbox.hold(from: outbox.count, until: preview.frame) }
            outbox.writer.preview(preview, terms, of: engine, seenBy: sight)
            return .answered
        // As the `ALLOC` would be, and then the answer is that of then.
        case .parked(let frame): return .again(.parked(frame))
        }
    }

    func history(
        of user: Span<UInt8>, _ engine: LoopEngine, on connection: ConnectionHandler, _ outbox: inout Outbox
    ) -> SessionOutcome {
        let sight = sight
        engine.lookUp(historyOf: user, in: &connection.loop.history)
        if let reach = sight.reach { engine.limit(&connection.loop.history, to: reach) }
        let lookUp = connection.loop.history
        let archived = engine.archivedCodes(in: lookUp)
        if !archived.isEmpty {
            return history(lookUp, textsOf: archived, engine, on: connection, &outbox.writer)
        }
        return tell(lookUp, engine, on: connection, &outbox) { $0.history(lookUp, of: engine, seenBy: sight) }
    }

    func find(
        _ code: Span<UInt8>, _ engine: LoopEngine, on connection: ConnectionHandler, _ outbox: inout Outbox
    ) -> SessionOutcome {
        guard sight.showsCodes || server.mayFind(identity?.name ?? "") else {
            outbox.writer.error(
                .limit,
                "without the role 'reveal' an account may look for \(FindPace.findsPerMinuteMaximum) codes a minute")
            return .answered
        }
        let archived = engine.archivedUploads
        if !archived.isEmpty { return find(code.copy, in: archived, on: connection, &outbox.writer) }
        engine.lookUp(code: code, in: &connection.loop.places)
        if let reach = sight.reach { engine.limit(&connection.loop.places, to: reach) }
        let lookUp = connection.loop.places
        return tell(lookUp, engine, on: connection, &outbox) { $0.places(lookUp, of: engine) }
    }

    /// Answers at once, and has the reply held with those to `ALLOC`s when it rests on a row in flight in the own
    /// lane. Only what rests on rows in flight in other lanes is kept aside until those are durable.
    private func tell<Found>(
        _ lookUp: LookUp<Found>, _ engine: LoopEngine, on connection: ConnectionHandler,
        _ outbox: inout Outbox, _ write: (inout ReplyWriter) -> Void
    ) -> SessionOutcome {
        guard lookUp.otherFrames.isEmpty, lookUp.probes <= ServerLimits.lookUpProbes else {
            let later = Later(connection, server, outbox.writer.version, origin: origin)
            return report(later, behind: lookUp.frames(ofLoop: engine.index), engine, write)
        }
        if lookUp.ownFrame != .none { outbox.hold(from: outbox.count, until: lookUp.ownFrame) }
        write(&outbox.writer)
        return .answered
    }
}

// MARK: - Uploads

extension Session {
    fileprivate func runUpload(
        _ command: Command, _ decoder: borrowing CommandDecoder, _ bytes: Span<UInt8>, _ engine: LoopEngine,
        _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = server.uploads else {
            writer.error(.loading, "the server is not ready")
            return .answered
        }
        switch command {
        case .listLoadBegin(let list, let filename):
            return answer(desk.begin(list: list, fileName: filename ?? ""), &writer)
        case .listImport(let list, let filename):
            return answer(desk.begin(list: list, fileName: filename ?? "", isImport: true), &writer)
        case .listLoadChunk(let list, let id, let chunk):
            guard owns(id, &writer) else { return .answered }
            desk.chunk(id, list: list, bytes: bytes.extracting(decoder.argument(chunk)).copy) {
                later.reply($0) { writer, received in writer.integer(Int64(received)) }
            }
            return .later
        case .listLoadCommit(let list, let id, let skipBad, let dryRun, let replaces):
            guard owns(id, &writer) else { return .answered }
            desk.commit(
                CommitOrder(
                    id: id, list: list, skipBad: skipBad, dryRun: dryRun, replaces: replaces, origin: origin)
            ) {
                later.reply($0) { writer, outcome in writer.upload(outcome) }
            }
            return .later
        case .listLoadAbort(let list, let id):
            guard owns(id, &writer) else { return .answered }
            uploads.remove(id)
            switch desk.abort(id, list: list) {
            case .success: writer.ok()
            case .failure(let error): writer.error(error)
            }
            return .answered
        case .listLoadErrors(let list, let id, let from, let count):
            guard owns(id, &writer) else { return .answered }
            switch desk.badLines(id, list: list, from: from, count: count) {
            case .success(let lines): writer.badLines(lines, in: engine.catalog, seenBy: sight)
            case .failure(let error): writer.error(error)
            }
            return .answered
        default: preconditionFailure("not a command of uploads")
        }
    }

    private func answer(_ begun: Result<UInt64, ControlError>, _ writer: inout ReplyWriter) -> SessionOutcome {
        switch begun {
        case .success(let id):
            uploads.insert(id)
            writer.integer(Int64(id))
        case .failure(let error): writer.error(error)
        }
        return .answered
    }

    /// Another connection's upload is none of this one's business.
    private func owns(_ id: UInt64, _ writer: inout ReplyWriter) -> Bool {
        if uploads.contains(id) { return true }
        writer.error(.noUpload, "no upload \(id) of this list on this connection")
        return false
    }
}

extension BackupShelf {
    fileprivate func place(for name: String) throws(BackupError) -> any BlobStore {
        do throws(Refusal) {
            return try make(name)
        } catch {
            switch error {
            case .exists: throw .exists(name)
            case .missing: throw .noDirectory
            case .storage(let error): throw .cutShort(name, error)
            }
        }
    }
}

extension ReturnRule {
    fileprivate init(_ argument: ReturnsArgument) {
        switch argument {
        case .quarantine: self = .quarantine
        case .reuse: self = .reuse
        }
    }
}

extension ListEdit {
    fileprivate init(_ argument: ListEditArgument) {
        switch argument {
        case .perUser(let count): self = .codesPerUser(count)
        case .otherLists(let refuses): self = .refusesCodesOfOthers(refuses)
        case .stopDays(let days): self = .daysKeptBeforeExpiry(days)
        }
    }
}

extension WarningEdit {
    fileprivate init(_ argument: WarningArgument) {
        switch argument {
        case .percent(let percent): self = .percent(percent)
        case .hours(let hours): self = .hoursLeft(hours)
        case .days(let days): self = .expiryDays(days)
        }
    }
}

extension RetriggerRule {
    fileprivate init(_ argument: RetriggerArgument) {
        switch argument {
        case .window(let milliseconds): self = .window(milliseconds: milliseconds)
        case .once: self = .once
        case .always: self = .always
        case .untilExpiry: self = .untilExpiry
        }
    }
}
