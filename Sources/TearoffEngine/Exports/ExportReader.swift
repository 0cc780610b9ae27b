import TearoffCore
import TearoffLog

/// Reads an export piece by piece from what the shards were at one instant, in memory that does not grow with it:
/// allocations, some of each shard in turns, then codes that nobody had. Those of an archived list come as they stand in
/// its blobs, each with who had it.
struct ExportReader: Sendable {
    /// So many in one go, of a shard or of an upload. Codes that were given at about the same time stand together in
    /// memory, whichever shards their users are of: shard by shard, all of it would be read once for each.
    private static let stretchRows: UInt32 = 256

    private let query: ExportQuery
    private let catalog: Catalog
    private let cuts: [ShardCut]
    /// The list's: asked for once, not for each row.
    private let expiresAt: Timestamp?
    /// The next row by shard; the shard whose turn it is, ``cuts``' count when there is no row left, and before which row
    /// the next one's turn comes.
    private var rows: [UInt32]
    private var shard = 0
    private var stretchEnd: UInt32 = 0
    /// By upload of the list: a bit for each code that is not free. Empty when free codes are not asked for.
    private var taken: [UploadID: OrdinalSet] = [:]
    /// Uploads whose codes that nobody has are still to come, and the next code of the first one.
    private var uploads: [Upload] = []
    private var ordinal: Ordinal = 0
    /// nil unless the list is archived.
    private var archive: ArchivedCodes?
    private var writer: ExportWriter
    /// Of the piece that is being written.
    private var rowCount = 0
    /// The day of the server's zone that an instant is in.
    private let day: @Sendable (Timestamp) -> Day
    /// What the last rows were of, for those that follow are mostly of the same: their days, campaign, strip and dates.
    private var lastDays: [Day] = []
    private var lastCampaign: CampaignID?
    private var campaignName: [UInt8] = []
    private var validity = Validity()
    private var lastStrip: Strip?
    private var lastUpload: (id: UInt32, isWanted: Bool)?
    private var givenAtText = DateCell()
    private var expiresAtText = DateCell()

    init(
        _ query: ExportQuery, catalog: Catalog, cuts: [ShardCut], blobs: any BlobStore,
        day: @escaping @Sendable (Timestamp) -> Day
    ) {
        self.day = day
        self.query = query
        self.catalog = catalog
        self.cuts = cuts
        expiresAt = catalog[query.list].expiresAt
        rows = query.since?.rows ?? Array(repeating: 0, count: cuts.count)
        writer = ExportWriter(query.format, query.columns)
        beginStretch()
        guard catalog[query.list].kind == .unique else { return }
        if catalog[query.list].isArchived {
            let uploads = catalog[query.list].uploads.filter { $0.id == query.upload ?? $0.id }
            archive = ArchivedCodes(of: uploads, blobs)
            shard = cuts.count
            return
        }
        guard query.wantsFree else { return }
        uploads = catalog.uploads.filter { upload in
            upload.list == query.list && query.upload.map { $0 == upload.id } ?? true
                && (query.selection == .all || !upload.isWithdrawn)
        }
        for upload in uploads { taken[upload.id] = OrdinalSet(count: upload.count) }
    }

    /// Where an export since this one begins.
    var cursor: ExportCursor { ExportCursor(rows: cuts.map { UInt32($0.rows.count) }) }

    /// The next piece: a bit more than `bytes` at most; empty at the end. And the rows in it.
    ///
    /// - Parameter giveWay: called behind each stretch, some 70 µs.
    /// - Throws: when the blob of an archived upload cannot be read, or is not what was written.
    mutating func read(bytes: Int, giveWay: () -> Void) throws(RecoveryError) -> (piece: [UInt8], rows: Int) {
        rowCount = 0
        var piece: [UInt8] = []
        try piece.append(addingCapacity: bytes + ExportWriter.rowBytesMaximum) { output throws(RecoveryError) in
            writer.begin(&output)
            while output.count < bytes, try readStretch(into: &output, bytes: bytes) { giveWay() }
        }
        return (piece, rowCount)
    }

