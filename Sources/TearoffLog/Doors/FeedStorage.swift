/// The files of the feed. Real: `DirectoryFeedStorage`. Tests: `SimulatedFeedStorage`.
///
/// May be called from several threads at once; one of them writes.
package protocol FeedStorage: Sendable {
    /// Encrypts each frame; nil: the directory is not encrypted. Files are read and written as they are.
    var cipher: (any DirectoryCipher)? { get }

    /// Sorted by their first sequence numbers. Makes durable what can be read, before anybody believes it.
    func list() throws(StorageError) -> [FeedFile]

    /// Makes an empty file; its name is durable on return. One that is there is left as it is.
    func create(_ first: FeedSequence) throws(StorageError)

    /// Writes at `offset`, over whatever a crash or a failure left there; durable on return.
    func write(_ bytes: Span<UInt8>, to first: FeedSequence, at offset: UInt64) throws(StorageError)

    /// Replaces `bytes` by what stands at `offset`: `count` bytes, or fewer where the file ends.
    ///
    /// - Throws: problem `.missing` when there is no such file any more.
    func read(_ first: FeedSequence, from offset: UInt64, count: Int, into bytes: inout [UInt8])
        throws(StorageError)

    func remove(_ first: FeedSequence) throws(StorageError)
}

extension FeedStorage {
    package var cipher: (any DirectoryCipher)? { nil }
}

/// A file of the feed, by the number of its first event.
package struct FeedFile: Equatable, Sendable {
    package let first: FeedSequence
    package var byteCount: UInt64

    package init(first: FeedSequence, byteCount: UInt64) {
        self.first = first
        self.byteCount = byteCount
    }

    private static let prefix = "feed-"

    package static func name(of first: FeedSequence) -> String { prefix + Hex.encode(first.rawValue) }

    /// The first number of a file by its name; nil for any other name.
    package static func first(ofName name: String) -> FeedSequence? {
        guard let number = UInt64(name.dropFirst(prefix.count), radix: 16) else { return nil }
        let first = FeedSequence(rawValue: number)
        // As it is written, and in no other way: another spelling would lead to a file that is not there.
        return self.name(of: first) == name ? first : nil
    }
}

/// The number of an event in the feed, from 1, never used for two.
package struct FeedSequence: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let first = FeedSequence(rawValue: 1)
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package func advanced(by count: Int) -> FeedSequence { FeedSequence(rawValue: rawValue + UInt64(count)) }
}
