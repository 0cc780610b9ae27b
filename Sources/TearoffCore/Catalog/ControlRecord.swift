/// One change of the catalog: a fact with its time. Applying the same records in order gives the same
/// catalog.
package struct ControlRecord: Hashable, Sendable {
    package enum Change: Hashable, Sendable {
        case listCreated(id: ListID, name: String, kind: List.Kind, expiresAt: Timestamp?, warnAt: UInt64?)
        /// A fixed list's own code and limit, under the upload that stands for them.
        case fixedCodeSet(list: ListID, upload: UploadID)
        case uploadCommitted(CommittedUpload)
        /// A fixed list's code and limit are others: its earlier uploads are withdrawn, and this one brings the code
        /// `count` times, what the limit leaves.
        case fixedCodeChanged(list: ListID, upload: UploadID, code: [UInt8], limit: UInt32, count: UInt32)
        /// Its free codes are out of the list, and so is any of its codes that goes back later.
        case uploadWithdrawn(id: UploadID)
        /// The codes before this ordinal that nobody has are nobody's: they may have been given after the backup that
        /// the directory was restored from.
        case codesBurned(upload: UploadID, below: Ordinal)
        case listExpirySet(list: ListID, expiresAt: Timestamp?)
        case listWarningSet(list: ListID, warnAt: UInt64?)
        case listRenamed(list: ListID, name: String)
        case campaignCreated(id: CampaignID, name: String, list: ListID, rule: RetriggerRule)
        case campaignFinished(id: CampaignID, reason: FinishReason)
        case campaignResumed(id: CampaignID)
        case campaignReturnsSet(id: CampaignID, rule: ReturnRule)
        case campaignRuleSet(id: CampaignID, rule: RetriggerRule)
        /// All of them, also those that are as before.
        case campaignSettingsSet(id: CampaignID, settings: CampaignSettings)
        case listSettingsSet(list: ListID, settings: ListSettings)
        /// The text of its codes is in its blobs alone from now on.
        case listArchived(ListID)
        case listReturned(ListID)
        /// The list is gone, and its campaigns with it; what it came to.
        case listDeleted(ListID, ledger: Ledger)
        /// All of them, also those that are as before.
        case listWarningsSet(list: ListID, warnings: ListWarnings)
        case recipientAdded(list: ListID, recipient: Recipient)
        case recipientRemoved(list: ListID, address: String)
        /// All of it, whether it is new or another of that name is changed.
        case accountSet(Account)
        case accountDeleted(name: String)
    }

    package let change: Change
    package let at: Timestamp

    package init(_ change: Change, at: Timestamp) {
        self.change = change
        self.at = at
    }
}

/// Why a change of the catalog was refused; nothing has changed then.
package enum CatalogError: Error, Equatable {
    case noList(String)
    case noCampaign(String)
    /// The list has no such upload.
    case noUpload(UInt64, list: String)
    /// Its codes were given elsewhere, so none of them is free.
    case uploadIsImport(UInt64, list: String)
    case listExists(String)
    case campaignExists(String)
    case recipientExists(String, list: String)
    case noRecipient(String, list: String)
    case listIsFixed(String)
    /// The list has uploads, and no code and limit of its own.
    case listIsUnique(String)
    /// So many users have the fixed code, or may not get it any more.
    case limitBelowTaken(list: String, taken: UInt64)
    case expiryInThePast
    case alreadyFinished(String)
    case alreadyActive(String)
    case listExpired(String)
    case listNotExpired(String)
    /// The list has to come back first.
    case listArchived(String)
    case listNotArchived(String)
    /// Codes of the list are held, or are on their way back.
    case listHeld(String)
    /// This campaign draws from the list, its own or one that it overflows to, and is active.
    case listInUse(String, campaign: String)
    case listExhausted(String)
    /// The campaign's time is over: it ends before now.
    case campaignClosed(String)
    /// The lists that a campaign overflows to: each once, and not its own.
    case overflowTwice(String)
    case accountExists(String)
    case noAccount(String)
    /// The server itself goes by that name.
    case accountReserved(String)
    /// There would be accounts, this one among them or not, and nobody who may change them.
    case noAdministrator(String)
    case tooMany(what: String, maximum: Int)
}
