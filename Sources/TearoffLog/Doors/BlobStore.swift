/// Immutable files named by the SHA-256 of their content, and a few named ones (manifests).
/// Real: `DirectoryBlobStore`. Tests: `SimulatedBlobStore`. May be called from several threads at once.
package protocol BlobStore: Sendable {
    /// A new blob, invisible until it is finished.
    func makeWriter() throws(StorageError) -> sending any BlobWriter

    /// - Throws: problem `.missing` when there is none of that name.
    func open(_ id: BlobID) throws(StorageError) -> sending any BlobReader

    func contains(_ id: BlobID) throws(StorageError) -> Bool

    /// Makes another store's blob one of this store too, without a copy of its bytes; durable on return.
    ///
    /// - Returns: false when that cannot be done, as over two file systems; then nothing has changed.
    func link(_ id: BlobID, from other: any BlobStore) throws(StorageError) -> Bool

    /// Of its content.
    func byteCount(_ id: BlobID) throws(StorageError) -> UInt64
    func all() throws(StorageError) -> [BlobID]

    /// Removes a blob that nothing durable names any more.
    func remove(_ id: BlobID) throws(StorageError)

    /// Writes a whole named file: temporary name, sync, read back and compared, renamed, directory synced.
    /// Replaces a file of that name. A crash leaves the old or the new one, complete.
    ///
    /// - Precondition: the name consists of letters, digits, `-`, `_` and `.`, begins with none of the last
    ///   three, and ends in neither `.tmp` nor `.aside`.
    func writeNamed(_ name: String, _ bytes: [UInt8]) throws(StorageError)

    /// - Throws: problem `.missing` when there is none of that name.
    func readNamed(_ name: String) throws(StorageError) -> [UInt8]

    /// Sorted; without those set aside.
    func listNamed() throws(StorageError) -> [String]
    func removeNamed(_ name: String) throws(StorageError)

    /// Whether who has not the key learns nothing from it.
    var isEncrypted: Bool { get }

    /// What may be told of a content's hash where anybody may read it.
    func publicHash(of content: BlobID) -> BlobID

    /// Renames to `<name>.aside`: damaged files are kept for people, and are in nobody's way.
    func setAside(_ name: String) throws(StorageError)
}

/// One blob being written, from one thread at a time. Dropped without ``finish()``, it leaves nothing.
package protocol BlobWriter: AnyObject {
    var byteCount: UInt64 { get }

    func append(_ bytes: Span<UInt8>) throws(StorageError)

    /// Syncs, reads back and compares, renames, syncs the directory. The same content twice is one blob.
    func finish() throws(StorageError) -> BlobID

    /// Gives up; the bytes are gone.
    func abandon()
}

/// One blob being read, from one thread at a time.
package protocol BlobReader: AnyObject {
    var byteCount: UInt64 { get }

    /// Replaces `bytes` by the next up to `countMax` bytes; empty at the end.
    ///
    /// Nothing read may be believed before the empty read at the end, which checks the hash over all.
    /// - Throws: problem `.damaged` at the end when the content is not what the name says.
    func read(upTo countMax: Int, into bytes: inout [UInt8]) throws(StorageError)
}

extension BlobStore {
    package func link(_ id: BlobID, from other: any BlobStore) throws(StorageError) -> Bool { false }

    package func publicHash(of content: BlobID) -> BlobID { content }
    package var isEncrypted: Bool { false }

    /// Copies another store's blob; its hash is compared on the way.
    ///
    /// - Returns: its bytes.
    package func copy(_ id: BlobID, from other: any BlobStore) throws(StorageError) -> UInt64 {
        let reader = try other.open(id)
        let writer = try makeWriter()
        var piece: [UInt8] = []
        repeat {
            try reader.read(upTo: LogLimits.readWindowBytes, into: &piece)
            try writer.append(piece.span)
        } while !piece.isEmpty
        let written = try writer.finish()
        guard written == id else { throw StorageError(.write, file: "blobs/\(id)", problem: .damaged) }
        return writer.byteCount
    }

    /// Replaces `bytes` by a whole blob, checked.
    package func readAll(_ id: BlobID, into bytes: inout [UInt8]) throws(StorageError) {
        let reader = try open(id)
        try reader.read(upTo: LogLimits.readWindowBytes, into: &bytes)
        if bytes.isEmpty { return }
        // Most are read in one piece; the empty one behind the last checks the hash.
        var piece: [UInt8] = []
        repeat {
            try reader.read(upTo: LogLimits.readWindowBytes, into: &piece)
            bytes.append(contentsOf: piece)
        } while !piece.isEmpty
    }
}

/// The rule for names of named files, which both stores keep.
package enum BlobNames {
    package static let asideSuffix = ".aside"
    package static let temporarySuffix = ".tmp"

    package static func isValid(_ name: String) -> Bool {
        guard (1...200).contains(name.utf8.count), let first = name.utf8.first, isLetterOrDigit(first) else {
            return false
        }
        guard !name.hasSuffix(asideSuffix), !name.hasSuffix(temporarySuffix) else { return false }
        return name.utf8.allSatisfy { isLetterOrDigit($0) || "-_.".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            false
        }
    }
}
