import Synchronization
import TearoffCore
import TearoffLog

/// The log since the snapshot: one worker reads and decodes the next portion while the others apply the one
/// before, shard by shard.
extension RecoveringState {
    func position(of lane: LaneID) -> LanePosition {
        manifest?.lanes.first { $0.lane == lane }?.position ?? .start
    }

    mutating func readDataLanes(_ segments: LaneCatalog) throws(RecoveryError) {
        try checkLives(segments)
        let known = Set(segments.lanes).union(manifest?.lanes.map(\.lane) ?? []).subtracting([.control])
        var readers: [LaneFrames] = []
        for lane in known.sorted() where !passOver(lane, segments) {
            let reader = try LaneReader(lane, from: position(of: lane), in: segments, storage: source.log)
            readers.append(try LaneFrames(lane: lane, reader: reader))
        }
        counters.logFileBytes = known.reduce(0) { $0 + segments.byteCount(of: $1, from: position(of: $1)) }
        let replays = shards.enumerated().map { shard, cell in
            ReplayCell(
                ShardReplay(cell, catalog: catalog, covered: manifest?.shards[shard].lastSequence))
        }
        let feed = Mutex(LaneFeed(readers, lives: lives, source: source))
        do throws(RecoveryError) {
            try replay(feed, into: replays)
        } catch {
            for end in feed.withLock({ $0.ends }) { note(end) }
            throw error
        }
        for end in feed.withLock({ $0.ends }) {
            try check(end)
            note(end)
        }
        take(replays)
        let (frames, latest) = feed.withLock { ($0.framesRead, $0.at) }
        counters.framesRead += frames
        at = max(at, latest)
        source.progress(.init(stage: .log, done: counters.logFileBytes, total: counters.logFileBytes))
    }

    /// A lane that was idle in the snapshot, and has nothing since, goes on where the snapshot says.
    mutating func passOver(_ lane: LaneID, _ segments: LaneCatalog) -> Bool {
        let start = position(of: lane)
        let isIdle = manifest?.lanes.contains { $0.lane == lane && $0.isIdle } ?? false
        guard isIdle, segments.segments(of: lane).allSatisfy({ $0.id.number < start.segment }) else {
            return false
        }
        laneStarts[lane] = LaneStart(
            segment: start.segment, nextFrame: start.frame,
            previousHeaderCRC32C: start.previousHeaderCRC32C, lastFrameIsVouched: true)
        return true
    }

    private func replay(
        _ feed: borrowing Mutex<LaneFeed>, into replays: [ReplayCell]
    ) throws(RecoveryError) {
        feed.withLock { $0.read() }
        while true {
            let portion = feed.withLock { feed in
                for (shard, replay) in replays.enumerated() {
                    replay.state.withLock { swap(&$0.batch, &feed.batches[shard]) }
                    feed.batches[shard].removeAll()
                }
                return feed.portion
            }
            let isOver = portion.isLast || portion.problem != nil
            source.workers.run(pieces: replays.count + 1) { piece in
                // First, since it takes longest.
                if piece == 0 {
                    if !isOver { feed.withLock { $0.read() } }
                } else {
                    replays[piece - 1].state.withLock { $0.replay(portion) }
                }
            }
            // What is wrong with the portion's records comes before what was met behind them.
            for replay in replays {
                if let problem = replay.state.withLock({ $0.problem }) { throw problem }
            }
            if let problem = portion.problem { throw problem }
            let done = feed.withLock { $0.bytesRead }
            source.progress(.init(stage: .log, done: done, total: counters.logFileBytes))
            if isOver { return }
        }
    }

    private mutating func take(_ replays: [ReplayCell]) {
        var gaps: UInt64 = 0
        for replay in replays {
            replay.state.withLock { replay in
                gaps += replay.gaps
                counters.rowsFromLog += replay.rowCount
                keys += replay.keys
                at = max(at, replay.at)
            }
        }
        if gaps > 0 { notices.append(.sequenceGaps(count: gaps)) }
    }
}

// MARK: - What earlier starts of the server say

extension RecoveringState {
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
        let problem = "the lane ends here, and a later start found it up to frame \(found.previous)"
        guard let place = end.place else {
            throw RecoveryError(.missing, file: "wal/\(end.lane)-*", problem: problem)
        }
        throw RecoveryError(.damaged, at: place, problem: problem)
    }

    mutating func note(_ end: LaneEnd) {
        laneStarts[end.lane] = end.start
        notices += end.tornTails.map { .tornTail($0) }
        if let place = end.place { laneEnds.append(place) }
    }
}
