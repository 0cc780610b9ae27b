import Glibc
package import TearoffLog

/// Blobs as files named by their hash in `blobs/`, and named files (manifests) in `snapshots/`.
package struct DirectoryBlobStore: BlobStore {
    private let blobs: SystemDirectory
    private let named: SystemDirectory

    init(blobs: SystemDirectory, named: SystemDirectory) {
        self.blobs = blobs
        self.named = named
    }

    package func makeWriter() throws(StorageError) -> sending any BlobWriter {
        try DirectoryBlobWriter(directory: blobs)
    }

    package func open(_ id: BlobID) throws(StorageError) -> sending any BlobReader {
        try DirectoryBlobReader(id, in: blobs)
    }

    package func contains(_ id: BlobID) throws(StorageError) -> Bool {
        do throws(StorageError) {
            _ = try byteCount(id)
            return true
        } catch {
            if error.problem == .missing { return false }
            throw error
        }
    }

    package func link(_ id: BlobID, from other: any BlobStore) throws(StorageError) -> Bool {
        guard let other = other as? DirectoryBlobStore else { return false }
        guard unsafe Glibc.link(other.blobs.filePath("\(id)"), blobs.filePath("\(id)")) == 0 else {
            // Two file systems, one without links, or as many links as a file may have.
            if [EXDEV, EPERM, EOPNOTSUPP, EMLINK].contains(errno) { return false }
            throw .last(.create, blobs.fileName("\(id)"))
        }
        try blobs.sync()
        return true
    }

    package func byteCount(_ id: BlobID) throws(StorageError) -> UInt64 {
        try blobs.open("\(id)", O_RDONLY).byteCount
    }

    package func all() throws(StorageError) -> [BlobID] {
        (try blobs.list() ?? []).compactMap { BlobID(hex: $0) }
    }

    package func remove(_ id: BlobID) throws(StorageError) { try blobs.remove("\(id)") }

    package func writeNamed(_ name: String, _ bytes: [UInt8]) throws(StorageError) {
        precondition(BlobNames.isValid(name), "'\(name)' is no name for a file")
        try named.writeWhole(name, bytes)
    }

    package func readNamed(_ name: String) throws(StorageError) -> [UInt8] { try named.readWhole(name) }

    package func listNamed() throws(StorageError) -> [String] {
        (try named.list() ?? []).filter(BlobNames.isValid).sorted()
    }

    package func removeNamed(_ name: String) throws(StorageError) {
        try named.remove(name)
        try named.sync()
    }

    package func setAside(_ name: String) throws(StorageError) {
        try named.rename(name, to: name + BlobNames.asideSuffix)
        try named.sync()
    }
}

extension DirectoryBlobStore {
    /// Whether a blob under way has this name, given without its suffix.
    static func isTemporaryName(_ name: String) -> Bool { Hex.decode(name)?.count == 8 }
}

/// Writes a blob under a temporary name until its hash is known.
private final class DirectoryBlobWriter: BlobWriter {
    private let directory: SystemDirectory
    private let temporaryName: String
    private let file: SystemFile
    private let hasher = SHA256Hasher()
    private var isOver = false
    private var unsyncedBytes = 0
    private(set) var byteCount: UInt64 = 0

    init(directory: SystemDirectory) throws(StorageError) {
        self.directory = directory
        temporaryName = Hex.encode(UInt64.random(in: 0...UInt64.max)) + SystemDirectory.temporarySuffix
        file = try directory.open(temporaryName, O_RDWR | O_CREAT | O_EXCL, operation: .create)
    }

    deinit { abandon() }

    func append(_ bytes: Span<UInt8>) throws(StorageError) {
        try guarded { () throws(StorageError) in
            try file.write(bytes, at: byteCount)
            hasher.update(bytes)
            byteCount += UInt64(bytes.count)
            unsyncedBytes += bytes.count
            if unsyncedBytes >= SystemFile.unsyncedBytesMax {
                try file.sync()
                unsyncedBytes = 0
            }
        }
    }

    func finish() throws(StorageError) -> BlobID {
        try guarded { () throws(StorageError) in try publish() }
    }

    /// Runs a step; when it throws, the blob is given up. A second sync after a failed one would prove
    /// nothing.
    private func guarded<Value>(_ step: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        guard !isOver else { throw StorageError(.write, file: file.name, problem: .poisoned) }
        do throws(StorageError) {
            return try step()
        } catch {
            abandon()
            throw error
        }
    }

    private func publish() throws(StorageError) -> BlobID {
        let id = hasher.finish()
        try file.sync()
        // What the medium gives back is what was meant, or nobody hears of the blob.
        file.dropCache()
        let reader = DirectoryBlobReader(id, file, byteCount: byteCount)
        var piece: [UInt8] = []
        repeat { try reader.read(upTo: LogLimits.readWindowBytes, into: &piece) } while !piece.isEmpty
        try directory.rename(temporaryName, to: "\(id)")
        isOver = true
        try directory.sync()
        return id
    }

    func abandon() {
        if isOver { return }
        isOver = true
        // A leftover is removed at the next start.
        _ = unsafe unlink(directory.filePath(temporaryName))
    }
}

/// Reads a blob in pieces and compares its hash at the end.
private final class DirectoryBlobReader: BlobReader {
    let byteCount: UInt64
    private let id: BlobID
    private let file: SystemFile
    private let hasher = SHA256Hasher()
    private var position: UInt64 = 0
    private var buffer: AlignedBuffer

    init(_ id: BlobID, _ file: SystemFile, byteCount: UInt64) {
        self.id = id
        self.file = file
        self.byteCount = byteCount
        buffer = AlignedBuffer(byteCount: Int(min(max(1, byteCount), UInt64(LogLimits.readWindowBytes))))
    }

    convenience init(_ id: BlobID, in directory: SystemDirectory) throws(StorageError) {
        let file = try directory.open("\(id)", O_RDONLY)
        self.init(id, file, byteCount: try file.byteCount)
    }

    func read(upTo countMax: Int, into bytes: inout [UInt8]) throws(StorageError) {
        precondition(countMax > 0, "a read of nothing would look like the end")
        let count = Int(min(UInt64(min(countMax, buffer.byteCount)), byteCount - position))
        guard count > 0 else {
            bytes.removeAll(keepingCapacity: true)
            guard hasher.finish() == id else { throw StorageError(.read, file: file.name, problem: .damaged) }
            return
        }
        try file.read(count, at: position, into: &buffer)
        buffer.read(count, into: &bytes)
        hasher.update(bytes.span)
        position += UInt64(count)
    }
}
