/// Reads a file of codes that another system has given: `code,user,campaign,given_at` in each record.
///
/// Nothing of it is seen by the list before ``finish(campaign:now:place:)`` says what becomes of each row.
package struct ImportReader: ~Copyable {
    private let seed: UInt64
    private var csv = CSVReader()
    private var isFirst = true
    private var builder = RunBuilder(id: UploadID(rawValue: .max))
    private var rows = ImportRows()
    private var campaignNumbers: [[UInt8]: UInt32] = [:]
    package private(set) var counts = UploadCounts()
    package private(set) var badLines: [BadLine] = []

    package init(seed: UInt64) {
        self.seed = seed
    }

    /// - Throws: when a limit is hit; the import is over then and is to be thrown away.
    package mutating func consume(_ chunk: Span<UInt8>) throws(UploadReader.Failure) {
        // Taken out, so that a record can be judged while the reader lends it.
        var csv = CSVReader()
        swap(&csv, &self.csv)
        defer { swap(&csv, &self.csv) }
        try csv.consume(chunk) { record throws(UploadReader.Failure) in try judge(record) }
    }

    private mutating func judge(_ record: borrowing CSVReader.Record) throws(UploadReader.Failure) {
        defer { isFirst = false }
        if record.isBlank {
            counts.leftOut.blank += 1
            return
        }
        if isFirst, Self.isHeading(record) { return }
        let text = record.text.span
        if let fault = fault(of: record) { return try note(fault, line: record.line) }
        guard let campaign = number(ofCampaign: text.extracting(record[2])) else {
            return try note(.campaign, line: record.line)
        }
        guard let givenAt = Timestamp(text: text.extracting(record[3])) else {
            return try note(.time, line: record.line)
        }
        guard rows.count < Limits.importRows else { throw .tooManyRows(line: record.line) }
        builder.append(text.extracting(record[0]))
        rows.append(user: text.extracting(record[1]), campaign: campaign, givenAt: givenAt, line: record.line)
    }

    private static func isHeading(_ record: borrowing CSVReader.Record) -> Bool {
        guard record.count == 4 else { return false }
        let first = String(decoding: record.text[record[0]], as: UTF8.self).lowercased()
        let last = String(decoding: record.text[record[3]], as: UTF8.self).lowercased()
        return (first == "code" || first == "\u{FEFF}code") && ["given_at", "given-at", "given at"].contains(last)
    }

    private func fault(of record: borrowing CSVReader.Record) -> LineFault? {
        if record.isMalformed || record.count != 4 { return .columns }
        switch CodeLine(record.text.span.extracting(record[0])) {
        case .code: break
        case .blank: return .columns
        case .bad(let fault): return fault
        }
        return record[1].isEmpty || record[1].count > Limits.userBytes ? .user : nil
    }

    /// - Returns: nil for a name that no campaign can have.
    private mutating func number(ofCampaign name: Span<UInt8>) -> UInt32? {
        guard !name.isEmpty, name.count <= Limits.nameBytes else { return nil }
        let name = name.copy
        if let known = campaignNumbers[name] { return known }
        // There are no more campaigns than that, so one more name is of none.
        guard campaignNumbers.count < Limits.campaigns else { return nil }
        let number = UInt32(campaignNumbers.count)
        campaignNumbers[name] = number
        return number
    }

    private mutating func note(
        _ fault: LineFault, line: UInt64, in list: ListID? = nil
    ) throws(UploadReader.Failure) {
        guard badLines.count < Limits.badLines else { throw .tooManyBadLines(line: line) }
        badLines.append(BadLine(line: line, fault: fault, otherList: list))
        counts.leftOut[fault] += 1
    }
}

/// What becomes of a row whose line is good.
package enum ImportPlace: Equatable, Sendable {
    /// The list has no such code yet.
    case new
    /// An earlier import brought the code, and not its row.
    case pending(CodeID)
    /// An earlier import brought this very row.
    case done
    case bad(EarlierCode)
}

