import Crypto
import FoundationEssentials
import Glibc
import TearoffLog

/// The key that the operator keeps: it encrypts a directory's data keys, and nothing else.
package struct OperatorKey: Sendable {
    package static let byteCount = 32
    let key: SymmetricKey

    /// - Parameter text: 64 hex digits; white space around them does not count.
    /// - Throws: ``OperatorKeyError/malformed(_:)``; the text is not in it.
    package init(text: [UInt8], from source: String) throws(OperatorKeyError) {
        let trimmed = String(decoding: text, as: UTF8.self).lowercased().split(whereSeparator: \.isWhitespace)
        guard trimmed.count == 1, let bytes = Hex.decode(trimmed[0]), bytes.count == Self.byteCount else {
            throw .malformed(source)
        }
        key = SymmetricKey(data: bytes)
    }

    /// Writes a new one into a new file, for its owner alone; durable on return.
    ///
    /// - Throws: ``OperatorKeyError/unreadable(_:reason:)``, also for a file that is there.
    package static func writeNew(to path: String) throws(OperatorKeyError) -> OperatorKey {
        let bytes = SymmetricKey(size: .bits256).bytes
        let text = Array((Hex.encode(bytes) + "\n").utf8)
        do throws(StorageError) {
            let file = try SystemFile(
                path: path, name: path, flags: O_WRONLY | O_CREAT | O_EXCL, operation: .create)
            try file.write(text.span, at: 0)
            try file.sync()
        } catch {
            throw .unreadable(path, reason: "\(error.problem)")
        }
        return try OperatorKey(text: text, from: path)
    }

    /// Says which key it is, and nothing of what it is: 16 hex digits.
    package var fingerprint: String {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Array("tearoff operator key".utf8), outputByteCount: 8)
        return Hex.encode(derived.bytes)
    }

    /// What encrypts a directory's data keys.
    func wrappingKey(salt: [UInt8], directory: DirectoryID) -> AESKey {
        AESKey(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key, salt: salt, info: Array("tearoff keyring \(directory)".utf8),
                outputByteCount: Self.byteCount))
    }
}

/// Why there is no operator's key.
package enum OperatorKeyError: Error, Equatable, Sendable {
    case unreadable(String, reason: String)
    /// It is not 64 hex digits.
    case malformed(String)
    case commandFailed(String)
    case commandTooSlow(seconds: Int)
    case commandTooLong(bytes: Int)
}

extension OperatorKeyError {
    /// Without where the key should have come from.
    var briefly: String {
        switch self {
        case .unreadable(_, let reason): reason
        case .malformed: "it is no key"
        case .commandFailed(let how): how
        case .commandTooSlow(let seconds): "its end did not come within \(seconds) seconds"
        case .commandTooLong(let bytes): "it has more than \(bytes) bytes"
        }
    }
}

extension OperatorKeyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "the key file \(path) cannot be read or written: \(reason)"
        case .malformed(let source):
            "\(source) does not give a key, which is 64 hex digits: tearoffctl key make writes a new one"
        case .commandFailed(let how): "the key command \(how)"
        case .commandTooSlow(let seconds): "the key command gave no key within \(seconds) seconds, and was ended"
        case .commandTooLong(let bytes): "the key command wrote more than \(bytes) bytes, and was ended"
        }
    }
}
