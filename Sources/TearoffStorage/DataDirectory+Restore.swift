import Glibc
package import TearoffLog

extension DataDirectory {
    /// Makes a directory of what is written into it. IDENTITY comes last: without it no server starts there, so a
    /// crash leaves nothing that looks whole.
    ///
    /// - Parameters:
    ///   - path: of a new or an empty directory.
    ///   - key: encrypts the new directory; nil: it is not encrypted.
    ///   - fill: writes blobs and the manifest, and checks them.
    /// - Throws: ``DataDirectoryError/notEmpty(_:)`` before anything is changed, and what `fill` throws.
    package static func restore<Outcome>(
        path: String, id: DirectoryID, shardCount: UInt16, timeMilliseconds: UInt64, key: OperatorKey? = nil,
        _ fill: (any BlobStore) throws -> Outcome
    ) throws -> Outcome {
        let root = SystemDirectory(path: path, name: "")
        if let name = try root.list()?.sorted().first { throw DataDirectoryError.notEmpty(name) }
        try root.make()
        let lock = try takeLock(root)
        // Once more, now that nobody else can be making it.
        if let name = try root.list()?.sorted().first(where: { $0 != lockFile }) {
            throw DataDirectoryError.notEmpty(name)
        }
        for name in [logDirectory, blobDirectory, snapshotDirectory] { try root.subdirectory(name).make() }
        let keyring = key == nil ? nil : Keyring.make(timeMilliseconds: timeMilliseconds)
        if let key, let keyring { try root.writeWhole(KeyFile.name, KeyFile.encode(keyring, of: id, for: key)) }
        let blobs = DirectoryBlobStore(
            blobs: root.subdirectory(blobDirectory), named: root.subdirectory(snapshotDirectory), cipher: keyring)
        let outcome = try fill(blobs)
        let identity = DataIdentity(
            id: id, shardCount: shardCount, createdMilliseconds: timeMilliseconds, hasBegun: false,
            isRestored: true, isEncrypted: keyring != nil)
        try root.writeWhole(identityFile, identity.encoded)
        extendLifetime(lock)
        return outcome
    }
}