extension ImportReader {
    /// Ends the reading.
    ///
    /// - Parameters:
    ///   - campaign: the campaign of that name, when it draws from the list.
    ///   - now: no row is given later.
    ///   - place: where the code of a row stands already.
    /// - Returns: what is to be imported. ``badLines`` and ``counts`` are complete then.
    /// - Complexity: O(rows) expected; seconds for many millions, so never on an event loop.
    package mutating func finish(
        campaign: (String) -> CampaignID?, now: Timestamp,
        place: (_ code: Span<UInt8>, _ user: Span<UInt8>, _ row: ImportRows.Row) -> ImportPlace
    ) throws(UploadReader.Failure) -> JudgedImport {
        var csv = CSVReader()
        swap(&csv, &self.csv)
        try csv.consumeEnd { record throws(UploadReader.Failure) in try judge(record) }
        builder.finish()
        rows.name(campaigns(campaign))
        let all = indexed(builder.takeStrips())
        var fresh = RunBuilder(id: UploadID(rawValue: .max))
        var judged = JudgedImport(rows: rows)
        for index in 0..<rows.count {
            let ordinal = Ordinal(index)
            let row = rows[index]
            let verdict = all.run.withCode(at: ordinal) { code -> Result<ImportPlace, RowFault> in
                if row.campaign == nil { return .failure(RowFault(.campaign)) }
                if row.givenAt > now { return .failure(RowFault(.future)) }
                if all.duplicates.contains(ordinal) { return .failure(RowFault(.duplicateInFile)) }
                return .success(place(code, rows.text.span.extracting(row.user), row))
            }
            switch verdict {
            case .failure(let bad): try note(bad.fault, line: row.line)
            case .success(.bad(let earlier)): try note(earlier.fault, line: row.line, in: earlier.otherList)
            case .success(.done): judged.doneCount += 1
            case .success(.pending(let code)): judged.pending.append((index, code))
            case .success(.new):
                judged.fresh.append(index)
                all.run.withCode(at: ordinal) { fresh.append($0) }
            }
        }
        badLines.sort { $0.line < $1.line }
        counts.codes = UInt64(judged.fresh.count)
        fresh.finish()
        if !judged.fresh.isEmpty { judged.run = indexed(fresh.takeStrips()).run }
        return judged
    }

    private struct RowFault: Error {
        let fault: LineFault
        init(_ fault: LineFault) { self.fault = fault }
    }

    /// By the numbers that the rows name them with.
    private func campaigns(_ find: (String) -> CampaignID?) -> [CampaignID?] {
        var found = [CampaignID?](repeating: nil, count: campaignNumbers.count)
        for (name, number) in campaignNumbers {
            found[Int(number)] = String(validating: name, as: UTF8.self).flatMap(find)
        }
        return found
    }

    private func indexed(_ strips: [Strip]) -> (run: CodeRun, duplicates: Set<Ordinal>) {
        var index = CodeIndexBuilder(capacity: strips.reduce(0) { $0 + $1.count }, seed: seed)
        index.add(strips)
        let duplicates = Set(index.duplicates.map(\.ordinal))
        return (index.finish(), duplicates)
    }
}

/// What an import's lines came to.
package struct JudgedImport: Sendable {
    package let rows: ImportRows
    /// Rows whose codes are new, in the order of ``run``.
    package fileprivate(set) var fresh: [Int] = []
    /// The new codes; nil when there are none.
    package fileprivate(set) var run: CodeRun?
    /// Rows whose codes an earlier import brought.
    package fileprivate(set) var pending: [(row: Int, code: CodeID)] = []
    /// How many rows are there already.
    package fileprivate(set) var doneCount = 0
}

/// Who got the codes of an import, in the order of its file.
package struct ImportRows: Sendable {
    package struct Row: Sendable {
        package let user: Range<Int>
        /// nil: none of that name that draws from the list.
        package let campaign: CampaignID?
        package let givenAt: Timestamp
        package let line: UInt64
    }

    private struct Entry {
        let userEnd: Int
        let campaign: UInt32
        let givenAt: Timestamp
        let line: UInt64
    }

    private var entries: [Entry] = []
    private var campaigns: [CampaignID?] = []
    /// The users, one behind the other.
    package private(set) var text: [UInt8] = []

    package var count: Int { entries.count }

    package subscript(_ index: Int) -> Row {
        let entry = entries[index]
        return Row(
            user: (index == 0 ? 0 : entries[index - 1].userEnd)..<entry.userEnd,
            campaign: campaigns[Int(entry.campaign)], givenAt: entry.givenAt, line: entry.line)
    }

    fileprivate mutating func append(user: Span<UInt8>, campaign: UInt32, givenAt: Timestamp, line: UInt64) {
        text.append(user)
        entries.append(Entry(userEnd: text.count, campaign: campaign, givenAt: givenAt, line: line))
    }

    fileprivate mutating func name(_ campaigns: [CampaignID?]) { self.campaigns = campaigns }
}
