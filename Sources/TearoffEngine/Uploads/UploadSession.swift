import Synchronization
import TearoffCore
import TearoffLog

/// One file on its way into a list. Its calls come one after the other, from changing threads.
final class UploadSession: Sendable {
    let list: String
    let fileName: String
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var reader: UploadReader
        var hasher: (any ContentHasher)?
        var bytesReceived: UInt64 = 0
    }

    init(list: String, fileName: String, hasher: sending any ContentHasher, seed: UInt64) {
        self.list = list
        self.fileName = fileName
        state = Mutex(State(reader: UploadReader(seed: seed), hasher: hasher))
    }

    /// - Returns: the bytes received so far.
    /// - Throws: when a limit is hit; the upload is over then.
    func consume(_ bytes: Span<UInt8>) throws(UploadError) -> UInt64 {
        try state.withLock { state throws(UploadError) in
            guard let hasher = state.hasher else { throw .closed(state.bytesReceived) }
            hasher.update(bytes)
            state.bytesReceived += UInt64(bytes.count)
            do throws(UploadReader.Failure) {
                try state.reader.consume(bytes)
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

    /// See ``UploadReader/finish(id:skipBad:replaces:isInList:)``. The codes have no upload's id yet.
    func finish(
        skipBad: Bool, replaces: Bool, isInList: (Span<UInt8>) -> Bool
    ) throws(UploadError) -> CodeRun? {
        try state.withLock { state throws(UploadError) in
            do throws(UploadReader.Failure) {
                return try state.reader.finish(
                    id: UploadID(rawValue: .max), skipBad: skipBad, replaces: replaces, isInList: isInList)
            } catch {
                throw UploadError(error)
            }
        }
    }

    /// See ``UploadReader/leaveOut(_:of:)``. - Returns: the run itself when there are none to leave out.
    func leaveOut(_ ordinals: [Ordinal], of run: CodeRun) -> CodeRun? {
        ordinals.isEmpty ? run : state.withLock { $0.reader.leaveOut(ordinals, of: run) }
    }

    var counts: UploadCounts { state.withLock { $0.reader.counts } }

    func badLines(from: UInt64, count: UInt64) -> [BadLine] {
        state.withLock { state in
            let lines = state.reader.badLines
            let start = Int(min(from, UInt64(lines.count)))
            return Array(lines[start...].prefix(Int(min(count, UInt64(lines.count)))))
        }
    }
}
