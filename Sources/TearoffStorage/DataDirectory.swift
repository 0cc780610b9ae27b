import Glibc
package import TearoffLog

/// A data directory, locked for as long as this object lives.
package final class DataDirectory: Sendable {
    package enum Origin: Sendable {
        /// It did not exist, or was empty.
        case created
        case opened
    }

    package let path: String
    package let identity: DataIdentity
    package let origin: Origin
    /// Files that a crash left half-written; nobody was told of them.
    package let temporaryFilesRemoved: Int

    private let root: SystemDirectory
    private let lock: SystemFile

    static let identityFile = "IDENTITY"
    static let lockFile = "LOCK"
    static let logDirectory = "wal"
    static let blobDirectory = "blobs"
    static let snapshotDirectory = "snapshots"
    static let feedDirectory = "feed"
    private static var ownNames: Set<String> {
        [
            lockFile, logDirectory, blobDirectory, snapshotDirectory, feedDirectory,
            identityFile + SystemDirectory.temporarySuffix,
        ]
    }

    private init(
        root: SystemDirectory, lock: SystemFile, identity: DataIdentity, origin: Origin,
        temporaryFilesRemoved: Int
    ) {
        path = root.path
        self.root = root
        self.lock = lock
        self.identity = identity
        self.origin = origin
        self.temporaryFilesRemoved = temporaryFilesRemoved
    }

    /// Opens a directory, or makes one where there is none. One of an older format becomes of the present one.
    ///
    /// - Parameters:
    ///   - expectData: whether a missing or empty directory is refused: a missing mount must not look like a
    ///     fresh start.
    ///   - shardCount: for a new directory; an existing one keeps its own.
    ///   - newID: random, for a new directory.
    /// - Throws: ``DataDirectoryError``; what was there is unchanged.
    package static func open(
        path: String, expectData: Bool, shardCount: UInt16, newID: DirectoryID, timeMilliseconds: UInt64
    ) throws(DataDirectoryError) -> DataDirectory {
        let root = SystemDirectory(path: path, name: "")
        if try isNew(root, expectData: expectData) {
            try stored { () throws(StorageError) in try root.make() }
        }
        let lock = try takeLock(root)
        // Once more, now that nobody else can be making it: a second identity would disown the first one's
        // log.
        let isNew = try isNew(root, expectData: expectData)
        let identity =
            isNew
            ? DataIdentity(
                id: newID, shardCount: shardCount, createdMilliseconds: timeMilliseconds, hasBegun: false)
            : try readIdentity(root)
        let removed = try stored { () throws(StorageError) in
            for name in [logDirectory, blobDirectory, snapshotDirectory, feedDirectory] {
                try root.subdirectory(name).make()
            }
            let leftovers = try leftovers(in: root)
            for (directory, file) in leftovers { try directory.remove(file) }
            // Last, and only with everything else in place: it says that the directory is whole.
            if isNew || !identity.isOfPresentVersion { try root.writeWhole(identityFile, identity.encoded) }
            return leftovers.count
        }
        return DataDirectory(
            root: root, lock: lock, identity: identity, origin: isNew ? .created : .opened,
            temporaryFilesRemoved: removed)
    }

    /// What a crash left half-written, and the next start removes.
    static func leftovers(
        in root: SystemDirectory
    ) throws(StorageError) -> [(directory: SystemDirectory, file: String)] {
        let places: [(SystemDirectory, isOurs: (String) -> Bool)] = [
            (root, { $0 == identityFile }),
            (root.subdirectory(logDirectory), DirectoryLogStorage.isTemporaryName),
            (root.subdirectory(blobDirectory), DirectoryBlobStore.isTemporaryName),
            (root.subdirectory(snapshotDirectory), BlobNames.isValid),
        ]
        var leftovers: [(directory: SystemDirectory, file: String)] = []
        for (directory, isOurs) in places {
            leftovers += try directory.temporaryFiles(where: isOurs).map { (directory, $0) }
        }
        return leftovers
    }

    /// Whether a directory is still to be made there. Changes nothing.
    static func isNew(_ root: SystemDirectory, expectData: Bool) throws(DataDirectoryError) -> Bool {
        let names = try stored { () throws(StorageError) in try root.list() } ?? []
        if names.contains(BackupLabel.file) { throw .isBackup }
        if names.contains(identityFile) { return false }
        if let stranger = names.sorted().first(where: { !ownNames.contains($0) }) { throw .notOurs(stranger) }
        // A crash while a directory was made leaves our names, but nothing under them: that comes later.
        if let file = try anyData(root) {
            throw .damagedIdentity("the file is missing, though there is \(file)")
        }
        if expectData { throw .expectedData }
        return true
    }

    /// Some segment, blob or manifest of the directory; nil when it never held any.
    private static func anyData(_ root: SystemDirectory) throws(DataDirectoryError) -> String? {
        let isOurs: [(directory: String, named: (String) -> Bool)] = [
            (logDirectory, { SegmentID(fileName: $0) != nil }),
            (blobDirectory, { BlobID(hex: $0) != nil }),
            (snapshotDirectory, { BlobNames.isValid($0) || $0.hasSuffix(BlobNames.asideSuffix) }),
        ]
        for (directory, isData) in isOurs {
            let names = try stored { () throws(StorageError) in
                try root.subdirectory(directory).list() ?? []
            }
            if let name = names.sorted().first(where: isData) { return "\(directory)/\(name)" }
        }
        return nil
    }

    static func stored<Value>(
        _ body: () throws(StorageError) -> Value
    ) throws(DataDirectoryError) -> Value {
        do throws(StorageError) {
            return try body()
        } catch {
            throw .storage(error)
        }
    }

    static func readIdentity(_ root: SystemDirectory) throws(DataDirectoryError) -> DataIdentity {
        let bytes = try stored { () throws(StorageError) in try root.readWhole(identityFile) }
        let identity = try DataIdentity(decoding: bytes)
        if identity.isRestored {
            let snapshots = try stored { () throws(StorageError) in
                try root.subdirectory(snapshotDirectory).list() ?? []
            }
            guard snapshots.contains(where: BlobNames.isValid) else { throw .snapshotMissing }
        }
        guard identity.hasBegun else { return identity }
        let log = try stored { () throws(StorageError) in try root.subdirectory(logDirectory).list() } ?? []
        guard log.contains(where: { SegmentID(fileName: $0)?.lane == .control }) else { throw .logMissing }
        return identity
    }

    /// How often, and how far apart, a lock that is held is tried again: after a SIGKILL io_uring may hold
    /// the file for a moment (DURABILITY, row 33).
    private static let lockTries = 5
    private static let lockPauseMicroseconds: UInt32 = 50_000

    static func takeLock(_ root: SystemDirectory) throws(DataDirectoryError) -> SystemFile {
        let file = try stored { () throws(StorageError) in
            try root.open(lockFile, O_RDWR | O_CREAT, operation: .lock)
        }
        try lock(file, LOCK_EX)
        return file
    }

    /// - Parameter kind: `LOCK_EX` for who serves it; `LOCK_SH` for who only reads it, beside others who do.
    static func lock(_ file: SystemFile, _ kind: CInt) throws(DataDirectoryError) {
        for attempt in 0...lockTries {
            if flock(file.descriptor, kind | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw .storage(.last(.lock, lockFile)) }
            if attempt < lockTries { usleep(lockPauseMicroseconds) }
        }
        throw .locked
    }
}

