import Foundation
import TearoffCore
import TearoffLog
import Testing

@testable import TearoffStorage

extension OperatorKey {
    /// A key for tests, of one digit.
    static func of(_ digit: Character) throws -> OperatorKey {
        try OperatorKey(text: Array(String(repeating: digit, count: 64).utf8), from: "the test")
    }
}

@Suite("An encrypted directory opens with its key, and tells every other case by its name")
struct KeyTests {
    private func open(
        _ scratch: Scratch, _ key: OperatorKey?, previous: OperatorKey? = nil
    ) throws(DataDirectoryError) -> DataDirectory {
        try DataDirectory.open(
            path: scratch.file("data"), expectData: false, shardCount: 4, newID: someID, timeMilliseconds: 77,
            keys: key.map { OperatorKeys($0, previous: previous) })
    }

    /// Everything below the directory, by its name.
    private func content(_ scratch: Scratch) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: scratch.file("data")) {
            var isDirectory: ObjCBool = false
            _ = unsafe FileManager.default.fileExists(atPath: scratch.file("data/\(name)"), isDirectory: &isDirectory)
            if !isDirectory.boolValue { files[name] = try scratch.read("data/\(name)") }
        }
        return files
    }

    @Test("No key, a wrong key and a key for nothing are refused, each by its name, and change nothing")
    func refusals() throws {
        // Goal: each mistake has an error of its own. Method: all of them, with the files compared before and after.
        let scratch = try Scratch()
        let (right, wrong) = (try OperatorKey.of("a"), try OperatorKey.of("b"))
        _ = try open(scratch, right)
        try scratch.write("data/IDENTITY.tmp", [1])
        let before = try content(scratch)
        #expect(throws: DataDirectoryError.keyNeeded) { try open(scratch, nil) }
        let refused = DataDirectoryError.wrongKey(given: wrong.fingerprint, wanted: right.fingerprint)
        #expect(throws: refused) { try open(scratch, wrong) }
        #expect(throws: refused) { _ = try ReadOnlyDirectory(path: scratch.file("data"), locks: true, key: wrong) }
        #expect(throws: DataDirectoryError.keyNeeded) {
            _ = try ReadOnlyDirectory(path: scratch.file("data"), locks: true)
        }
        #expect(try content(scratch) == before)
        #expect(try ReadOnlyDirectory(path: scratch.file("data"), locks: false, readsContent: false).keyring == nil)
        #expect(try open(scratch, right).keyring?.dataKey == 1)
        let plain = try Scratch()
        _ = try open(plain, nil)
        #expect(throws: DataDirectoryError.notEncrypted) { try open(plain, right) }
        #expect(try plain.names("data") == ["IDENTITY", "LOCK", "blobs", "feed", "snapshots", "wal"])
    }

    @Test("A directory that is not encrypted is what it ever was, and one that is is refused by older programs")
    func identity() throws {
        // Goal: old directories stay, old programs keep away. Method: the first line.
        let scratch = try Scratch()
        _ = try open(scratch, try .of("a"))
        let text = String(decoding: try scratch.read("data/IDENTITY"), as: UTF8.self)
        #expect(text.hasPrefix("tearoff \(DataIdentity.formatVersion) encrypted\n"))
        let data = try open(scratch, try .of("a"))
        try data.markBegun()
        #expect(String(decoding: try scratch.read("data/IDENTITY"), as: UTF8.self).contains(" encrypted\n"))
        #expect(try scratch.permissions("data/KEYS") == 0o600)
    }

    @Test("A key that is changed is wanted from then on; a crash in between leaves the old one or the new one")
    func operatorKeyChanges() throws {
        // Goal: no moment at which no key fits. Method: the change, offline and at a start, each with the file that a
        // crash before or behind the rename leaves.
        let scratch = try Scratch()
        let (old, new) = (try OperatorKey.of("a"), try OperatorKey.of("b"))
        let first = try #require(try open(scratch, old).keyring)
        let blob = try open(scratch, old).makeBlobStore().store(noise(100, seed: 1))
        let before = try scratch.read("data/KEYS")
        _ = try DataDirectory.changeKeys(
            path: scratch.file("data"), .operatorKey(new), with: old, timeMilliseconds: 5)
        let after = try scratch.read("data/KEYS")
        #expect(throws: DataDirectoryError.wrongKey(given: old.fingerprint, wanted: new.fingerprint)) {
            try open(scratch, old)
        }
        #expect(try open(scratch, new).keyring?.names == first.names)
        #expect(try open(scratch, new).makeBlobStore().readAll(blob) == noise(100, seed: 1))
        // Before the rename: the old file stands, and what was half-written goes.
        try scratch.write("data/KEYS", before)
        for leftover in [after, Array(after.dropLast(40)), []] {
            try scratch.write("data/KEYS.tmp", leftover)
            #expect(try open(scratch, old).temporaryFilesRemoved == 1)
            #expect(try !scratch.names("data").contains("KEYS.tmp"))
        }
        // At a start, whichever of both it still wants.
        #expect(try open(scratch, new, previous: old).wantedPreviousKey)
        #expect(try !open(scratch, new, previous: old).wantedPreviousKey)
        #expect(try open(scratch, new).makeBlobStore().readAll(blob) == noise(100, seed: 1))
        #expect(throws: DataDirectoryError.self) { try open(scratch, try .of("c"), previous: old) }
    }

    @Test("A new data key writes, and the older ones read")
    func dataKeyRotates() throws {
        // Goal: rotation loses nothing. Method: a blob and a manifest under each of three data keys, read at the end.
        let scratch = try Scratch()
        let key = try OperatorKey.of("a")
        var blobs: [BlobID] = []
        for number in UInt32(1)...3 {
            if number > 1 {
                let ring = try DataDirectory.changeKeys(
                    path: scratch.file("data"), .dataKey, with: key, timeMilliseconds: 100 + UInt64(number))
                #expect(ring.dataKey == number)
            }
            let data = try open(scratch, key)
            #expect(data.keyring?.dataKey == number)
            blobs.append(try data.makeBlobStore().store(noise(70_000, seed: UInt64(number))))
            try data.makeBlobStore().writeNamed("manifest-\(number)", [UInt8(number)])
            let file = try scratch.read("data/snapshots/manifest-\(number)")
            #expect(file.span.littleEndian(UInt32.self, at: 8) == number)
        }
        let store = try open(scratch, key).makeBlobStore()
        for (index, blob) in blobs.enumerated() {
            #expect(try store.readAll(blob) == noise(70_000, seed: UInt64(index + 1)))
            #expect(try store.readNamed("manifest-\(index + 1)") == [UInt8(index + 1)])
        }
        #expect(try open(scratch, key).keyring?.dataKeys.map(\.createdMilliseconds) == [77, 102, 103])
        #expect(throws: DataDirectoryError.expectedData) {
            _ = try DataDirectory.changeKeys(
                path: scratch.file("none"), .dataKey, with: key, timeMilliseconds: 0)
        }
    }

    @Test("KEYS that is missing, damaged or altered is refused, each by its name")
    func keysDamaged() throws {
        // Goal: damage is no wrong key. Method: no file; each byte flipped; flipped and mended.
        let scratch = try Scratch()
        let key = try OperatorKey.of("a")
        _ = try open(scratch, key)
        let whole = try scratch.read("data/KEYS")
        for place in whole.indices {
            var changed = whole
            changed[place] ^= 1
            try scratch.write("data/KEYS", changed)
            do throws(DataDirectoryError) {
                _ = try open(scratch, key)
                Issue.record("byte \(place) was not noticed")
            } catch {
                guard case .damagedKeys = error else { Issue.record("byte \(place): \(error)"); continue }
            }
        }
        var lines = String(decoding: whole, as: UTF8.self).split(separator: "\n").map(String.init)
        let digit = lines[4].last == "0" ? "1" : "0"
        lines[4] = lines[4].dropLast() + digit
        let body = lines[..<5].joined(separator: "\n") + "\n"
        let checksum = Hex.encode(UInt64(CRC32C.checksum(Array(body.utf8).span)))
        try scratch.write("data/KEYS", Array((body + "crc32c \(checksum)\n").utf8))
        #expect(throws: DataDirectoryError.alteredKeys) { try open(scratch, key) }
        try FileManager.default.removeItem(atPath: scratch.file("data/KEYS"))
        #expect(throws: DataDirectoryError.damagedKeys("the file is missing")) { try open(scratch, key) }
    }

    @Test("A directory whose making was cut short before IDENTITY is made anew, with a key or without")
    func cutShort() throws {
        // Goal: no manual repair. Method: KEYS of another making, and no IDENTITY.
        for isEncrypted in [true, false] {
            let scratch = try Scratch()
            let key = try OperatorKey.of("a")
            _ = try open(scratch, key)
            try FileManager.default.removeItem(atPath: scratch.file("data/IDENTITY"))
            let data = try open(scratch, isEncrypted ? key : nil)
            #expect(data.origin == .created)
            #expect((data.keyring != nil) == isEncrypted)
            #expect(try scratch.names("data").contains("KEYS") == isEncrypted)
        }
    }

    @Test("A key is 64 hex digits of a file or a command, which is bounded in time and size")
    func sources() throws {
        // Goal: no start hangs or fills the memory on its key. Method: good and bad files and commands.
        let scratch = try Scratch()
        let text = String(repeating: "0f", count: 32)
        let key = try OperatorKey(text: Array(text.utf8), from: "")
        let path = scratch.file("key")
        for good in [text, text + "\n", "  \(text.uppercased()) \r\n"] {
            try scratch.write("key", Array(good.utf8))
            #expect(try KeySource.file(path).read().fingerprint == key.fingerprint)
        }
        for bad in ["", "\n", String(text.dropLast()), text + "0", text + "\n" + text, "g" + text.dropFirst()] {
            try scratch.write("key", Array(bad.utf8))
            let error = #expect(throws: OperatorKeyError.self) { _ = try KeySource.file(path).read() }
            #expect(error == .malformed("the key file \(path)"))
        }
        #expect(throws: OperatorKeyError.unreadable(scratch.file("none"), reason: "does not exist")) {
            _ = try KeySource.file(scratch.file("none")).read()
        }
        try scratch.write("key", [UInt8](repeating: 0x20, count: KeySource.bytesMaximum + 1))
        #expect(throws: OperatorKeyError.self) { _ = try KeySource.file(path).read() }
        #expect(try KeySource.command("printf %s '\(text)'").read().fingerprint == key.fingerprint)
        #expect(throws: OperatorKeyError.commandFailed("ended with exit code 3")) {
            _ = try KeySource.command("printf %s '\(text)'; exit 3").read()
        }
        #expect(throws: OperatorKeyError.malformed("the key command")) { _ = try KeySource.command("true").read() }
        #expect(throws: OperatorKeyError.commandTooLong(bytes: KeySource.bytesMaximum)) {
            _ = try KeySource.command("yes").read()
        }
        // It would write for ever; whatever it began ends with it.
        #expect(throws: OperatorKeyError.commandTooSlow(seconds: 1)) {
            _ = try KeySource.command("sleep 600 & sleep 600").read(within: 1)
        }
    }

    @Test("A new key file is its owner's alone, and none is overwritten")
    func newKeys() throws {
        // Goal: no key is lost. Method: made, read back, made again.
        let scratch = try Scratch()
        let key = try OperatorKey.writeNew(to: scratch.file("key"))
        #expect(try scratch.permissions("key") == 0o600)
        #expect(try KeySource.file(scratch.file("key")).read().fingerprint == key.fingerprint)
        #expect(throws: OperatorKeyError.self) { _ = try OperatorKey.writeNew(to: scratch.file("key")) }
        #expect(try OperatorKey.writeNew(to: scratch.file("other")).fingerprint != key.fingerprint)
    }
}

