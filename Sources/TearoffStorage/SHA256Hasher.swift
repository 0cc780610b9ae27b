import Crypto
import TearoffCore
package import TearoffLog

/// SHA-256 of content as it comes.
package final class SHA256Hasher: ContentHasher {
    private var hasher = SHA256()

    package init() {}

    package func update(_ bytes: Span<UInt8>) {
        // SAFETY: the bytes are only read, and only inside the call.
        unsafe bytes.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
    }

    package func finish() -> BlobID { BlobID(bytes: Array(hasher.finalize())) }
}
