import TearoffCore
import TearoffLog

/// What stands in frames whose checksums match: written by a newer or a faulty program, or by one with the disk's key.
enum RecordTargets {
    static let all = [
        FuzzTarget("records", run: records),
        FuzzTarget("control", run: control),
    ]

    private static let shardCount: UInt16 = 16

    private enum Record: Equatable {
        case shard(ShardRecord, text: [UInt8], more: [UInt8])
        case repeated(RepeatRecord, text: [UInt8], more: [UInt8])
    }

    /// Goal: records that can be read can be written, and are then the same records.
    @Sendable private static func records(_ input: [UInt8]) throws(FuzzFinding) {
        guard let records = decode(input) else { return }
        var encoder = AllocationEncoder(shardCount: shardCount)
        var payload: [UInt8] = []
        for record in records {
            switch record {
            case .shard(.allocation(let record), let text, let more):
                encoder.encode(record, userBytes: text.span, userID: more.span, into: &payload)
            case .shard(.holdEnd(let record), _, _): encoder.encode(record, into: &payload)
            case .shard(.key(let record), let text, let more):
                encoder.encode(record, userBytes: text.span, text: more.span, into: &payload)
            case .shard(.imported(let record), let text, _):
                encoder.encode(record, userBytes: text.span, into: &payload)
            case .repeated(let record, let text, let more):
                encoder.encode(record, userBytes: text.span, userID: more.span, into: &payload)
            }
        }
        try FuzzFinding.expect(decode(payload) == records, "written again they are other records")
    }

    private static func decode(_ payload: [UInt8]) -> [Record]? {
        var repeats: [Record] = []
        var records: [Record] = []
        do throws(RecordError) {
            // Repeats come to a closure of their own: their places among the others are not looked at.
            try AllocationDecoder.decode(
                payload.span, shardCount: shardCount,
                repeats: { repeats.append(.repeated($0, text: $1.copy, more: $2.copy)) },
                { records.append(.shard($0, text: $1.copy, more: $2.copy)) })
        } catch {
            return nil
        }
        return records + repeats
    }

    /// Goal: entries of the control lane that can be read can be written, and are then the same entries.
    @Sendable private static func control(_ input: [UInt8]) throws(FuzzFinding) {
        guard let entries = try? ControlEntry.decodeAll(input.span) else { return }
        var payload: [UInt8] = []
        for entry in entries { entry.encode(into: &payload) }
        try FuzzFinding.expect(
            (try? ControlEntry.decodeAll(payload.span)) == entries, "written again they are other entries")
    }
}
