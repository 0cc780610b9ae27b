import TearoffCore
package import TearoffLog

/// Follows the log and writes the feed, one frame after the other. Used by one thread at a time.
struct FeedWriter {
    let engine: Engine
    private let log: any LogStorage
    private let directory: DirectoryID
    private var shelf: FeedShelf
    /// What the feed has on disk.
    private(set) var told: FeedCheckpoint
    private let earlier: EarlierLives
    /// Uploads whose records are told, with those of earlier lives.
    private var uploadsTold: Int
    private var tails: [LaneTail] = []
    /// Lists whose codes were in the frames since the warnings were looked at.
    var touched: Set<ListID> = []
    /// Lists that got more codes in earlier lives, behind what the feed had told when it was opened; complete before the
    /// lists are looked at first, and of no use behind that.
    var refilledBefore: Set<ListID> = []
    /// The catalog that the warnings were looked at with, and how many uploads it had.
    var lookedAt: (generation: UInt64, uploads: Int)?
    /// When all lists are to be looked at again: one comes nearer to its expiry, or paces are to be taken. nil: never.
    var nextLook: Timestamp?
    /// Of the lists that are to be told when they will soon be empty.
    var paces: [ListID: SupplyPace] = [:]
    /// Warnings that may be told now: what they rest on is durable.
    var warnings: [FeedChange] = []
    private var retirementFault: StorageError?
    /// The warnings of the frame that was written last.
    private(set) var toldWarnings: [ToldWarning] = []

    /// - Parameter earlier: a feed that begins does not tell of it.
    init(
        engine: Engine, log: any LogStorage, feed: any FeedStorage, directory: DirectoryID,
        settings: FeedSettings, earlier: EarlierLives
    ) throws(StorageError) {
        self.engine = engine
        self.log = log
        self.directory = directory
        self.earlier = earlier
        uploadsTold = earlier.uploads
        shelf = try FeedShelf(feed, directory: directory, settings: settings)
        told = shelf.checkpoint ?? FeedCheckpoint(lanes: earlier.ends)
        if shelf.checkpoint == nil { beginWithPresentSigns() }
    }

    /// A feed that begins has nothing to warn of that was so before.
    private mutating func beginWithPresentSigns() {
        for change in changedSigns(of: engine.latestCatalog.presentLists, uploads: uploadsTold, at: engine.now()) {
            told.signs[change.list] = change.signs
        }
    }

    var files: [FeedShelf.File] { shelf.files }
    var next: FeedSequence { shelf.next }
    var isDamaged: Bool { shelf.isDamaged }

    /// Whether all changes of earlier lives are told.
    var hasToldEarlierChanges: Bool {
        earlier.ends[.control].map { $0.frame <= told.lanes[.control]?.frame ?? .none } ?? true
    }

    /// Uploads that were there when all lists were looked at last, or when this life began: nobody was told of a later one.
    var uploadsLookedAt: Int { lookedAt?.uploads ?? earlier.uploads }
}

/// What a start found in the log.
struct EarlierLives: Sendable {
    /// How far each lane goes.
    let ends: [LaneID: LaneProgress]
    /// How many uploads there were.
    let uploads: Int
}

extension ControlRecord.Change {
    /// Which upload it makes; their ids are dense.
    fileprivate var upload: UploadID? {
        switch self {
        case .uploadCommitted(let upload): upload.id
        case .fixedCodeSet(_, let upload), .fixedCodeChanged(_, let upload, _, _, _): upload
        default: nil
        }
    }

    /// Which list gets more codes by it.
    fileprivate var refilledList: ListID? {
        switch self {
        // The codes of an import are given.
        case .uploadCommitted(let upload): upload.isImport ? nil : upload.list
        case .fixedCodeChanged(let list, _, _, _, let count): count > 0 ? list : nil
        default: nil
        }
    }
}

/// What is told of a list from now on.
struct FeedChange: Sendable {
    let list: ListID
    let signs: FeedSigns
    let warnings: [FeedWarning]
    /// How many uploads there were. The change is not told before their records: a restart between the two would take
    /// them for refills that came behind it.
    let uploads: Int
}

/// A warning as it stands in the feed.
struct ToldWarning: Sendable {
    let sequence: FeedSequence
    let at: Timestamp
    let list: ListID
    let warning: FeedWarning
}

