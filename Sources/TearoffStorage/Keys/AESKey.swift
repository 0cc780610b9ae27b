import Crypto
import FoundationEssentials
import TearoffLog

extension SymmetricKey {
    // SAFETY: the bytes are only read, and only inside the call.
    var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

/// AES-256-GCM with one key.
struct AESKey: CipherKey {
    let key: SymmetricKey

    func encrypt(
        _ plain: Range<Int>, of bytes: inout [UInt8], authenticating authenticated: Range<Int>, nonce: UInt64
    ) {
        precondition(plain.upperBound + CipherLimits.tagBytes <= bytes.count, "no room for a tag")
        // SAFETY: all pointers lie inside the array, and are used inside the call; the result is as long as the part
        // that it replaces, which the precondition checks to be there.
        unsafe bytes.withUnsafeMutableBytes { memory in
            do {
                let box = try unsafe AES.GCM.seal(
                    UnsafeRawBufferPointer(rebasing: memory[plain]), using: key, nonce: Self.nonce(nonce),
                    authenticating: UnsafeRawBufferPointer(rebasing: memory[authenticated]))
                let target = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: memory[plain.lowerBound..<plain.upperBound + CipherLimits.tagBytes])
                unsafe target[..<plain.count].copyBytes(from: box.ciphertext)
                unsafe target[plain.count...].copyBytes(from: box.tag)
            } catch {
                preconditionFailure("AES-GCM of \(plain.count) bytes failed: \(error)")
            }
        }
    }

    func decrypt(
        _ encrypted: Span<UInt8>, authenticating authenticated: Span<UInt8>, nonce: UInt64,
        appendingTo bytes: inout [UInt8]
    ) -> Bool {
        let count = encrypted.count - CipherLimits.tagBytes
        guard count >= 0 else { return false }
        // SAFETY: both pointers are only read, and only inside the call.
        let opened = unsafe encrypted.withUnsafeBytes { memory in
            unsafe authenticated.withUnsafeBytes { authenticated in
                try? unsafe AES.GCM.open(
                    AES.GCM.SealedBox(
                        nonce: Self.nonce(nonce), ciphertext: UnsafeRawBufferPointer(rebasing: memory[..<count]),
                        tag: UnsafeRawBufferPointer(rebasing: memory[count...])),
                    using: key, authenticating: authenticated)
            }
        }
        guard let opened else { return false }
        bytes.append(contentsOf: opened)
        return true
    }

    /// 96 bits: the number, little-endian, and zeros.
    private static func nonce(_ number: UInt64) throws -> AES.GCM.Nonce {
        var bytes = [UInt8](repeating: 0, count: 12)
        bytes.storeLittleEndian(number, at: 0)
        return try AES.GCM.Nonce(data: bytes)
    }
}
