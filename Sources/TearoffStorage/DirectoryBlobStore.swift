import Glibc
import TearoffCore
package import TearoffLog

/// Blobs as files named by their hash in `blobs/`, and named files (manifests) in `snapshots/`; encrypted when there is
/// something to encrypt them with.
package struct DirectoryBlobStore: BlobStore {
    private let blobs: SystemDirectory
    private let named: SystemDirectory
    private let cipher: (any DirectoryCipher)?

    init(blobs: SystemDirectory, named: SystemDirectory, cipher: (any DirectoryCipher)? = nil) {
        self.blobs = blobs
        self.named = named
        self.cipher = cipher
    }

    package var isEncrypted: Bool { cipher != nil }

    package func publicHash(of content: BlobID) -> BlobID {
        cipher?.publicHash(of: content) ?? content
    }

    private func fileName(of id: BlobID) -> String { Self.fileName(of: id, cipher) }

    fileprivate static func fileName(of id: BlobID, _ cipher: (any DirectoryCipher)?) -> String {
        cipher?.fileName(of: id) ?? "\(id)"
    }

    package func makeWriter() throws(StorageError) -> sending any BlobWriter {
        try DirectoryBlobWriter(directory: blobs, cipher)
    }

    package func open(_ id: BlobID) throws(StorageError) -> sending any BlobReader {
        try DirectoryBlobReader(id, in: blobs, cipher)
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
        // Where the names differ, so do the keys, and the other's bytes could not be read here.
        let name = fileName(of: id)
        guard other.fileName(of: id) == name else { return false }
        guard unsafe Glibc.link(other.blobs.filePath(name), blobs.filePath(name)) == 0 else {
            // Two file systems, one without links, or as many links as a file may have.
            if [EXDEV, EPERM, EOPNOTSUPP, EMLINK].contains(errno) { return false }
            throw .last(.create, blobs.fileName(name))
        }
        try blobs.sync()
        return true
    }

    package func byteCount(_ id: BlobID) throws(StorageError) -> UInt64 {
        let file = try blobs.open(fileName(of: id), O_RDONLY)
        let fileBytes = try file.byteCount
        if cipher == nil { return fileBytes }
        guard let count = EncryptedFile.contentBytes(ofFile: fileBytes) else {
            throw StorageError(.stat, file: file.name, problem: .damaged)
        }
        return count
    }

    package func all() throws(StorageError) -> [BlobID] {
        (try blobs.list() ?? []).compactMap { name in
            cipher.map { $0.blob(fileName: name) } ?? BlobID(hex: name)
        }
    }

    package func remove(_ id: BlobID) throws(StorageError) { try blobs.remove(fileName(of: id)) }

    package func writeNamed(_ name: String, _ bytes: [UInt8]) throws(StorageError) {
        precondition(BlobNames.isValid(name), "'\(name)' is no name for a file")
        let encrypted = cipher(of: name).map { EncryptedFile.encrypt(bytes, with: $0, for: .named(name)) }
        try named.writeWhole(name, encrypted ?? bytes)
    }

    package func readNamed(_ name: String) throws(StorageError) -> [UInt8] {
        let bytes = try named.readWhole(name)
        guard let cipher = cipher(of: name) else { return bytes }
        do throws(EncryptedFileError) {
            return try EncryptedFile.decrypt(bytes, with: cipher, for: .named(name))
        } catch {
            throw StorageError(.read, file: named.fileName(name), problem: .init(error))
        }
    }

    /// A backup's label says, also to who has no key, that it is one.
    private func cipher(of name: String) -> (any DirectoryCipher)? { name == BackupLabel.file ? nil : cipher }

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
    /// Whether a blob has this name, encrypted or not: 32 bytes, or as they are wrapped.
    static func isBlobName(_ name: String) -> Bool {
        guard let bytes = Hex.decode(name) else { return false }
        return [BlobID.byteCount, BlobID.byteCount + 8].contains(bytes.count)
    }

    /// Whether a blob under way has this name, given without its suffix.
    static func isTemporaryName(_ name: String) -> Bool { Hex.decode(name)?.count == 8 }
}

/// Writes a blob under a temporary name until its hash is known.
private final class DirectoryBlobWriter: BlobWriter {
    private let directory: SystemDirectory
    private let temporaryName: String
    private let file: SystemFile
    private let cipher: (any DirectoryCipher)?
    private var sink: BlobSink
    private let hasher = SHA256Hasher()
    private var isOver = false
    private(set) var byteCount: UInt64 = 0

    init(directory: SystemDirectory, _ cipher: (any DirectoryCipher)?) throws(StorageError) {
        self.directory = directory
        self.cipher = cipher
        temporaryName = Hex.encode(UInt64.random(in: 0...UInt64.max)) + SystemDirectory.temporarySuffix
        file = try directory.open(temporaryName, O_RDWR | O_CREAT | O_EXCL, operation: .create)
        sink = BlobSink(file, cipher)
    }

    deinit { abandon() }

    func append(_ bytes: Span<UInt8>) throws(StorageError) {
        try guarded { () throws(StorageError) in
            try sink.append(bytes)
            hasher.update(bytes)
            byteCount += UInt64(bytes.count)
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
        try sink.finish()
        // What the medium gives back is what was meant, or nobody hears of the blob.
        file.dropCache()
        let reader = try DirectoryBlobReader(id, file, fileBytes: sink.fileBytes, cipher)
        var piece: [UInt8] = []
        repeat { try reader.read(upTo: LogLimits.readWindowBytes, into: &piece) } while !piece.isEmpty
        try directory.rename(temporaryName, to: DirectoryBlobStore.fileName(of: id, cipher))
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
    /// nil: the file is the content.
    private var encrypted: EncryptedContent?

    init(
        _ id: BlobID, _ file: SystemFile, fileBytes: UInt64, _ cipher: (any DirectoryCipher)?
    ) throws(StorageError) {
        self.id = id
        self.file = file
        if let cipher {
            buffer = AlignedBuffer(byteCount: EncryptedFile.storedBlockBytes)
            let content = try EncryptedContent(file, fileBytes: fileBytes, cipher, &buffer)
            byteCount = content.byteCount
            encrypted = content
        } else {
            buffer = AlignedBuffer(byteCount: Int(min(max(1, fileBytes), UInt64(LogLimits.readWindowBytes))))
            byteCount = fileBytes
        }
    }

    convenience init(
        _ id: BlobID, in directory: SystemDirectory, _ cipher: (any DirectoryCipher)?
    ) throws(StorageError) {
        let file = try directory.open(DirectoryBlobStore.fileName(of: id, cipher), O_RDONLY)
        try self.init(id, file, fileBytes: try file.byteCount, cipher)
    }

    func read(upTo countMax: Int, into bytes: inout [UInt8]) throws(StorageError) {
        precondition(countMax > 0, "a read of nothing would look like the end")
        let piece = encrypted == nil ? buffer.byteCount : LogLimits.readWindowBytes
        let count = Int(min(UInt64(min(countMax, piece)), byteCount - position))
        guard count > 0 else {
            bytes.removeAll(keepingCapacity: true)
            guard hasher.finish() == id else { throw StorageError(.read, file: file.name, problem: .damaged) }
            return
        }
        if encrypted != nil {
            try encrypted?.read(count, into: &bytes, &buffer)
        } else {
            try file.read(count, at: position, into: &buffer)
            buffer.read(count, into: &bytes)
        }
        hasher.update(bytes.span)
        position += UInt64(count)
    }
}
