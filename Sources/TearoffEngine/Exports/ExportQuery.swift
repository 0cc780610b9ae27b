package import TearoffCore

/// What an export is to hold.
package struct ExportQuery: Sendable {
    package enum Selection: Sendable {
        /// Codes that users have for good.
        case given
        /// Codes that are still to be had; nothing of a list with one fixed code, where they are all the same.
        case free
        /// Both, and those that are held, withdrawn or burned.
        case all
    }

    package let list: ListID
    package let selection: Selection
    /// nil: of every campaign. Another one leaves free codes out.
    package let campaign: CampaignID?
    /// nil: of every upload.
    package let upload: UploadID?
    /// Given later than that; nil: from the beginning.
    package let after: Timestamp?
    /// Given no later than that; nil: to the end.
    package let until: Timestamp?
    /// What an earlier export had is left out.
    package let since: ExportCursor?
    package let columns: [ExportColumn]
    package let format: ExportFormat
    /// Of other campaigns than the one that is asked for: those whose users whoever asks may not see.
    package let hiddenCampaigns: Set<CampaignID>

    package init(
        list: ListID, selection: Selection, campaign: CampaignID?, upload: UploadID? = nil,
        after: Timestamp?, until: Timestamp?,
        since: ExportCursor?, columns: [ExportColumn], format: ExportFormat,
        hiddenCampaigns: Set<CampaignID> = []
    ) {
        self.list = list
        self.selection = selection
        self.campaign = campaign
        self.upload = upload
        self.after = after
        self.until = until
        self.since = since
        self.columns = columns
        self.format = format
        self.hiddenCampaigns = hiddenCampaigns
    }

    /// Whether codes that nobody has are asked for.
    var wantsFree: Bool {
        selection != .given && campaign == nil && after == nil && until == nil && since == nil
    }

    /// Whether a code that nobody has, and that counts so, is asked for.
    func wantsUnowned(_ state: CodeState) -> Bool { wantsFree && (selection == .all || state == .free) }

    func wants(_ standing: AllocationStanding, _ state: CodeState, of campaign: CampaignID) -> Bool {
        switch (selection, state) {
        case (.given, .given), (.all, .given), (.all, .held), (.all, .burned): break
        default: return false
        }
        if let wanted = self.campaign, campaign != wanted { return false }
        if hiddenCampaigns.contains(campaign) { return false }
        if let after, standing.givenAt <= after { return false }
        if let until, standing.givenAt > until { return false }
        return true
    }
}

/// One column, in the order in which an export has them unless it is told otherwise.
package enum ExportColumn: String, CaseIterable, Sendable {
    case code = "coupon-code"
    case user = "external-id"
    case userID = "user-id"
    case givenAt = "coupon-given-date"
    case expiresAt = "coupon-expiry-date"
    case campaign
    case status

    /// Of its cells, whatever somebody has uploaded or asked for.
    var text: ExportWriter.Text {
        switch self {
        case .givenAt, .expiresAt, .status: .plain
        case .code, .user, .userID, .campaign: .any
        }
    }

    package static let standard: [ExportColumn] = [.code, .user, .userID, .givenAt, .expiresAt]
}

package enum ExportFormat: Sendable {
    case csv, jsonLines
}

/// How far an export came: rows of each shard. Rows are only added, and keep their order across restarts, so an
/// export since that one has what came later, and nothing twice.
package struct ExportCursor: Equatable, Sendable {
    let rows: [UInt32]

    init(rows: [UInt32]) { self.rows = rows }

    /// - Returns: nil when it is no cursor of a directory with so many shards.
    package init?(_ text: String, shardCount: Int) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt32($0, radix: 16) }
        let rows = numbers.compactMap { $0 }
        guard rows.count == shardCount, numbers.count == shardCount else { return nil }
        self.init(rows: rows)
    }

    package var text: String { rows.map { String($0, radix: 16) }.joined(separator: ".") }
}
