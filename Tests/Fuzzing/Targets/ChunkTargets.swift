import TearoffCore
import TearoffLog

/// What is read whole: snapshots and their chunks, the book of deliveries, a backup's label.
enum ChunkTargets {
    static let all = [
        FuzzTarget("manifest", run: manifest),
        FuzzTarget("history-chunk", run: historyChunk),
        FuzzTarget("hold-chunk", run: holdChunk),
        FuzzTarget("key-chunk", run: keyChunk),
        FuzzTarget("packed-blob", run: packedBlob),
        FuzzTarget("deliveries", run: deliveries),
        FuzzTarget("backup-label", bytesMax: 512, run: backupLabel),
    ]

    /// With the checksum at the end made right, and where the option says so also the directory.
    private static func repaired(_ options: FuzzOptions) -> [UInt8] {
        var bytes = options.body
        guard options.has(0), bytes.count >= 26 else { return bytes }
        if options.has(1) { bytes.replaceSubrange(6..<22, with: LogTargets.directory.bytes) }
        let body = bytes.count - 4
        bytes.storeLittleEndian(CRC32C.checksum(bytes.span.extracting(0..<body)), at: body)
        return bytes
    }

    /// Goal: a manifest that is believed can be written, and is then the same.
    @Sendable private static func manifest(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input),
            let manifest = try? Manifest(
                decoding: repaired(options).span, directory: LogTargets.directory)
        else { return }
        _ = manifest.blobs
        let again = try? Manifest(decoding: manifest.encode().span, directory: LogTargets.directory)
        try FuzzFinding.expect(again == manifest, "written again it is another manifest")
    }

    /// Goal: rows of a chunk stand in the order of their numbers, however damaged it is. The shard is taken from it.
    @Sendable private static func historyChunk(_ input: [UInt8]) throws(FuzzFinding) {
        var sequences: [SequenceNumber] = []
        try? HistoryChunk.decode(input.span, shard: shard(of: input)) { record, _, _ in
            sequences.append(record.sequence)
        }
        try FuzzFinding.expect(
            zip(sequences, sequences.dropFirst()).allSatisfy { $0.next == $1 }, "rows are out of order")
    }

    @Sendable private static func holdChunk(_ input: [UInt8]) throws(FuzzFinding) {
        guard let holds = try? HoldChunk.decode(input.span, shard: shard(of: input), first: 0) else { return }
        try FuzzFinding.expect(holds.count <= HoldChunk.holdsMaximum, "\(holds.count) holds")
    }

    /// Behind the magic stands a varint of the shard.
    private static func shard(of chunk: [UInt8]) -> ShardID {
        ShardID(rawValue: UInt16(chunk.count > 4 ? chunk[4] & 0x7F : 0))
    }

    /// Goal: keys that can be read can be written, and are then the same keys.
    @Sendable private static func keyChunk(_ input: [UInt8]) throws(FuzzFinding) {
        guard let keys = try? KeyChunk.decode(input.span, shardCount: 16) else { return }
        let again = try? KeyChunk.decode(KeyChunk.encode(keys).span, shardCount: 16)
        try FuzzFinding.expect(again == keys, "written again they are other keys")
    }

    /// Goal: a packed blob never becomes more than it may, and what is unpacked can be packed.
    @Sendable private static func packedBlob(_ input: [UInt8]) throws(FuzzFinding) {
        let countMax = 1 << 16
        var content: [UInt8] = []
        guard PackedBlob.unpack(input.span, countMax: countMax, into: &content) else { return }
        try FuzzFinding.expect(content.count <= countMax, "\(content.count) bytes were unpacked")
        var again: [UInt8] = []
        try FuzzFinding.expect(
            PackedBlob.unpack(PackedBlob.pack(content).span, countMax: countMax, into: &again)
                && again == content, "packed again it is another blob")
    }

    @Sendable private static func deliveries(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input),
            let book = try? DeliveryBook(decoding: repaired(options).span, directory: LogTargets.directory)
        else { return }
        let encoded = book.encode(directory: LogTargets.directory)
        let again = try? DeliveryBook(decoding: encoded.span, directory: LogTargets.directory)
        try FuzzFinding.expect(again == book, "written again it is another book")
    }

    /// Its checksum stands in its last line as text.
    @Sendable private static func backupLabel(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        var bytes = options.body
        if options.has(0) {
            let checksum = UInt64(CRC32C.checksum(bytes.span))
            bytes += Array("crc32c \(Hex.encode(checksum))\n".utf8)
        }
        guard let label = try? BackupLabel(decoding: bytes) else { return }
        try FuzzFinding.expect(
            (try? BackupLabel(decoding: label.encoded)) == label, "written again it is another label")
    }
}
