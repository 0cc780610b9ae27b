import Glibc
package import TearoffLog

/// The files of the feed in `feed/`.
package struct DirectoryFeedStorage: FeedStorage {
    package let cipher: (any DirectoryCipher)?
    private let directory: SystemDirectory

    init(directory: SystemDirectory, cipher: (any DirectoryCipher)? = nil) {
        self.directory = directory
        self.cipher = cipher
    }

    package func list() throws(StorageError) -> [FeedFile] {
        var files: [FeedFile] = []
        for first in (try directory.list() ?? []).compactMap(FeedFile.first(ofName:)).sorted() {
            let file = try directory.open(FeedFile.name(of: first), O_RDWR)
            // What a process left in the page cache would be read, and be gone when the power fails.
            try file.sync()
            file.dropCache()
            files.append(FeedFile(first: first, byteCount: try file.byteCount))
        }
        return files
    }

    package func create(_ first: FeedSequence) throws(StorageError) {
        _ = try directory.open(FeedFile.name(of: first), O_RDWR | O_CREAT, operation: .create)
        try directory.sync()
    }

    package func write(_ bytes: Span<UInt8>, to first: FeedSequence, at offset: UInt64) throws(StorageError) {
        let file = try directory.open(FeedFile.name(of: first), O_RDWR, operation: .write)
        try file.write(bytes, at: offset)
        try file.sync()
    }

    package func read(
        _ first: FeedSequence, from offset: UInt64, count: Int, into bytes: inout [UInt8]
    ) throws(StorageError) {
        let file = try directory.open(FeedFile.name(of: first), O_RDONLY, operation: .read)
        let end = try file.byteCount
        let count = Int(min(UInt64(count), end - min(end, offset)))
        guard count > 0 else {
            bytes.removeAll(keepingCapacity: true)
            return
        }
        var buffer = AlignedBuffer(byteCount: count)
        try file.read(count, at: offset, into: &buffer)
        buffer.read(count, into: &bytes)
    }

    package func remove(_ first: FeedSequence) throws(StorageError) {
        try directory.remove(FeedFile.name(of: first))
        try directory.sync()
    }
}