/// Why the feed could not go on. It is tried again; nothing was told.
package enum FeedFault: Error, Equatable, Sendable {
    case log(RecoveryError)
    case feed(StorageError)
}

// MARK: - A frame

extension FeedWriter {
    /// Tells what has become durable.
    ///
    /// - Parameter marks: how far each lane is durable, all at one moment.
    /// - Returns: whether there is more than fits one frame.
    /// - Throws: nothing is told then; the next write begins behind what is on disk.
    mutating func write(through marks: [LaneID: FrameNumber]) throws(FeedFault) -> Bool {
        do throws(FeedFault) {
            return try attempt(through: marks)
        } catch {
            tails = []
            throw error
        }
    }

    private mutating func attempt(through marks: [LaneID: FrameNumber]) throws(FeedFault) -> Bool {
        follow(marks.keys.sorted())
        var batch = FeedBatch()
        var uploads = uploadsTold
        let isMore: Bool
        do throws(RecoveryError) {
            isMore = try gather(&batch, &uploads, through: marks)
        } catch {
            throw .log(error)
        }
        let now = engine.now()
        var next = told
        for tail in tails { next.lanes[tail.lane] = tail.progress }
        var changed: [ListID: FeedSigns] = [:]
        var warned: [ToldWarning] = []
        toldWarnings = []
        let isRipe = { (change: FeedChange) in change.uploads <= uploads }
        for change in warnings where isRipe(change) {
            changed[change.list] = change.signs
            next.signs[change.list] = change.signs == FeedSigns() ? nil : change.signs
            for warning in change.warnings {
                let sequence = shelf.next.advanced(by: batch.count)
                warned.append(ToldWarning(sequence: sequence, at: now, list: change.list, warning: warning))
                batch.append(warning, of: change.list, at: now)
            }
        }
        do throws(StorageError) {
            // A warning may be told anew while the signs stay.
            if next != told || !warned.isEmpty {
                try shelf.append(batch, next, changed: changed, at: now)
                told = next
                warnings.removeAll(where: isRipe)
                toldWarnings = warned
            }
            uploadsTold = uploads
        } catch {
            throw .feed(error)
        }
        retire(at: now)
        return isMore
    }

    /// What cannot be removed hinders nobody to be told what is new.
    private mutating func retire(at now: Timestamp) {
        do throws(StorageError) {
            try shelf.retire(at: now)
            retirementFault = nil
        } catch {
            if retirementFault == nil { engine.host.report(.cleaningFailed(error)) }
            retirementFault = error
        }
    }

    private mutating func follow(_ lanes: [LaneID]) {
        guard tails.isEmpty else { return }
        tails = lanes.map { lane in
            LaneTail(
                lane, behind: told.lanes[lane] ?? LaneProgress(segment: .first, frame: .none), storage: log,
                directoryID: directory)
        }
    }

    /// Takes frames of all lanes in the order of their times, until the batch is full or nothing is left.
    ///
    /// - Parameter uploads: raised to those whose records are in it.
    private mutating func gather(
        _ batch: inout FeedBatch, _ uploads: inout Int, through marks: [LaneID: FrameNumber]
    ) throws(RecoveryError) -> Bool {
        var last: UInt64?
        while let index = try earliest(&batch, through: marks) {
            guard let head = tails[index].head else { preconditionFailure("a frame that was found is there") }
            if batch.isFullForGood || batch.isFull && last != head.timeMilliseconds { return true }
            last = head.timeMilliseconds
            if tails[index].lane == .control {
                try takeChanges(&batch, &uploads, of: head, index)
            } else if try !takeRecords(&batch, of: head, index) {
                return true
            }
            tails[index].advance()
        }
        return false
    }

    /// The lane whose next frame is the earliest; of those of one millisecond, that of the lowest ``rank(_:)``.
    private mutating func earliest(
        _ batch: inout FeedBatch, through marks: [LaneID: FrameNumber]
    ) throws(RecoveryError) -> Int? {
        var best: (index: Int, time: UInt64)?
        for index in tails.indices {
            let mark = marks[tails[index].lane] ?? .none
            var found = try tails[index].find(through: mark)
            if found == .gap {
                batch.appendGap(at: engine.now())
                engine.host.report(.feedGap(lane: tails[index].lane))
                found = try tails[index].find(through: mark)
            }
            guard found == .frame, let time = tails[index].head?.timeMilliseconds else { continue }
            if let best, best.time < time { continue }
            if let best, best.time == time, rank(best.index) <= rank(index) { continue }
            best = (index, time)
        }
        return best?.index
    }

