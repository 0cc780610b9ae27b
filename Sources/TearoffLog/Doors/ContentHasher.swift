/// Hashes content as it comes. Real: SHA-256. From one thread at a time.
package protocol ContentHasher: AnyObject {
    func update(_ bytes: Span<UInt8>)

    /// The hash of all bytes so far; nothing may follow.
    func finish() -> BlobID
}
