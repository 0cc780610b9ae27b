import Synchronization
import TearoffCore
import TearoffLog

/// Writes snapshots while the loops go on, one at a time, and removes what the two newest ones make
/// superfluous.
///
/// Every lane starts a new segment; the shards are cut at one instant, sharing all rows but the last chunk, and then the
/// keys and the catalog; when what was cut is durable, the manifest is written; only then older segments go. Whatever a
/// cut names is in what is cut behind it, so a snapshot makes sense without its log: a backup is one.
package final class SnapshotDesk: Sendable {
    /// The newest and the one before, in case the newest cannot be read (DURABILITY, row 22).
    package static let snapshotsKept = 2

    private struct State {
        var isWriting = false
        var latest: UInt64
        /// By shard: the blobs of its full chunks, which never change.
        var fullChunks: [[BlobID]]
        /// By shard: the blobs of its holds as they were written last in this life.
        var holdChunks: [[HoldStretch]]
        var idleLanes: [Manifest.LaneStart]
    }

    /// A stretch of a shard's holds that stands in a blob.
    private struct HoldStretch {
        /// How often it had changed by then.
        let changes: UInt64
        let blob: BlobID
    }

    private let engine: Engine
    private let directory: DirectoryID
    private let log: any LogStorage
    let blobs: any BlobStore
    private let audit: AuditDesk
    let makeHasher: @Sendable () -> any ContentHasher
    private let feed: FeedDesk?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - latest: number of the newest snapshot; 0 when there is none.
    ///   - fullChunks: by shard, as the newest snapshot names them.
    ///   - idleLanes: lanes of earlier lives that no loop writes any more; they are covered whole.
    init(
        engine: Engine, directory: DirectoryID, log: any LogStorage, blobs: any BlobStore, audit: AuditDesk,
        feed: FeedDesk?, makeHasher: @escaping @Sendable () -> any ContentHasher, latest: UInt64,
        fullChunks: [[BlobID]], idleLanes: [Manifest.LaneStart]
    ) {
        self.engine = engine
        self.directory = directory
        self.log = log
        self.blobs = blobs
        self.audit = audit
        self.makeHasher = makeHasher
        self.feed = feed
        state = Mutex(
            State(
                latest: latest, fullChunks: fullChunks, holdChunks: fullChunks.map { _ in [] },
                idleLanes: idleLanes))
    }

    package var latestNumber: UInt64 { state.withLock { $0.latest } }
    package var isWriting: Bool { state.withLock { $0.isWriting } }

    /// Claims the desk. - Returns: false when a snapshot is being written.
    func start() -> Bool {
        state.withLock { state in
            defer { state.isWriting = true }
            return !state.isWriting
        }
    }

    func end() { state.withLock { $0.isWriting = false } }

    /// The name of a manifest by its snapshot's number.
    package static func name(of number: UInt64) -> String { "manifest-\(Hex.encode(number))" }

    /// The number of a manifest by its name; nil for any other name.
    package static func number(of name: String) -> UInt64? {
        // As it is written, and in no other way: a name that reads the same would lead to a file that is not there.
        guard let number = UInt64(name.dropFirst(9), radix: 16), self.name(of: number) == name else { return nil }
        return number
    }
}

extension ControlPlane {
    /// Writes a snapshot that no operator asked for: that changes nothing an auditor asks after.
    ///
    /// - Parameter done: called on some thread.
    package func snapshot(done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void) {
        guard snapshots.start() else { return done(.failure(.busy)) }
        writeSnapshot { [snapshots] result in
            snapshots.end()
            done(result)
        }
    }

    /// - Precondition: the desk was claimed by ``SnapshotDesk/start()``; it stays so.
    func writeSnapshot(done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void) {
        let started = engine.host.wallMilliseconds()
        let gathering = LanePositions(count: loops.count)
        let (engine, port) = (engine, port)
        for (index, loop) in loops.enumerated() {
            loop.execute { loop in
                loop.startNewSegment { position in
                    guard let lanes = gathering.add(position, at: index) else { return }
                    engine.host.background {
                        let cut = HistoryCut(of: engine, lanes: lanes)
                        port.execute { control in control.write(cut, started: started, done: done) }
                    }
                }
            }
        }
    }

    private func write(
        _ history: HistoryCut, started: UInt64,
        done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void
    ) {
        submit(
            ControlJob(work: .rotate) { [snapshots, uploads] result in
                switch result {
                case .failure(let error): done(.failure(error))
                case .success(let cut): snapshots.write(history, cut, started: started, uploads: uploads, done: done)
                }
            })
    }
}

/// What the loops have decided, from one instant on.
private struct HistoryCut: Sendable {
    let lanes: [LanePosition]
    let shards: [ShardCut]
    let keys: [KeyPart]
    /// What is in the cuts must be durable before a manifest says so.
    let barrier: [LaneFrame]
    let at: Timestamp

