import Glibc
package import TearoffLog

/// A backup: a label, one manifest and the blobs that it needs.
///
///     BACKUP               what it is a backup of; written last
///     KEYS                 of an encrypted directory
///     manifest-<number>
///     blobs/<sha256>
package struct BackupDirectory: Sendable {
    package let label: BackupLabel
    private let root: SystemDirectory
    private let keyring: Keyring?

    /// Opens a backup to be read; only its label and its keys are looked at.
    ///
    /// - Parameter key: of the directory that was backed up, as it was wanted then; nil: it was not encrypted.
    /// - Throws: ``RecoveryError`` with the file's name, or what is wrong with the key as ``DataDirectoryError``.
    package init(path: String, key: OperatorKey? = nil) throws {
        root = SystemDirectory(path: path, name: "")
        label = try Self.readLabel(root)
        guard label.isEncrypted else {
            if key != nil { throw DataDirectoryError.notEncrypted }
            keyring = nil
            return
        }
        guard let key else { throw DataDirectoryError.keyNeeded }
        keyring = try DataDirectory.readKeyFile(root, of: label.directory).open(with: key)
    }

    private static func readLabel(_ root: SystemDirectory) throws(RecoveryError) -> BackupLabel {
        do {
            return try BackupLabel(decoding: try root.readWhole(BackupLabel.file))
        } catch let error as BackupLabelError {
            throw RecoveryError(
                .damaged, file: BackupLabel.file, problem: error.problem, advice: otherAdvice)
        } catch let error as StorageError {
            guard error.problem == .missing else { throw .unreadable(error) }
            throw RecoveryError(
                .missing, file: BackupLabel.file,
                problem: "there is none, so this is no backup, or one that was cut short",
                advice: otherAdvice)
        } catch {
            preconditionFailure("reading a label throws nothing else: \(error)")
        }
    }

    private static let otherAdvice = "Nothing was changed. Take another backup."

    package var blobs: some BlobStore { ReadOnlyBlobStore(store: Self.store(in: root, keyring)) }

    private static func store(in root: SystemDirectory, _ cipher: (any DirectoryCipher)?) -> DirectoryBlobStore {
        DirectoryBlobStore(blobs: root.subdirectory(DataDirectory.blobDirectory), named: root, cipher: cipher)
    }

    /// It has none: a backup is a snapshot.
    package var log: some LogStorage {
        ReadOnlyLogStorage(directory: root.subdirectory(DataDirectory.logDirectory), cipher: keyring)
    }
}

/// The directory that backups are written into: each has one of its own there.
package struct BackupShelf: Sendable {
    private let directory: SystemDirectory
    private let cipher: (any DirectoryCipher)?
    /// What `KEYS` of the directory holds.
    private let keyFile: [UInt8]?

    package enum Refusal: Error, Equatable, Sendable {
        case exists
        case missing
        case storage(StorageError)
    }

    package init(path: String) {
        self.init(path: path, cipher: nil, keyFile: nil)
    }

    init(path: String, cipher: (any DirectoryCipher)?, keyFile: [UInt8]?) {
        directory = SystemDirectory(path: path, name: "")
        self.cipher = cipher
        self.keyFile = keyFile
    }

    /// Whether it lies in that directory, or is it, whatever links lead there.
    package func isInside(_ path: String) -> Bool {
        guard let own = Self.canonical(directory.path), let other = Self.canonical(path) else { return false }
        return own == other || own.hasPrefix(other + "/")
    }

    /// - Returns: nil when there is no such directory.
    private static func canonical(_ path: String) -> String? {
        // SAFETY: the system allocates the text, which is freed once it is copied.
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    /// Makes an empty place for a backup, for its owner alone; durable on return.
    ///
    /// - Parameter name: one that is a ``BlobNames/isValid(_:)`` name, so it has no slash and leads nowhere else.
    package func make(_ name: String) throws(Refusal) -> any BlobStore {
        precondition(!name.contains("/") && !name.hasPrefix("."), "'\(name)' is no name for a backup")
        let place = SystemDirectory(path: directory.filePath(name), name: "")
        // Never into what is there: a backup that was cut short must not be taken for a part of this one.
        guard unsafe mkdir(place.path, 0o700) == 0 else {
            switch errno {
            case EEXIST: throw .exists
            case ENOENT: throw .missing
            default: throw .storage(.last(.create, name))
            }
        }
        do throws(StorageError) {
            try directory.sync()
            let blobs = place.subdirectory(DataDirectory.blobDirectory)
            try blobs.make()
            if let keyFile { try place.writeWhole(KeyFile.name, keyFile) }
            return DirectoryBlobStore(blobs: blobs, named: place, cipher: cipher)
        } catch {
            throw .storage(error)
        }
    }
}
