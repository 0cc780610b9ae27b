package import TearoffCore
import TearoffLog

/// What a commit is to do.
package struct CommitOrder: Sendable {
    package let id: UInt64
    package let list: String
    /// Leaves bad lines out; else one refuses the upload.
    package let skipBad: Bool
    /// Judges only. It waits for the commits before it, too, so that it tells what this one would have come to; the
    /// upload is over then, as after a commit.
    package let dryRun: Bool
    /// Withdraws all earlier uploads of the list: its free codes are this file's alone from then on.
    package let replaces: Bool
    /// Who adds them, for the audit trail.
    package let origin: Origin

    package init(id: UInt64, list: String, skipBad: Bool, dryRun: Bool, replaces: Bool, origin: Origin) {
        self.id = id
        self.list = list
        self.skipBad = skipBad
        self.dryRun = dryRun
        self.replaces = replaces
        self.origin = origin
    }
}

extension CommitOrder {
    /// - Parameter withdrawn: counts only when the order is to replace.
    func outcome(
        _ status: UploadOutcome.Status, _ counts: UploadCounts, withdrawn: UInt64 = 0
    ) -> UploadOutcome {
        UploadOutcome(status: status, counts: counts, withdrawn: replaces ? withdrawn : nil, imported: nil)
    }
}
