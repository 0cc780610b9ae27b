import Foundation
import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation
import TearoffStorage

/// A copy of a committed data directory; removed with this object.
final class GoldenDirectory {
    let url: URL
    /// nil: it is not encrypted.
    let key: OperatorKey?

    init(_ version: GoldenVersion) throws {
        url = FileManager.default.temporaryDirectory.appending(path: "tearoff-golden-\(UUID().uuidString)")
        key = version == .v2k ? try KeySource.file(Self.golden.appending(path: "key").path).read() : nil
        try FileManager.default.copyItem(at: Self.original(version), to: url)
    }

    private static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Golden")

    private static func original(_ version: GoldenVersion) -> URL {
        golden.appending(path: version.rawValue)
    }

    /// All files of the committed directory by their names, sorted; but the lock.
    static func files(of version: GoldenVersion) throws -> [String] { try files(in: original(version)) }

    /// All files of the copy.
    func files() throws -> [String] { try Self.files(in: url) }

    private static func files(in url: URL) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url.path)
            .filter { $0.contains("/") || $0 == "IDENTITY" || $0 == "KEYS" }.sorted()
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func open() throws -> DataDirectory {
        try DataDirectory.open(
            path: url.path, expectData: true, shardCount: 16,
            newID: DirectoryID(bytes: [UInt8](repeating: 0, count: DirectoryID.byteCount)),
            timeMilliseconds: 0, keys: key.map { OperatorKeys($0) })
    }

    func look(locks: Bool) throws -> ReadOnlyDirectory {
        try ReadOnlyDirectory(path: url.path, locks: locks, key: key)
    }

    func identity() throws -> String {
        try String(contentsOf: url.appending(path: "IDENTITY"), encoding: .utf8)
    }

    func removeSnapshots() throws {
        let snapshots = url.appending(path: "snapshots")
        for name in try FileManager.default.contentsOfDirectory(atPath: snapshots.path) {
            try FileManager.default.removeItem(at: snapshots.appending(path: name))
        }
    }
}

extension DataDirectory {
    func source(log: (any LogStorage)? = nil) throws -> RecoverySource {
        RecoverySource(
            directory: identity.id, shardCount: identity.shardCount, log: try log ?? makeLogStorage(),
            blobs: makeBlobStore(), makeHasher: { SHA256Hasher() }, seed: 7, progress: { _ in })
    }

    /// The same log in memory, where damage costs nothing.
    func logInMemory() throws -> SimulatedLogStorage { try makeLogStorage().inMemory() }
}

extension LogStorage {
    /// The same in memory.
    func inMemory() throws -> SimulatedLogStorage {
        let copy = SimulatedLogStorage(seed: 1, cipher: cipher)
        for file in try list().segments {
            var bytes: [UInt8] = []
            try read(file.id, from: .zero, count: Int(file.byteCount), into: &bytes)
            copy.replace(file.id, with: bytes)
        }
        return copy
    }
}

extension RecoveredState {
    /// Everything that the state tells its users, as text: lists, campaigns, every allocation in order of its code, and
    /// the audit trail (but for times and ports, which differ whenever a directory is made).
    var summary: [String] {
        catalog.lists.map(line(of:)) + catalog.campaigns.map(line(of:)) + allocations.sorted()
            + trail.tail.map(line(of:))
    }

    private func line(of list: List) -> String {
        "list \(list.name) uploaded \(list.uploadedCount) free \(list.pool.totalFree) "
            + "expires \(list.expiresAt?.iso8601 ?? "never") warn \(list.warnAt.map(String.init) ?? "never")"
    }

    private func line(of campaign: Campaign) -> String {
        let state = if case .finished(let reason, _) = campaign.state { reason.text } else { "active" }
        let returns = campaign.returns == .standard ? "" : " \(campaign.returns.text)"
        return "campaign \(campaign.name) of \(catalog[campaign.list].name) \(campaign.rule)\(returns) \(state)"
    }

    private func line(of record: AuditRecord) -> String {
        let act = record.act
        return "audit \(record.number) \(record.origin.user) \(act.command.rawValue) \(act.object): "
            + "\(act.before) -> \(act.after)"
    }

    private var allocations: [String] {
        shards.flatMap { cell in
            let cut = cell.state.withLock { $0.shard.cut() }
            return (0..<cut.rows.count).map { number in
                let row = cut.rows[RowNumber(rawValue: UInt32(number))]
                var user: [UInt8] = []
                cell.state.withLock { $0.shard.appendUser(of: row, to: &user) }
                let code = catalog[row.code.upload].codes.withCode(at: row.code.ordinal) { span in
                    String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
                }
                let name = String(decoding: user, as: UTF8.self)
                let id = String(decoding: cut.userID(of: row), as: UTF8.self)
                let status = cell.state.withLock {
                    $0.shard.standing(of: RowNumber(rawValue: UInt32(number))).status
                }
                return
                    "\(status) \(code) #\(row.code.ordinal) to \(name) (\(id)) by \(catalog[row.campaign].name)"
            }
        }
    }
}