    /// Changes of the catalog come before the records of their millisecond, which name what they made; but campaigns
    /// finish behind the records that finished them.
    private func rank(_ index: Int) -> Int {
        guard tails[index].lane == .control else { return 1 }
        let payload = tails[index].payload
        var (changes, finishes) = (0, 0)
        do throws(RecordError) {
            for case .change(let record, _) in try ControlEntry.decodeAll(payload.span) {
                changes += 1
                if case .campaignFinished = record.change { finishes += 1 }
            }
        } catch {
            // It is met again, and told, when the frame's turn comes.
            return 0
        }
        return finishes > 0 && finishes == changes ? 2 : 0
    }

    private mutating func takeChanges(
        _ batch: inout FeedBatch, _ uploads: inout Int, of frame: FrameHeader, _ index: Int
    ) throws(RecoveryError) {
        let payload = tails[index].payload
        do throws(RecordError) {
            for entry in try ControlEntry.decodeAll(payload.span) {
                guard case .change(let record, _) = entry else { continue }
                if let upload = record.change.upload { uploads = max(uploads, Int(upload.rawValue) + 1) }
                guard record.change.isTold else { continue }
                if lookedAt == nil, let list = record.change.refilledList { refilledBefore.insert(list) }
                batch.append(record)
            }
        } catch {
            throw unreadable(frame, error)
        }
    }

    /// - Returns: whether all of the frame's records are taken.
    private mutating func takeRecords(
        _ batch: inout FeedBatch, of frame: FrameHeader, _ index: Int
    ) throws(RecoveryError) -> Bool {
        let before = tails[index].progress.records
        var (seen, taken) = (0, 0)
        let (payload, catalog) = (tails[index].payload, engine.latestCatalog)
        // What was touched last: nearly all records of a frame are of one upload.
        var upload: UInt32?
        do throws(RecordError) {
            try AllocationDecoder.decode(
                payload.span, shardCount: engine.routing.shardCount,
                repeats: { record, text, userID in
                    seen += 1
                    guard seen > before, !batch.isFullForGood else { return }
                    taken += 1
                    batch.append(record, text: text, userID: userID)
                }
            ) { record, text, userID in
                seen += 1
                guard seen > before, !batch.isFullForGood else { return }
                taken += 1
                switch record {
                case .allocation(let record):
                    batch.append(record, text: text, userID: userID)
                    if record.code.upload.rawValue == upload { return }
                    upload = record.code.upload.rawValue
                    touched.insert(catalog[record.code.upload].list)
                case .holdEnd(let record):
                    let allocation = engine.shards[Int(record.shard.rawValue)].allocation(ofHold: record.hold)
                    batch.append(record, of: allocation)
                    touched.insert(catalog[allocation.code.upload].list)
                // What a key stands for has an event of its own, or is a repeat; what another system gave happened
                // there, and only its import is told.
                case .key, .imported: break
                }
            }
        } catch {
            throw unreadable(frame, error)
        }
        if before + taken == seen { return true }
        tails[index].take(records: taken)
        return false
    }

    private func unreadable(_ frame: FrameHeader, _ error: RecordError) -> RecoveryError {
        RecoveryError(
            .damaged, file: frame.segment.description, frame: frame.frame,
            problem: "its records cannot be read: \(error)")
    }
}

extension ShardCell {
    /// Whose hold that is; it stays there when it ends.
    fileprivate func allocation(ofHold sequence: SequenceNumber) -> FeedAllocation {
        withState { state in
            guard let row = state.shard.row(ofHold: sequence) else {
                preconditionFailure("the end of hold \(sequence.rawValue), which was never made")
            }
            var (user, userID): ([UInt8], [UInt8]) = ([], [])
            state.shard.appendUser(of: row, to: &user)
            state.shard.appendUserID(of: row, to: &userID)
            return FeedAllocation(campaign: row.campaign, code: row.code, user: user, userID: userID)
        }
    }
}
