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
    /// nil: the directory is not encrypted.
    package let keyring: Keyring?
    /// Whether it wanted the previous operator's key, and wants the present one from now on.
    package let wantedPreviousKey: Bool

    private let root: SystemDirectory
    private let lock: SystemFile
    /// The folder of the log, to know it again.
    private let log: SystemFile

    static let identityFile = "IDENTITY"
    static let lockFile = "LOCK"
    static let logDirectory = "wal"
    static let blobDirectory = "blobs"
    static let snapshotDirectory = "snapshots"
    static let feedDirectory = "feed"
    private static var ownNames: Set<String> {
        [
            lockFile, logDirectory, blobDirectory, snapshotDirectory, feedDirectory,
            KeyFile.name, identityFile + SystemDirectory.temporarySuffix,
            KeyFile.name + SystemDirectory.temporarySuffix,
        ]
    }

    private init(
        path: String, root: SystemDirectory, lock: SystemFile, log: SystemFile, identity: DataIdentity, origin: Origin,
        temporaryFilesRemoved: Int, keyring: Keyring?, wantedPreviousKey: Bool
    ) {
        self.path = path
        self.root = root
        self.lock = lock
        self.log = log
        self.identity = identity
        self.origin = origin
        self.temporaryFilesRemoved = temporaryFilesRemoved
        self.keyring = keyring
        self.wantedPreviousKey = wantedPreviousKey
    }

    /// Opens a directory, or makes one where there is none. One of an older format becomes of the present one.
    ///
    /// - Parameters:
    ///   - expectData: whether a missing or empty directory is refused: a missing mount must not look like a
    ///     fresh start.
    ///   - shardCount: for a new directory; an existing one keeps its own.
    ///   - newID: random, for a new directory.
    ///   - keys: of an encrypted directory; a new one becomes one with them.
    /// - Throws: ``DataDirectoryError``; what was there is unchanged.
    package static func open(
        path: String, expectData: Bool, shardCount: UInt16, newID: DirectoryID, timeMilliseconds: UInt64,
        keys: OperatorKeys? = nil
    ) throws(DataDirectoryError) -> DataDirectory {
        let place = SystemDirectory(path: path, name: "")
        if try isNew(place, expectData: expectData) {
            try stored { () throws(StorageError) in try place.make() }
        }
        let root = try stored { () throws(StorageError) in try place.pinned() }
        let lock = try takeLock(root)
        // Once more, now that nobody else can be making it: a second identity would disown the first one's
        // log.
        let isNew = try isNew(root, expectData: expectData)
        let identity =
            isNew
            ? DataIdentity(
                id: newID, shardCount: shardCount, createdMilliseconds: timeMilliseconds, hasBegun: false,
                isEncrypted: keys != nil)
            : try readIdentity(root)
        // Before anything is touched: a wrong key changes nothing.
        let opened = isNew ? nil : try openKeys(root, identity, keys)
        let made = isNew && keys != nil ? Keyring.make(timeMilliseconds: timeMilliseconds) : nil
        let removed = try stored { () throws(StorageError) in
            for name in [logDirectory, blobDirectory, snapshotDirectory, feedDirectory] {
                try root.subdirectory(name).make()
            }
            let leftovers = try leftovers(in: root)
            for (directory, file) in leftovers { try directory.remove(file) }
            if let made, let keys {
                try root.writeWhole(KeyFile.name, KeyFile.encode(made, of: identity.id, for: keys.present))
            } else if isNew, try root.contains(KeyFile.name) {
                // Of a directory whose making was cut short.
                try root.remove(KeyFile.name)
            } else if let opened, let keys, opened.isOfPreviousKey {
                try root.writeWhole(KeyFile.name, KeyFile.encode(opened.ring, of: identity.id, for: keys.present))
            }
            // Last, and only with everything else in place: it says that the directory is whole.
            if isNew || !identity.isOfPresentVersion { try root.writeWhole(identityFile, identity.encoded) }
            return leftovers.count
        }
        let log = try stored { () throws(StorageError) in
            try SystemFile(path: root.filePath(logDirectory), name: logDirectory, flags: O_RDONLY | O_DIRECTORY)
        }
        return DataDirectory(
            path: path, root: root, lock: lock, log: log, identity: identity, origin: isNew ? .created : .opened,
            temporaryFilesRemoved: removed, keyring: made ?? opened?.ring,
            wantedPreviousKey: opened?.isOfPreviousKey ?? false)
    }

    /// What a crash left half-written, and the next start removes.
    static func leftovers(
        in root: SystemDirectory
    ) throws(StorageError) -> [(directory: SystemDirectory, file: String)] {
        let places: [(SystemDirectory, isOurs: (String) -> Bool)] = [
            (root, { $0 == identityFile || $0 == KeyFile.name }),
            (root.subdirectory(logDirectory), DirectoryLogStorage.isTemporaryName),
            (root.subdirectory(blobDirectory), DirectoryBlobStore.isTemporaryName),
            (root.subdirectory(snapshotDirectory), BlobNames.isValid),
            (root.subdirectory(feedDirectory), { $0 == DirectoryDeliveryStorage.file }),
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
            (blobDirectory, DirectoryBlobStore.isBlobName),
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

    static func readIdentity(
        _ root: SystemDirectory, expectsLog: Bool = true
    ) throws(DataDirectoryError) -> DataIdentity {
        let bytes = try stored { () throws(StorageError) in try root.readWhole(identityFile) }
        let identity = try DataIdentity(decoding: bytes)
        if identity.isRestored {
            let snapshots = try stored { () throws(StorageError) in
                try root.subdirectory(snapshotDirectory).list() ?? []
            }
            guard snapshots.contains(where: BlobNames.isValid) else { throw .snapshotMissing }
        }
        guard identity.hasBegun && expectsLog else { return identity }
        let log = try stored { () throws(StorageError) in try root.subdirectory(logDirectory).list() } ?? []
        guard log.contains(where: { SegmentID(fileName: $0)?.lane == .control }) else { throw .logMissing }
        return identity
    }

    /// How long a lock that is held is waited for: a process that was killed may take a moment to end (DURABILITY,
    /// row 33).
    static let lockWaitMilliseconds = 250

    static func takeLock(_ root: SystemDirectory) throws(DataDirectoryError) -> SystemFile {
        let file = try stored { () throws(StorageError) in
            try root.open(lockFile, O_RDWR | O_CREAT, operation: .lock)
        }
        try lock(file, LOCK_EX)
        return file
    }

    /// - Parameter kind: `LOCK_EX` for who serves it; `LOCK_SH` for who only reads it, beside others who do.
    static func lock(_ file: SystemFile, _ kind: CInt) throws(DataDirectoryError) {
        guard try stored({ () throws(StorageError) in try file.lock(kind, waitMilliseconds: lockWaitMilliseconds) })
        else { throw .locked }
    }
}

extension DataDirectory {
    /// Notes that the control lane exists: from now on a directory without one has lost it.
    package func markBegun() throws(StorageError) {
        if !identity.hasBegun { try root.writeWhole(Self.identityFile, identity.begun.encoded) }
    }

    /// Whether the path still leads to what is served. If not, somebody has moved, replaced or removed it: what is
    /// written from now on is not found by the next start, or by nobody.
    package var isInPlace: Bool {
        lock.isAt("\(path)/\(Self.lockFile)") && log.isAt("\(path)/\(Self.logDirectory)")
    }

    package func makeLogStorage(_ settings: LogStorageSettings = .init()) throws(StorageError)
        -> DirectoryLogStorage
    {
        try DirectoryLogStorage(
            directory: root.subdirectory(Self.logDirectory), settings: settings, cipher: keyring)
    }

    package func makeFeedStorage() -> DirectoryFeedStorage {
        DirectoryFeedStorage(directory: root.subdirectory(Self.feedDirectory), cipher: keyring)
    }

    package func makeDeliveryStorage() -> DirectoryDeliveryStorage {
        DirectoryDeliveryStorage(directory: root.subdirectory(Self.feedDirectory), cipher: keyring)
    }

    package func makeBlobStore() -> DirectoryBlobStore {
        DirectoryBlobStore(
            blobs: root.subdirectory(Self.blobDirectory), named: root.subdirectory(Self.snapshotDirectory),
            cipher: keyring)
    }

    /// Where backups of this directory are written: they are encrypted when it is, with the same keys.
    package func makeBackupShelf(path: String) throws(StorageError) -> BackupShelf {
        BackupShelf(path: path, cipher: keyring, keyFile: keyring == nil ? nil : try root.readWhole(KeyFile.name))
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
    /// It is encrypted, and no key was given.
    case keyNeeded
    /// A key was given, and it is not encrypted.
    case notEncrypted
    /// Each by its fingerprint.
    case wrongKey(given: String, wanted: String)
    case damagedKeys(String)
    /// The key is the right one, and what it should open is not what was written.
    case alteredKeys
    /// It has as many data keys as it may have.
    case tooManyKeys
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
            "there is '\(name)' in it, and a restore wants a new or an empty directory; nothing was "
                + "changed"
        case .keyNeeded:
            "the data directory is encrypted: give its key with --key-file or --key-command; nothing was changed"
        case .notEncrypted:
            "a key was given, and the data directory is not encrypted; nothing was changed. Leave the key out, or make "
                + "an encrypted directory of a backup with tearoffctl restore"
        case .wrongKey(let given, let wanted):
            "wrong key: the data directory wants the key \(wanted), and \(given) was given; nothing was changed"
        case .damagedKeys(let problem):
            "KEYS is damaged: \(problem). Bring it back from a copy or from a backup: without it nothing can be read"
        case .alteredKeys:
            "KEYS was altered on purpose: its checksum matches and its encryption's tag does not. Bring it back from a "
                + "backup, and look for who can write to the directory"
        case .tooManyKeys:
            "the data directory has \(Keyring.dataKeysMaximum) data keys, and no more are possible: make another "
                + "directory of a backup with tearoffctl restore"
        case .storage(let error): "\(error)"
        }
    }
}
