import Glibc
package import TearoffLog

/// A backup: a label, one manifest and the blobs that it needs.
///
///     BACKUP               what it is a backup of; written last
///     manifest-<number>
///     blobs/<sha256>
package struct BackupDirectory: Sendable {
    package let label: BackupLabel
    private let root: SystemDirectory

    /// Opens a backup to be read; only its label is looked at.
    ///
    /// - Throws: ``RecoveryError`` with the file's name.
    package init(path: String) throws(RecoveryError) {
        root = SystemDirectory(path: path, name: "")
        do {
            label = try BackupLabel(decoding: try root.readWhole(BackupLabel.file))
        } catch let error as BackupLabelError {
            throw RecoveryError(
                .damaged, file: BackupLabel.file, problem: error.problem, advice: Self.otherAdvice)
        } catch let error as StorageError {
            guard error.problem == .missing else { throw .unreadable(error) }
            throw RecoveryError(
                .missing, file: BackupLabel.file,
                problem: "there is none, so this is no backup, or one that was cut short",
                advice: Self.otherAdvice)
        } catch {
            preconditionFailure("reading a label throws nothing else: \(error)")
        }
    }

    private static let otherAdvice = "Nothing was changed. Take another backup."

    package var blobs: some BlobStore { ReadOnlyBlobStore(store: Self.store(in: root)) }

    /// It has none: a backup is a snapshot.
    package var log: some LogStorage {
        ReadOnlyLogStorage(directory: root.subdirectory(DataDirectory.logDirectory))
    }

    private static func store(in root: SystemDirectory) -> DirectoryBlobStore {
        DirectoryBlobStore(blobs: root.subdirectory(DataDirectory.blobDirectory), named: root)
    }
}

/// The directory that backups are written into: each has one of its own there.
package struct BackupShelf: Sendable {
    private let directory: SystemDirectory

    package enum Refusal: Error, Equatable, Sendable {
        case exists
        case missing
        case storage(StorageError)
    }

    package init(path: String) {
        directory = SystemDirectory(path: path, name: "")
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
            return DirectoryBlobStore(blobs: blobs, named: place)
        } catch {
            throw .storage(error)
        }
    }
}
