import TearoffCore
import TearoffLog

extension Stage {
    static let logStages = [
        // One record into the open batch, of 64 in a frame.
        Stage("encode") { _ in
            let records = (0..<64).map { Supply.record(ofUser: $0, shardCount: 16) }
            var encoder = AllocationEncoder(shardCount: 16)
            var batch: [UInt8] = []
            return { operations in encode(operations, of: records, with: &encoder, into: &batch) }
        },
        // A frame of so many records: compressed where that is tried, checksums, header, padding, and all
        // that a lane does for a write but the write.
        Stage("frame-of-1") { _ in try frames(of: 1) },
        Stage("frame-of-64", counted: 1_000) { _ in try frames(of: 64) },
        Stage("frame-of-3200", counted: 100) { _ in try frames(of: 3_200) },
        // The same with numbered users, which zstd makes smaller, as it does not with UUIDs.
        Stage("frame-of-3200-compressible", counted: 100) { _ in
            try frames(of: 3_200) { UserKey(Array("user-\(1_000_000 + $0)".utf8).span) }
        },
        // Over 4 KiB: what the checksum of a small frame, or of a piece of a large one, takes.
        Stage("crc32c-of-4096") { _ in
            let bytes = Users(0..<114).text.prefix(4_096).map { $0 }
            return { operations in
                var checksum: UInt32 = 0
                for _ in 0..<operations {
                    checksum = CRC32C.checksum(bytes.span, continuing: checksum)
                }
                precondition(checksum != 0, "a checksum of nothing")
            }
        },
    ]

    private static func encode(
        _ operations: Int, of records: [AllocationRecord], with encoder: inout AllocationEncoder,
        into batch: inout [UInt8]
    ) {
        var frames = 0
        for index in 1...operations {
            encoder.encode(records[index & 63], userBytes: Span(), userID: Span(), into: &batch)
            if index & 63 == 0 || index == operations {
                frames += batch.isEmpty ? 0 : 1
                encoder.startFrame()
                batch.removeAll(keepingCapacity: true)
            }
        }
        precondition(frames == (operations + 63) / 64, "\(frames) frames")
    }

    private static func frames(
        of records: Int, user: (_ number: Int) -> UserKey = Users.key
    ) throws -> Body {
        let payload = payload(of: records, user: user)
        let writer = try DiscardedLog.writer()
        return { operations in
            let before = writer.counters.frames
            for _ in 0..<operations {
                writer.batch.bytes.append(contentsOf: payload)
                writer.batch.recordCount += records
                _ = try writer.commit(timeMilliseconds: Supply.now.milliseconds)
            }
            precondition(writer.counters.frames - before == UInt64(operations), "a frame was not written")
        }
    }

    /// The records of users 0, 1, 2 … as they stand in a frame.
    static func payload(of records: Int, user: (_ number: Int) -> UserKey = Users.key) -> [UInt8] {
        var encoder = AllocationEncoder(shardCount: 16)
        var payload: [UInt8] = []
        for number in 0..<records {
            let record = Supply.record(ofUser: number, shardCount: 16)
            let renamed = AllocationRecord(
                shard: record.shard, sequence: record.sequence, givenAt: record.givenAt,
                campaign: record.campaign, code: record.code, user: user(number))
            encoder.encode(renamed, userBytes: Span(), userID: Span(), into: &payload)
        }
        return payload
    }
}
