import Glibc
import TearoffLog

/// One directory of the data directory.
struct SystemDirectory: Sendable {
    let path: String
    /// As names of files in it begin; empty for the data directory itself.
    let name: String
    /// As errors show it.
    private var shownName: String { name.isEmpty ? "." : name }
    static let temporarySuffix = BlobNames.temporarySuffix
    /// Open for as long as a path leads through it; nil: the path is a plain one.
    private var pin: SystemFile?

    init(path: String, name: String) { (self.path, self.name) = (path, name) }

    /// The same directory, wherever it is moved and whatever takes its place meanwhile: by its descriptor, where the
    /// system shows those as paths.
    func pinned() throws(StorageError) -> SystemDirectory {
        let file = try SystemFile(path: path, name: shownName, flags: O_RDONLY | O_DIRECTORY)
        let path = "/proc/self/fd/\(file.descriptor)"
        guard unsafe access(path, F_OK) == 0 else { return self }
        var pinned = SystemDirectory(path: path, name: name)
        pinned.pin = file
        return pinned
    }

    func filePath(_ file: String) -> String { "\(path)/\(file)" }
    func fileName(_ file: String) -> String { name.isEmpty ? file : "\(name)/\(file)" }

    func subdirectory(_ name: String) -> SystemDirectory {
        var directory = SystemDirectory(path: filePath(name), name: fileName(name))
        directory.pin = pin
        return directory
    }

    func open(
        _ file: String, _ flags: CInt, operation: StorageError.Operation = .open
    ) throws(StorageError) -> SystemFile {
        try SystemFile(path: filePath(file), name: fileName(file), flags: flags, operation: operation)
    }

    /// Makes it when it does not exist, for its owner alone; durable on return, also when whoever made it ended before
    /// it was.
    func make() throws(StorageError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last(.create, shownName) }
        try SystemFile(path: filePath(".."), name: fileName(".."), flags: O_RDONLY | O_DIRECTORY).sync()
    }

    func contains(_ file: String) throws(StorageError) -> Bool {
        if unsafe access(filePath(file), F_OK) == 0 { return true }
        guard errno == ENOENT else { throw .last(.stat, fileName(file)) }
        return false
    }

    /// All names in it, in no order. nil: there is no such directory.
    func list() throws(StorageError) -> [String]? {
        // SAFETY: the stream is used between opendir and closedir only, and each entry before the next call.
        guard let stream = unsafe opendir(path) else {
            if errno == ENOENT { return nil }
            throw .last(.list, shownName)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .last(.list, shownName) }
        return names
    }

    func rename(_ old: String, to new: String) throws(StorageError) {
        guard unsafe Glibc.rename(filePath(old), filePath(new)) == 0 else {
            throw .last(.rename, fileName(old))
        }
    }

    func remove(_ file: String) throws(StorageError) {
        guard unsafe unlink(filePath(file)) == 0 else { throw .last(.remove, fileName(file)) }
    }

    /// Makes names durable: what was made, renamed or removed.
    func sync() throws(StorageError) {
        try SystemFile(path: path, name: shownName, flags: O_RDONLY | O_DIRECTORY).sync()
    }

    /// The names of what a crash left half-written.
    ///
    /// - Parameter isOurs: whether we write a file of that name, given without ``temporarySuffix``.
    func temporaryFiles(where isOurs: (String) -> Bool) throws(StorageError) -> [String] {
        (try list() ?? []).filter { name in
            name.hasSuffix(Self.temporarySuffix) && isOurs(String(name.dropLast(Self.temporarySuffix.count)))
        }
    }

    /// Replaces a file by one of these bytes: temporary name, sync, read back and compared, renamed, synced.
    func writeWhole(_ file: String, _ bytes: [UInt8]) throws(StorageError) {
        let temporary = file + Self.temporarySuffix
        let written = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC, operation: .create)
        try written.write(bytes.span, at: 0)
        try written.sync()
        written.dropCache()
        guard try readWhole(temporary) == bytes else {
            throw StorageError(.write, file: fileName(file), problem: .damaged)
        }
        try rename(temporary, to: file)
        try sync()
    }

    func readWhole(_ file: String) throws(StorageError) -> [UInt8] {
        let opened = try open(file, O_RDONLY)
        let count = Int(try opened.byteCount)
        guard count > 0 else { return [] }
        var buffer = AlignedBuffer(byteCount: count)
        try opened.read(count, at: 0, into: &buffer)
        var bytes: [UInt8] = []
        buffer.read(count, into: &bytes)
        return bytes
    }
}

// MARK: - Segments

extension SystemDirectory {
    /// Every segment file in it, and every name that is none.
    func listSegments() throws(StorageError) -> SegmentListing {
        var listing = SegmentListing()
        for name in try list() ?? [] {
            if let id = SegmentID(fileName: name) {
                do throws(StorageError) {
                    let bytes = try open(name, O_RDONLY).byteCount
                    listing.segments.append(SegmentFile(id: id, byteCount: bytes))
                } catch {
                    // A snapshot may have made it superfluous since its name was read.
                    guard error.problem == .missing else { throw error }
                }
            } else {
                listing.foreignNames.append(name)
            }
        }
        return listing
    }

    /// Replaces `bytes` by a part of a segment, as the medium has it.
    ///
    /// - Parameter directFlag: 0 for a read through the page cache, which is dropped before.
    func read(
        _ segment: SegmentID, from offset: ByteOffset, count: Int, into bytes: inout [UInt8], directFlag: CInt
    ) throws(StorageError) {
        let file = try open(segment.fileName, O_RDONLY | directFlag)
        if directFlag == 0 { file.dropCache() }
        var buffer = AlignedBuffer(byteCount: count)
        try file.read(count, at: offset.rawValue, into: &buffer)
        buffer.read(count, into: &bytes)
    }
}
