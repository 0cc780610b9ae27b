package import TearoffCore

/// What the file `BACKUP` says of the backup that it stands in. Written last, so a directory without one is no backup.
package struct BackupLabel: Equatable, Sendable {
    /// Its name in the backup's directory.
    package static let file = "BACKUP"
    private static let formatVersion = 1

    /// Of the data directory that was backed up.
    package let directory: DirectoryID
    package let shardCount: UInt16
    /// Of the snapshot that it is.
    package let snapshot: UInt64
    /// SHA-256 of the manifest; encrypted: ``DirectoryCipher/publicHash(of:)`` of that.
    package let manifest: ContentHash
    /// What was given later is not in it.
    package let at: Timestamp
    package let blobCount: Int
    /// Of manifest and blobs.
    package let byteCount: UInt64
    /// Of the server that wrote it, for people.
    package let serverVersion: String
    /// Whether the manifest and the blobs are encrypted. Stands behind the format's number, as in `IDENTITY`.
    package let isEncrypted: Bool
    private static let encryptedWord = " encrypted"

    package init(
        directory: DirectoryID, shardCount: UInt16, snapshot: UInt64, manifest: ContentHash, at: Timestamp,
        blobCount: Int, byteCount: UInt64, serverVersion: String, isEncrypted: Bool = false
    ) {
        self.directory = directory
        self.shardCount = shardCount
        self.snapshot = snapshot
        self.manifest = manifest
        self.at = at
        self.blobCount = blobCount
        self.byteCount = byteCount
        self.serverVersion = serverVersion
        self.isEncrypted = isEncrypted
    }
}

/// Why a label cannot be believed.
package struct BackupLabelError: Error, Equatable {
    package let problem: String
}

extension BackupLabel {
    /// Text, so that a person can read it: `docs/FORMAT.md`, "Backups".
    package var encoded: [UInt8] {
        let body = """
            tearoff-backup \(Self.formatVersion)\(isEncrypted ? Self.encryptedWord : "")
            id \(directory)
            shards \(shardCount)
            snapshot \(snapshot)
            manifest \(manifest)
            at \(at.milliseconds)
            blobs \(blobCount)
            bytes \(byteCount)
            server \(serverVersion)

            """
        return Array((body + "crc32c \(Self.checksum(body))\n").utf8)
    }

    private static func checksum(_ body: String) -> String {
        let bytes = Array(body.utf8)
        return Hex.encode(UInt64(CRC32C.checksum(bytes.span)))
    }

    package init(decoding bytes: [UInt8]) throws(BackupLabelError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw BackupLabelError(problem: "it is no text")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        func value(_ name: String, _ index: Int) -> Substring? {
            guard index < lines.count, lines[index].hasPrefix(name + " ") else { return nil }
            return lines[index].dropFirst(name.count + 1)
        }
        guard let version = value("tearoff-backup", 0) else {
            throw BackupLabelError(problem: "it does not begin with 'tearoff-backup'")
        }
        let isEncrypted = version.hasSuffix(Self.encryptedWord)
        guard version == "\(Self.formatVersion)\(isEncrypted ? Self.encryptedWord : "")" else {
            throw BackupLabelError(
                problem: "it has format \(version), and this program knows format \(Self.formatVersion)")
        }
        guard lines.count == 11, lines[10].isEmpty,
            value("crc32c", 9).map(String.init) == Self.checksum(lines[..<9].joined(separator: "\n") + "\n")
        else { throw BackupLabelError(problem: "its checksum does not match") }
        guard let directory = value("id", 1).flatMap({ DirectoryID(hex: $0) }),
            let shardCount = value("shards", 2).flatMap({ UInt16($0) }),
            shardCount > 0, shardCount <= Limits.shards, shardCount & (shardCount - 1) == 0,
            let snapshot = value("snapshot", 3).flatMap({ UInt64($0) }),
            let manifest = value("manifest", 4).flatMap({ ContentHash(hex: $0) }),
            let at = value("at", 5).flatMap({ UInt64($0) }),
            let blobCount = value("blobs", 6).flatMap({ Int($0) }),
            let byteCount = value("bytes", 7).flatMap({ UInt64($0) }), let server = value("server", 8)
        else { throw BackupLabelError(problem: "a line cannot be read") }
        self.init(
            directory: directory, shardCount: shardCount, snapshot: snapshot, manifest: manifest,
            at: Timestamp(milliseconds: at), blobCount: blobCount, byteCount: byteCount,
            serverVersion: String(server), isEncrypted: isEncrypted)
    }
}
