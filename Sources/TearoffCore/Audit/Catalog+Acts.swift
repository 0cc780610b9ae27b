extension Catalog {
    /// What records come to as acts: those of one list or campaign that follow each other are one act.
    ///
    /// To be asked before they are applied.
    package func acts(of records: [ControlRecord]) -> [Act] {
        var told: [ToldChange] = []
        for record in records {
            let change = tell(record.change)
            if told.last?.subject == change.subject {
                told[told.count - 1].join(change)
            } else {
                told.append(change)
            }
        }
        return told.map(\.act)
    }

    /// What an auditor reads of a change. Exhaustive, so that a new change is not forgotten.
    private func tell(_ change: ControlRecord.Change) -> ToldChange {
        switch change {
        case .listCreated(let id, let name, let kind, let expiresAt, let warnAt):
            return ToldChange(
                .list(id), .listCreate, name,
                after: Self.fields(of: kind) + [
                    ("expires", Self.text(expiresAt)), ("warn", Self.text(warning: warnAt)),
                ])
        case .fixedCodeSet(let id, let upload):
            // Behind the creation of its list, which tells the rest.
            return ToldChange(.list(id), .listCreate, "", after: [("upload", "\(upload.rawValue)")])
        case .uploadCommitted(let upload):
            let uploaded = self[upload.list].uploadedCount
            var after: [ToldChange.Field] = [
                ("uploaded", "\(uploaded + upload.count)"), ("upload", "\(upload.id.rawValue)"),
                ("codes", "\(upload.count)"),
            ]
            if let bad = upload.report?.lines.bad, bad > 0 { after.append(("bad", "\(bad)")) }
            after.append(("file", Self.quoted(upload.fileName)))
            return ToldChange(
                .list(upload.list), upload.isImport ? .listImport : .listLoad, self[upload.list].name,
                before: [("uploaded", "\(uploaded)")], after: after)
        case .uploadWithdrawn(let upload):
            let id = self[upload].list
            return ToldChange(
                .list(id), .listUndo, self[id].name, after: [(ToldChange.withdrawn, "\(upload.rawValue)")])
        case .fixedCodeChanged(let id, let upload, _, let limit, let count):
            return ToldChange(
                .list(id), .listSet, self[id].name, before: Self.fields(of: self[id].kind),
                after: [
                    ("kind", "fixed"), ("code", "***"), ("limit", "\(limit)"), ("upload", "\(upload.rawValue)"),
                    ("codes", "\(count)"),
                ])
        case .codesBurned(let upload, let below):
            // Two uploads of a list are two acts, so that each tells its own figures.
            return ToldChange(
                .upload(upload), .restore, self[self[upload].list].name,
                before: [("upload", "\(upload.rawValue)")],
                after: [("upload", "\(upload.rawValue) burned below \(below)")])
        case .listExpirySet(let id, let expiresAt):
            return set(id, "expires", Self.text(self[id].expiresAt), Self.text(expiresAt))
        case .listWarningSet(let id, let warnAt):
            return set(id, "warn", Self.text(warning: self[id].warnAt), Self.text(warning: warnAt))
        case .listRenamed(let id, let name): return set(id, "name", self[id].name, name)
        case .campaignCreated(let id, let name, let list, let rule):
            let returns = ReturnRule.standard.text
            return ToldChange(
                .campaign(id), .campaignCreate, name,
                after: [("list", self[list].name), ("retrigger", rule.text), ("returns", returns)])
        case .campaignFinished(let id, let reason):
            return ToldChange(
                .campaign(id), .campaignFinish, self[id].name, before: Self.fields(of: self[id].state),
                after: [("state", "finished"), ("reason", reason.text)])
        case .campaignResumed(let id):
            return ToldChange(
                .campaign(id), .campaignResume, self[id].name, before: Self.fields(of: self[id].state),
                after: Self.fields(of: .active))
        case .campaignReturnsSet(let id, let rule):
            // Behind the creation of its campaign, which tells the rest.
            guard hasCampaign(id) else {
                return ToldChange(.campaign(id), .campaignCreate, "", after: [("returns", rule.text)])
            }
            return set(id, "returns", self[id].returns.text, rule.text)
        case .campaignRuleSet(let id, let rule):
            return set(id, "retrigger", self[id].rule.text, rule.text)
        case .campaignSettingsSet(let id, let settings):
            // Behind the creation of its campaign, which tells the rest.
            guard hasCampaign(id) else {
                let after = changes(from: CampaignSettings(), to: settings).after
                return ToldChange(.campaign(id), .campaignCreate, "", after: after)
            }
            let (before, after) = changes(from: self[id].settings, to: settings)
            return ToldChange(.campaign(id), .campaignSet, self[id].name, before: before, after: after)
        case .listSettingsSet(let id, let settings):
            let old = self[id].settings
            let fields = Self.changes([
                ("per-user", Self.text(old.codesPerUser), Self.text(settings.codesPerUser)),
                ("stop", Self.text(old.daysKeptBeforeExpiry), Self.text(settings.daysKeptBeforeExpiry)),
                ("other-lists", old.otherListsText, settings.otherListsText),
            ])
            return ToldChange(.list(id), .listSet, self[id].name, before: fields.before, after: fields.after)
        case .listArchived(let id):
            return ToldChange(
                .list(id), .listArchive, self[id].name, before: [("archived", "no")], after: [("archived", "yes")])
        case .listReturned(let id):
            return ToldChange(
                .list(id), .listReturn, self[id].name, before: [("archived", "yes")], after: [("archived", "no")])
        case .listDeleted(let id, let ledger):
            // No name of a campaign: there may be thousands.
            return ToldChange(
                .list(id), .listDelete, self[id].name,
                before: [
                    ("uploaded", "\(ledger.uploaded)"), ("free", "\(ledger.free)"), ("given", "\(ledger.given)"),
                    ("withdrawn", "\(ledger.withdrawn)"), ("burned", "\(ledger.burned)"),
                    ("campaigns", "\(campaigns(of: id).count)"),
                ], after: [])
        case .listWarningsSet(let id, let warnings):
            let old = self[id].warnings
            let fields = Self.changes([
                ("warn-percent", Self.text(old.percent), Self.text(warnings.percent)),
                ("warn-hours", Self.text(old.hoursLeft), Self.text(warnings.hoursLeft)),
                ("warn-days", Self.text(days: old.expiryDays), Self.text(days: warnings.expiryDays)),
            ])
            return ToldChange(.list(id), .listSet, self[id].name, before: fields.before, after: fields.after)
        case .recipientAdded(let id, let recipient):
            return ToldChange(
                .list(id), .listRecipient, self[id].name, after: [("recipient", recipient.shown)])
        case .recipientRemoved(let id, let address):
            return ToldChange(
                .list(id), .listRecipient, self[id].name, before: [("recipient", Recipient.shown(address))],
                after: [("recipient", "none")])
        case .accountSet(let account): return tell(account)
        case .accountDeleted(let name):
            return ToldChange(
                .account(name), .accountDelete, name, before: accounts[name].map(Self.fields(of:)) ?? [], after: [])
        }
    }

    /// Whether a password is set, and never what is kept of it.
    private func tell(_ account: Account) -> ToldChange {
        let fields = Self.fields(of: account)
        guard let old = accounts[account.name] else {
            return ToldChange(.account(account.name), .accountCreate, account.name, after: fields)
        }
        var (before, after) = Self.changes(
            zip(Self.fields(of: old), fields).map { old, new in (new.name, old.value, new.value) })
        if old.password != account.password {
            before.append(("password", "***"))
            after.append(("password", "changed"))
        }
        return ToldChange(.account(account.name), .accountSet, account.name, before: before, after: after)
    }

    /// Those settings that are changed.
    private func changes(
        from old: CampaignSettings, to new: CampaignSettings
    ) -> (before: [ToldChange.Field], after: [ToldChange.Field]) {
        func names(_ settings: CampaignSettings) -> String {
            settings.overflow.isEmpty ? "none" : settings.overflow.map { self[$0].name }.joined(separator: ",")
        }
        return Self.changes([
            ("start", Self.text(old.opensAt, "none"), Self.text(new.opensAt, "none")),
            ("end", Self.text(old.closesAt, "none"), Self.text(new.closesAt, "none")),
            ("validity", Self.text(old.validityDays), Self.text(new.validityDays)),
            ("quota", Self.text(old.quota), Self.text(new.quota)),
            ("day-quota", Self.text(old.quotaPerDay), Self.text(new.quotaPerDay)),
            ("rate", Self.text(old.ratePerSecond), Self.text(new.ratePerSecond)),
            ("overflow", names(old), names(new)),
            ("test", old.sample == nil ? "off" : "on", new.sample == nil ? "off" : "on"),
        ])
    }

    private static func changes(
        _ fields: [(name: String, old: String, new: String)]
    ) -> (before: [ToldChange.Field], after: [ToldChange.Field]) {
        let changed = fields.filter { $0.old != $0.new }
        return (changed.map { ($0.name, $0.old) }, changed.map { ($0.name, $0.new) })
    }

    private func set(_ id: ListID, _ field: String, _ before: String, _ after: String) -> ToldChange {
        ToldChange(.list(id), .listSet, self[id].name, before: [(field, before)], after: [(field, after)])
    }

    private func set(_ id: CampaignID, _ field: String, _ before: String, _ after: String) -> ToldChange {
        ToldChange(
            .campaign(id), .campaignSet, self[id].name, before: [(field, before)], after: [(field, after)])
    }
}

