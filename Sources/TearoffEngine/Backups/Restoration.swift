import Synchronization
package import TearoffCore
package import TearoffLog

/// A snapshot becoming the beginning of another data directory.
package struct Restoration {
    private let manifest: Manifest
    private let state: RecoveredState
    private let burning: Burning
    private let givenBelow: [UploadID: UInt64]
    private let at: Timestamp

    /// - Parameters:
    ///   - manifest: of the snapshot.
    ///   - state: what it was read back to; its shards are changed.
    ///   - givenBelow: by upload, before which ordinal all codes stand that are known to have been given since.
    ///     They are burned, however few were asked for.
    ///   - now: the wall clock's time.
    package init(
        _ manifest: Manifest, _ state: RecoveredState, burning: Burning, givenBelow: [UploadID: UInt64] = [:],
        now: Timestamp
    ) {
        precondition(burning != .nothing || givenBelow.isEmpty, "codes that were given would be free again")
        self.manifest = manifest
        self.state = state
        self.burning = burning
        self.givenBelow = givenBelow
        at = max(state.at, now)
    }

    /// What was burned.
    package struct Outcome: Equatable, Sendable {
        /// Of the directory that was made.
        package let manifest: Manifest
        /// By list, in their order: codes that were free and are burned now.
        package let burned: [UInt64]
        /// Holds that were open and have ended, and their codes with them.
        package let holdsEnded: Int
    }

    /// Writes what the other directory has beside the blobs of the snapshot: the manifest last.
    ///
    /// - Parameter source: how the audit trail tells where the snapshot was, as `backup="monday"`.
    package func write(
        to blobs: any BlobStore, as directory: DirectoryID, by origin: Origin, source: String,
        _ makeHasher: () -> any ContentHasher
    ) throws(StorageError) -> Outcome {
        let holdsEnded = burning == .nothing ? 0 : burnOpenHolds()
        let burned = state.catalog.lists.map { plan(of: $0) }
        let records = burned.flatMap { list in
            list.map { ControlRecord(.codesBurned(upload: $0.upload, below: $0.below), at: at) }
        }
        var catalog = state.catalog
        let acts =
            [
                Act(
                    .restore,
                    before: "\(source) snapshot=\(manifest.number) at=\(manifest.at.iso8601)",
                    after: "burned=\(burning.text) holds-ended=\(holdsEnded)")
            ] + catalog.acts(of: records)
        for record in records { catalog.apply(record) }
        var trail = state.trail
        for act in acts {
            let follows = trail.append(trail.end.record(of: act, by: origin, at: at), makeHasher())
            precondition(follows, "an audit record does not follow on its own link")
        }
        var shards: [Manifest.ShardHistory] = []
        for (shard, history) in manifest.shards.enumerated() {
            shards.append(try write(shard, history, to: blobs))
        }
        let restored = Manifest(
            directory: directory, number: manifest.number, at: at,
            revision: state.revision + UInt64(records.count), catalog: catalog.condensed, audit: trail,
            shards: shards, keyChunks: manifest.keyChunks, lanes: []
        ).withoutLog
        try blobs.writeNamed(SnapshotDesk.name(of: restored.number), restored.encode())
        return Outcome(
            manifest: restored, burned: burned.map { $0.reduce(0) { $0 + $1.count } }, holdsEnded: holdsEnded)
    }

    private func burnOpenHolds() -> Int {
        state.shards.reduce(0) { count, cell in
            count + cell.state.withLock { $0.shard.burnOpenHolds(at: at) }
        }
    }

    private typealias Burned = (upload: UploadID, below: Ordinal, count: UInt64)

    /// Codes go out in upload order, and those that went back before all others.
    private func plan(of list: List) -> [Burned] {
        if list.isDeleted { return [] }
        var left: UInt64
        switch burning {
        case .next(let count): left = count
        case .all: left = .max
        case .nothing: return []
        }
        return list.uploads.compactMap { receipt in
            guard receipt.withdrawnAt == nil else { return nil }
            let codes = state.catalog[receipt.id].codes
            let next = UInt64(codes.count) - codes.unclaimedCount
            let known = max(givenBelow[receipt.id] ?? 0, next) - next
            let taken = min(max(left, known), codes.unclaimedCount)
            left -= min(left, taken)
            let below = next + taken
            let count = codes.holeCount + taken
            return count == 0 ? nil : (receipt.id, Ordinal(below), count)
        }
    }

    /// The chunks of rows are the backup's; of the holds some may have ended just now.
    private func write(
        _ shard: Int, _ history: Manifest.ShardHistory, to blobs: any BlobStore
    ) throws(StorageError) -> Manifest.ShardHistory {
        let cut = state.shards[shard].state.withLock { $0.shard.cut() }
        var holdChunks: [BlobID] = []
        for first in stride(from: 0, to: cut.holds.count, by: HoldChunk.holdsMaximum) {
            let end = min(first + HoldChunk.holdsMaximum, cut.holds.count)
            holdChunks.append(try blobs.writePacked(HoldChunk.encode(first..<end, of: cut)).blob)
        }
        return Manifest.ShardHistory(
            lastSequence: cut.lastSequence, rowCount: history.rowCount, chunks: history.chunks,
            holdCount: history.holdCount, holdChunks: holdChunks)
    }
}

extension Burning {
    fileprivate var text: String {
        switch self {
        case .next(let count): "next \(count)"
        case .all: "all"
        case .nothing: "nothing"
        }
    }
}
