package import TearoffCore
package import TearoffLog

/// What an operator should read in the server's log. Never a code, never a user.
package enum EngineEvent: Sendable {
    /// A list has as many codes left as its warning says.
    case listLow(list: String, remaining: UInt64)
    case campaignFinished(campaign: String, reason: FinishReason)
    case uploadCommitted(list: String, codes: UInt64)
    case givenImported(list: String, codes: UInt64)
    /// Free codes of an upload were taken out of their list.
    case uploadWithdrawn(list: String, codes: UInt64)
    case snapshotWritten(SnapshotReceipt)
    case snapshotFailed(StorageError)
    /// Log segments and blobs that no kept snapshot needs could not be removed; they are tried again next
    /// time.
    case cleaningFailed(StorageError)
    /// The feed cannot go on for now; it is tried again. Allocations are not concerned.
    case feedFailed(FeedFault)
    /// Log of this lane was removed before the feed had told it: its events are lost to readers of the feed.
    case feedGap(lane: LaneID)
    /// Some frames of the newest file of the feed are damaged; those who read there are told how many events they
    /// missed.
    case feedDamaged
    /// A warning could not be sent to one of its recipients, and is not tried any more.
    case deliveryDead(list: String, recipient: String, problem: String)
    /// What is still to be sent cannot be written down or read; it is tried again. Nothing is sent meanwhile.
    case deliveriesFailed(StorageError)
    /// What was still to be sent could not be read: it is set aside, and not sent.
    case deliveriesDamaged
    /// So many events went from the feed before it was seen whether they are warnings.
    case deliveriesMissed(events: UInt64)
    /// The disk has less room than new codes may be given with; none are until there is more.
    case diskFull(freeBytes: UInt64)
    case diskHasRoom(freeBytes: UInt64)
    case engineFailed(EngineFailure)
}

/// Why the engine stops for good. Nothing is answered with success any more, and the process is to exit.
package enum EngineFailure: Error, Equatable, Sendable {
    /// A write of the log failed. What was acknowledged is on disk; what was not may be.
    case log(LogFailure)
    /// The ledger of a list does not add up.
    case ledger(list: String, Ledger)
    /// The state machine refused its own record: a code would have had two users.
    case apply(ApplyError)
}