    /// - Returns: false at the end.
    private mutating func readStretch(
        into output: inout OutputSpan<UInt8>, bytes: Int
    ) throws(RecoveryError) -> Bool {
        if shard < cuts.count {
            readRows(into: &output, bytes: bytes)
            return true
        }
        if !uploads.isEmpty {
            readUnowned(into: &output, bytes: bytes)
            return true
        }
        var rest = Self.stretchRows
        while rest > 0, output.count < bytes {
            guard let code = try archive?.next() else { return false }
            tell(code, to: &output)
            rest -= 1
        }
        return true
    }

    private mutating func readRows(into output: inout OutputSpan<UInt8>, bytes: Int) {
        let cut = cuts[shard]
        var row = rows[shard]
        while row < stretchEnd, output.count < bytes {
            let number = RowNumber(rawValue: row)
            row += 1
            let allocation = cut.rows[number]
            guard isWanted(allocation.code.upload) else { continue }
            let (standing, state) = cut.standing(of: allocation, number)
            if state != .free { take(allocation.code) }
            if query.wants(standing, state, of: allocation.campaign) {
                write(allocation, standing, state, of: cut, at: position(of: allocation.code), to: &output)
            }
        }
        rows[shard] = row
        guard row >= stretchEnd else { return }
        shard += 1
        beginStretch()
    }

    /// Finds the next shard that has rows left, from the one whose turn it is on.
    private mutating func beginStretch() {
        let candidates = (0..<cuts.count).lazy.map { [shard, cuts] in (shard + $0) % cuts.count }
        shard = candidates.first { rows[$0] < cuts[$0].rows.count } ?? cuts.count
        if shard == cuts.count { return }
        stretchEnd = min(UInt32(cuts[shard].rows.count), rows[shard] + Self.stretchRows)
    }

    private mutating func isWanted(_ upload: UploadID) -> Bool {
        if upload.rawValue != lastUpload?.id {
            lastUpload = (upload.rawValue, query.upload.map { $0 == upload } ?? (catalog[upload].list == query.list))
        }
        return lastUpload?.isWanted ?? false
    }

    private mutating func take(_ code: CodeID) {
        guard !taken.isEmpty else { return }
        taken[code.upload]?.insert(code.ordinal)
    }

    private mutating func write(
        _ allocation: Row, _ standing: AllocationStanding, _ state: CodeState, of cut: ShardCut,
        at code: CodePosition, to output: inout OutputSpan<UInt8>
    ) {
        rowCount += 1
        note(allocation.campaign)
        expiresAtText.set(expiry(of: standing))
        if case .given = state { givenAtText.set(standing.givenAt) } else { givenAtText.set(nil) }
        writer.row(in: &output) { column, cell in
            switch column {
            case .code: code.strip.withCode(at: code.position) { cell.append(copying: $0) }
            case .user:
                cut.appendUser(of: allocation, to: &cell)
                return allocation.hasUUID ? .plain : .any
            case .userID: cut.appendUserID(of: allocation, to: &cell)
            case .givenAt: cell.append(copying: givenAtText.bytes.span)
            case .expiresAt: cell.append(copying: expiresAtText.bytes.span)
            case .campaign: cell.append(copying: campaignName.span)
            case .status: cell.append(text: state.text)
            }
            return column.text
        }
    }

    private mutating func note(_ campaign: CampaignID) {
        // As numbers: equality of optionals would be a call through a witness for each row.
        if lastCampaign?.rawValue == campaign.rawValue { return }
        lastCampaign = campaign
        campaignName = Array(catalog[campaign].name.utf8)
        validity = catalog[campaign].validity
    }

    private mutating func position(of code: CodeID) -> CodePosition {
        if let lastStrip, lastStrip.upload == code.upload, code.ordinal >= lastStrip.firstOrdinal,
            Int(code.ordinal - lastStrip.firstOrdinal) < lastStrip.count
        {
            return CodePosition(strip: lastStrip, position: Int(code.ordinal - lastStrip.firstOrdinal))
        }
        let position = catalog.position(of: code)
        lastStrip = position.strip
        return position
    }