    /// - Parameter lanes: from where on the log tells what is not in the cuts.
    init(of engine: Engine, lanes: [LanePosition]) {
        self.lanes = lanes
        shards = engine.cuts()
        // Behind the shards': whoever decides holds a key's part around its shard, so every key that a shard's cut has in
        // its sequence is there.
        keys = engine.keys.cut(at: engine.now())
        barrier = engine.barrier()
        at = engine.now()
    }

    /// Whether a key was used before the cut of its shard; the log has the others.
    func covers(_ use: KeyUse) -> Bool { use.sequence <= shards[Int(use.shard.rawValue)].lastSequence }
}

/// Gathers the position of every lane.
private final class LanePositions: Sendable {
    private let positions: Mutex<[LanePosition?]>

    init(count: Int) {
        positions = Mutex(Array(repeating: nil, count: count))
    }

    /// - Returns: all positions when this was the last one.
    func add(_ position: LanePosition, at index: Int) -> [LanePosition]? {
        positions.withLock { positions in
            positions[index] = position
            let known = positions.compactMap { $0 }
            return known.count == positions.count ? known : nil
        }
    }
}

// MARK: - Writing

extension SnapshotDesk {
    fileprivate func write(
        _ history: HistoryCut, _ control: ControlCut, started: UInt64, uploads: UploadDesk,
        done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void
    ) {
        let catalog = control.catalog.condensed
        let (revision, position, trail) = (control.revision, control.position, control.trail)
        engine.host.background { [self] in
            do throws(StorageError) {
                var (histories, chunkBytes) = try writeChunks(of: history.shards)
                let audit = try writeChunks(of: trail, &chunkBytes)
                let keyChunks = try writeKeys(of: history, &chunkBytes)
                let idle = state.withLock { $0.idleLanes }
                let active = history.lanes.enumerated().map { index, position in
                    Manifest.LaneStart(lane: engine.lanes[index].lane, position: position, isIdle: false)
                }
                let manifest = Manifest(
                    directory: directory, number: latestNumber + 1, at: history.at, revision: revision,
                    catalog: catalog, audit: audit, shards: histories, keyChunks: keyChunks,
                    lanes: [.init(lane: .control, position: position, isIdle: false)] + active + idle)
                engine.whenDurable(history.barrier) { [self, chunkBytes] in
                    engine.host.background { [self] in
                        publish(
                            manifest, chunkBytes: chunkBytes, started: started, uploads: uploads, done: done)
                    }
                }
            } catch {
                fail(error, done)
            }
        }
    }

    private func fail(
        _ error: StorageError, _ done: @Sendable (Result<SnapshotReceipt, ControlError>) -> Void
    ) {
        engine.host.report(.snapshotFailed(error))
        done(.failure(.storage(error)))
    }

    private func writeChunks(
        of cuts: [ShardCut]
    ) throws(StorageError) -> ([Manifest.ShardHistory], bytes: UInt64) {
        var histories: [Manifest.ShardHistory] = []
        var bytes: UInt64 = 0
        for (shard, cut) in cuts.enumerated() {
            var chunks = state.withLock { $0.fullChunks[shard] }
            while chunks.count * HistoryChunk.rowsMaximum < cut.rows.count {
                let first = chunks.count * HistoryChunk.rowsMaximum
                let end = min(first + HistoryChunk.rowsMaximum, cut.rows.count)
                let blob = try write(HistoryChunk.encode(first..<end, of: cut), &bytes)
                chunks.append(blob)
            }
            let full = cut.rows.count / HistoryChunk.rowsMaximum
            state.withLock { $0.fullChunks[shard] = Array(chunks.prefix(full)) }
            let holdChunks = try writeHolds(of: cut, shard: shard, &bytes)
            histories.append(
                .init(
                    lastSequence: cut.lastSequence, rowCount: UInt64(cut.rows.count), chunks: chunks,
                    holdCount: UInt64(cut.holds.count), holdChunks: holdChunks))
        }
        return (histories, bytes)
    }

    /// Writes the stretches of holds that changed since they were written last.
    private func writeHolds(
        of cut: ShardCut, shard: Int, _ bytes: inout UInt64
    ) throws(StorageError) -> [BlobID] {
        let known = state.withLock { $0.holdChunks[shard] }
        var written: [HoldStretch] = []
        for (index, changes) in cut.holds.changes.enumerated() {
            if index < known.count, known[index].changes == changes {
                written.append(known[index])
                continue
            }
            let first = index * HoldChunk.holdsMaximum
            let end = min(first + HoldChunk.holdsMaximum, cut.holds.count)
            let blob = try write(HoldChunk.encode(first..<end, of: cut), &bytes)
            written.append(HoldStretch(changes: changes, blob: blob))
        }
        state.withLock { [written] in $0.holdChunks[shard] = written }
        return written.map(\.blob)
    }

