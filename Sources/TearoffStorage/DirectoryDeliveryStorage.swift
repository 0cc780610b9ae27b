package import TearoffLog

/// `feed/deliveries`: it goes when the feed is begun anew, whose numbers it names.
package struct DirectoryDeliveryStorage: DeliveryStorage {
    static let file = "deliveries"
    private let directory: SystemDirectory
    private let cipher: (any DirectoryCipher)?

    init(directory: SystemDirectory, cipher: (any DirectoryCipher)? = nil) {
        self.directory = directory
        self.cipher = cipher
    }

    package func read() throws(StorageError) -> [UInt8]? {
        guard try directory.contains(Self.file) else { return nil }
        let bytes = try directory.readWhole(Self.file)
        guard let cipher else { return bytes }
        do throws(EncryptedFileError) {
            return try EncryptedFile.decrypt(bytes, with: cipher, for: .deliveries)
        } catch {
            // No book at all: it is set aside, as a damaged one is.
            return []
        }
    }

    package func replace(_ bytes: [UInt8]) throws(StorageError) {
        let stored = cipher.map { EncryptedFile.encrypt(bytes, with: $0, for: .deliveries) }
        try directory.writeWhole(Self.file, stored ?? bytes)
    }

    package func setAside() throws(StorageError) {
        try directory.rename(Self.file, to: Self.file + BlobNames.asideSuffix)
        try directory.sync()
    }
}
