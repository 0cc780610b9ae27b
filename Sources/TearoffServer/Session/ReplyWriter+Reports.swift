import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// The maps that look-ups answer with: `docs/PROTOCOL.md` lists their keys.
extension ReplyWriter {
    mutating func pair(_ name: StaticString, _ value: String?) {
        key(name)
        bulkOrNull(value)
    }

    /// - Parameter text: null when it is empty.
    mutating func pair(_ name: StaticString, text: Span<UInt8>) {
        key(name)
        if text.isEmpty { null() } else { bulk(text) }
    }

    mutating func pair(_ name: StaticString, _ value: UInt64) {
        key(name)
        integer(Int64(value))
    }

    mutating func pair(_ name: StaticString, optional value: UInt64?) {
        key(name)
        if let value { integer(Int64(value)) } else { null() }
    }

    mutating func pair(_ name: StaticString, _ value: Bool) {
        key(name)
        boolean(value)
    }

    mutating func pair(_ name: StaticString, _ value: Timestamp?) {
        key(name)
        bulkOrNull(value)
    }

    /// A code where somebody looks: the only way that one is told there.
    mutating func code(_ code: Span<UInt8>, seenBy sight: Sight) {
        if sight.showsCodes { bulk(code) } else { bulk(MaskedCode.bytes(code).span) }
    }

    private mutating func pair(_ name: StaticString, _ code: CodeID?, of engine: LoopEngine, seenBy sight: Sight) {
        key(name)
        guard let code else { return null() }
        let codes = engine.upload(code.upload).codes
        if codes.isAway { null() } else { codes.withCode(at: code.ordinal) { self.code($0, seenBy: sight) } }
    }

    mutating func pair(_ name: StaticString, _ value: UploadID?) {
        key(name)
        if let value { integer(Int64(value.rawValue)) } else { null() }
    }

    mutating func lists(_ lists: [List], of engine: LoopEngine, asArray: Bool) {
        if asArray { array(lists.count) }
        for (list, ledger) in engine.engine.checkedLedgers(of: lists) { self.list(list, ledger, engine) }
    }

    private mutating func list(_ list: List, _ ledger: Ledger, _ engine: LoopEngine) {
        map(22)
        pair("name", list.name)
        pair("kind", list.kind == .unique ? "unique" : "fixed")
        pair("uploaded", ledger.uploaded)
        pair("free", ledger.free)
        pair("held", ledger.held)
        pair("given", ledger.given)
        pair("withdrawn", ledger.withdrawn)
        pair("burned", ledger.burned)
        pair("expires-at", list.expiresAt)
        pair("expired", list.isExpired(at: engine.now))
        pair("archived-at", list.archivedAt)
        pair("warn-at", optional: list.warnAt)
        pair("low", list.warnAt.map { ledger.free <= $0 } ?? false)
        pair("warn-percent", optional: list.warnings.percent.map(UInt64.init))
        pair("warn-hours", optional: list.warnings.hoursLeft.map(UInt64.init))
        pair("warn-days", (list.warnings.expiryDays ?? FeedLimits.expiryDays).map(String.init).joined(separator: ","))
        pair("recipients", UInt64(list.recipients.count))
        pair("stop-days", optional: list.settings.daysKeptBeforeExpiry.map(UInt64.init))
        pair("per-user", optional: list.settings.codesPerUser.map(UInt64.init))
        pair("other-lists", list.settings.otherListsText)
        pair("uploads", UInt64(list.kind == .unique ? list.uploads.count : 0))
        pair("campaigns", UInt64(engine.catalog.campaigns(of: list.id).count))
    }

    mutating func uploads(
        _ uploads: ArraySlice<UploadReceipt>, in list: List, of engine: Engine, seenBy sight: Sight
    ) {
        array(uploads.count)
        let ledgers = engine.checkedLedgers(of: uploads, in: list)
        for (upload, ledger) in zip(uploads, ledgers) {
            map(17 + upload.faults.count)
            pair("upload", UInt64(upload.id.rawValue))
            pair("file", upload.fileName.isEmpty ? nil : upload.fileName)
            // Of a file with few codes it tells whether a guess is right.
            pair("hash", sight.showsCodes ? upload.fileHash?.description : nil)
            pair("codes", ledger.uploaded)
            pair("free", ledger.free)
            pair("held", ledger.held)
            pair("given", ledger.given)
            pair("withdrawn", ledger.withdrawn)
            pair("burned", ledger.burned)
            pair("committed-at", upload.committedAt)
            pair("withdrawn-at", upload.withdrawnAt)
            pair("imported", upload.isImport)
            report(of: upload)
        }
    }

