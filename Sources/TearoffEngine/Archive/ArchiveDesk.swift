import Synchronization
package import TearoffCore
import TearoffLog

/// Look-ups in the codes of archived lists, which stand in their blobs alone.
///
/// A blob has no index, so each look-up reads those that it asks to their end, where their hashes are checked: some
/// 0.3 s for ten million codes. They run in the background, one at a time, in memory that does not grow with the blobs.
package final class ArchiveDesk: Sendable {
    /// Look-ups that wait for those before; one more is `BUSY`.
    package static let waitingMaximum = 64

    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var isReading = false
    }

    private let blobs: any BlobStore
    private let host: EngineHost
    private let state = Mutex(State())

    init(blobs: any BlobStore, host: EngineHost) {
        self.blobs = blobs
        self.host = host
    }

    package typealias Done<Found> = @Sendable (Result<Found, ControlError>) -> Void

    /// Which of these uploads have a code, and where.
    ///
    /// - Parameter done: called on some thread.
    package func find(_ code: [UInt8], in uploads: [UploadReceipt], done: @escaping Done<[CodeID]>) {
        enqueue(done) { blobs throws(RecoveryError) in
            var found: [CodeID] = []
            for upload in uploads {
                try upload.stored(in: blobs)?.forEach { ordinal, text in
                    if text.hasSameBytes(as: code.span) {
                        found.append(CodeID(upload: upload.id, ordinal: ordinal))
                    }
                }
            }
            return found
        }
    }

    /// The texts of some codes.
    ///
    /// - Parameters:
    ///   - codes: at most ``Limits/historyRows``.
    ///   - uploads: those that they are of.
    ///   - done: called on some thread.
    package func texts(
        of codes: [CodeID], in uploads: [UploadReceipt], done: @escaping Done<[CodeID: [UInt8]]>
    ) {
        let ordinals = Dictionary(grouping: codes, by: \.upload).mapValues { Set($0.map(\.ordinal)) }
        enqueue(done) { blobs throws(RecoveryError) in
            var texts: [CodeID: [UInt8]] = [:]
            for upload in uploads {
                guard let wanted = ordinals[upload.id] else { continue }
                try upload.stored(in: blobs)?.forEach { ordinal, text in
                    if wanted.contains(ordinal) { texts[CodeID(upload: upload.id, ordinal: ordinal)] = text.copy }
                }
            }
            return texts
        }
    }

    private func enqueue<Found: Sendable>(
        _ done: @escaping Done<Found>,
        _ read: @escaping @Sendable (any BlobStore) throws(RecoveryError) -> Found
    ) {
        let isFirst = state.withLock { state -> Bool? in
            guard state.waiting.count < Self.waitingMaximum else { return nil }
            state.waiting.append { [self] in
                let result: Result<Found, ControlError>
                do throws(RecoveryError) {
                    result = .success(try read(blobs))
                } catch {
                    result = .failure(.unreadableCodes(error))
                }
                readNext()
                done(result)
            }
            defer { state.isReading = true }
            return !state.isReading
        }
        guard let isFirst else { return done(.failure(.busy)) }
        if isFirst { readNext() }
    }

    private func readNext() {
        let next = state.withLock { state -> (@Sendable () -> Void)? in
            if state.waiting.isEmpty {
                state.isReading = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        if let next { host.background(next) }
    }
}

extension UploadReceipt {
    /// nil for a fixed list's own code, which is never away.
    func stored(in blobs: any BlobStore) throws(RecoveryError) -> StoredCodes? {
        guard let blob else { return nil }
        return try StoredCodes(blob, id: id, count: count, from: blobs)
    }
}
