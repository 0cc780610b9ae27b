import Synchronization
package import TearoffCore
import TearoffLog

/// The exports that are being read. Each shows one instant, however long it is read, and none stands in the way of
/// an allocation: what it reads does not change any more, and it is written in the background.
package final class ExportDesk: Sendable {
    /// Exports under way at once: each keeps memory that the shards would else change in place.
    package static let exportsMaximum = 8
    /// Bytes of one piece; the last row may go over it.
    static let pieceBytes = 512 << 10

    private struct State {
        var exports: [UInt64: Export] = [:]
        var lastID: UInt64 = 0
    }

    private let engine: Engine
    private let blobs: any BlobStore
    private let state = Mutex(State())

    init(engine: Engine, blobs: any BlobStore) {
        self.engine = engine
        self.blobs = blobs
    }
}

/// One export. Its pieces are read one after the other, from changing threads.
private final class Export: Sendable {
    private struct Progress {
        var reader: ExportReader
        var pace = ExportPace()
    }

    private let progress: Mutex<Progress>

    init(_ reader: ExportReader) { progress = Mutex(Progress(reader: reader)) }

    /// - Returns: the next piece, and how many milliseconds it should be kept back.
    func read(_ engine: Engine) throws(RecoveryError) -> (piece: [UInt8], wait: UInt64) {
        try progress.withLock { progress throws(RecoveryError) in
            let (piece, rows) = try progress.reader.read(bytes: ExportDesk.pieceBytes)
            let frames = engine.lanes.reduce(0) { $0 + $1.durableFrame.rawValue }
            let wait = progress.pace.wait(rows: rows, frames: frames, now: engine.host.wallMilliseconds())
            return (piece, wait)
        }
    }
}

package enum ExportError: Error, Equatable, Sendable {
    case noExport(UInt64)
    case tooManyExports(maximum: Int)
}

/// An export that can be read.
package struct ExportTicket: Sendable {
    package let id: UInt64
    /// What an export since this one is to be given.
    package let cursor: ExportCursor
    package let at: Timestamp
}

extension ExportDesk {
    /// Begins an export of the state as it is now. Nothing of it may be told before a barrier that is asked for
    /// behind this is durable.
    package func begin(_ query: ExportQuery) -> Result<ExportTicket, ControlError> {
        var cuts = engine.cuts()
        let at = engine.now()
        // Behind the cuts: a row may be of a campaign, and a code of an upload, that is newer than any before.
        let catalog = engine.latestCatalog
        // It may have been archived in between: its codes' owners are those of now.
        if catalog[query.list].isArchived { cuts = engine.cuts() }
        let reader = ExportReader(query, catalog: catalog, cuts: cuts, blobs: blobs, day: engine.host.day)
        let export = Export(reader)
        let id = state.withLock { state -> UInt64? in
            guard state.exports.count < Self.exportsMaximum else { return nil }
            state.lastID += 1
            state.exports[state.lastID] = export
            return state.lastID
        }
        guard let id else {
            return .failure(.export(.tooManyExports(maximum: Self.exportsMaximum)))
        }
        return .success(ExportTicket(id: id, cursor: reader.cursor, at: at))
    }

    /// Reads the next piece in the background, at the pace of an ``ExportPace``.
    ///
    /// - Parameter done: called on some thread; an empty piece is the end, and the export is over then.
    package func read(_ id: UInt64, done: @escaping @Sendable (Result<[UInt8], ControlError>) -> Void) {
        engine.host.background { [self] in
            guard let export = state.withLock({ $0.exports[id] }) else {
                return done(.failure(.export(.noExport(id))))
            }
            do throws(RecoveryError) {
                let (piece, wait) = try export.read(engine)
                if piece.isEmpty { end([id]) }
                if wait == 0 { return done(.success(piece)) }
                engine.host.later(wait) { done(.success(piece)) }
            } catch {
                end([id])
                done(.failure(.unreadableCodes(error)))
            }
        }
    }

    /// Ends exports that are not read to their end.
    package func end(_ ids: Set<UInt64>) {
        state.withLock { state in
            for id in ids { state.exports[id] = nil }
        }
    }
}
