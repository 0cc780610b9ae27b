import Synchronization
import TearoffCore
import TearoffLog

/// A state that is being read back.
struct RecoveringState {
    let source: RecoverySource
    let manifest: Manifest?
    private(set) var catalog = Catalog()
    private(set) var revision: UInt64 = 0
    let shards: [ShardCell]
    private var at = Timestamp.zero
    private var laneStarts: [LaneID: LaneStart] = [:]
    private var lives: [LifeStart] = []
    private var notices: [RecoveryNotice]
    private var counters = RecoveredState.Counters()

    init(_ source: RecoverySource, manifest: Manifest?, notices: [RecoveryNotice]) {
        self.source = source
        self.manifest = manifest
        self.notices = notices
        shards = (0..<source.shardCount).map { id in
            ShardCell(Shard(id: ShardID(rawValue: id), shardCount: source.shardCount, seed: source.seed))
        }
    }
}

// MARK: - Catalog

extension RecoveringState {
    mutating func readSnapshotCatalog() throws(SnapshotFault) {
        guard let manifest else { return }
        guard manifest.shards.count == shards.count else {
            throw .unusable("it has \(manifest.shards.count) shards, the directory has \(shards.count)")
        }
        do throws(RecoveryError) {
            for record in manifest.catalog.records { try apply(record, file: "snapshots") }
        } catch {
            // An upload's blob that is damaged is so for every snapshot.
            throw .refused(error)
        }
        for lapse in manifest.catalog.lapses { catalog.restoreLapse(lapse.at, of: lapse.list) }
        revision = manifest.revision
        at = manifest.at
    }

    mutating func readControlLane(_ segments: LaneCatalog) throws(RecoveryError) {
        let reader = try LaneReader(.control, from: position(of: .control), in: segments, storage: source.log)
        while let frame = try reader.next() {
            let payload = reader.payload
            let entries = try decode(frame) { () throws(RecordError) in
                try ControlEntry.decodeAll(payload.span)
            }
            for entry in entries { try apply(entry, in: frame) }
            counters.framesRead += 1
        }
        note(reader.end)
    }

    private mutating func apply(_ entry: ControlEntry, in frame: FrameInfo) throws(RecoveryError) {
        switch entry {
        case .lifeStarted(let start):
            lives.append(start)
            at = max(at, start.at)
        case .change(let record, let number):
            if number <= revision { return }
            guard number == revision + 1 else {
                throw Self.contradiction(
                    frame, "change \(number) of the catalog follows on change \(revision)")
            }
            try apply(record, file: frame.segment.description)
            revision = number
            at = max(at, record.at)
        }
    }

    private mutating func apply(_ record: ControlRecord, file: String) throws(RecoveryError) {
        guard catalog.accepts(record) else {
            throw RecoveryError(.misplaced, file: file, problem: "a change names what does not exist")
        }
        guard case .uploadCommitted(_, _, let count, let blob, _, _) = record.change else {
            return catalog.apply(record)
        }
        catalog.apply(record, codes: try readUpload(blob, count: count))
    }

    private func readUpload(_ blob: ContentHash, count: UInt64) throws(RecoveryError) -> CodeRun {
        var reader = UploadReader(seed: source.seed)
        let run: CodeRun?
        do {
            let content = try source.blobs.open(blob)
            var piece: [UInt8] = []
            var done: UInt64 = 0
            repeat {
                try content.read(upTo: LogLimits.readWindowBytes, into: &piece)
                try reader.consume(piece.span)
                done += UInt64(piece.count)
                source.progress(.init(stage: .uploads, done: done, total: content.byteCount))
            } while !piece.isEmpty
            run = try reader.finish(id: catalog.nextUploadID, skipBad: false) { _ in false }
        } catch {
            throw RecoveryError(.damaged, file: "blobs/\(blob)", problem: "codes of an upload: \(error)")
        }
        guard let run, run.count == Int(count) else {
            throw RecoveryError(
                .damaged, file: "blobs/\(blob)", problem: "an upload's blob does not hold its \(count) codes")
        }
        return run
    }
}

// MARK: - History

extension RecoveringState {
    mutating func readHistory() throws(SnapshotFault) {
        guard let manifest else { return }
        let total = UInt64(manifest.shards.reduce(0) { $0 + $1.chunks.count })
        var done: UInt64 = 0
        for (shard, history) in manifest.shards.enumerated() {
            for chunk in history.chunks {
                try read(chunk, into: shard)
                done += 1
                source.progress(.init(stage: .snapshot, done: done, total: total))
            }
            let rows = shards[shard].state.withLock { state in
                state.shard.advance(to: history.lastSequence)
                return UInt64(state.shard.rows.count)
            }
            guard rows == history.rowCount else {
                throw .unusable("shard \(shard) has \(rows) rows instead of \(history.rowCount)")
            }
            counters.rowsFromSnapshot += rows
        }
    }

