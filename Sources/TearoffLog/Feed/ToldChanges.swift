package import TearoffCore

extension ControlRecord.Change {
    /// Whether readers of the feed are told of it. Of accounts they are told nothing: that is the audit trail's, and what
    /// is kept of passwords stays out of the feed's files.
    package var isTold: Bool {
        // It only gives a list's own code a number.
        if case .fixedCodeSet = self { return false }
        return !isOfAccounts
    }

    package var isOfAccounts: Bool {
        switch self {
        case .accountSet, .accountDeleted: true
        default: false
        }
    }
}
