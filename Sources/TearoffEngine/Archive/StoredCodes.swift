import Synchronization
import TearoffCore
import TearoffLog

/// An upload's codes as they stand in its blob, cut into strips piece by piece. To be read by one thread at a time.
final class StoredCodes: Sendable {
    private struct State {
        let content: any BlobReader
        var cutter: CodeBlobReader
        var piece: [UInt8] = []
        var codesLeft: UInt64
        var isAtEnd = false
        var fault: RecoveryError?
        var bytesRead: UInt64 = 0

        mutating func end(with fault: RecoveryError) {
            self.fault = fault
            isAtEnd = true
        }
    }

    private let blob: BlobID
    let byteCount: UInt64
    private let state: Mutex<State>

    /// - Parameter count: codes that the upload has; a blob with more or fewer is not its own.
    init(_ blob: BlobID, id: UploadID, count: UInt64, from blobs: any BlobStore) throws(RecoveryError) {
        self.blob = blob
        let content: any BlobReader
        do throws(StorageError) {
            content = try blobs.open(blob)
        } catch {
            throw Self.refusal(blob, error)
        }
        byteCount = content.byteCount
        state = Mutex(State(content: content, cutter: CodeBlobReader(id: id, count: Int(count)), codesLeft: count))
    }

    var bytesRead: UInt64 { state.withLock { $0.bytesRead } }

    /// Reads until so many codes are cut, or to the end, where the blob's hash is checked. A fault is told by ``take()``.
    func read(codes: Int) {
        state.withLock { state in
            do {
                while !state.isAtEnd, state.cutter.strips.count * Strip.capacity < codes {
                    try state.content.read(upTo: LogLimits.readWindowBytes, into: &state.piece)
                    state.bytesRead += UInt64(state.piece.count)
                    state.isAtEnd = state.piece.isEmpty
                    if state.isAtEnd { try state.cutter.finish() } else { try state.cutter.consume(state.piece) }
                }
            } catch let error as StorageError {
                state.end(with: Self.refusal(blob, error))
            } catch {
                state.end(with: Self.damaged(blob, "codes of an upload: \(error)"))
            }
        }
    }

    /// The strips cut since the last call; none at the end, and none of them is to be believed before that.
    func take() throws(RecoveryError) -> [Strip] {
        try state.withLock { state throws(RecoveryError) in
            if let fault = state.fault { throw fault }
            let strips = state.cutter.takeStrips()
            state.codesLeft -= strips.reduce(0) { $0 + UInt64($1.count) }
            if strips.isEmpty, state.codesLeft > 0 {
                throw Self.damaged(blob, "an upload's blob is \(state.codesLeft) codes short")
            }
            return strips
        }
    }

    /// What the system could not read may be whole; anything else is not what was written.
    private static func refusal(_ blob: BlobID, _ error: StorageError) -> RecoveryError {
        if case .system = error.problem { return .unreadable(error) }
        return damaged(blob, "codes of an upload: \(error)")
    }

    private static func damaged(_ blob: BlobID, _ problem: String) -> RecoveryError {
        RecoveryError(.damaged, file: "blobs/\(blob)", problem: problem)
    }
}

extension StoredCodes {
    /// Codes that are cut before they are indexed: the index takes 32 bytes a code meanwhile, 64 MiB.
    private static let indexedBlock = 1 << 21
    /// Codes that are in memory at a time when they are only looked through.
    static let block = 1 << 16

    /// The codes of a list that are to be in memory again, by upload: one worker reads and cuts a blob while another
    /// enters the codes before into the index.
    static func read(
        _ list: List, from blobs: any BlobStore, seed: UInt64, workers: RecoveryWorkers,
        progress: (RecoveryProgress) -> Void
    ) throws(RecoveryError) -> [UploadID: CodeRun] {
        var runs: [UploadID: CodeRun] = [:]
        for upload in list.uploads {
            guard let blob = upload.blob else { continue }
            let codes = try StoredCodes(blob, id: upload.id, count: upload.count, from: blobs)
            runs[upload.id] = try codes.run(count: upload.count, seed: seed, workers: workers, progress: progress)
        }
        return runs
    }

    private func run(
        count: UInt64, seed: UInt64, workers: RecoveryWorkers, progress: (RecoveryProgress) -> Void
    ) throws(RecoveryError) -> CodeRun {
        let index = Mutex(CodeIndexBuilder(capacity: Int(count), seed: seed))
        read(codes: Self.indexedBlock)
        while true {
            progress(.init(stage: .uploads, done: bytesRead, total: byteCount))
            let block = try take()
            if block.isEmpty { break }
            workers.run(pieces: 2) { piece in
                if piece == 0 {
                    read(codes: Self.indexedBlock)
                } else {
                    index.withLock { $0.add(block) }
                }
            }
        }
        return try index.withLock { index throws(RecoveryError) in
            guard index.count == Int(count), index.duplicates.isEmpty else {
                throw Self.damaged(blob, "an upload's blob does not hold its \(count) codes")
            }
            return index.finish()
        }
    }

    /// Shows every code with its ordinal.
    func forEach(_ body: (Ordinal, Span<UInt8>) -> Void) throws(RecoveryError) {
        while true {
            read(codes: Self.block)
            let strips = try take()
            if strips.isEmpty { return }
            for strip in strips {
                for position in 0..<strip.count {
                    strip.withCode(at: position) { code in body(strip.firstOrdinal + Ordinal(position), code) }
                }
            }
        }
    }
}
