import TearoffCore

/// A file that is encrypted as a whole: a blob, a manifest, the book of deliveries. Little-endian.
///
///     offset  bytes  field
///          0      4  magic         0x3158_4F54, "TOX1"
///          4      2  version       1
///          6      2  reserved      zero
///          8      4  dataKey       from 1
///         12      4  blockBytes    65,536
///         16     32  salt          random; the file's key is made of it
///         48     12  reserved      zero
///         60      4  headerCRC32C  over bytes 0..<60
///
/// Then the content in blocks of 65,536 bytes, encrypted, of which only the last one is shorter; there is at least one.
/// Behind each stand the 16 bytes of its tag, and the CRC32C of both.
///
/// - Source: docs/FORMAT.md, "Encryption". The nonces tell the last block from others, so a file that was cut between
///   two of them is noticed (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
///   Misuse-Resistance", 2015: STREAM).
package enum EncryptedFile {
    package static let headerBytes = 64
    package static let blockBytes = 64 << 10
    /// Behind each block.
    static let trailerBytes = CipherLimits.tagBytes + 4
    /// A whole block as it stands in the file.
    package static let storedBlockBytes = blockBytes + trailerBytes
    private static let magic: UInt32 = 0x3158_4F54
    private static let version: UInt16 = 1

    /// The size of the content of a file of this size; nil when no file has it.
    package static func contentBytes(ofFile fileBytes: UInt64) -> UInt64? {
        guard fileBytes >= UInt64(headerBytes + trailerBytes) else { return nil }
        let stored = fileBytes - UInt64(headerBytes)
        let (whole, rest) = stored.quotientAndRemainder(dividingBy: UInt64(storedBlockBytes))
        guard rest > 0 else { return whole * UInt64(blockBytes) }
        // An empty block is the only one of a file.
        guard rest > UInt64(trailerBytes) || (whole == 0 && rest == UInt64(trailerBytes)) else { return nil }
        return whole * UInt64(blockBytes) + rest - UInt64(trailerBytes)
    }

    /// All of a small file.
    package static func encrypt(
        _ content: [UInt8], with cipher: any DirectoryCipher, for purpose: CipherPurpose
    ) -> [UInt8] {
        var encryptor = Encryptor(cipher, purpose)
        var file = encryptor.header
        var (start, block): (Int, [UInt8]) = (0, [])
        repeat {
            let end = min(start + blockBytes, content.count)
            encryptor.encrypt(content.span.extracting(start..<end), isLast: end == content.count, into: &block)
            file.append(contentsOf: block)
            start = end
        } while start < content.count
        return file
    }

    /// The content of a small file.
    ///
    /// - Throws: ``EncryptedFileError``.
    package static func decrypt(
        _ file: [UInt8], with cipher: any DirectoryCipher, for purpose: CipherPurpose
    ) throws(EncryptedFileError) -> [UInt8] {
        guard let count = contentBytes(ofFile: UInt64(file.count)) else { throw .damaged }
        var decryptor = try Decryptor(file.span, cipher, purpose)
        var content: [UInt8] = []
        content.reserveCapacity(Int(count))
        var start = headerBytes
        while start < file.count {
            let end = min(start + storedBlockBytes, file.count)
            try decryptor.decrypt(file.span.extracting(start..<end), isLast: end == file.count, appendingTo: &content)
            start = end
        }
        return content
    }

    private static func nonce(block: UInt64, isLast: Bool) -> UInt64 { block << 1 | (isLast ? 1 : 0) }

    /// Writes a file block by block.
    package struct Encryptor {
        /// The file's beginning.
        package let header: [UInt8]
        private let key: any CipherKey
        private var blocks: UInt64 = 0

        package init(_ cipher: any DirectoryCipher, _ purpose: CipherPurpose) {
            let made = cipher.makeKey(for: purpose)
            key = made.key
            var bytes = [UInt8](repeating: 0, count: headerBytes)
            bytes.storeLittleEndian(magic, at: 0)
            bytes.storeLittleEndian(version, at: 4)
            bytes.storeLittleEndian(made.origin.dataKey, at: 8)
            bytes.storeLittleEndian(UInt32(blockBytes), at: 12)
            bytes.replaceSubrange(16..<48, with: made.origin.salt)
            bytes.storeLittleEndian(CRC32C.checksum(bytes.span.extracting(0..<60)), at: 60)
            header = bytes
        }

        /// Replaces `stored` by the next block as it stands in the file.
        ///
        /// - Precondition: ``EncryptedFile/blockBytes`` bytes, of the last block at most so many.
        package mutating func encrypt(_ content: Span<UInt8>, isLast: Bool, into stored: inout [UInt8]) {
            precondition(
                content.count == blockBytes || (isLast && content.count < blockBytes), "\(content.count) bytes")
            stored.removeAll(keepingCapacity: true)
            stored.append(content)
            stored.append(contentsOf: repeatElement(0, count: trailerBytes))
            let checksum = content.count + CipherLimits.tagBytes
            key.encrypt(
                0..<content.count, of: &stored, authenticating: 0..<0, nonce: nonce(block: blocks, isLast: isLast))
            stored.storeLittleEndian(CRC32C.checksum(stored.span.extracting(0..<checksum)), at: checksum)
            blocks += 1
        }
    }

    /// Reads a file block by block.
    package struct Decryptor {
        private let key: any CipherKey
        private var blocks: UInt64 = 0

        /// - Parameter header: the file's beginning; what follows is not looked at.
        /// - Throws: ``EncryptedFileError``.
        package init(
            _ header: Span<UInt8>, _ cipher: any DirectoryCipher, _ purpose: CipherPurpose
        ) throws(EncryptedFileError) {
            guard header.count >= headerBytes else { throw .damaged }
            guard header.littleEndian(UInt32.self, at: 0) == magic else { throw .notEncrypted }
            let dataKey = header.littleEndian(UInt32.self, at: 8)
            guard header.littleEndian(UInt32.self, at: 60) == CRC32C.checksum(header.extracting(0..<60)),
                header.littleEndian(UInt16.self, at: 4) == version,
                header.littleEndian(UInt32.self, at: 12) == UInt32(blockBytes), dataKey > 0
            else { throw .damaged }
            let origin = CipherOrigin(dataKey: dataKey, salt: header.extracting(16..<48).copy)
            guard let key = cipher.key(origin, for: purpose) else { throw .unknownDataKey(dataKey) }
            self.key = key
        }

        /// Appends what the next block holds.
        ///
        /// - Parameter stored: the block as it stands in the file, with its trailer.
        /// - Throws: ``EncryptedFileError``; nothing was appended then.
        package mutating func decrypt(
            _ stored: Span<UInt8>, isLast: Bool, appendingTo content: inout [UInt8]
        ) throws(EncryptedFileError) {
            guard stored.count >= trailerBytes else { throw .damaged }
            let encrypted = stored.extracting(0..<stored.count - 4)
            guard stored.littleEndian(UInt32.self, at: encrypted.count) == CRC32C.checksum(encrypted) else {
                throw .damaged
            }
            let none: [UInt8] = []
            guard
                key.decrypt(
                    encrypted, authenticating: none.span, nonce: nonce(block: blocks, isLast: isLast),
                    appendingTo: &content)
            else { throw .altered }
            blocks += 1
        }
    }
}

/// Why an encrypted file cannot be read.
package enum EncryptedFileError: Error, Equatable, Sendable {
    /// A checksum does not match, or the size is impossible: an accident.
    case damaged
    /// The checksums match and a tag does not: somebody changed it who has not the key.
    case altered
    /// It does not begin as an encrypted file does.
    case notEncrypted
    case unknownDataKey(UInt32)
}
