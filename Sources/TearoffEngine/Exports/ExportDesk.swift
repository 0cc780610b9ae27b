import Synchronization
package import TearoffCore
import TearoffLog

/// The exports that are being read. Each shows one instant, however long it is read, and none stands in the way of
/// an allocation: what it reads does not change any more, and it is written in the background.
package final class ExportDesk: Sendable {
    /// Exports under way at once: each keeps memory that the shards would else change in place.
    package static let exportsMaximum = 8
    /// Bytes of one piece; the last row may go over it.
    static let pieceBytes = 256 << 10
    /// Pieces of one export that are made before they are asked for.
    static let piecesAhead = 4

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

/// One export. Its pieces are made one after the other, from changing threads, some while the one before is on its way.
private final class Export: Sendable {
    typealias Done = @Sendable (Result<[UInt8], ControlError>) -> Void

    struct Piece: Sendable {
        let result: Result<[UInt8], RecoveryError>
        let rows: Int
        /// Whether none comes behind it.
        var isLast: Bool { if case .success(let bytes) = result { bytes.isEmpty } else { true } }
    }

    private struct Shelf {
        /// Pieces that nobody has asked for yet.
        var made: [Piece] = []
        var waiting: Done?
        var isInTheMaking = false
        var pace = ExportPace()
    }

    private let reader: Mutex<ExportReader>
    private let shelf = Mutex(Shelf())

    init(_ reader: ExportReader) { self.reader = Mutex(reader) }

    /// Takes the next piece, or leaves word for it.
    ///
    /// - Returns: the piece if it is there, and whether ``make(giveWay:)`` is to be called now.
    func ask(_ done: @escaping Done) -> (piece: Piece?, isToBeMade: Bool) {
        shelf.withLock { shelf in
            precondition(shelf.waiting == nil, "a connection reads the next piece when it has the last one")
            let piece = shelf.made.isEmpty ? nil : shelf.made.removeFirst()
            if piece == nil { shelf.waiting = done }
            let isToBeMade = !shelf.isInTheMaking && (shelf.made.last ?? piece)?.isLast != true
            shelf.isInTheMaking = shelf.isInTheMaking || isToBeMade
            return (piece, isToBeMade)
        }
    }

    /// Makes the next piece and puts it where it is asked for.
    ///
    /// - Returns: the piece and who waits for it, if somebody does, and whether this is to be called again.
    func make(giveWay: () -> Void) -> (asked: (piece: Piece, done: Done)?, isToBeMade: Bool) {
        let piece = reader.withLock { reader in
            do throws(RecoveryError) {
                let (bytes, rows) = try reader.read(bytes: ExportDesk.pieceBytes, giveWay: giveWay)
                return Piece(result: .success(bytes), rows: rows)
            } catch {
                return Piece(result: .failure(error), rows: 0)
            }
        }
        return shelf.withLock { shelf in
            let done = shelf.waiting
            shelf.waiting = nil
            if done == nil { shelf.made.append(piece) }
            shelf.isInTheMaking = !piece.isLast && shelf.made.count < ExportDesk.piecesAhead
            return (done.map { (piece, $0) }, shelf.isInTheMaking)
        }
    }

    /// How many milliseconds a piece should be kept back.
    func wait(for piece: Piece, _ engine: Engine) -> UInt64 {
        let frames = engine.lanes.reduce(0) { $0 + $1.durableFrame.rawValue }
        return shelf.withLock { $0.pace.wait(rows: piece.rows, frames: frames, now: engine.host.wallMilliseconds()) }
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
        let tooMany = ControlError.export(.tooManyExports(maximum: Self.exportsMaximum))
        // Before anything is done for one that will not be.
        guard state.withLock({ $0.exports.count < Self.exportsMaximum }) else { return .failure(tooMany) }
        var cuts = engine.cuts()
        let at = engine.now()
        // Behind the cuts: a row may be of a campaign, and a code of an upload, that is newer than any before.
        let catalog = engine.latestCatalog
        // The loop may not know yet, and the texts of its codes are away.
        if catalog[query.list].isDeleted { return .failure(.catalog(.noList(catalog[query.list].name))) }
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
        guard let id else { return .failure(tooMany) }
        return .success(ExportTicket(id: id, cursor: reader.cursor, at: at))
    }

    /// Reads the next piece, at the pace of an ``ExportPace``. The one behind it is made in the background meanwhile.
    ///
    /// - Parameter done: called on some thread, unless a piece is returned.
    /// - Returns: the piece, if it is there and may leave. An empty one is the end, and the export is over then.
    package func read(
        _ id: UInt64, done: @escaping @Sendable (Result<[UInt8], ControlError>) -> Void
    ) -> Result<[UInt8], ControlError>? {
        guard let export = state.withLock({ $0.exports[id] }) else { return .failure(.export(.noExport(id))) }
        let (piece, isToBeMade) = export.ask(done)
        if isToBeMade { makeNext(of: export, id) }
        return piece.flatMap { hand($0, of: export, id, to: done) }
    }

    private func makeNext(of export: Export, _ id: UInt64) {
        engine.host.background { [self] in
            let (asked, isToBeMade) = export.make(giveWay: engine.host.giveWay)
            if isToBeMade { makeNext(of: export, id) }
            guard let (piece, done) = asked, let result = hand(piece, of: export, id, to: done) else { return }
            done(result)
        }
    }

    /// - Returns: nil when it is too soon, and `done` will be called.
    private func hand(
        _ piece: Export.Piece, of export: Export, _ id: UInt64, to done: @escaping Export.Done
    ) -> Result<[UInt8], ControlError>? {
        if piece.isLast { end([id]) }
        let result = piece.result.mapError { ControlError.unreadableCodes($0) }
        let wait = export.wait(for: piece, engine)
        if wait == 0 { return result }
        engine.host.later(wait) { done(result) }
        return nil
    }

    /// Ends exports that are not read to their end.
    package func end(_ ids: Set<UInt64>) {
        state.withLock { state in
            for id in ids { state.exports[id] = nil }
        }
    }
}