    /// Until when the user can redeem the code.
    private mutating func expiry(of standing: AllocationStanding) -> Timestamp? {
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

    private mutating func readUnowned(into output: inout OutputSpan<UInt8>, bytes: Int) {
        guard let upload = uploads.first, let taken = taken[upload.id] else { return }
        let end = min(upload.count, Int(ordinal) + Int(Self.stretchRows))
        while ordinal < end, output.count < bytes {
            let code = upload.position(of: ordinal)
            let isTaken = taken.contains(ordinal)
            if isTaken || (query.selection == .free && upload.codes.isBurned(ordinal)) {
                ordinal += 1
                continue
            }
            let state = upload.stateOfUnowned(ordinal)
            ordinal += 1
            writeUnowned(code, state, to: &output)
        }
        guard ordinal >= upload.count else { return }
        uploads.removeFirst()
        ordinal = 0
    }
}

extension ExportReader {
    private mutating func writeUnowned(
        _ code: CodePosition, _ state: CodeState, to output: inout OutputSpan<UInt8>
    ) {
        rowCount += 1
        expiresAtText.set(expiresAt)
        writer.row(in: &output) { column, cell in
            switch column {
            case .code: code.strip.withCode(at: code.position) { cell.append(copying: $0) }
            case .expiresAt: cell.append(copying: expiresAtText.bytes.span)
            case .status: cell.append(text: state.text)
            case .user, .userID, .givenAt, .campaign: break
            }
            return column.text
        }
    }

    /// A code of an archived list: nothing of it has changed since the cuts.
    private mutating func tell(_ text: CodePosition, to output: inout OutputSpan<UInt8>) {
        let upload = catalog[text.code.upload]
        guard let owner = upload.codes.owner(of: text.code.ordinal) else {
            let state = upload.stateOfUnowned(text.code.ordinal)
            if query.wantsUnowned(state) { writeUnowned(text, state, to: &output) }
            return
        }
        let shardCount = UInt16(cuts.count)
        let shard = Int(owner.shard(shardCount: shardCount).rawValue)
        let number = owner.row(shardCount: shardCount)
        if let since = query.since, number.rawValue < since.rows[shard] { return }
        let cut = cuts[shard]
        let allocation = cut.rows[number]
        let (standing, state) = cut.standing(of: allocation, number)
        if query.wants(standing, state, of: allocation.campaign) {
            write(allocation, standing, state, of: cut, at: text, to: &output)
        }
    }
}

/// The codes of archived uploads with their texts, in order.
private struct ArchivedCodes: Sendable {
    private let blobs: any BlobStore
    private var uploads: ArraySlice<UploadReceipt>
    private var stored: StoredCodes?
    private var strips: ArraySlice<Strip> = []
    private var position = 0

    init(of uploads: [UploadReceipt], _ blobs: any BlobStore) {
        self.blobs = blobs
        self.uploads = uploads[...]
    }

    mutating func next() throws(RecoveryError) -> CodePosition? {
        while true {
            if let strip = strips.first {
                guard position < strip.count else {
                    strips.removeFirst()
                    position = 0
                    continue
                }
                position += 1
                return CodePosition(strip: strip, position: position - 1)
            }
            if let stored {
                stored.read(codes: StoredCodes.block)
                strips = try stored.take()[...]
                if strips.isEmpty { self.stored = nil }
            } else {
                guard let upload = uploads.popFirst() else { return nil }
                stored = try upload.stored(in: blobs)
            }
        }
    }
}

/// A date as a cell has it, made anew only when it is another one.
private struct DateCell {
    private var milliseconds: UInt64?
    /// Empty when there is no date.
    private(set) var bytes: [UInt8] = []

    mutating func set(_ time: Timestamp?) {
        if time?.milliseconds == milliseconds { return }
        milliseconds = time?.milliseconds
        bytes.removeAll(keepingCapacity: true)
        time?.withISO8601 { bytes.append($0) }
    }
}
