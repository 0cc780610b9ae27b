import Synchronization
import TearoffCore
import TearoffLog

/// Reads an upload's codes back: one worker reads and cuts the blob while another enters the codes before
/// into the index.
enum UploadRecovery {
    /// Codes that are cut before they are indexed: the index takes 32 bytes a code meanwhile, 64 MiB.
    private static let blockCodes = 1 << 21

    /// - Throws: when the blob is not what its hash says or does not hold `count` codes.
    static func read(
        _ blob: BlobID, id: UploadID, count: UInt64, from source: RecoverySource
    ) throws(RecoveryError) -> CodeRun {
        let feed = Mutex(CodeFeed(try open(blob, source), id: id, count: Int(count)))
        let index = Mutex(CodeIndexBuilder(capacity: Int(count), seed: source.seed))
        feed.withLock { $0.read(codes: blockCodes) }
        while true {
            let block = try feed.withLock { feed throws(RecoveryError) in
                source.progress(.init(stage: .uploads, done: feed.bytesRead, total: feed.byteCount))
                return try feed.take(blob)
            }
            if block.isEmpty { break }
            source.workers.run(pieces: 2) { piece in
                if piece == 0 {
                    feed.withLock { $0.read(codes: blockCodes) }
                } else {
                    index.withLock { $0.add(block) }
                }
            }
        }
        return try index.withLock { index throws(RecoveryError) in
            guard index.count == Int(count), index.duplicates.isEmpty else {
                throw damaged(blob, "an upload's blob does not hold its \(count) codes")
            }
            return index.finish()
        }
    }

    private static func open(
        _ blob: BlobID, _ source: RecoverySource
    ) throws(RecoveryError) -> sending any BlobReader {
        do throws(StorageError) {
            return try source.blobs.open(blob)
        } catch {
            throw damaged(blob, "codes of an upload: \(error)")
        }
    }

    fileprivate static func damaged(_ blob: BlobID, _ problem: String) -> RecoveryError {
        RecoveryError(.damaged, file: "blobs/\(blob)", problem: problem)
    }
}

/// A blob that is being cut into strips of codes.
private struct CodeFeed {
    private let content: any BlobReader
    private var cutter: CodeBlobReader
    private var piece: [UInt8] = []
    private var isAtEnd = false
    private var problem: String?
    private(set) var bytesRead: UInt64 = 0

    init(_ content: sending any BlobReader, id: UploadID, count: Int) {
        self.content = content
        cutter = CodeBlobReader(id: id, count: count)
    }

    var byteCount: UInt64 { content.byteCount }

    /// Reads until so many codes are cut, or to the end, where the blob's hash is checked.
    mutating func read(codes: Int) {
        do {
            while !isAtEnd, cutter.strips.count * Strip.capacity < codes {
                try content.read(upTo: LogLimits.readWindowBytes, into: &piece)
                bytesRead += UInt64(piece.count)
                isAtEnd = piece.isEmpty
                if isAtEnd { try cutter.finish() } else { try cutter.consume(piece) }
            }
        } catch {
            problem = "codes of an upload: \(error)"
            isAtEnd = true
        }
    }

    /// The strips cut since the last call; none at the end.
    mutating func take(_ blob: BlobID) throws(RecoveryError) -> [Strip] {
        if let problem { throw UploadRecovery.damaged(blob, problem) }
        return cutter.takeStrips()
    }
}