@Suite("Encrypted blobs and files: whole or refused, and under names that tell nothing")
struct EncryptedStoreTests {
    private func open(_ scratch: Scratch, _ name: String = "data") throws(DataDirectoryError) -> DataDirectory {
        let key: OperatorKey
        do { key = try OperatorKey.of("a") } catch { preconditionFailure("a test's key: \(error)") }
        return try DataDirectory.open(
            path: scratch.file(name), expectData: false, shardCount: 4, newID: someID, timeMilliseconds: 77,
            keys: OperatorKeys(key))
    }

    @Test("Blobs of all sizes come back under the hash of their content, which their names do not show")
    func roundTrip() throws {
        // Goal: as of a directory that is not encrypted. Method: sizes around a block and a window, in odd pieces.
        let scratch = try Scratch()
        let data = try open(scratch)
        let store = data.makeBlobStore()
        let block = EncryptedFile.blockBytes
        var ids: Set<BlobID> = []
        for count in [0, 1, block - 1, block, block + 1, 2 * block, (1 << 20) - 1, (1 << 20) + 1, 3 << 20] {
            let content = noise(count, seed: UInt64(count))
            let id = try store.store(content, pieceBytes: 300_001)
            let hasher = SHA256Hasher()
            hasher.update(content.span)
            #expect(id == hasher.finish())
            #expect(try store.store(content, pieceBytes: 1 << 20) == id, "the same content is one blob")
            #expect(try store.readAll(id) == content)
            #expect(try store.byteCount(id) == UInt64(count))
            var pieces: [UInt8] = []
            let reader = try store.open(id)
            var piece: [UInt8] = []
            repeat {
                try reader.read(upTo: 50_001, into: &piece)
                pieces += piece
            } while !piece.isEmpty
            #expect(pieces == content)
            ids.insert(id)
        }
        #expect(Set(try store.all()) == ids)
        let names = try scratch.names("data/blobs")
        #expect(names.count == ids.count && names.allSatisfy { $0.utf8.count == 80 })
        for id in ids { #expect(!names.contains { $0.contains("\(id)".prefix(16)) }) }
        let gone = try #require(ids.first)
        try store.remove(gone)
        #expect(try !store.contains(gone) && store.all().count == ids.count - 1)
        try scratch.write("data/blobs/" + String(repeating: "ab", count: 40), [1])
        #expect(try store.all().count == ids.count - 1, "a name that the keys did not make is none")
    }

    @Test("Damage and alterations of a blob and of a manifest are refused, each by its name")
    func changes() throws {
        // Goal: what is served was written. Method: each byte flipped, and flipped and mended; files exchanged.
        let scratch = try Scratch()
        let store = try open(scratch).makeBlobStore()
        let id = try store.store(noise(300, seed: 1))
        let other = try store.store(noise(300, seed: 2))
        try store.writeNamed("manifest-1", noise(200, seed: 3))
        let names = try scratch.names("data/blobs")
        #expect(names.count == 2)
        func problem(_ body: () throws -> Void) -> StorageError.Problem? {
            do { try body(); return nil } catch { return (error as? StorageError)?.problem }
        }
        for (file, read) in [
            ("data/snapshots/manifest-1", { _ = try store.readNamed("manifest-1") }),
            (
                "data/blobs/\(names[0])",
                {
                    _ = try store.readAll(id); _ = try store.readAll(other)
                }
            ),
        ] {
            let whole = try scratch.read(file)
            for place in whole.indices {
                var changed = whole
                changed[place] ^= 1
                try scratch.write(file, changed)
                #expect(problem(read) == (place < 4 ? .notEncrypted : .damaged), "\(file) byte \(place)")
                guard place >= 64, place < whole.count - 4 else { continue }
                changed.storeLittleEndian(
                    CRC32C.checksum(changed.span.extracting(64..<changed.count - 4)), at: changed.count - 4)
                try scratch.write(file, changed)
                #expect(problem(read) == .altered, "\(file) byte \(place)")
            }
            try scratch.write(file, whole)
            #expect(problem(read) == nil)
        }
        let left = try scratch.read("data/blobs/\(names[0])")
        let right = try scratch.read("data/blobs/\(names[1])")
        try scratch.write("data/blobs/\(names[0])", right)
        try scratch.write("data/blobs/\(names[1])", left)
        #expect(problem { _ = try store.readAll(id) } == .damaged, "whole, and another content")
        let plain = try Scratch()
        try plain.open().makeBlobStore().writeNamed("manifest-1", [1, 2, 3])
        let manifest = try plain.read("data/snapshots/manifest-1") + [UInt8](repeating: 0, count: 99)
        try scratch.write("data/snapshots/manifest-1", manifest)
        #expect(problem { _ = try store.readNamed("manifest-1") } == .notEncrypted)
    }

    @Test("A backup of an encrypted directory is encrypted, has its keys, shares its bytes, and opens with its key")
    func backups() throws {
        // Goal: a backup is as safe as what it is of. Method: a shelf, a linked blob, the label, three keys.
        let scratch = try Scratch()
        let data = try open(scratch)
        let id = try data.makeBlobStore().store(bytes("SECRET-CODE\n"))
        let place = try data.makeBackupShelf(path: scratch.path).make("monday")
        #expect(place.isEncrypted)
        #expect(try place.link(id, from: data.makeBlobStore()))
        try place.writeNamed("manifest-1", bytes("SECRET-MANIFEST"))
        let hash = ContentHash(bytes: [UInt8](repeating: 7, count: 32))
        #expect(place.publicHash(of: hash) != hash)
        let label = BackupLabel(
            directory: someID, shardCount: 4, snapshot: 1, manifest: place.publicHash(of: hash), at: .zero,
            blobCount: 1, byteCount: 1, serverVersion: "0", isEncrypted: true)
        try place.writeNamed(BackupLabel.file, label.encoded)
        let text = String(decoding: try scratch.read("monday/BACKUP"), as: UTF8.self)
        #expect(text.hasPrefix("tearoff-backup 1 encrypted\n"))
        #expect(try scratch.read("monday/KEYS") == scratch.read("data/KEYS"))
        let path = scratch.file("monday")
        let opened = try BackupDirectory(path: path, key: try .of("a"))
        #expect(try opened.label == label && opened.blobs.readAll(id) == bytes("SECRET-CODE\n"))
        #expect(try opened.blobs.readNamed("manifest-1") == bytes("SECRET-MANIFEST"))
        #expect(throws: DataDirectoryError.keyNeeded) { _ = try BackupDirectory(path: path) }
        #expect(throws: DataDirectoryError.self) { _ = try BackupDirectory(path: path, key: try .of("b")) }
        // Another directory's bytes are under other keys: they are copied, not linked.
        let other = try open(scratch, "other").makeBlobStore()
        #expect(try !other.link(id, from: data.makeBlobStore()))
        _ = try other.copy(id, from: data.makeBlobStore())
        #expect(try other.readAll(id) == bytes("SECRET-CODE\n"))
        for name in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
            guard let content = FileManager.default.contents(atPath: scratch.file(name)) else { continue }
            #expect(content.firstRange(of: Data("SECRET".utf8)) == nil, "\(name)")
        }
    }

