import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("The feed's files are what was written, for their owner alone")
struct FeedStorageTests {
    @Test("What is written over the end is read back, and other names are left alone")
    func writesAndReads() throws {
        // Goal: the door does on disk what the simulated one does. Method: two files, an overwritten tail, a stranger.
        let scratch = try Scratch()
        let storage = try scratch.open().makeFeedStorage()
        let (first, second) = (FeedSequence.first, FeedSequence(rawValue: 0x1F))
        for name in [second, first] { try storage.create(name) }
        try scratch.write("data/feed/notes", [1])
        try storage.write([1, 2, 3, 4].span, to: first, at: 0)
        try storage.write([9, 9, 9].span, to: first, at: 2)
        try storage.create(first)
        #expect(
            try storage.list() == [
                FeedFile(first: first, byteCount: 5), FeedFile(first: second, byteCount: 0),
            ])
        var bytes: [UInt8] = []
        try storage.read(first, from: 1, count: 100, into: &bytes)
        #expect(bytes == [2, 9, 9, 9])
        try storage.read(second, from: 0, count: 100, into: &bytes)
        #expect(bytes.isEmpty)
        #expect(try scratch.permissions("data/feed/feed-000000000000001f") == 0o600)
        try storage.remove(first)
        #expect(throws: StorageError(.read, file: "feed/feed-0000000000000001", problem: .missing)) {
            try storage.read(first, from: 0, count: 1, into: &bytes)
        }
        #expect(try scratch.names("data/feed") == ["feed-000000000000001f", "notes"])
    }
}
