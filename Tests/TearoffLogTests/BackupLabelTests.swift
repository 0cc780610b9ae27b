import TearoffCore
import TearoffLog
import Testing

@Suite("A backup's label: read back as it was written, and believed only whole")
struct BackupLabelTests {
    private let label = BackupLabel(
        directory: DirectoryID(bytes: [UInt8](repeating: 0xD1, count: DirectoryID.byteCount)), shardCount: 16,
        snapshot: 7, manifest: ContentHash(bytes: [UInt8](repeating: 0xAB, count: ContentHash.byteCount)),
        at: Timestamp(milliseconds: 1_700_000_000_000), blobCount: 12, byteCount: 3_456,
        serverVersion: "0.2.0")

    /// Goal: no changed byte is believed. Method: each byte of a label, one bit; and every shorter one.
    @Test func everyChangedByteIsNoticed() throws {
        let bytes = label.encoded
        #expect(try BackupLabel(decoding: bytes) == label)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x01
            #expect(throws: BackupLabelError.self) { try BackupLabel(decoding: changed) }
            #expect(throws: BackupLabelError.self) { try BackupLabel(decoding: Array(bytes[..<index])) }
        }
    }

    /// Goal: the page shows a label as it is. Method: the lines that FORMAT.md has, by their names.
    @Test func aLabelIsText() {
        let names = String(decoding: label.encoded, as: UTF8.self).split(separator: "\n").map {
            String($0.prefix { $0 != " " })
        }
        #expect(
            names == [
                "tearoff-backup", "id", "shards", "snapshot", "manifest", "at", "blobs", "bytes", "server",
                "crc32c",
            ])
    }
}
