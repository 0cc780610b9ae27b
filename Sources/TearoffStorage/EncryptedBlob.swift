import TearoffCore
import TearoffLog

/// Where the bytes of a blob go: as they are, or encrypted.
struct BlobSink {
    private let file: SystemFile
    private var encryptor: EncryptedFile.Encryptor?
    /// Content that is not in the file yet; encrypted blobs only.
    private var open: [UInt8] = []
    private var block: [UInt8] = []
    /// Bytes in the file.
    private(set) var fileBytes: UInt64 = 0
    private var unsyncedBytes = 0

    init(_ file: SystemFile, _ cipher: (any DirectoryCipher)?) {
        self.file = file
        encryptor = cipher.map { EncryptedFile.Encryptor($0, .blob) }
    }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        guard encryptor != nil else { return try write(bytes) }
        if fileBytes == 0 { try writeHeader() }
        var start = 0
        // One that is full stays open, since it may be the last.
        while open.count + bytes.count - start > EncryptedFile.blockBytes {
            let end = start + EncryptedFile.blockBytes - open.count
            open.append(bytes.extracting(start..<end))
            try writeBlock(isLast: false)
            start = end
        }
        open.append(bytes.extracting(start..<bytes.count))
    }

    /// Writes what is open, and syncs.
    mutating func finish() throws(StorageError) {
        if encryptor != nil {
            if fileBytes == 0 { try writeHeader() }
            try writeBlock(isLast: true)
        }
        try file.sync()
    }

    private mutating func writeHeader() throws(StorageError) {
        if let header = encryptor?.header { try write(header.span) }
    }

    private mutating func writeBlock(isLast: Bool) throws(StorageError) {
        do {
            let content = open
            encryptor?.encrypt(content.span, isLast: isLast, into: &block)
        }
        open.removeAll(keepingCapacity: true)
        let stored = block
        try write(stored.span)
    }

    private mutating func write(_ bytes: Span<UInt8>) throws(StorageError) {
        try file.write(bytes, at: fileBytes)
        fileBytes += UInt64(bytes.count)
        unsyncedBytes += bytes.count
        if unsyncedBytes >= SystemFile.unsyncedBytesMax {
            try file.sync()
            unsyncedBytes = 0
        }
    }
}

/// Reads the content of an encrypted file, piece by piece.
struct EncryptedContent {
    /// Of the content.
    let byteCount: UInt64
    private let file: SystemFile
    private let fileBytes: UInt64
    private var decryptor: EncryptedFile.Decryptor
    private var position = UInt64(EncryptedFile.headerBytes)
    private var stored: [UInt8] = []
    /// Content that was decrypted and not yet taken.
    private var open: [UInt8] = []
    private var taken = 0

    init(
        _ file: SystemFile, fileBytes: UInt64, _ cipher: any DirectoryCipher, _ buffer: inout AlignedBuffer
    ) throws(StorageError) {
        self.file = file
        self.fileBytes = fileBytes
        guard let byteCount = EncryptedFile.contentBytes(ofFile: fileBytes) else {
            throw StorageError(.read, file: file.name, problem: .damaged)
        }
        self.byteCount = byteCount
        try file.read(EncryptedFile.headerBytes, at: 0, into: &buffer)
        var header: [UInt8] = []
        buffer.read(EncryptedFile.headerBytes, into: &header)
        do throws(EncryptedFileError) {
            decryptor = try EncryptedFile.Decryptor(header.span, cipher, .blob)
        } catch {
            throw StorageError(.read, file: file.name, problem: .init(error))
        }
    }

    /// Replaces `bytes` by the next `count` of the content, which must be there.
    mutating func read(
        _ count: Int, into bytes: inout [UInt8], _ buffer: inout AlignedBuffer
    ) throws(StorageError) {
        bytes.removeAll(keepingCapacity: true)
        while bytes.count < count {
            if taken == open.count { try openNext(&buffer) }
            let end = min(open.count, taken + count - bytes.count)
            bytes.append(open.span.extracting(taken..<end))
            taken = end
        }
    }

    private mutating func openNext(_ buffer: inout AlignedBuffer) throws(StorageError) {
        open.removeAll(keepingCapacity: true)
        taken = 0
        // A file's last block ends it; of an empty content nobody asks for more.
        let end = min(position + UInt64(EncryptedFile.storedBlockBytes), fileBytes)
        let count = Int(end - position)
        try file.read(count, at: position, into: &buffer)
        buffer.read(count, into: &stored)
        let block = stored
        do throws(EncryptedFileError) {
            try decryptor.decrypt(block.span, isLast: end == fileBytes, appendingTo: &open)
        } catch {
            throw StorageError(.read, file: file.name, offset: ByteOffset(rawValue: position), problem: .init(error))
        }
        position = end
    }
}
