import TearoffCore
import TearoffLog

/// Taking over what another system gave.
///
/// The codes come first, as an upload none of which is ever given: durable before anything else, so that whatever
/// happens then nobody else gets one. The rows follow in the log of a loop, batch by batch; a code whose row has not
/// come is burned. What a crash cut off is done when the same rows come again, in the same file or in another.
extension UploadDesk {
    func takeOver(
        _ order: CommitOrder, of session: UploadSession, list: List, in catalog: Catalog, done: @escaping CommitDone
    ) throws {
        if order.replaces { throw UploadError.importReplaces }
        let fileHash = try session.close()
        let earlier = try EarlierCodes(of: list, in: catalog, replaces: false, blobs: blobs, seed: seed)
        let judged = try session.finishImport(
            campaign: { name in
                let campaign = catalog.campaign(named: name)
                return campaign.flatMap { catalog.chain(of: $0).contains(list.id) ? $0.id : nil }
            }, now: engine.now()
        ) { code, user, row in place(of: code, earlier, user: user, row) }
        let counts = session.counts
        let given = judged.fresh.count + judged.pending.count
        if (counts.leftOut.bad > 0 && !order.skipBad) || given + judged.doneCount == 0 {
            return done(.success(judged.outcome(.refused, counts)))
        }
        let known = list.uploads.last { $0.isImport }?.id
        if order.dryRun || given == 0 {
            endUnlessAsked(order.id, counts)
            let upload = order.dryRun ? nil : known
            return done(.success(judged.outcome(given == 0 ? .unchanged(upload) : .loaded(upload), counts)))
        }
        let finish: CommitDone = { [self] result in
            endUnlessAsked(order.id, counts)
            done(result)
        }
        guard let run = judged.run else { return goOn(judged, order, known, counts, done: finish) }
        let upload = JudgedUpload(order: order, list: list.id, session: session, fileHash: fileHash, run: run)
        try add(upload) { [self] addition, result in
            switch result {
            case .success:
                let id = addition.id
                engine.host.background { [self] in
                    write(judged.work(newCodesOf: id), from: 0) {
                        finish($0.map { judged.outcome(.loaded(id), counts) })
                    }
                }
            case .failure(let error): finish(.failure(error))
            }
        }
    }

    /// Nothing is new but the rows: the audit trail tells of them before they are written.
    private func goOn(
        _ judged: JudgedImport, _ order: CommitOrder, _ upload: UploadID?, _ counts: UploadCounts,
        done: @escaping CommitDone
    ) {
        let work = ImportWork(rows: judged.rows, entries: judged.pending)
        let act = Act(.listImport, object: order.list, after: "rows=\(judged.pending.count)")
        port.execute { [self] control in
            control.asked(by: order.origin).note(act) { [self] result in
                switch result {
                case .success:
                    write(work, from: 0) { done($0.map { judged.outcome(.loaded(upload), counts) }) }
                case .failure(let error): done(.failure(error))
                }
            }
        }
    }

    /// Writes the rows from one on: a batch in the log of the first loop, and the next when that is durable.
    private func write(
        _ work: ImportWork, from start: Int, done: @escaping @Sendable (Result<Void, ControlError>) -> Void
    ) {
        port.execute { [self] control in
            control.loops[0].execute { [self] loop in
                guard let (end, frame) = loop.takeOver(work, from: start) else {
                    return done(.failure(.upload(.shardFull)))
                }
                engine.whenDurable([frame]) { [self] in
                    if end < work.entries.count { write(work, from: end, done: done) } else { done(.success(())) }
                }
            }
        }
    }

    private func place(
        of code: Span<UInt8>, _ earlier: EarlierCodes, user: Span<UInt8>, _ row: ImportRows.Row
    ) -> ImportPlace {
        for upload in earlier.uploads where upload.isImport {
            guard let ordinal = upload.codes.ordinal(of: code) else { continue }
            guard let owner = upload.codes.owner(of: ordinal) else {
                return .pending(CodeID(upload: upload.id, ordinal: ordinal))
            }
            return isOwner(owner, user: user, row) ? .done : .bad(.inList)
        }
        return earlier.place(of: code).map { .bad($0) } ?? .new
    }

    private func isOwner(_ owner: CodeOwner, user: Span<UInt8>, _ row: ImportRows.Row) -> Bool {
        guard let campaign = row.campaign else { return false }
        let shardCount = engine.routing.shardCount
        let key = AllocationKey(campaign: campaign, user: user, seed: engine.seed)
        return engine.shards[Int(owner.shard(shardCount: shardCount).rawValue)].withState { state in
            state.shard.hasImported(key, bytes: user, givenAt: row.givenAt, in: owner.row(shardCount: shardCount))
        }
    }
}

extension JudgedImport {
    /// The rows with their codes: those that were left over, and the new ones.
    fileprivate func work(newCodesOf upload: UploadID) -> ImportWork {
        let new = fresh.enumerated().map { ordinal, row in
            (row: row, code: CodeID(upload: upload, ordinal: Ordinal(ordinal)))
        }
        return ImportWork(rows: rows, entries: pending + new)
    }

    fileprivate func outcome(_ status: UploadOutcome.Status, _ counts: UploadCounts) -> UploadOutcome {
        UploadOutcome(
            status: status, counts: counts, withdrawn: nil,
            imported: .init(given: UInt64(fresh.count + pending.count), already: UInt64(doneCount)))
    }
}