    private func read(_ chunk: BlobID, into shard: Int) throws(SnapshotFault) {
        do {
            let packed = try source.blobs.readAll(chunk)
            guard let bytes = PackedBlob.unpack(packed.span, countMax: HistoryChunk.bytesMaximum) else {
                throw SnapshotFault.unusable("chunk \(chunk) does not decompress")
            }
            try HistoryChunk.decode(bytes.span, shard: ShardID(rawValue: UInt16(shard))) {
                record, user, userID in
                try apply(record, user: user, userID: userID)
            }
        } catch {
            throw .unusable("chunk \(chunk): \(error)")
        }
    }

    /// - Throws: ``ApplyError``.
    private func apply(
        _ record: AllocationRecord, user: Span<UInt8>, userID: Span<UInt8>
    ) throws(ApplyError) {
        guard catalog.hasUpload(record.code.upload) else { throw .unknownUpload(record.code.upload) }
        guard catalog.hasCampaign(record.campaign) else { throw .unknownCampaign(record.campaign) }
        let upload = catalog[record.code.upload]
        try shards[Int(record.shard.rawValue)].state.withLock { state throws(ApplyError) in
            _ = try state.shard.apply(record, userBytes: user, userID: userID, upload: upload)
        }
    }
}

// MARK: - Log

extension RecoveringState {
    private func position(of lane: LaneID) -> LanePosition {
        manifest?.lanes.first { $0.lane == lane }?.position ?? .start
    }

    mutating func readDataLanes(_ segments: LaneCatalog) throws(RecoveryError) {
        try checkLives(segments)
        let known = Set(segments.lanes).union(manifest?.lanes.map(\.lane) ?? []).subtracting([.control])
        var readers: [LaneFrames] = []
        for lane in known.sorted() {
            let start = position(of: lane)
            let isIdle = manifest?.lanes.contains { $0.lane == lane && $0.isIdle } ?? false
            if isIdle, segments.segments(of: lane).allSatisfy({ $0.id.number < start.segment }) {
                laneStarts[lane] = LaneStart(
                    segment: start.segment, nextFrame: start.frame,
                    previousHeaderCRC32C: start.previousHeaderCRC32C, lastFrameIsVouched: true)
                continue
            }
            let reader = try LaneReader(lane, from: start, in: segments, storage: source.log)
            readers.append(try LaneFrames(lane: lane, reader: reader))
        }
        var merge = LaneMerge(shards: shards.map { $0.state.withLock { $0.shard.lastSequence } })
        let total = known.reduce(0) { $0 + segments.byteCount(of: $1, from: position(of: $1)) }
        for life in 0...lives.count {
            // A life's frames of a lane end where that lane's first segment of any later life begins.
            let boundaries = Self.boundaries(of: lives[life...])
            while let index = Self.earliest(readers, before: boundaries) {
                try replay(readers[index], into: &merge)
                try readers[index].advance()
                source.progress(
                    .init(stage: .log, done: readers.reduce(0) { $0 + $1.bytesRead }, total: total))
            }
            // What a crash took was at the end of its life: nothing that is missing by now will come.
            try merge.flush { record, user, userID throws(RecoveryError) in
                try replay(record, user: user, userID: userID)
            }
        }
        for reader in readers {
            try check(reader.reader.end)
            note(reader.reader.end)
        }
        counters.logFileBytes = total
        if merge.gaps > 0 { notices.append(.sequenceGaps(count: merge.gaps)) }
    }

    /// By lane: the first segment of any later life. A lane that was idle for some lives ends where it came
    /// back.
    private static func boundaries(of later: ArraySlice<LifeStart>) -> [LaneID: SegmentNumber] {
        let starts = later.flatMap(\.lanes).compactMap { lane in lane.segment.map { (lane.lane, $0) } }
        return Dictionary(starts, uniquingKeysWith: { first, _ in first })
    }

    /// The lane whose next frame of this life is the earliest, so that all lanes are read at about the same
    /// pace.
    private static func earliest(_ lanes: [LaneFrames], before boundaries: [LaneID: SegmentNumber]) -> Int? {
        var best: Int?
        for (index, lane) in lanes.enumerated() {
            guard let frame = lane.head else { continue }
            if let boundary = boundaries[lane.lane], frame.segment.number >= boundary { continue }
            if let other = best, let earlier = lanes[other].head,
                earlier.timeMilliseconds <= frame.timeMilliseconds
            {
                continue
            }
            best = index
        }
        return best
    }

