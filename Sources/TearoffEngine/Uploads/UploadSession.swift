import Synchronization
import TearoffCore
import TearoffLog

/// One file on its way into a list. Its calls come one after the other, from changing threads.
final class UploadSession: Sendable {
    let list: String
    let fileName: String
    /// Whether the file tells of codes that another system gave.
    let isImport: Bool
    private let state: Mutex<State>

    private struct State: ~Copyable {
        /// One of the two reads.
        var reader: UploadReader
        var importReader: ImportReader
        var hasher: (any ContentHasher)?
        var bytesReceived: UInt64 = 0
    }

    init(list: String, fileName: String, isImport: Bool, hasher: sending any ContentHasher, seed: UInt64) {
        self.list = list
        self.fileName = fileName
        self.isImport = isImport
        state = Mutex(
            State(reader: UploadReader(seed: seed), importReader: ImportReader(seed: seed), hasher: hasher))
    }

    /// - Returns: the bytes received so far.
    /// - Throws: when a limit is hit; the upload is over then.
    func consume(_ bytes: Span<UInt8>) throws(UploadError) -> UInt64 {
        try state.withLock { state throws(UploadError) in
            guard let hasher = state.hasher else { throw .closed(state.bytesReceived) }
            hasher.update(bytes)
            state.bytesReceived += UInt64(bytes.count)
            do throws(UploadReader.Failure) {
                if isImport { try state.importReader.consume(bytes) } else { try state.reader.consume(bytes) }
            } catch {
                throw UploadError(error)
            }
            return state.bytesReceived
        }
    }

    /// Takes no more chunks. - Returns: the hash of the whole file.
    func close() throws(UploadError) -> ContentHash {
        try state.withLock { state throws(UploadError) in
            guard let hasher = state.hasher.take() else { throw .closed(state.bytesReceived) }
            return hasher.finish()
        }
    }

    /// See ``UploadReader/finish(id:skipBad:replaces:earlier:)``. The codes have no upload's id yet.
    func finish(
        skipBad: Bool, replaces: Bool, earlier: (Span<UInt8>) -> EarlierCode?
    ) throws(UploadError) -> CodeRun? {
        try state.withLock { state throws(UploadError) in
            do throws(UploadReader.Failure) {
                return try state.reader.finish(
                    id: UploadID(rawValue: .max), skipBad: skipBad, replaces: replaces, earlier: earlier)
            } catch {
                throw UploadError(error)
            }
        }
    }

    /// See ``ImportReader/finish(campaign:now:place:)``.
    func finishImport(
        campaign: (String) -> CampaignID?, now: Timestamp,
        place: (Span<UInt8>, Span<UInt8>, ImportRows.Row) -> ImportPlace
    ) throws(UploadError) -> JudgedImport {
        try state.withLock { state throws(UploadError) in
            do throws(UploadReader.Failure) {
                return try state.importReader.finish(campaign: campaign, now: now, place: place)
            } catch {
                throw UploadError(error)
            }
        }
    }

    /// See ``UploadReader/leaveOut(_:of:)``. - Returns: the run itself when there are none to leave out.
    func leaveOut(_ ordinals: [Ordinal], of run: CodeRun) -> CodeRun? {
        ordinals.isEmpty ? run : state.withLock { $0.reader.leaveOut(ordinals, of: run) }
    }

    var counts: UploadCounts { state.withLock { isImport ? $0.importReader.counts : $0.reader.counts } }

    func badLines(from: UInt64, count: UInt64) -> [BadLine] {
        state.withLock { state in
            let lines = isImport ? state.importReader.badLines : state.reader.badLines
            let start = Int(min(from, UInt64(lines.count)))
            return Array(lines[start...].prefix(Int(min(count, UInt64(lines.count)))))
        }
    }
}
