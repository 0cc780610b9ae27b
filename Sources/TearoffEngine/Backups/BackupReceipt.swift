package import TearoffCore
package import TearoffLog

/// What a written backup came to.
package struct BackupReceipt: Equatable, Sendable {
    package let snapshot: UInt64
    package let at: Timestamp
    package let blobs: Int
    /// Those that share their bytes with the data directory's own.
    package let linked: Int
    /// Of manifest and blobs.
    package let byteCount: UInt64
    package let milliseconds: UInt64
}

/// Why no backup was written.
package enum BackupError: Error, Equatable, Sendable {
    /// The server was told of no directory for backups.
    case notAllowed
    case exists(String)
    /// The directory for backups is not there: is its disk mounted?
    case noDirectory
    /// What was written is left where it is, and is no backup.
    case cutShort(String, StorageError)
}
