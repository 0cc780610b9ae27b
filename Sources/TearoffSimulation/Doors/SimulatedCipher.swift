import Synchronization
package import TearoffCore
package import TearoffLog

/// Encryption that hides from no attacker and keeps the rules of the real one: other bytes for each key and nonce, and
/// a tag over all that it vouches for. It ends the process when a key and a nonce are used for two contents, in
/// whatever life of the directory: that is what breaks the real one.
package final class SimulatedCipher: DirectoryCipher {
    private struct State {
        var random: SplitMix64
        var dataKey: UInt32 = 1
        /// What was encrypted with each pair of key and nonce, as a checksum.
        var uses: [Use: UInt64] = [:]
    }

    private struct Use: Hashable {
        let key: UInt64
        let nonce: UInt64
    }

    private let state: Mutex<State>

    package init(seed: UInt64) {
        state = Mutex(State(random: SplitMix64(seed: seed)))
    }

    package var dataKey: UInt32 { state.withLock { $0.dataKey } }

    /// What is written from now on is encrypted with a new data key.
    package func rotate() { state.withLock { $0.dataKey += 1 } }

    /// How many pairs of key and nonce were used.
    package var useCount: Int { state.withLock { $0.uses.count } }

    package func makeSalt() -> [UInt8] {
        state.withLock { state in
            (0..<CipherLimits.saltBytes).map { _ in UInt8.random(in: 0...255, using: &state.random) }
        }
    }

    package func key(_ origin: CipherOrigin, for purpose: CipherPurpose) -> (any CipherKey)? {
        guard origin.dataKey <= dataKey else { return nil }
        let seed = Mix.of(origin.salt.span, Mix.of(Array(purpose.context.utf8).span, UInt64(origin.dataKey)))
        return SimulatedCipherKey(seed: seed, cipher: self)
    }

    package func fileName(of blob: BlobID) -> String { "hidden-\(blob)" }

    package func blob(fileName: String) -> BlobID? {
        fileName.hasPrefix("hidden-") ? BlobID(hex: fileName.dropFirst("hidden-".count)) : nil
    }

    package func publicHash(of content: ContentHash) -> ContentHash {
        SimulatedBlobStore.identity(of: [0] + content.bytes)
    }

    fileprivate func note(_ key: UInt64, _ nonce: UInt64, _ content: UInt64) {
        state.withLock { state in
            let earlier = state.uses.updateValue(content, forKey: Use(key: key, nonce: nonce))
            precondition(earlier == nil || earlier == content, "nonce \(nonce) is used twice with one key")
        }
    }
}

private struct SimulatedCipherKey: CipherKey {
    let seed: UInt64
    let cipher: SimulatedCipher

    func encrypt(
        _ plain: Range<Int>, of bytes: inout [UInt8], authenticating authenticated: Range<Int>, nonce: UInt64
    ) {
        let header = Mix.of(bytes.span.extracting(authenticated))
        cipher.note(seed, nonce, Mix.of(bytes.span.extracting(plain), header))
        var stream = stream(nonce)
        for index in plain { bytes[index] ^= UInt8(truncatingIfNeeded: stream.next()) }
        let tag = tag(bytes.span.extracting(plain), bytes.span.extracting(authenticated), nonce)
        bytes.replaceSubrange(plain.upperBound..<plain.upperBound + CipherLimits.tagBytes, with: tag)
    }

    func decrypt(
        _ encrypted: Span<UInt8>, authenticating authenticated: Span<UInt8>, nonce: UInt64,
        appendingTo bytes: inout [UInt8]
    ) -> Bool {
        let count = encrypted.count - CipherLimits.tagBytes
        guard count >= 0 else { return false }
        let content = encrypted.extracting(0..<count)
        guard encrypted.extracting(count..<encrypted.count).copy == tag(content, authenticated, nonce) else {
            return false
        }
        var stream = stream(nonce)
        for index in content.indices { bytes.append(content[index] ^ UInt8(truncatingIfNeeded: stream.next())) }
        return true
    }

    private func stream(_ nonce: UInt64) -> SplitMix64 {
        var mixer = SplitMix64(seed: seed ^ nonce)
        return SplitMix64(seed: mixer.next())
    }

    private func tag(_ encrypted: Span<UInt8>, _ authenticated: Span<UInt8>, _ nonce: UInt64) -> [UInt8] {
        var mixer = SplitMix64(seed: Mix.of(encrypted, Mix.of(authenticated, seed ^ nonce)))
        return (0..<CipherLimits.tagBytes).map { _ in UInt8.random(in: 0...255, using: &mixer) }
    }
}

/// 64 bits of all bytes: FNV-1a.
private enum Mix {
    static func of(_ bytes: Span<UInt8>, _ start: UInt64 = 0) -> UInt64 {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325 ^ start
        for index in bytes.indices { digest = (digest ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3 }
        return digest
    }
}
