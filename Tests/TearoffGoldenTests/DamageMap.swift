import TearoffCore
import TearoffEngine
import TearoffLog

/// What is right when one byte of a golden directory has changed, or a file has lost its end: from `docs/FORMAT.md`,
/// and from what names what in the directory, apart from the code that reads it.
struct DamageMap {
    /// What a start comes to.
    enum Start: Equatable {
        /// The whole state, with these snapshots set aside.
        case serves(withoutSnapshots: [UInt64] = [])
        /// A refusal that names a file, and where in it, or what of it is needed and cannot be used.
        case refused(Place)
    }

    struct Place: Equatable {
        let file: String
        /// Of the frame; nil where the file is damaged as a whole.
        var offset: UInt64?
    }

    /// Of one damage.
    struct Right: Equatable {
        let start: Start
        /// What a check must name, whether or not a start needs it; nil: nothing is damaged.
        var named: Place?

        static let passes = Right(start: .serves())
    }

    private struct Frame {
        let offset: Int
        /// Header and payload.
        let byteCount: Int
    }

    private struct Segment {
        let id: SegmentID
        /// With the salt of one that names a data key, and its checksum.
        let headerByteCount: Int
        let frames: [Frame]
        /// Where its frames are over.
        let end: Int
        let isRead: Bool
    }

    private let segments: [String: Segment]
    private let manifests: [Manifest]
    /// Codes that a start reads.
    private let neededBlobs: Set<String>
    /// Whether the log alone says everything.
    private let logReachesBack: Bool

    /// - Parameters:
    ///   - files: all of the directory, undamaged, by their names.
    ///   - manifests: those of its snapshots.
    ///   - state: what it holds.
    init(_ files: [String: [UInt8]], manifests: [Manifest], state: RecoveredState) {
        self.manifests = manifests.sorted { $0.number > $1.number }
        let uploads = state.catalog.lists.filter { !$0.isArchived && !$0.isDeleted }.flatMap(\.uploads)
        neededBlobs = Set(uploads.compactMap(\.blob).map { "blobs/\($0)" })
        var starts: [LaneID: SegmentNumber] = [:]
        for lane in self.manifests.first?.lanes ?? [] { starts[lane.lane] = lane.position.segment }
        var segments: [String: Segment] = [:]
        for (name, bytes) in files where name.hasPrefix("wal/") {
            guard let id = SegmentID(fileName: String(name.dropFirst(4))) else { continue }
            let frames = Self.frames(in: bytes)
            segments[name] = Segment(
                id: id, headerByteCount: Self.integer(bytes, 12) == 0 ? 64 : 100, frames: frames,
                end: frames.last.map { $0.offset + $0.byteCount } ?? 4096,
                isRead: id.number >= starts[id.lane] ?? .first)
        }
        self.segments = segments
        let lanes = Dictionary(grouping: segments.values.map(\.id), by: \.lane)
        logReachesBack = lanes.values.allSatisfy { $0.contains { $0.number == .first } }
    }

    /// Read without the code that is tested: a frame stands behind each other one, at multiples of the block.
    private static func frames(in bytes: [UInt8]) -> [Frame] {
        let block = integer(bytes, 8)
        var frames: [Frame] = []
        var offset = 4096
        while offset < bytes.count, Array(bytes[offset..<offset + 4]) == Array("TOF1".utf8) {
            let frame = Frame(offset: offset, byteCount: 64 + integer(bytes, offset + 40))
            frames.append(frame)
            offset += (frame.byteCount + block - 1) / block * block
        }
        return frames
    }

    private static func integer(_ bytes: [UInt8], _ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
}

extension DamageMap {
    /// When the byte at `offset` has changed.
    func right(ofByte offset: Int, in file: String) -> Right {
        guard let segment = segments[file] else { return right(of: file) }
        if offset < segment.headerByteCount { return refusal(segment, file, 0) }
        guard let frame = segment.frames.last(where: { $0.offset <= offset }),
            offset < frame.offset + frame.byteCount, isVouched(frame, segment)
        else { return .passes }
        return refusal(segment, file, UInt64(frame.offset))
    }

    /// When the file has only its first bytes.
    func right(ofCut file: String) -> Right {
        guard let segment = segments[file] else { return right(of: file) }
        return refusal(segment, file, nil)
    }

    private func refusal(_ segment: Segment, _ file: String, _ offset: UInt64?) -> Right {
        let place = Place(file: file, offset: offset)
        return Right(start: segment.isRead ? .refused(place) : .serves(), named: place)
    }

    /// Whether something later says that this frame was durable. Nothing stands behind a lane's last seal.
    private func isVouched(_ frame: Frame, _ segment: Segment) -> Bool {
        if frame.offset < segment.frames.last?.offset ?? 0 { return true }
        let later = segments.values.filter { $0.id.lane == segment.id.lane && $0.id.number > segment.id.number }
        return later.contains { !$0.frames.isEmpty }
    }

    private func right(of file: String) -> Right {
        let place = Place(file: file)
        if file == "IDENTITY" || file == "KEYS" { return Right(start: .refused(place), named: place) }
        if file.hasPrefix("feed/") || file == "LOCK" { return .passes }
        if neededBlobs.contains(file) { return Right(start: .refused(place), named: place) }
        // Of snapshots from the newest on, those that cannot be used.
        let unusable = manifests.prefix { needs(file, $0) }
        let isLost = unusable.count == manifests.count && !logReachesBack
        return Right(start: isLost ? .refused(place) : .serves(withoutSnapshots: unusable.map(\.number)), named: place)
    }

    /// Whether a snapshot cannot be used without that file.
    private func needs(_ file: String, _ manifest: Manifest) -> Bool {
        if file == "snapshots/\(SnapshotDesk.name(of: manifest.number))" { return true }
        return !isCodes(file) && manifest.blobs.contains { file == "blobs/\($0)" }
    }

    /// Whether a blob holds codes, of a list that is archived or deleted: a start needs none of them.
    private func isCodes(_ file: String) -> Bool {
        let chunks = manifests.flatMap { manifest in
            manifest.audit.chunks + manifest.keyChunks + manifest.shards.flatMap { $0.chunks + $0.holdChunks }
        }
        return !chunks.contains { file == "blobs/\($0)" }
    }
}