    private mutating func replay(_ lane: LaneFrames, into merge: inout LaneMerge) throws(RecoveryError) {
        guard let frame = lane.head else { return }
        at = max(at, Timestamp(milliseconds: frame.timeMilliseconds))
        counters.framesRead += 1
        let payload = lane.reader.payload
        do {
            try AllocationDecoder.decode(payload.span, shardCount: source.shardCount) {
                record, user, userID in
                if let covered = manifest?.shards[Int(record.shard.rawValue)].lastSequence,
                    record.sequence <= covered
                {
                    return
                }
                try merge.add(record, user: user, userID: userID) {
                    record, user, userID throws(RecoveryError) in
                    try replay(record, user: user, userID: userID)
                }
            }
        } catch let error as RecoveryError {
            throw error
        } catch {
            throw Self.contradiction(frame, "\(error)")
        }
    }

    private mutating func replay(
        _ record: AllocationRecord, user: Span<UInt8>, userID: Span<UInt8>
    ) throws(RecoveryError) {
        do throws(ApplyError) {
            try apply(record, user: user, userID: userID)
            counters.rowsFromLog += 1
            at = max(at, record.givenAt)
        } catch {
            throw RecoveryError(.misplaced, file: "wal", problem: "a record contradicts the others: \(error)")
        }
    }

    /// Every segment that a start of the server says it began must be there.
    private func checkLives(_ segments: LaneCatalog) throws(RecoveryError) {
        for lane in lives.flatMap(\.lanes) {
            guard let segment = lane.segment, segment >= position(of: lane.lane).segment else { continue }
            guard segments.segments(of: lane.lane).contains(where: { $0.id.number == segment }) else {
                let file = SegmentID(lane: lane.lane, number: segment).description
                throw RecoveryError(.missing, file: file, problem: "this segment is missing")
            }
        }
    }

    /// A lane must reach as far as any later start found it.
    private func check(_ end: LaneEnd) throws(RecoveryError) {
        let found = lives.flatMap(\.lanes).filter { $0.lane == end.lane }.map(\.nextFrame).max() ?? .first
        guard end.nextFrame < found else { return }
        throw RecoveryError(
            .damaged, file: "wal/\(end.lane)-*", frame: end.nextFrame,
            problem: "the lane ends here, and a later start found it up to frame \(found.previous)")
    }

    private mutating func note(_ end: LaneEnd) {
        laneStarts[end.lane] = end.start
        notices += end.tornTails.map { .tornTail($0) }
    }

    private func decode<Value>(
        _ frame: FrameInfo, _ body: () throws(RecordError) -> Value
    ) throws(RecoveryError) -> Value {
        do throws(RecordError) {
            return try body()
        } catch {
            throw Self.contradiction(frame, "its checksum matches, but its records cannot be read: \(error)")
        }
    }

    private static func contradiction(_ frame: FrameInfo, _ problem: String) -> RecoveryError {
        RecoveryError(
            .misplaced, file: frame.segment.description, offset: frame.offset, frame: frame.frame,
            problem: problem)
    }
}

// MARK: - The end

extension RecoveringState {
    /// Frees what was claimed and never acknowledged, and checks every ledger.
    mutating func finish(newestSnapshot: UInt64) throws(RecoveryError) -> RecoveredState {
        for list in catalog.lists {
            list.pool.settleAfterRecovery()
            var ledger = Ledger(uploaded: list.uploadedCount, free: list.pool.totalFree, given: 0)
            for shard in shards {
                ledger.given += shard.state.withLock { state in
                    list.uploads.reduce(0) { $0 + state.shard.givenCount(of: $1.id) }
                }
            }
            guard ledger.holds else {
                throw RecoveryError(
                    .misplaced, file: "wal",
                    problem: "the ledger of list \(list.name) does not hold: \(ledger)")
            }
        }
        for shard in shards { shard.settleAfterRecovery() }
        let fullChunks = manifest?.shards.map { history in
            Array(history.chunks.prefix(Int(history.rowCount) / HistoryChunk.rowsMaximum))
        }
        return RecoveredState(
            catalog: catalog, revision: revision, shards: shards, at: at, laneStarts: laneStarts,
            snapshotNumber: newestSnapshot, fullChunks: fullChunks ?? shards.map { _ in [] },
            notices: notices,
            counters: counters)
    }
}

/// One lane with the frame that comes next.
private struct LaneFrames {
    let lane: LaneID
    let reader: LaneReader
    private(set) var head: FrameInfo?
    private(set) var bytesRead: UInt64 = 0

    init(lane: LaneID, reader: LaneReader) throws(RecoveryError) {
        self.lane = lane
        self.reader = reader
        head = try reader.next()
    }

    mutating func advance() throws(RecoveryError) {
        bytesRead += UInt64(reader.payload.count)
        head = try reader.next()
    }
}
