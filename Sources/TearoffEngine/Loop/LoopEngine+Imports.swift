import TearoffCore
import TearoffLog

/// What is still to be written of an import: each row with its code.
struct ImportWork: Sendable {
    let rows: ImportRows
    /// The oldest first: in a file whose newest rows come first each row would have to pass all of its user's before it
    /// (``Shard/takeOver(_:code:givenAt:now:userBytes:)``), an hour's work for a million rows of one user, at every start
    /// anew.
    let entries: [(row: Int, code: CodeID)]

    /// - Complexity: O(n log n), O(n) for what is in order: seconds for many millions, so never on an event loop.
    init(rows: ImportRows, entries: [(row: Int, code: CodeID)]) {
        self.rows = rows
        self.entries = entries.sorted { (rows[$0.row].givenAt, $0.row) < (rows[$1.row].givenAt, $1.row) }
    }
}

extension LoopEngine {
    /// Rows of an import that one tick writes at most: some 3 ms of the loop's time, in which it serves nobody.
    private static let importRowsMaximum = 4_096

    /// Writes the next rows of an import into the open batch, as many as it has room for. They stand in one frame.
    ///
    /// - Parameters:
    ///   - start: of the first entry.
    /// - Returns: where the next one begins, and the frame to wait for before that: the open one. Nothing was written
    ///   when it is full; nil when a shard is.
    func takeOver(_ work: ImportWork, from start: Int) -> (end: Int, frame: LaneFrame)? {
        let (moment, text) = (moment, work.rows.text.span)
        let end = min(start + Self.importRowsMaximum, work.entries.count)
        return withTick { tick in
            for next in start..<end {
                if isBatchFull(tick) { return (next, moment.frame) }
                let (index, code) = work.entries[next]
                let row = work.rows[index]
                guard takeOver(row, code, user: text.extracting(row.user), at: moment, in: &tick) else { return nil }
            }
            return (end, moment.frame)
        }
    }

    /// - Returns: false when the user's shard is full.
    private func takeOver(
        _ row: ImportRows.Row, _ code: CodeID, user: Span<UInt8>, at moment: TickMoment, in tick: inout Tick
    ) -> Bool {
        guard let campaign = row.campaign else { preconditionFailure("a row of no campaign") }
        let key = AllocationKey(campaign: campaign, user: user, seed: engine.seed)
        let place = upload(code.upload).position(of: code.ordinal)
        let (meter, settings) = (catalog[campaign].meter, catalog[campaign].settings)
        let record = engine.withShard(Int(engine.routing.shard(of: user).rawValue)) { cell in
            cell.takeOver(key, code: place, givenAt: row.givenAt, at: moment, in: status, user: user, engine: engine) {
                meter.note(settings, givenAt: row.givenAt, day: moment.day)
            }
        }
        switch record {
        case .success(let record): tick.add(record, userBytes: user)
        case .failure(.shardFull): return false
        case .failure(let error): engine.fail(.apply(error))
        }
        return true
    }
}