    private mutating func report(of upload: UploadReceipt) {
        let (origin, lines) = (upload.report?.origin, upload.report?.lines)
        pair("user", origin?.user)
        pair("client", text: (origin?.client ?? "").utf8Span.span)
        pair("address", text: (origin?.address ?? "").utf8Span.span)
        pair("blank", optional: lines?.blank)
        pair("bad", optional: lines?.bad)
        for fault in upload.faults { pair(fault.name, optional: lines?[fault]) }
    }

    mutating func campaign(_ campaign: Campaign, in catalog: Catalog) {
        let settings = campaign.settings
        map(16)
        pair("name", campaign.name)
        pair("list", catalog[campaign.list].name)
        pair("retrigger", campaign.rule.text)
        pair("returns", campaign.returns.text)
        switch campaign.state {
        case .active:
            pair("state", "active")
            pair("reason", String?.none)
            pair("finished-at", Timestamp?.none)
        case .finished(let reason, let at):
            pair("state", "finished")
            pair("reason", reason.text)
            pair("finished-at", at)
        }
        pair("created-at", campaign.createdAt)
        pair("starts-at", settings.opensAt)
        pair("ends-at", catalog.closesAt(campaign))
        pair("validity-days", optional: settings.validityDays.map(UInt64.init))
        pair("quota", optional: settings.quota)
        pair("day-quota", optional: settings.quotaPerDay)
        pair("rate", optional: settings.ratePerSecond)
        let lists = settings.overflow.map { catalog[$0] }.filter { !$0.isDeleted }
        let overflow = lists.map(\.name).joined(separator: ",")
        pair("overflow", overflow.isEmpty ? nil : overflow)
        let sample = settings.sample ?? []
        pair("test", text: sample.span)
    }

    /// - Parameter terms: of the campaign that was asked for.
    mutating func preview(_ preview: Preview, _ terms: CampaignTerms, of engine: LoopEngine, seenBy sight: Sight) {
        let (status, code, givenAt, refusal): (String, CodeID?, Timestamp?, AllocationRefusal?) =
            switch preview.verdict {
            case .new: ("new", preview.next, nil, nil)
            case .repeated(let code, let givenAt): ("repeat", code, givenAt, nil)
            case .refused(let refusal): ("refused", nil, nil, refusal)
            }
        let source = code.map { engine.source(of: $0, givenAt: givenAt ?? engine.now, terms: terms) }
        map(7)
        if let sample = terms.sample {
            pair("status", "test")
            pair("code", text: sample.span)
        } else {
            pair("status", status)
            pair("code", code, of: engine, seenBy: sight)
        }
        pair("given-at", terms.sample == nil ? givenAt : nil)
        pair("expires-at", source.map(\.expiresAt) ?? terms.expiresAt)
        pair("list", source?.listName ?? terms.listName)
        pair(
            "reason", refusal.map { "\($0.word.rawValue) \($0.message(campaign: terms.campaignName))" })
        pair("next-code", preview.next, of: engine, seenBy: sight)
    }

    /// - Parameter archived: the texts of codes that are not in memory.
    mutating func history(
        _ lookUp: LookUp<HistoryEntry>, archived: [CodeID: [UInt8]] = [:], of engine: LoopEngine, seenBy sight: Sight
    ) {
        array(lookUp.found.count)
        for entry in lookUp.found {
            let terms = engine.terms(of: entry.campaign)
            let source = engine.source(of: entry.code, givenAt: entry.standing.givenAt, terms: terms)
            map(10)
            pair("campaign", terms.campaignName)
            pair("list", source.listName)
            if let text = archived[entry.code] {
                key("code")
                code(text.span, seenBy: sight)
            } else {
                pair("code", entry.code, of: engine, seenBy: sight)
            }
            pair("ordinal", UInt64(entry.code.ordinal))
            pair("user-id", text: lookUp.text.span.extracting(entry.userID))
            pair("status", entry.standing.status.word)
            pair("given-at", entry.standing.givenAt)
            pair("hold-until", entry.standing.holdUntil)
            pair("returned-at", entry.standing.returnedAt)
            pair("expires-at", source.expiresAt)
        }
    }

    mutating func places(_ lookUp: LookUp<CodePlace>, of engine: LoopEngine) {
        array(max(1, lookUp.found.count))
        if lookUp.found.isEmpty {
            map(1)
            pair("state", "unknown")
        }
        for place in lookUp.found {
            map(place.owner == nil ? 4 : 10)
            pair("state", place.state.text)
            pair("list", engine.listName(place.list))
            pair("upload", UInt64(place.code.upload.rawValue))
            pair("ordinal", UInt64(place.code.ordinal))
            guard let owner = place.owner else { continue }
            pair("user", text: lookUp.text.span.extracting(owner.user))
            pair("user-id", text: lookUp.text.span.extracting(owner.userID))
            let terms = engine.terms(of: owner.campaign)
            let source = engine.source(of: place.code, givenAt: owner.standing.givenAt, terms: terms)
            pair("campaign", terms.campaignName)
            pair("given-at", owner.standing.givenAt)
            pair("hold-until", owner.standing.holdUntil)
            pair("expires-at", source.expiresAt)
        }
    }

