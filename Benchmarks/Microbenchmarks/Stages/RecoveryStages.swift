import TearoffCore
import TearoffEngine
import TearoffLog
import TearoffSimulation

extension Stage {
    static let recoveryStages = [
        // One record of a frame read back.
        Stage("decode") { _ in
            let records = 1_000
            let payload = payload(of: records)
            return { operations in
                var decoded = 0
                while decoded < operations {
                    try AllocationDecoder.decode(payload.span, shardCount: 16) { record, _, _ in
                        if case .allocation(let record) = record, record.user.form == UserKey.lowercaseUUID {
                            decoded += 1
                        }
                    }
                }
            }
        },
        // One record into its shard.
        Stage("apply", usesUsersUp: true) { size in
            let shard = try FilledShard(rows: 0, spare: size.rows + size.spareUsers)
            try shard.apply(0..<size.rows)
            let records = (size.rows..<size.rows + size.spareUsers).map {
                Supply.record(ofUser: $0, shardCount: 1)
            }
            return shard.applies(records)
        },
        // One record of a log in memory, on one thread, from its frame into its shard: reading, checking,
        // decoding, and applying to shards that begin empty.
        Stage("recover", sampled: .million, counted: 100_000) { size in
            let records = size.loggedRecords
            let log = SimulatedLogStorage(seed: 1)
            try LoggedState.write(try Supply(codes: records), to: log)
            try LoggedState.write(users: records, to: log)
            return { operations in
                for _ in stride(from: 0, to: operations, by: records) {
                    let state = try Recovery.run(LoggedState.source(log))
                    precondition(state.counters.rowsFromLog == UInt64(records), "records are missing")
                }
            }
        },
    ]
}

/// A data directory in memory, as a server would leave it.
enum LoggedState {
    private static let shardCount: UInt16 = 16
    /// What a busy tick puts into one frame.
    private static let recordsInFrame = 1_000
    /// Small ones, since a recovery also looks at what is unused behind the last frame.
    private static let segmentBytes: UInt64 = 1 << 20

    static func source(_ log: any LogStorage) -> RecoverySource {
        RecoverySource(
            directory: LogWriting.directory, shardCount: shardCount, log: log, blobs: SimulatedBlobStore(),
            makeHasher: { NoHasher() }, seed: 99, progress: { _ in })
    }

    /// The list and the campaign, in the control lane.
    static func write(_ supply: Supply, to log: any LogStorage) throws {
        let writer = try LogWriting.writer(.control, on: log, segmentBytes: segmentBytes)
        for (index, record) in supply.records.enumerated() {
            ControlEntry.change(record, revision: UInt64(index) + 1).encode(into: &writer.batch.bytes)
            writer.batch.recordCount += 1
        }
        _ = try writer.commit(timeMilliseconds: Supply.now.milliseconds)
        _ = try writer.drain()
    }

    /// Allocations of users 0, 1, 2 …, in a loop's lane.
    static func write(users: Int, to log: any LogStorage) throws {
        let writer = try LogWriting.writer(
            LaneID(rawValue: 0), on: log, segmentBytes: segmentBytes)
        var encoder = AllocationEncoder(shardCount: shardCount)
        for first in stride(from: 0, to: users, by: recordsInFrame) {
            for number in first..<min(first + recordsInFrame, users) {
                let record = Supply.record(ofUser: number, shardCount: Int(shardCount))
                encoder.encode(record, userBytes: Span(), userID: Span(), into: &writer.batch.bytes)
                writer.batch.recordCount += 1
            }
            _ = try writer.commit(timeMilliseconds: Supply.now.milliseconds)
            encoder.startFrame()
        }
        _ = try writer.drain()
    }
}
