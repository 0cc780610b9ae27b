import TearoffLog

/// The operator's keys that a directory is opened with.
package struct OperatorKeys: Sendable {
    package let present: OperatorKey
    /// While the key is being changed: a directory that still wants this one wants the present one from then on.
    package let previous: OperatorKey?

    package init(_ present: OperatorKey, previous: OperatorKey? = nil) {
        self.present = present
        self.previous = previous
    }
}

extension DataDirectory {
    /// Opens the keyring of a directory that is there. Changes nothing.
    ///
    /// - Returns: nil when the directory is not encrypted; else also whether it still wants the previous key.
    static func openKeys(
        _ root: SystemDirectory, _ identity: DataIdentity, _ keys: OperatorKeys?
    ) throws(DataDirectoryError) -> (ring: Keyring, isOfPreviousKey: Bool)? {
        guard identity.isEncrypted else {
            if keys != nil { throw .notEncrypted }
            return nil
        }
        guard let keys else { throw .keyNeeded }
        let file = try readKeyFile(root, of: identity.id)
        if let previous = keys.previous, previous.fingerprint == file.fingerprint {
            return (try file.open(with: previous), true)
        }
        return (try file.open(with: keys.present), false)
    }

    static func readKeyFile(
        _ root: SystemDirectory, of directory: DirectoryID
    ) throws(DataDirectoryError) -> KeyFile {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try root.readWhole(KeyFile.name)
        } catch {
            guard error.problem == .missing else { throw .storage(error) }
            throw .damagedKeys("the file is missing")
        }
        return try KeyFile(decoding: bytes, of: directory)
    }

    /// What becomes of the keys of a directory.
    package enum KeyChange: Sendable {
        /// Another operator's key is wanted from then on.
        case operatorKey(OperatorKey)
        /// What is written from then on is encrypted with a new data key; the others stay for what they encrypted.
        case dataKey
    }

    /// Changes the keys of a directory that no server has. A crash leaves the old or the new ones.
    ///
    /// - Returns: the keys as they are now.
    /// - Throws: ``DataDirectoryError``; nothing has changed then. ``DataDirectoryError/expectedData`` when there is no
    ///   directory.
    package static func changeKeys(
        path: String, _ change: KeyChange, with key: OperatorKey, timeMilliseconds: UInt64
    ) throws(DataDirectoryError) -> Keyring {
        let root = SystemDirectory(path: path, name: "")
        if try isNew(root, expectData: true) { throw .expectedData }
        let lock = try takeLock(root)
        defer { extendLifetime(lock) }
        let identity = try readIdentity(root, expectsLog: false)
        guard let opened = try openKeys(root, identity, OperatorKeys(key)) else { throw .notEncrypted }
        let (ring, wanted): (Keyring, OperatorKey)
        switch change {
        case .operatorKey(let next): (ring, wanted) = (opened.ring, next)
        case .dataKey:
            guard let rotated = opened.ring.rotated(timeMilliseconds: timeMilliseconds) else { throw .tooManyKeys }
            (ring, wanted) = (rotated, key)
        }
        try stored { () throws(StorageError) in
            try root.writeWhole(KeyFile.name, KeyFile.encode(ring, of: identity.id, for: wanted))
        }
        return ring
    }
}