    mutating func upload(_ outcome: UploadOutcome) {
        let faults = outcome.imported == nil ? LineFault.ofCodes : LineFault.allCases
        map(5 + faults.count + (outcome.withdrawn == nil ? 0 : 1) + (outcome.imported == nil ? 0 : 2))
        switch outcome.status {
        case .loaded(let id):
            pair("status", "loaded")
            pair("upload", id)
        case .unchanged(let id):
            pair("status", "unchanged")
            pair("upload", id)
        case .refused:
            pair("status", "refused")
            pair("upload", UploadID?.none)
        }
        pair("codes", outcome.counts.codes)
        pair("blank", outcome.counts.leftOut.blank)
        pair("bad", outcome.counts.leftOut.bad)
        for fault in faults { pair(fault.name, outcome.counts.leftOut[fault]) }
        if let withdrawn = outcome.withdrawn { pair("withdrawn", withdrawn) }
        guard let imported = outcome.imported else { return }
        pair("given", imported.given)
        pair("already", imported.already)
    }

    /// - Parameter catalog: not older than the one that the lines were judged by.
    mutating func badLines(_ lines: [BadLine], in catalog: Catalog, seenBy sight: Sight) {
        array(lines.count)
        for bad in lines {
            array(2)
            integer(Int64(bad.line))
            let other = bad.otherList.map { catalog[$0] }
            bulk(
                other.map { sight.sees($0) ? "the code is in list '\($0.name)'" : "the code is in another list" }
                    ?? bad.fault.reason)
        }
    }

    mutating func ticket(_ ticket: ExportTicket) {
        map(3)
        pair("export", ticket.id)
        pair("cursor", ticket.cursor.text)
        pair("at", ticket.at)
    }

    mutating func audit(_ entries: [AuditEntry], seenBy sight: Sight, in catalog: Catalog) {
        let entries = entries.filter { sight.sees($0.record.act, in: catalog) }
        array(entries.count)
        for entry in entries {
            let (record, act) = (entry.record, entry.record.act)
            map(11)
            pair("number", record.number)
            pair("at", record.at)
            pair("user", record.origin.user)
            pair("client", text: record.origin.client.utf8Span.span)
            pair("address", text: record.origin.address.utf8Span.span)
            pair("act", act.command.rawValue)
            pair("object", text: act.object.utf8Span.span)
            pair("before", text: act.before.utf8Span.span)
            pair("after", text: act.after.utf8Span.span)
            pair("previous", record.previous.description)
            pair("hash", entry.hash.description)
        }
    }

    mutating func verdict(_ verdict: AuditVerdict) {
        map(5)
        pair("records", verdict.recordCount)
        pair("intact", verdict.fault == nil)
        key("broken-at")
        if let fault = verdict.fault { integer(Int64(fault.number)) } else { null() }
        pair("problem", verdict.fault?.problem)
        pair("hash", verdict.hash.description)
    }

    mutating func receipt(_ receipt: SnapshotReceipt) {
        map(3)
        pair("snapshot", receipt.number)
        pair("bytes-written", receipt.bytesWritten)
        pair("milliseconds", receipt.milliseconds)
    }

    mutating func receipt(_ receipt: BackupReceipt, name: String) {
        map(7)
        pair("backup", name)
        pair("snapshot", receipt.snapshot)
        pair("at", receipt.at)
        pair("blobs", UInt64(receipt.blobs))
        pair("linked", UInt64(receipt.linked))
        pair("bytes", receipt.byteCount)
        pair("milliseconds", receipt.milliseconds)
    }
}

extension AllocationStanding.Status {
    /// As `USER HISTORY` tells it.
    fileprivate var word: String {
        switch self {
        case .given: "given"
        case .held: "held"
        case .released: "released"
        case .lapsed: "lapsed"
        }
    }
}

extension UploadReceipt {
    /// What its lines were judged for.
    fileprivate var faults: [LineFault] { isImport ? LineFault.allCases : LineFault.ofCodes }
}

extension LineFault {
    fileprivate var name: StaticString {
        switch self {
        case .invalidUTF8: "invalid-utf8"
        case .comma: "comma"
        case .whitespace: "whitespace"
        case .control: "control"
        case .tooLong: "too-long"
        case .duplicateInFile: "duplicate-in-file"
        case .duplicateInList: "duplicate-in-list"
        case .inOtherList: "in-other-list"
        case .columns: "columns"
        case .user: "bad-user"
        case .campaign: "bad-campaign"
        case .time: "bad-time"
        case .future: "future"
        }
    }
}
