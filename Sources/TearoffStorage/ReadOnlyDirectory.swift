import Glibc
package import TearoffLog

/// A data directory that is only looked at: nothing in it is written, made, renamed or removed.
package final class ReadOnlyDirectory: Sendable {
    package let identity: DataIdentity
    package let identityByteCount: UInt64
    /// Half-written files that the next start removes, as `wal/probe.tmp`.
    package let leftovers: [String]
    /// nil: the directory is not encrypted.
    package let keyring: Keyring?

    private let root: SystemDirectory
    /// Held for as long as this object lives. nil when it was not asked for, or the directory has no `LOCK`: a copy
    /// need not, and whoever serves a directory has one.
    private let lock: SystemFile?

    /// - Parameters:
    ///   - locks: whether no server may have the directory meanwhile. What is read beside a server may be of different
    ///     moments.
    ///   - key: of an encrypted directory.
    ///   - readsContent: whether more is looked at than names and sizes, which needs no key.
    ///   - expectsLog: whether one that was served and has lost its log is refused, as a start does.
    /// - Throws: ``DataDirectoryError``, as a start of the server would; also
    ///   ``DataDirectoryError/expectedData`` for a directory that is missing or empty.
    package init(
        path: String, locks: Bool, key: OperatorKey? = nil, readsContent: Bool = true,
        expectsLog: Bool = true
    ) throws(DataDirectoryError) {
        root = SystemDirectory(path: path, name: "")
        lock = locks ? try Self.lock(root) : nil
        if try DataDirectory.isNew(root, expectData: true) { throw .expectedData }
        identity = try DataDirectory.readIdentity(root, expectsLog: expectsLog)
        keyring =
            readsContent ? try DataDirectory.openKeys(root, identity, key.map { OperatorKeys($0) })?.ring : nil
        let root = root
        (identityByteCount, leftovers) = try DataDirectory.stored { () throws(StorageError) in
            let size = try root.open(DataDirectory.identityFile, O_RDONLY).byteCount
            return (size, try DataDirectory.leftovers(in: root).map { $0.directory.fileName($0.file) })
        }
    }

    private static func lock(_ root: SystemDirectory) throws(DataDirectoryError) -> SystemFile? {
        let file: SystemFile
        do throws(StorageError) {
            file = try root.open(DataDirectory.lockFile, O_RDONLY, operation: .lock)
        } catch {
            if error.problem == .missing { return nil }
            throw .storage(error)
        }
        try DataDirectory.lock(file, LOCK_SH)
        return file
    }

    package var log: some LogStorage {
        ReadOnlyLogStorage(directory: root.subdirectory(DataDirectory.logDirectory), cipher: keyring)
    }

    package var blobs: some BlobStore {
        ReadOnlyBlobStore(
            store: DirectoryBlobStore(
                blobs: root.subdirectory(DataDirectory.blobDirectory),
                named: root.subdirectory(DataDirectory.snapshotDirectory), cipher: keyring))
    }
}

extension StorageError {
    /// What every writing call of a door for reading only throws.
    fileprivate static func refused(_ operation: Operation, _ file: String) -> StorageError {
        .system(EROFS, operation, file)
    }
}

/// WAL segments that are only read, from the medium.
struct ReadOnlyLogStorage: LogStorage {
    let directory: SystemDirectory
    let cipher: (any DirectoryCipher)?

    /// Nothing is written, so nothing has to be aligned.
    var blockBytes: Int { LogLimits.blockBytesMin }

    /// Nothing will be built on what is read, so it need not be made durable first.
    func settle() {}

    func list() throws(StorageError) -> SegmentListing { try directory.listSegments() }

    func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        // Whether direct I/O works is only known by writing.
        try directory.read(segment, from: offset, count: count, into: &bytes, directFlag: 0)
    }

    func prepareSegment(_ header: SegmentHeader) throws(StorageError) {
        throw .refused(.create, header.id.description)
    }

    func makeLane(_ lane: LaneID) throws(StorageError) -> sending any LaneStorage {
        throw .refused(.create, "wal of lane \(lane)")
    }

    func remove(_ segment: SegmentID) throws(StorageError) { throw .refused(.remove, segment.description) }
    func syncDirectory() throws(StorageError) { throw .refused(.sync, directory.name) }
}

/// Blobs and manifests that are only read.
struct ReadOnlyBlobStore: BlobStore {
    let store: DirectoryBlobStore

    func open(_ id: BlobID) throws(StorageError) -> sending any BlobReader { try store.open(id) }
    func contains(_ id: BlobID) throws(StorageError) -> Bool { try store.contains(id) }
    func byteCount(_ id: BlobID) throws(StorageError) -> UInt64 { try store.byteCount(id) }
    func all() throws(StorageError) -> [BlobID] { try store.all() }
    func readNamed(_ name: String) throws(StorageError) -> [UInt8] { try store.readNamed(name) }
    func listNamed() throws(StorageError) -> [String] { try store.listNamed() }
    func publicHash(of content: BlobID) -> BlobID { store.publicHash(of: content) }
    var isEncrypted: Bool { store.isEncrypted }

    func makeWriter() throws(StorageError) -> sending any BlobWriter { throw .refused(.create, "blobs") }
    func remove(_ id: BlobID) throws(StorageError) { throw .refused(.remove, "blobs/\(id)") }
    func writeNamed(_ name: String, _ bytes: [UInt8]) throws(StorageError) {
        throw .refused(.write, "snapshots/\(name)")
    }
    func removeNamed(_ name: String) throws(StorageError) { throw .refused(.remove, "snapshots/\(name)") }
    func setAside(_ name: String) throws(StorageError) { throw .refused(.rename, "snapshots/\(name)") }
}