// MARK: - Texts

/// One change as an auditor reads it, and what it is a change of.
private struct ToldChange {
    enum Subject: Hashable {
        case list(ListID)
        case campaign(CampaignID)
        case upload(UploadID)
        case account(String)
    }

    typealias Field = (name: String, value: String)

    /// The name of a field of which there may be several.
    static let withdrawn = "withdrawn"

    let subject: Subject
    private var command: Act.Command
    private let object: String
    private var before: [Field]
    private var after: [Field]

    init(
        _ subject: Subject, _ command: Act.Command, _ object: String, before: [Field] = [], after: [Field]
    ) {
        self.subject = subject
        self.command = command
        self.object = object
        self.before = before
        self.after = after
    }

    /// Takes in a later change of the same subject. Of what both tell, this one knows how it was and the later one how
    /// it is.
    mutating func join(_ later: ToldChange) {
        // A load that takes the place of others begins with what it withdraws.
        if command == .listUndo { command = later.command }
        before += later.before.filter { field in !before.contains { $0.name == field.name } }
        after.removeAll { field in
            field.name != Self.withdrawn && later.after.contains { $0.name == field.name }
        }
        after += later.after
    }

    var act: Act { Act(command, object: object, before: Self.text(before), after: Self.text(after)) }

    private static func text(_ fields: [Field]) -> String {
        fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
}

extension Catalog {
    /// - Note: the fixed code itself is a bearer value, and stays out.
    fileprivate static func fields(of kind: List.Kind) -> [ToldChange.Field] {
        switch kind {
        case .unique: [("kind", "unique")]
        case .fixed(_, let limit): [("kind", "fixed"), ("code", "***"), ("limit", "\(limit)")]
        }
    }

    fileprivate static func fields(of state: Campaign.State) -> [ToldChange.Field] {
        switch state {
        case .active: [("state", "active")]
        case .finished(let reason, _): [("state", "finished"), ("reason", reason.text)]
        }
    }

    fileprivate static func fields(of account: Account) -> [ToldChange.Field] {
        [
            ("roles", account.roles.text), ("lists", text(patterns: account.reach.lists)),
            ("campaigns", text(patterns: account.reach.campaigns)),
        ]
    }

    /// In quotation marks, and those of its own told apart: nothing in a name passes for another field.
    fileprivate static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    private static func text(patterns: [String]) -> String {
        patterns.isEmpty ? "*" : patterns.joined(separator: ",")
    }

    fileprivate static func text(_ time: Timestamp?, _ none: String = "never") -> String {
        time?.iso8601 ?? none
    }

    fileprivate static func text(days: [UInt32]?) -> String {
        guard let days else { return "default" }
        return days.isEmpty ? "never" : days.map(String.init).joined(separator: ",")
    }

    fileprivate static func text(warning count: UInt64?) -> String { count.map { "\($0)" } ?? "never" }
    fileprivate static func text(_ count: (some BinaryInteger)?) -> String { count.map { "\($0)" } ?? "none" }
}
