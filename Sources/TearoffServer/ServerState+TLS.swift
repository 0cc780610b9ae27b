import Foundation
import Logging
import Synchronization

/// How many handshakes failed, and which of them were told.
struct FailedHandshakes {
    private(set) var count = 0
    private var toldCount = 0
    private var nextLineMilliseconds: UInt64 = 0

    /// - Returns: how many to tell of, this one among them; nil: a line was written a moment ago.
    mutating func note(at milliseconds: UInt64) -> Int? {
        count += 1
        guard milliseconds >= nextLineMilliseconds else { return nil }
        nextLineMilliseconds = milliseconds + ServerLimits.handshakeLogSeconds * 1_000
        defer { toldCount = count }
        return count - toldCount
    }
}

extension ServerState {
    /// Whoever reaches the port can make handshakes fail, as often as they like: the log has a line now and then.
    func noteFailedHandshake(with address: String, _ reason: String) {
        guard let count = failedHandshakes.withLock({ $0.note(at: WallClock.milliseconds()) }) else { return }
        logger.notice(
            "tls.handshake-failed", metadata: ["address": "\(address)", "reason": "\(reason)", "count": "\(count)"])
    }

    /// Reads the certificates again, for the connections from now on. What is wrong is refused, and the old ones stay.
    func reloadCertificates() {
        guard let tls else { return logger.notice("reload.nothing") }
        do throws(TLSFileError) {
            try tls.reload()
            noteCertificate()
        } catch {
            logger.error("tls.reload-refused", metadata: ["reason": "\(error)"])
        }
    }

    /// Tells which certificate new connections get, and how long it will do.
    func noteCertificate() {
        guard let tls else { return }
        let expires = tls.expiresAt.formatted(.iso8601)
        logger.notice("tls.loaded", metadata: ["certificate": "\(tls.files.certificatePath)", "expires": "\(expires)"])
        let days = Int(tls.expiresAt.timeIntervalSince(Date()) / 86_400)
        if days < ServerLimits.certificateWarnDays {
            logger.warning("tls.certificate-expires", metadata: ["expires": "\(expires)", "days": "\(days)"])
        }
    }

    /// Warns of secrets that everybody on the machine can read.
    func noteExposedSecrets() {
        for path in settings.secretPaths {
            guard let status = FileStatus(path: path, followsLinks: true), status.isOpenToOthers else { continue }
            logger.warning("secret.exposed", metadata: ["file": "\(path)", "mode": "\(status.permissions)"])
        }
    }
}
