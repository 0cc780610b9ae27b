/// An administrative act: what was done to which object, and how that was before and is after.
package struct Act: Hashable, Sendable {
    /// The commands that change something or take codes out of the house.
    ///
    /// On disk by its text, so a case may be added and none may change.
    package enum Command: String, CaseIterable, Sendable {
        case listCreate = "LIST CREATE"
        case listLoad = "LIST LOAD"
        case listImport = "LIST IMPORT"
        case listSet = "LIST SET"
        case listUndo = "LIST UNDO"
        case listArchive = "LIST ARCHIVE"
        case listReturn = "LIST RETURN"
        case listDelete = "LIST DELETE"
        case listRecipient = "LIST RECIPIENT"
        case campaignCreate = "CAMPAIGN CREATE"
        case campaignSet = "CAMPAIGN SET"
        case campaignFinish = "CAMPAIGN FINISH"
        case campaignResume = "CAMPAIGN RESUME"
        case exportBegin = "EXPORT BEGIN"
        case snapshot = "SNAPSHOT"
        case backup = "BACKUP"
        case restore = "RESTORE"
        case shutdown = "SHUTDOWN"
        case deliveryRetry = "DELIVERY RETRY"
        case accountCreate = "ACCOUNT CREATE"
        case accountSet = "ACCOUNT SET"
        case accountDelete = "ACCOUNT DELETE"
    }

    package let command: Command
    /// The name of the list, campaign or account as it was before; empty for an act on the server.
    package let object: String
    /// `name=value` texts with blanks between them, and never a code; at most ``Limits/auditTextBytes`` bytes each, what
    /// is longer is cut. Empty for what was not there, or is not changed.
    package let before: String
    package let after: String

    package init(_ command: Command, object: String = "", before: String = "", after: String = "") {
        self.command = command
        self.object = object.cut(toBytes: Limits.auditTextBytes)
        self.before = before.cut(toBytes: Limits.auditTextBytes)
        self.after = after.cut(toBytes: Limits.auditTextBytes)
    }
}

/// Who asks for an act, and from where.
package struct Origin: Hashable, Sendable {
    /// The server itself: what happens at a deadline or with the last code.
    package static let system = Origin(user: "system", client: "", address: "")

    package let user: String
    /// As the client calls itself; empty when it does not.
    package let client: String
    /// Host and port; empty for the server itself.
    package let address: String

    package init(user: String, client: String, address: String) {
        self.user = user.cut(toBytes: Limits.auditOriginBytes)
        self.client = client.cut(toBytes: Limits.auditOriginBytes)
        self.address = address.cut(toBytes: Limits.auditOriginBytes)
    }
}

/// One act in the audit trail. Each holds the hash of the one before, so that none can be changed or taken away
/// unseen.
package struct AuditRecord: Hashable, Sendable {
    /// 1, 2, 3 … without a gap.
    package let number: UInt64
    package let at: Timestamp
    package let origin: Origin
    package let act: Act
    /// Of the record before, as it is encoded; zeros in the first.
    package let previous: ContentHash

    package init(number: UInt64, at: Timestamp, origin: Origin, act: Act, previous: ContentHash) {
        self.number = number
        self.at = at
        self.origin = origin
        self.act = act
        self.previous = previous
    }
}
