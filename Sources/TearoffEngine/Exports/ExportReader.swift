import TearoffCore

/// Reads an export piece by piece from what the shards were at one instant, in memory that does not grow with it:
/// allocations shard by shard, then codes that nobody had.
struct ExportReader: Sendable {
    private let query: ExportQuery
    private let catalog: Catalog
    private let cuts: [ShardCut]
    /// The list's: asked for once, not for each row.
    private let expiresAt: Timestamp?
    private var shard = 0
    private var row: UInt32
    /// By upload of the list: a bit for each code that is not free. Empty when free codes are not asked for.
    private var taken: [UploadID: OrdinalSet] = [:]
    /// Uploads whose codes that nobody has are still to come, and the next code of the first one.
    private var uploads: [Upload] = []
    private var ordinal: Ordinal = 0
    private var writer: ExportWriter
    /// The day of the server's zone that an instant is in.
    private let day: @Sendable (Timestamp) -> Day
    /// That of the last expiry that was asked for: rows of one day follow each other.
    private var lastDays: [Day] = []

    init(
        _ query: ExportQuery, catalog: Catalog, cuts: [ShardCut], day: @escaping @Sendable (Timestamp) -> Day
    ) {
        self.day = day
        self.query = query
        self.catalog = catalog
        self.cuts = cuts
        expiresAt = catalog[query.list].expiresAt
        row = query.since?.rows.first ?? 0
        writer = ExportWriter(query.format, query.columns)
        guard query.wantsFree, catalog[query.list].kind == .unique else { return }
        uploads = catalog.uploads.filter { upload in
            upload.list == query.list && query.upload.map { $0 == upload.id } ?? true
                && (query.selection == .all || !upload.isWithdrawn)
        }
        for upload in uploads { taken[upload.id] = OrdinalSet(count: upload.count) }
    }

    /// Where an export since this one begins.
    var cursor: ExportCursor { ExportCursor(rows: cuts.map { UInt32($0.rows.count) }) }

    /// The next piece: a bit more than `bytes` at most; empty at the end.
    mutating func read(bytes: Int) -> [UInt8] {
        writer.begin(bytes: bytes)
        while writer.count < bytes, shard < cuts.count { readRows(bytes: bytes) }
        while writer.count < bytes, !uploads.isEmpty { readUnowned(bytes: bytes) }
        return writer.take()
    }

    private mutating func readRows(bytes: Int) {
        let cut = cuts[shard]
        let end = UInt32(cut.rows.count)
        while row < end, writer.count < bytes {
            let number = RowNumber(rawValue: row)
            row += 1
            let allocation = cut.rows[number]
            guard isWanted(allocation.code.upload) else { continue }
            let (standing, state) = cut.standing(of: number)
            if state != .free { take(allocation.code) }
            if query.wants(standing, state, of: allocation.campaign) {
                write(allocation, standing, state, of: cut)
            }
        }
        guard row >= end else { return }
        shard += 1
        if shard < cuts.count { row = query.since?.rows[shard] ?? 0 }
    }

    private func isWanted(_ upload: UploadID) -> Bool {
        if let wanted = query.upload { return upload == wanted }
        return catalog[upload].list == query.list
    }

    private mutating func take(_ code: CodeID) {
        guard !taken.isEmpty else { return }
        taken[code.upload]?.insert(code.ordinal)
    }

    private mutating func write(
        _ allocation: Row, _ standing: AllocationStanding, _ state: CodeState, of cut: ShardCut
    ) {
        let catalog = catalog
        let expiresAt = expiry(of: allocation, standing)
        let code = catalog.position(of: allocation.code)
        writer.row { column, cell in
            switch column {
            case .code: code.strip.withCode(at: code.position) { cell.append($0) }
            case .user: cut.appendUser(of: allocation, to: &cell)
            case .userID: cut.appendUserID(of: allocation, to: &cell)
            case .givenAt: if state == .given { standing.givenAt.withISO8601 { cell.append($0) } }
            case .expiresAt: expiresAt?.withISO8601 { cell.append($0) }
            case .campaign: cell.append(contentsOf: catalog[allocation.campaign].name.utf8)
            case .status: cell.append(contentsOf: state.text.utf8)
            }
        }
    }

    /// Until when the user can redeem the code.
    private mutating func expiry(of allocation: Row, _ standing: AllocationStanding) -> Timestamp? {
        let validity = catalog[allocation.campaign].validity
        if validity.steps.isEmpty { return expiresAt }
        var days = lastDays
        let expiry = validity.expiry(givenAt: standing.givenAt, listExpiresAt: expiresAt) { time in
            if let known = days.first(where: { $0.contains(time) }) { return known }
            // The day on which a code was given, and the last one on which it is good.
            if days.count > 1 { days.removeFirst() }
            days.append(day(time))
            return days[days.count - 1]
        }
        lastDays = days
        return expiry
    }

    private mutating func readUnowned(bytes: Int) {
        guard let upload = uploads.first, let taken = taken[upload.id] else { return }
        let expiresAt = expiresAt
        while ordinal < upload.count, writer.count < bytes {
            let code = upload.position(of: ordinal)
            let isTaken = taken.contains(ordinal)
            if isTaken || (query.selection == .free && upload.codes.isBurned(ordinal)) {
                ordinal += 1
                continue
            }
            let state = upload.stateOfUnowned(ordinal)
            ordinal += 1
            writer.row { column, cell in
                switch column {
                case .code: code.strip.withCode(at: code.position) { cell.append($0) }
                case .expiresAt: expiresAt?.withISO8601 { cell.append($0) }
                case .status: cell.append(contentsOf: state.text.utf8)
                case .user, .userID, .givenAt, .campaign: break
                }
            }
        }
        guard ordinal >= upload.count else { return }
        uploads.removeFirst()
        ordinal = 0
    }
}
