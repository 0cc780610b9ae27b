import Logging
import TearoffCore
import TearoffEngine
import TearoffLog

/// Writes the engine's events as log lines with stable names. Never a code, never a user.
struct EventLog: Sendable {
    let logger: Logger

    func note(_ event: EngineEvent) {
        switch event {
        case .listLow(let list, let remaining):
            logger.warning("list.low", metadata: ["list": "\(list)", "remaining": "\(remaining)"])
        case .campaignFinished(let campaign, let reason):
            logger.notice(
                "campaign.finished", metadata: ["campaign": "\(campaign)", "reason": "\(reason.text)"])
        case .uploadCommitted(let list, let codes):
            logger.notice("upload.committed", metadata: ["list": "\(list)", "codes": "\(codes)"])
        case .givenImported(let list, let codes):
            logger.notice("given.imported", metadata: ["list": "\(list)", "codes": "\(codes)"])
        case .uploadWithdrawn(let list, let codes):
            logger.notice("upload.withdrawn", metadata: ["list": "\(list)", "codes": "\(codes)"])
        case .snapshotWritten(let receipt):
            logger.notice(
                "snapshot.written",
                metadata: [
                    "number": "\(receipt.number)", "rows": "\(receipt.rows)",
                    "bytes": "\(receipt.bytesWritten)",
                    "milliseconds": "\(receipt.milliseconds)",
                ])
        case .snapshotFailed(let error):
            logger.error("snapshot.failed", metadata: ["error": "\(error)"])
        case .cleaningFailed(let error):
            logger.error("cleaning.failed", metadata: ["error": "\(error)"])
        case .feedFailed(.log(let error)):
            logger.error("feed.failed", metadata: ["error": "\(error)"])
        case .feedFailed(.feed(let error)):
            logger.error("feed.failed", metadata: ["error": "\(error)"])
        case .feedGap(let lane):
            logger.error("feed.gap", metadata: ["lane": "\(lane)"])
        case .feedDamaged:
            logger.error("feed.damaged")
        case .deliveryDead(let list, let recipient, let problem):
            logger.warning(
                "delivery.dead", metadata: ["list": "\(list)", "recipient": "\(recipient)", "error": "\(problem)"])
        case .deliveriesFailed(let error):
            logger.error("deliveries.failed", metadata: ["error": "\(error)"])
        case .deliveriesDamaged:
            logger.error("deliveries.damaged")
        case .deliveriesMissed(let events):
            logger.error("deliveries.missed", metadata: ["events": "\(events)"])
        case .diskFull(let bytes):
            logger.error("disk.full", metadata: ["free_bytes": "\(bytes)", "allocations": "refused"])
        case .diskHasRoom(let bytes):
            logger.notice("disk.has-room", metadata: ["free_bytes": "\(bytes)", "allocations": "given"])
        case .engineFailed(let failure):
            logger.critical("engine.failed", metadata: ["reason": "\(failure)"])
        }
    }

    func note(_ notice: RecoveryNotice) {
        switch notice {
        case .tornTail(let tail):
            logger.warning("recovery.torn-tail", metadata: ["where": "\(tail)"])
        case .foreignFile(let name):
            logger.warning("recovery.foreign-file", metadata: ["file": "wal/\(name)"])
        case .snapshotUnusable(let number, let problem):
            logger.error(
                "recovery.snapshot-unusable", metadata: ["number": "\(number)", "problem": "\(problem)"])
        case .sequenceGaps(let count):
            logger.notice("recovery.unacknowledged-records-lost", metadata: ["count": "\(count)"])
        }
    }
}
