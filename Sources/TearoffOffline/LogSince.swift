package import TearoffCore
import TearoffEngine
package import TearoffLog
package import TearoffStorage

/// What the log of a data directory tells of the time behind one of its snapshots.
package struct LogSince: Sendable {
    /// Codes that were given or held.
    package private(set) var allocations: UInt64 = 0
    /// Changes of lists and campaigns.
    package private(set) var changes: UInt64 = 0
    /// Ends of holds, keys, and what imports brought, which no list gives.
    private var others: UInt64 = 0
    private var allocatedBelow: [UploadID: UInt64] = [:]
    /// Uploads whose codes became free to be loaded again, and given, under another name.
    private var withdrawn: Set<UploadID> = []
    /// Why it is not known whole; the first of several faults.
    package private(set) var problem: RecoveryError?

    /// Whether the snapshot is all that there ever was.
    package var isEmpty: Bool { allocations == 0 && changes == 0 && others == 0 && problem == nil }

    /// Whether codes were given since, or their holds ended, as far as the log can be read.
    package var hasGiven: Bool { allocations > 0 || others > 0 }

    /// By upload: before which ordinal all codes stand that were given, or may have been.
    package var givenBelow: [UploadID: UInt64] {
        guard hasGiven else { return [:] }
        return allocatedBelow.merging(withdrawn.map { ($0, .max) }) { max($0, $1) }
    }

    /// Reads every lane from where the snapshot ends, as far as it can be read.
    package init(_ manifest: Manifest, in directory: ReadOnlyDirectory) {
        let log = directory.log
        let segments: LaneCatalog
        do throws(RecoveryError) {
            segments = try LaneCatalog(of: log, directoryID: directory.identity.id)
        } catch {
            problem = error
            return
        }
        for lane in Set(segments.lanes).union(manifest.lanes.map(\.lane)).sorted() {
            let start = manifest.lanes.first { $0.lane == lane }
            let position = start?.position ?? .start
            // A lane that nobody wrote any more need not go on.
            let goesOn = segments.segments(of: lane).contains { $0.id.number >= position.segment }
            if start?.isIdle == true, !goesOn { continue }
            do throws(RecoveryError) {
                let reader = try LaneReader(lane, from: position, in: segments, storage: log)
                while let frame = try reader.next() {
                    try note(reader.payload.span, of: frame, manifest, directory.identity.shardCount)
                }
            } catch {
                problem = problem ?? error
            }
        }
    }

    private mutating func note(
        _ payload: Span<UInt8>, of frame: FrameInfo, _ manifest: Manifest, _ shardCount: UInt16
    ) throws(RecoveryError) {
        try FrameRecords.read(
            payload, of: frame, shardCount: shardCount,
            allocation: { record, _, _ in
                let covered = manifest.shards[Int(record.shard.rawValue)].lastSequence
                guard record.sequence > covered else { return }
                guard case .allocation(let allocation) = record else {
                    others += 1
                    return
                }
                allocations += 1
                let code = allocation.code
                allocatedBelow[code.upload] = max(allocatedBelow[code.upload] ?? 0, UInt64(code.ordinal) + 1)
            },
            repeats: { _, _, _ in },
            control: { entry in
                guard case .change(let record, let revision) = entry, revision > manifest.revision else { return }
                changes += 1
                if case .uploadWithdrawn(let id) = record.change { withdrawn.insert(id) }
            })
    }
}
