import Foundation
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

@Suite("Blobs are whole or absent, and damage is noticed")
struct BlobStoreTests {
    @Test("Blobs of all sizes come back under the SHA-256 of their bytes")
    func roundTrip() throws {
        // Goal: content in, content out. Method: sizes around the read window, and the hash of "abc" (FIPS
        // 180).
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        for count in [0, 1, 4095, 4096, 100_000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let content = noise(count, seed: UInt64(count))
            let id = try store.store(content, pieceBytes: 300_000)
            #expect(try store.readAll(id) == content)
            #expect(try store.byteCount(id) == UInt64(count))
            #expect(try store.contains(id))
        }
        let abc = try store.store(bytes("abc"))
        #expect("\(abc)" == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try scratch.permissions("data/blobs/\(abc)") == 0o600)
        #expect(try scratch.names("data/blobs").count == 10, "no temporary file is left")
    }

    @Test("The same content twice is one blob; a removed one is missing")
    func identity() throws {
        // Goal: names are contents. Method: write twice, remove, ask.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        let id = try store.store([1, 2, 3])
        #expect(try store.store([1, 2, 3]) == id)
        #expect(try store.all() == [id])
        try store.remove(id)
        #expect(try !store.contains(id))
        let failure = #expect(throws: StorageError.self) { _ = try store.open(id) }
        #expect(failure?.problem == .missing)
        #expect(failure?.file == "blobs/\(id)")
    }

    @Test("A damaged, shortened or lengthened blob is refused at its end")
    func damage() throws {
        // Goal: nothing damaged is believed. Method: each flipped byte of a small blob, and other lengths.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        let content = noise(300, seed: 1)
        let id = try store.store(content)
        var candidates = content.indices.map { index in
            var damaged = content
            damaged[index] ^= 0x10
            return damaged
        }
        candidates += [[], Array(content.dropLast()), content + [0]]
        for damaged in candidates {
            try scratch.write("data/blobs/\(id)", damaged)
            let failure = #expect(throws: StorageError.self) { try store.readAll(id) }
            #expect(failure?.problem == .damaged)
        }
        #expect(try store.store(content) == id, "writing it anew heals it")
        #expect(try store.readAll(id) == content)
    }

    @Test("A blob that is not finished leaves nothing")
    func unfinished() throws {
        // Goal: no debris of a cancelled upload. Method: drop one writer, abandon another, use it afterwards.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        do {
            let writer = try store.makeWriter()
            try writer.append([1, 2].span)
            #expect(writer.byteCount == 2)
            #expect(try store.all().isEmpty, "not visible before it is finished")
            #expect(try scratch.names("data/blobs").count == 1)
        }
        let writer = try store.makeWriter()
        writer.abandon()
        #expect(try scratch.names("data/blobs").isEmpty)
        #expect(throws: StorageError.self) { try writer.append([1].span) }
        #expect(throws: StorageError.self) { _ = try writer.finish() }
    }

    @Test("A blob whose file changed under the writer is not published")
    func verification() throws {
        // Goal: what was written is what is read back, or nobody hears of it. Method: scribble before the
        // end.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        let writer = try store.makeWriter()
        try writer.append(noise(5000, seed: 1).span)
        let name = try #require(try scratch.names("data/blobs").first)
        let handle = try #require(FileHandle(forWritingAtPath: scratch.file("data/blobs/\(name)")))
        try handle.write(contentsOf: Data([0xEE]))
        try handle.close()
        let failure = #expect(throws: StorageError.self) { _ = try writer.finish() }
        #expect(failure?.problem == .damaged)
        #expect(try scratch.names("data/blobs").isEmpty)
        #expect(throws: StorageError.self) { _ = try writer.finish() }
    }

    @Test("Crash leftovers and strangers in blobs/ are no blobs")
    func leftovers() throws {
        // Goal: only finished blobs are listed. Method: files of other names.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        let id = try store.store([7])
        for name in ["0011223344556677.tmp", "README", String(repeating: "A", count: 64)] {
            try scratch.write("data/blobs/\(name)", [1])
        }
        #expect(try store.all() == [id])
    }

    @Test("Named files are replaced whole, listed in order, removed, and set aside")
    func named() throws {
        // Goal: manifests behave as BlobStore says. Method: each call, and the files on disk.
        let scratch = try Scratch()
        let store = try scratch.open().makeBlobStore()
        try store.writeNamed("manifest-2", [2])
        try store.writeNamed("manifest-1", noise(10_000, seed: 1))
        try store.writeNamed("manifest-2", [2, 2])
        #expect(try store.listNamed() == ["manifest-1", "manifest-2"])
        #expect(try store.readNamed("manifest-2") == [2, 2])
        #expect(try store.readNamed("manifest-1").count == 10_000)
        try store.writeNamed("empty", [])
        #expect(try store.readNamed("empty").isEmpty)
        try store.removeNamed("empty")
        try store.setAside("manifest-2")
        #expect(try store.listNamed() == ["manifest-1"])
        #expect(try scratch.names("data/snapshots") == ["manifest-1", "manifest-2.aside"])
        let failure = #expect(throws: StorageError.self) { try store.readNamed("manifest-2") }
        #expect(failure?.problem == .missing)
        #expect(throws: StorageError.self) { try store.removeNamed("manifest-2") }
        #expect(throws: StorageError.self) { try store.setAside("manifest-2") }
    }
}