extension DataDirectory {
    /// Notes that the control lane exists: from now on a directory without one has lost it.
    package func markBegun() throws(StorageError) {
        if !identity.hasBegun { try root.writeWhole(Self.identityFile, identity.begun.encoded) }
    }

    package func makeLogStorage(_ settings: LogStorageSettings = .init()) throws(StorageError)
        -> DirectoryLogStorage
    {
        try DirectoryLogStorage(directory: root.subdirectory(Self.logDirectory), settings: settings)
    }

    package func makeFeedStorage() -> DirectoryFeedStorage {
        DirectoryFeedStorage(directory: root.subdirectory(Self.feedDirectory))
    }

    package func makeBlobStore() -> DirectoryBlobStore {
        DirectoryBlobStore(
            blobs: root.subdirectory(Self.blobDirectory), named: root.subdirectory(Self.snapshotDirectory))
    }
}

/// Why a data directory cannot be used.
package enum DataDirectoryError: Error, Equatable, Sendable {
    /// It is missing or empty, and data was expected.
    case expectedData
    /// It holds something that is not Tearoff's, by that name.
    case notOurs(String)
    case locked
    case unsupportedVersion(found: String)
    case damagedIdentity(String)
    /// It has been served, and its log is gone.
    case logMissing
    /// It was restored from a backup, has not been served since, and its snapshot is gone.
    case snapshotMissing
    /// It is a backup: a start on it would give the codes again that were given after it.
    case isBackup
    /// Something is restored into it, which must be new or empty.
    case notEmpty(String)
    case storage(StorageError)
}

extension DataDirectoryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .expectedData:
            "the data directory is missing or empty, and --expect-data was given: is its disk mounted?"
        case .notOurs(let name):
            "the data directory holds '\(name)' and no IDENTITY, so it is not Tearoff's; nothing was changed. "
                + "Name an empty or a new directory"
        case .locked: "another server, or a tearoffctl verify, has the data directory; end it first"
        case .unsupportedVersion(let found):
            "the data directory has format \(found), and this program knows format \(DataIdentity.formatVersion)"
        case .damagedIdentity(let problem): "IDENTITY is damaged: \(problem). Bring it back from a copy"
        case .logMissing:
            "the data directory was served before, and its log is missing: acknowledged codes would be given again. "
                + "Bring wal/ back"
        case .snapshotMissing:
            "the data directory was restored from a backup, and its snapshot is missing. Restore it anew"
        case .isBackup:
            "this is a backup, and a start on it would give codes again that were given after it: make a data "
                + "directory of it with tearoffctl restore"
        case .notEmpty(let name):
            "there is '\(name)' in it, and a backup is restored into a new or an empty directory only; nothing was "
                + "changed"
        case .storage(let error): "\(error)"
        }
    }
}
