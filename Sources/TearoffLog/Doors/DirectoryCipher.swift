package import TearoffCore

/// What keeps a data directory's bytes from who has its disk and not its key. Real: `Keyring` (AES-256-GCM). Tests:
/// `SimulatedCipher`.
///
/// Each thing that is encrypted has a key of its own, made of a data key of the directory, 32 random bytes and what
/// the thing is. So a nonce need only be unique inside one thing: also a directory that was rolled back to an image
/// of it never uses a pair of key and nonce twice. May be called from several threads at once.
package protocol DirectoryCipher: Sendable {
    /// The data key for what is written from now on; from 1.
    var dataKey: UInt32 { get }

    /// Random bytes, ``CipherLimits/saltBytes`` of them, never the same twice.
    func makeSalt() -> [UInt8]

    /// - Returns: nil when the directory has no data key of that number.
    func key(_ origin: CipherOrigin, for purpose: CipherPurpose) -> (any CipherKey)?

    /// The name of a blob's file: who does not have the key cannot ask it whether some content is there.
    func fileName(of blob: BlobID) -> String

    /// Which blob a file is; nil when ``fileName(of:)`` did not make the name.
    func blob(fileName: String) -> BlobID?

    /// What may be told of a content's hash where anybody may read it.
    func publicHash(of content: ContentHash) -> ContentHash
}

/// A key for one thing. May be called from several threads at once.
package protocol CipherKey: Sendable {
    /// Encrypts a part of `bytes` where it stands, and writes the tag behind it.
    ///
    /// - Parameters:
    ///   - authenticated: another part that the tag vouches for, too.
    ///   - nonce: not used before with this key.
    /// - Precondition: ``CipherLimits/tagBytes`` bytes are free behind `plain`.
    func encrypt(_ plain: Range<Int>, of bytes: inout [UInt8], authenticating authenticated: Range<Int>, nonce: UInt64)

    /// Appends to `bytes` what was encrypted.
    ///
    /// - Parameter encrypted: with its tag.
    /// - Returns: false, with nothing appended, when the tag does not match.
    func decrypt(
        _ encrypted: Span<UInt8>, authenticating authenticated: Span<UInt8>, nonce: UInt64,
        appendingTo bytes: inout [UInt8]
    ) -> Bool
}

/// What the key of one thing is made of, beside what the thing is. Stands in clear before what is encrypted.
package struct CipherOrigin: Equatable, Sendable {
    package let dataKey: UInt32
    package let salt: [UInt8]

    /// - Precondition: data keys count from 1, and a salt has ``CipherLimits/saltBytes`` bytes.
    package init(dataKey: UInt32, salt: [UInt8]) {
        precondition(dataKey > 0 && salt.count == CipherLimits.saltBytes, "data key \(dataKey), \(salt.count) bytes")
        self.dataKey = dataKey
        self.salt = salt
    }
}

/// What a key is for: nothing that was encrypted as one thing can be taken for another.
package enum CipherPurpose: Equatable, Sendable {
    case segment(SegmentID)
    case blob
    /// A manifest, by its name.
    case named(String)
    case feedFrame
    case deliveries

    /// As it enters the key: `docs/FORMAT.md`, "Encryption".
    package var context: String {
        switch self {
        case .segment(let id): "segment \(id.fileName)"
        case .blob: "blob"
        case .named(let name): "file \(name)"
        case .feedFrame: "feed"
        case .deliveries: "deliveries"
        }
    }
}

package enum CipherLimits {
    /// Of AES-GCM.
    package static let tagBytes = 16
    package static let saltBytes = 32
}

extension DirectoryCipher {
    /// A new key for something that is about to be written.
    package func makeKey(for purpose: CipherPurpose) -> (key: any CipherKey, origin: CipherOrigin) {
        let origin = CipherOrigin(dataKey: dataKey, salt: makeSalt())
        guard let key = key(origin, for: purpose) else { preconditionFailure("data key \(dataKey) is missing") }
        return (key, origin)
    }
}
