package import TearoffLog

/// What the file `IDENTITY` says: that a directory is Tearoff's, which one, and how it is cut.
package struct DataIdentity: Equatable, Sendable {
    package static let formatVersion = 2
    /// Older directories are read, and become of the present version before anything is written to them.
    private static let versionsRead = 1...formatVersion

    /// As it was read.
    package let version: Int
    package let id: DirectoryID
    package let shardCount: UInt16
    package let createdMilliseconds: UInt64
    /// Whether a server has served it: from then on a directory without a log has lost it.
    package let hasBegun: Bool
    /// Whether it was made of a backup and no server has served it: then it has a snapshot, or has lost it.
    package let isRestored: Bool
    /// Whether all that says anything of codes and users is encrypted. Stands behind the format's number, so that a
    /// program which knows nothing of that refuses it by its name.
    package let isEncrypted: Bool
    private static let encryptedWord = " encrypted"

    init(
        version: Int = formatVersion, id: DirectoryID, shardCount: UInt16, createdMilliseconds: UInt64,
        hasBegun: Bool, isRestored: Bool = false, isEncrypted: Bool = false
    ) {
        precondition(!(hasBegun && isRestored), "a directory that has begun is as any other")
        self.version = version
        self.id = id
        self.shardCount = shardCount
        self.createdMilliseconds = createdMilliseconds
        self.hasBegun = hasBegun
        self.isRestored = isRestored
        self.isEncrypted = isEncrypted
    }

    var isOfPresentVersion: Bool { version == Self.formatVersion }

    var begun: DataIdentity {
        DataIdentity(
            id: id, shardCount: shardCount, createdMilliseconds: createdMilliseconds, hasBegun: true,
            isEncrypted: isEncrypted)
    }

    /// Text, so that a person can read it: `docs/FORMAT.md`, "IDENTITY". Of the present version.
    var encoded: [UInt8] {
        let body = """
            tearoff \(Self.formatVersion)\(isEncrypted ? Self.encryptedWord : "")
            id \(id)
            shards \(shardCount)
            created \(createdMilliseconds)
            begun \(hasBegun ? "yes" : isRestored ? "restored" : "no")

            """
        return Array((body + "crc32c \(Self.checksum(body))\n").utf8)
    }

    private static func checksum(_ body: String) -> String {
        let bytes = Array(body.utf8)
        return Hex.encode(UInt64(CRC32C.checksum(bytes.span)))
    }
}

extension DataIdentity {
    /// - Throws: ``DataDirectoryError/unsupportedVersion(found:)`` or
    ///   ``DataDirectoryError/damagedIdentity(_:)``.
    init(decoding bytes: [UInt8]) throws(DataDirectoryError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .damagedIdentity("it is no text")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let version = Self.value("tearoff", in: lines, at: 0) else {
            throw .damagedIdentity("it does not begin with 'tearoff'")
        }
        let isEncrypted = version.hasSuffix(Self.encryptedWord)
        let plain = isEncrypted ? version.dropLast(Self.encryptedWord.count) : version
        // There was none in the first format.
        guard let number = Self.versionsRead.first(where: { plain == "\($0)" }), !isEncrypted || number > 1 else {
            throw .unsupportedVersion(found: String(version))
        }
        guard lines.count == 7, let checksum = Self.value("crc32c", in: lines, at: 5), lines[6].isEmpty,
            checksum == Self.checksum(lines[..<5].joined(separator: "\n") + "\n")
        else { throw .damagedIdentity("its checksum does not match") }
        guard let id = Self.value("id", in: lines, at: 1).flatMap({ DirectoryID(hex: $0) }),
            let shards = Self.value("shards", in: lines, at: 2).flatMap({ UInt16($0) }),
            shards > 0, shards <= 256, shards & (shards - 1) == 0,
            let created = Self.value("created", in: lines, at: 3).flatMap({ UInt64($0) }),
            let begun = Self.value("begun", in: lines, at: 4), ["yes", "no", "restored"].contains(begun)
        else { throw .damagedIdentity("a line cannot be read") }
        self.init(
            version: number, id: id, shardCount: shards, createdMilliseconds: created,
            hasBegun: begun == "yes", isRestored: begun == "restored", isEncrypted: isEncrypted)
    }

    private static func value(_ name: String, in lines: [Substring], at index: Int) -> Substring? {
        guard index < lines.count, lines[index].hasPrefix(name + " ") else { return nil }
        return lines[index].dropFirst(name.count + 1)
    }
}
