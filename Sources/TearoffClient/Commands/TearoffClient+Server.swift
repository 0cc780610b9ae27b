public import Foundation
import TearoffProtocol

extension TearoffClient {
    /// What a snapshot came to.
    public struct Snapshot: Sendable, Hashable {
        /// Its number; a later snapshot has a higher one.
        public let number: Int
        /// What was written for it: what changed since the last one, not what exists.
        public let bytesWritten: Int
        /// How long it took.
        public let milliseconds: Int
    }

    /// What a backup came to.
    public struct Backup: Sendable, Hashable {
        /// Its name: that of its directory, below the one that the server has for backups.
        public let name: String
        /// The number of the snapshot that it is.
        public let snapshot: Int
        /// What was given later is not in it.
        public let at: Date
        /// Files beside the manifest.
        public let blobs: Int
        /// Those of them that share their bytes with the data directory's.
        public let linked: Int
        /// Of all files.
        public let bytes: Int
        /// How long it took.
        public let milliseconds: Int
    }

    /// Shows that the server answers. - Throws: ``TearoffError/Code/loading`` while it recovers its data.
    public func ping() async throws(TearoffError) {
        guard try await call("PING") == .simple("PONG") else {
            throw .invalid("PING was not answered with PONG")
        }
    }

    /// Figures about the server: `# Section` lines and `name:value` lines.
    ///
    /// - Parameter section: only this one; nil for all.
    public func info(section: String? = nil) async throws(TearoffError) -> String {
        let words = ["INFO"] + (section.map { [$0] } ?? [])
        return try await call(Command(words), timeout: options.replyTimeout).requiredText()
    }

    /// Writes a snapshot of the whole state, and returns when it is on disk and verified.
    ///
    /// - Throws: ``TearoffError/Code/busy`` when one is being written already.
    public func snapshot() async throws(TearoffError) -> Snapshot {
        let fields = try Fields(await call(Command("SNAPSHOT"), timeout: options.operationTimeout))
        return Snapshot(
            number: try fields.integer("snapshot"), bytesWritten: try fields.integer("bytes-written"),
            milliseconds: try fields.integer("milliseconds"))
    }

    /// Writes a snapshot, and copies it below the directory that the server has for backups.
    ///
    /// - Throws: ``TearoffError/Code/noBackup`` when it has none, ``TearoffError/Code/exists`` when there is
    ///   something of that name, ``TearoffError/Code/busy`` while a snapshot or a backup is being written.
    public func backup(name: String) async throws(TearoffError) -> Backup {
        let fields = try Fields(await call(Command("BACKUP", name), timeout: options.operationTimeout))
        return Backup(
            name: try fields.text("backup"), snapshot: try fields.integer("snapshot"),
            at: try fields.time("at"),
            blobs: try fields.integer("blobs"), linked: try fields.integer("linked"),
            bytes: try fields.integer("bytes"), milliseconds: try fields.integer("milliseconds"))
    }

    /// Acts of the audit trail, oldest first.
    ///
    /// - Parameters:
    ///   - from: the number of the first; nil: the newest.
    ///   - count: most to bring, 1 to ``Limits/auditPage``; nil: a hundred.
    public func auditTrail(from: Int? = nil, count: Int? = nil) async throws(TearoffError) -> [AuditEntry] {
        var words = ["AUDIT", "READ"]
        if let from { words += ["FROM", "\(from)"] }
        if let count { words += ["COUNT", "\(count)"] }
        return try await call(Command(words), timeout: options.replyTimeout).records(AuditEntry.init)
    }

    /// Has the server follow the whole chain of the audit trail.
    ///
    /// - Throws: ``TearoffError/Code/busy`` when that is under way already.
    public func checkAuditTrail() async throws(TearoffError) -> AuditVerdict {
        try AuditVerdict(Fields(await call(Command("AUDIT", "CHECK"), timeout: options.operationTimeout)))
    }

    /// Ends the server: it finishes what is in flight, syncs and seals its log. Returns when the server has
    /// closed the connection; this client is of no use then.
    ///
    /// - Throws: ``TearoffError/Code/shutdown`` when it is going down already.
    public func shutdown() async throws(TearoffError) {
        let call = try start(Command("SHUTDOWN"), timeout: options.operationTimeout)
        do throws(TearoffError) {
            // A server that obeys answers nothing at all.
            _ = try await call.reply()
            throw .invalid("SHUTDOWN was answered")
        } catch  where error.code == .connectionLost {
            await connectionEnd()
        }
    }
}