    /// Writes the chunks that have filled up. - Returns: the trail with these chunks and the rest.
    private func writeChunks(of trail: AuditTrail, _ bytes: inout UInt64) throws(StorageError) -> AuditTrail {
        var chunks: [BlobID] = []
        var rest = trail.tail[...]
        while rest.count >= AuditChunk.recordsMaximum {
            chunks.append(try write(AuditChunk.encode(rest.prefix(AuditChunk.recordsMaximum)), &bytes))
            rest = rest.dropFirst(AuditChunk.recordsMaximum)
        }
        var trail = trail
        trail.move(into: chunks)
        return trail
    }

    /// Writes the keys that are kept, all of them each time: in a day's time there are others.
    private func writeKeys(of history: HistoryCut, _ bytes: inout UInt64) throws(StorageError) -> [BlobID] {
        var chunks: [BlobID] = []
        var keys: [KeyUse] = []
        for part in history.keys {
            part.forEach { if $0.answer.isKept(at: history.at), history.covers($0) { keys.append($0) } }
            while keys.count >= KeyChunk.keysMaximum {
                chunks.append(try write(KeyChunk.encode(Array(keys.prefix(KeyChunk.keysMaximum))), &bytes))
                keys.removeFirst(KeyChunk.keysMaximum)
            }
        }
        if !keys.isEmpty { chunks.append(try write(KeyChunk.encode(keys), &bytes)) }
        return chunks
    }

    private func write(_ chunk: [UInt8], _ total: inout UInt64) throws(StorageError) -> BlobID {
        let (blob, byteCount) = try blobs.writePacked(chunk)
        total += UInt64(byteCount)
        return blob
    }

    private func publish(
        _ manifest: Manifest, chunkBytes: UInt64, started: UInt64, uploads: UploadDesk,
        done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void
    ) {
        let bytes = manifest.encode()
        do throws(StorageError) {
            try blobs.writeNamed(Self.name(of: manifest.number), bytes)
        } catch {
            return fail(error, done)
        }
        state.withLock { $0.latest = manifest.number }
        audit.move(into: manifest.audit.chunks)
        let receipt = SnapshotReceipt(
            number: manifest.number, bytesWritten: chunkBytes + UInt64(bytes.count),
            milliseconds: engine.host.wallMilliseconds() - min(started, engine.host.wallMilliseconds()),
            rows: manifest.shards.reduce(0) { $0 + $1.rowCount })
        guard let feed else { return finish(receipt, uploads: uploads, done: done) }
        // It reads the log that is about to go.
        feed.whenTold { [self] in
            engine.host.background { [self] in finish(receipt, uploads: uploads, done: done) }
        }
    }

    private func finish(
        _ receipt: SnapshotReceipt, uploads: UploadDesk,
        done: @Sendable (Result<SnapshotReceipt, ControlError>) -> Void
    ) {
        do throws(StorageError) {
            try clean(uploads: uploads)
        } catch {
            engine.host.report(.cleaningFailed(error))
        }
        engine.host.report(.snapshotWritten(receipt))
        done(.success(receipt))
    }
}

// MARK: - Cleaning

extension SnapshotDesk {
    /// Removes older snapshots, the segments that the older of the kept ones covers, and blobs that nothing
    /// names.
    ///
    /// With fewer than two snapshots nothing goes: the log from the beginning stands in for the second.
    private func clean(uploads: UploadDesk) throws(StorageError) {
        let numbers = try blobs.listNamed().compactMap(Self.number(of:)).sorted()
        guard numbers.count >= Self.snapshotsKept else { return }
        let kept = numbers.suffix(Self.snapshotsKept)
        var needed: Set<BlobID> = []
        var older: Manifest?
        for number in kept {
            // One that cannot be read now is no ground to remove anything.
            guard let manifest = try manifest(number) else { return }
            older = older ?? manifest
            needed.formUnion(manifest.blobs)
        }
        guard let older else { return }
        for number in numbers.dropLast(Self.snapshotsKept) { try blobs.removeNamed(Self.name(of: number)) }
        let starts = Dictionary(uniqueKeysWithValues: older.lanes.map { ($0.lane, $0.position.segment) })
        for file in try log.list().segments {
            if let start = starts[file.id.lane], file.id.number < start { try log.remove(file.id) }
        }
        try log.syncDirectory()
        // During an upload's commit the blobs stay; the next snapshot finds them.
        _ = try uploads.withoutCommits { () throws(StorageError) in
            // The record of a commit that failed may be durable all the same, and names its blob.
            if engine.failure != nil { return }
            needed.formUnion(engine.latestCatalog.uploadBlobs)
            for blob in try blobs.all() where !needed.contains(blob) { try blobs.remove(blob) }
        }
    }

    func manifest(_ number: UInt64) throws(StorageError) -> Manifest? {
        let bytes = try blobs.readNamed(Self.name(of: number))
        do throws(ManifestError) {
            return try Manifest(decoding: bytes.span, directory: directory)
        } catch {
            return nil
        }
    }
}

extension Catalog {
    fileprivate var uploadBlobs: [BlobID] { presentLists.flatMap { $0.uploads.compactMap(\.blob) } }
}