    @Test("The book of deliveries comes back, and is none that can be read once it was changed")
    func deliveries() throws {
        // Goal: recipients are not in clear; a changed book is set aside as a damaged one is. Method: both.
        let scratch = try Scratch()
        let storage = try open(scratch).makeDeliveryStorage()
        #expect(try storage.read() == nil)
        try storage.replace(bytes("someone@example.com"))
        #expect(try storage.read() == bytes("someone@example.com"))
        var stored = try scratch.read("data/feed/deliveries")
        #expect(!stored.contains(bytes("someone")))
        stored[70] ^= 1
        try scratch.write("data/feed/deliveries", stored)
        #expect(try storage.read() == [], "not taken for what was written")
        try scratch.write("data/feed/deliveries", bytes("someone@example.com"))
        #expect(try storage.read() == [], "nor what is not encrypted")
    }
}

@Suite("AES-256-GCM is what the standard says")
struct AESKeyTests {
    @Test("The known answer of NIST's test vectors")
    func knownAnswer() throws {
        // Goal: no home-made cipher. Method: McGrew, Viega, "The Galois/Counter Mode of Operation", test case 14: a
        // key, a nonce and a block of zeros.
        let key = AESKey(key: try OperatorKey.of("0").key)
        var block = [UInt8](repeating: 0, count: 32)
        key.encrypt(0..<16, of: &block, authenticating: 0..<0, nonce: 0)
        #expect(Hex.encode(block) == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919")
        func opened(_ authenticated: [UInt8], nonce: UInt64) -> [UInt8]? {
            var plain: [UInt8] = [9]
            let opens = key.decrypt(
                block.span, authenticating: authenticated.span, nonce: nonce, appendingTo: &plain)
            return opens ? plain : plain == [9] ? nil : []
        }
        #expect(opened([], nonce: 0) == [9] + [UInt8](repeating: 0, count: 16))
        #expect(opened([], nonce: 1) == nil)
        #expect(opened([0], nonce: 0) == nil)
    }
}
