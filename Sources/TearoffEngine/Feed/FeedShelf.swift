import TearoffCore
import TearoffLog

/// The files of the feed: where the next frame goes, and which files go.
struct FeedShelf {
    private let storage: any FeedStorage
    private let directory: DirectoryID
    private let settings: FeedSettings
    private let coder: FeedFrameCoder
    /// Oldest first; the last one is written. What stands behind its `byteCount` is not told.
    private(set) var files: [File] = []
    /// The number of the next event.
    private(set) var next = FeedSequence.first
    /// What the last frame says was told; nil when there is none.
    private(set) var checkpoint: FeedCheckpoint?
    /// Whether frames were damaged that may have been told.
    private(set) var isDamaged = false

    struct File: Equatable, Sendable {
        let first: FeedSequence
        var byteCount: UInt64
        /// When its first frame was written; nil when it has none.
        var beganAt: Timestamp?
    }

    /// Reads the newest file through, and looks at the beginnings of the others. Changes nothing.
    init(
        _ storage: any FeedStorage, directory: DirectoryID, settings: FeedSettings
    ) throws(StorageError) {
        self.storage = storage
        self.directory = directory
        self.settings = settings
        coder = FeedFrameCoder(directoryID: directory, cipher: storage.cipher)
        for file in try storage.list() {
            files.append(File(first: file.first, byteCount: file.byteCount, beganAt: try beginning(of: file)))
        }
        for index in files.indices.reversed() where checkpoint == nil { try scan(index) }
        // A number that a file was named after may have been told, whatever became of the one before it.
        if let newest = files.last { next = max(next, newest.first) }
    }

    private func beginning(of file: FeedFile) throws(StorageError) -> Timestamp? {
        var reader = FeedFileReader(
            file.first, from: 0, to: file.byteCount, storage: storage, directoryID: directory)
        guard case .frame(let header) = try reader.next() else { return nil }
        return header.time
    }

    /// Finds the end of a file's frames, and what they say.
    private mutating func scan(_ index: Int) throws(StorageError) {
        let file = files[index]
        var reader = FeedFileReader(
            file.first, from: 0, to: file.byteCount, storage: storage, directoryID: directory)
        files[index].byteCount = 0
        while true {
            switch try reader.next() {
            case .damage: isDamaged = true
            case .end: return
            case .frame(let header):
                let frame = try reader.decode(header)
                var signs = checkpoint?.signs ?? [:]
                signs.merge(frame.signs) { $1 }
                checkpoint = FeedCheckpoint(
                    lanes: frame.lanes, signs: signs.filter { $0.value != FeedSigns() })
                next = header.end
                files[index].byteCount = reader.offset
            }
        }
    }

    var oldest: FeedSequence { files.first?.first ?? next }
    var byteCount: UInt64 { files.reduce(0) { $0 + $1.byteCount } }
}

extension FeedShelf {
    /// Writes a frame; durable on return.
    ///
    /// - Parameters:
    ///   - told: what is told with it.
    ///   - signs: those of `told` that the last frame does not say, or says otherwise.
    /// - Throws: nothing has changed then, and the same may be tried again.
    mutating func append(
        _ batch: consuming FeedBatch, _ told: FeedCheckpoint, changed signs: [ListID: FeedSigns],
        at now: Timestamp
    ) throws(StorageError) {
        let count = batch.count
        if needsNewFile(at: now) {
            try storage.create(next)
            files.append(File(first: next, byteCount: 0, beganAt: nil))
        }
        let last = files.count - 1
        let isFirst = files[last].byteCount == 0
        let frame = coder.encode(
            batch, first: next, time: now, lanes: told.lanes, signs: isFirst ? told.signs : signs)
        try storage.write(frame.span, to: files[last].first, at: files[last].byteCount)
        files[last].byteCount += UInt64(frame.count)
        files[last].beganAt = files[last].beganAt ?? now
        next = next.advanced(by: count)
    }

    /// A file that holds no event yet is new enough: its name is taken.
    private func needsNewFile(at now: Timestamp) -> Bool {
        guard let file = files.last else { return true }
        guard file.first < next, let beganAt = file.beganAt else { return false }
        return file.byteCount >= settings.fileBytes
            || now.millisecondsSince(beganAt) > settings.fileAgeMilliseconds
    }

    /// Removes the oldest files that go over the bounds; never the one that is written.
    mutating func retire(at now: Timestamp) throws(StorageError) {
        while files.count > 1, isOver(at: now) {
            do throws(StorageError) {
                try storage.remove(files[0].first)
            } catch {
                // A try that failed may have removed it all the same.
                guard error.problem == .missing else { throw error }
            }
            files.removeFirst()
        }
    }

    private func isOver(at now: Timestamp) -> Bool {
        if byteCount > settings.bytesMaximum { return true }
        // The next file began when this one's newest event was told.
        guard let endedAt = files[1].beganAt else { return false }
        return now.millisecondsSince(endedAt) > settings.ageMillisecondsMaximum
    }
}
