extension Shard {
    /// Adds what another system gave to the history, in the order of when it was given, and names the code's owner. The
    /// user's latest allocation stays that, unless this one was given later.
    ///
    /// - Parameters:
    ///   - code: of an import, and nobody's.
    ///   - givenAt: not behind `now`.
    ///   - userBytes: the user's id as text; used when the user is long.
    /// - Throws: ``ApplyError``; the shard is unchanged then, and the caller must stop.
    /// - Complexity: O(allocations of the user in the campaign that were given later).
    package mutating func takeOver(
        _ key: AllocationKey, code: CodePosition, givenAt: Timestamp, now: Timestamp, userBytes: Span<UInt8>
    ) throws(ApplyError) -> ImportRecord {
        let record = AllocationRecord(
            shard: id, sequence: lastSequence.next, givenAt: givenAt, campaign: key.campaign, code: code.code,
            user: key.user)
        _ = try addImported(record, key, code: code, userBytes: userBytes)
        return ImportRecord(allocation: record, at: now)
    }

    mutating func addImported(
        _ record: AllocationRecord, _ key: AllocationKey, code: CodePosition, userBytes: Span<UInt8>
    ) throws(ApplyError) -> RowNumber {
        let number = RowNumber(rawValue: UInt32(rows.count))
        guard let owner = CodeOwner(shard: id, row: number, shardCount: shardCount) else { throw .shardFull(id) }
        // An imported code never goes back, so there is no second owner that could be right.
        guard code.strip.setOwner(owner, at: code.position) else { throw .codeGivenTwice(record.code) }
        code.strip.noteImport()
        let place = find(key, bytes: userBytes)
        var later: RowNumber?
        var earlier = place.row
        while let row = earlier, rows[row].givenAt > record.givenAt { (later, earlier) = (row, rows[row].previous) }
        rows.append(
            Row(
                user: record.user, userBytes: record.user.isLong ? arena.append(userBytes) : .none,
                givenAt: record.givenAt, code: record.code, campaign: record.campaign, previous: earlier,
                userID: .none))
        if let later { rows.setPrevious(number, of: later) } else { index.set(number, at: place, hash: key.hash) }
        count(record.code.upload, from: .free, to: .given)
        lastSequence = record.sequence
        return number
    }

    /// Whether the code was imported as given to that user in that campaign at that time.
    ///
    /// - Parameter row: of the code's owner.
    package func hasImported(_ key: AllocationKey, bytes: Span<UInt8>, givenAt: Timestamp, in row: RowNumber) -> Bool {
        isRow(row, of: key, bytes: bytes) && rows[row].givenAt == givenAt
    }
}
