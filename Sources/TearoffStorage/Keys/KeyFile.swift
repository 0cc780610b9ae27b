import Crypto
import FoundationEssentials
import TearoffLog

/// The file `KEYS`: a directory's data keys, encrypted with its operator's key. Text, as `IDENTITY` is.
///
///     tearoff-keys 1
///     id 3f0e...            the directory's
///     operator 9a1c...      which operator's key it wants; 16 hex digits
///     salt ...              64 hex digits, new each time that the file is written
///     ring ...              the keys, encrypted, and the tag
///     crc32c 00000000xxxxxxxx
///
/// - Source: docs/FORMAT.md, "KEYS".
struct KeyFile {
    static let name = "KEYS"
    private static let formatVersion = 1

    private let directory: DirectoryID
    /// Of the operator's key that opens it.
    let fingerprint: String
    private let salt: [UInt8]
    private let ring: [UInt8]

    /// - Parameter directory: whose it must be.
    /// - Throws: ``DataDirectoryError/damagedKeys(_:)``.
    init(decoding bytes: [UInt8], of directory: DirectoryID) throws(DataDirectoryError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .damagedKeys("it is no text") }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        func value(_ name: String, _ index: Int) -> Substring? {
            guard index < lines.count, lines[index].hasPrefix(name + " ") else { return nil }
            return lines[index].dropFirst(name.count + 1)
        }
        guard let version = value("tearoff-keys", 0) else {
            throw .damagedKeys("it does not begin with 'tearoff-keys'")
        }
        guard version == "\(Self.formatVersion)" else {
            throw .damagedKeys("it has format \(version), and this program knows format \(Self.formatVersion)")
        }
        guard lines.count == 7, lines[6].isEmpty,
            value("crc32c", 5).map(String.init) == Self.checksum(lines[..<5].joined(separator: "\n") + "\n")
        else { throw .damagedKeys("its checksum does not match") }
        guard let id = value("id", 1).flatMap({ DirectoryID(hex: $0) }), let fingerprint = value("operator", 2),
            let salt = value("salt", 3).flatMap({ Hex.decode($0) }), salt.count == CipherLimits.saltBytes,
            let ring = value("ring", 4).flatMap({ Hex.decode($0) })
        else { throw .damagedKeys("a line cannot be read") }
        guard id == directory else { throw .damagedKeys("it is of directory \(id), and this one is \(directory)") }
        (self.directory, self.fingerprint, self.salt, self.ring) = (id, String(fingerprint), salt, ring)
    }

    /// - Throws: ``DataDirectoryError/wrongKey(given:wanted:)`` or ``DataDirectoryError/alteredKeys``.
    func open(with key: OperatorKey) throws(DataDirectoryError) -> Keyring {
        guard key.fingerprint == fingerprint else { throw .wrongKey(given: key.fingerprint, wanted: fingerprint) }
        var content: [UInt8] = []
        let head = Array(Self.head(directory, fingerprint, salt).utf8)
        let isWhole = key.wrappingKey(salt: salt, directory: directory).decrypt(
            ring.span, authenticating: head.span, nonce: 0, appendingTo: &content)
        guard isWhole, let ring = Keyring(decoding: content) else { throw .alteredKeys }
        return ring
    }

    /// The file's bytes for a keyring; other ones each time.
    static func encode(_ ring: Keyring, of directory: DirectoryID, for key: OperatorKey) -> [UInt8] {
        let salt = ring.makeSalt()
        let head = head(directory, key.fingerprint, salt)
        let content = ring.encoded
        var bytes = Array(head.utf8) + content + [UInt8](repeating: 0, count: CipherLimits.tagBytes)
        let start = bytes.count - content.count - CipherLimits.tagBytes
        key.wrappingKey(salt: salt, directory: directory).encrypt(
            start..<start + content.count, of: &bytes, authenticating: 0..<start, nonce: 0)
        let body = head + "ring \(Hex.encode(Array(bytes[start...])))\n"
        return Array((body + "crc32c \(checksum(body))\n").utf8)
    }

    /// The lines before the ring, which its tag vouches for, too.
    private static func head(_ directory: DirectoryID, _ fingerprint: String, _ salt: [UInt8]) -> String {
        """
        tearoff-keys \(formatVersion)
        id \(directory)
        operator \(fingerprint)
        salt \(Hex.encode(salt))

        """
    }

    private static func checksum(_ body: String) -> String {
        Hex.encode(UInt64(CRC32C.checksum(Array(body.utf8).span)))
    }
}

extension Keyring {
    private static let keyBytes = 32
    private static let entryBytes = 4 + 8 + keyBytes

    /// The names' key, then for each data key its number, when it was made, and itself.
    fileprivate var encoded: [UInt8] {
        var bytes = names.bytes
        for key in keys {
            let start = bytes.count
            bytes += [UInt8](repeating: 0, count: 12)
            bytes.storeLittleEndian(key.number, at: start)
            bytes.storeLittleEndian(key.createdMilliseconds, at: start + 4)
            bytes += key.key.bytes
        }
        return bytes
    }

    fileprivate init?(decoding bytes: [UInt8]) {
        let entries = bytes.count - Self.keyBytes
        guard entries > 0, entries.isMultiple(of: Self.entryBytes) else { return nil }
        var keys: [DataKey] = []
        for start in stride(from: Self.keyBytes, to: bytes.count, by: Self.entryBytes) {
            let number = bytes.span.littleEndian(UInt32.self, at: start)
            guard number > keys.last?.number ?? 0 else { return nil }
            keys.append(
                DataKey(
                    number: number, createdMilliseconds: bytes.span.littleEndian(at: start + 4),
                    key: SymmetricKey(data: bytes[start + 12..<start + Self.entryBytes])))
        }
        self.init(names: SymmetricKey(data: bytes[..<Self.keyBytes]), keys: keys)
    }
}
