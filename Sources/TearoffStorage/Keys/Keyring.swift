import Crypto
import FoundationEssentials
import Synchronization
import TearoffCore
package import TearoffLog

/// The data keys of an encrypted directory, once its operator's key has opened the file `KEYS`.
package struct Keyring: DirectoryCipher {
    /// Keys are small, and one a day for ten years is more than anybody changes them.
    package static let dataKeysMaximum = 4096

    struct DataKey: Sendable {
        let number: UInt32
        let createdMilliseconds: UInt64
        let key: SymmetricKey
    }

    /// Of blobs' file names, and of hashes that are told in clear; never changed, since the names stay.
    let names: SymmetricKey
    /// By their numbers, which only grow; the last one is for what is written from now on.
    let keys: [DataKey]

    init(names: SymmetricKey, keys: [DataKey]) {
        precondition(!keys.isEmpty, "a keyring without a data key")
        self.names = names
        self.keys = keys
    }

    /// Of a new directory.
    static func make(timeMilliseconds: UInt64) -> Keyring {
        let first = DataKey(number: 1, createdMilliseconds: timeMilliseconds, key: SymmetricKey(size: .bits256))
        return Keyring(names: SymmetricKey(size: .bits256), keys: [first])
    }

    /// With one more data key; nil when there are as many as there may be.
    func rotated(timeMilliseconds: UInt64) -> Keyring? {
        guard keys.count < Self.dataKeysMaximum, dataKey < .max else { return nil }
        let next = DataKey(
            number: dataKey + 1, createdMilliseconds: timeMilliseconds, key: SymmetricKey(size: .bits256))
        return Keyring(names: names, keys: keys + [next])
    }

    /// The number and age of each data key, oldest first.
    package var dataKeys: [(number: UInt32, createdMilliseconds: UInt64)] {
        keys.map { ($0.number, $0.createdMilliseconds) }
    }
}

extension Keyring {
    package var dataKey: UInt32 { keys[keys.count - 1].number }

    package func makeSalt() -> [UInt8] {
        SymmetricKey(size: .bits256).bytes
    }

    package func key(_ origin: CipherOrigin, for purpose: CipherPurpose) -> (any CipherKey)? {
        guard let dataKey = keys.last(where: { $0.number == origin.dataKey }) else { return nil }
        return AESKey(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: dataKey.key, salt: origin.salt, info: Array("tearoff \(purpose.context)".utf8),
                outputByteCount: OperatorKey.byteCount))
    }

    /// 80 hex digits: the hash, wrapped as keys are (RFC 3394), which is the same each time and can be undone.
    package func fileName(of blob: BlobID) -> String {
        do {
            return Hex.encode(Array(try AES.KeyWrap.wrap(SymmetricKey(data: blob.bytes), using: names)))
        } catch {
            preconditionFailure("32 bytes cannot be wrapped: \(error)")
        }
    }

    package func blob(fileName: String) -> BlobID? {
        guard let wrapped = Hex.decode(fileName), Hex.encode(wrapped) == fileName,
            let hash = try? AES.KeyWrap.unwrap(wrapped, using: names), hash.bitCount == 256
        else { return nil }
        return BlobID(bytes: hash.bytes)
    }

    package func publicHash(of content: BlobID) -> BlobID {
        BlobID(bytes: Array(HMAC<SHA256>.authenticationCode(for: content.bytes, using: names)))
    }
}
