package import TearoffCore
import TearoffLog

/// An operator at the control plane: nothing is changed without a name under it. To be used on the control loop.
package struct Operator {
    let control: ControlPlane
    let origin: Origin
}

extension ControlPlane {
    package typealias Done = (Result<Void, ControlError>) -> Void

    /// The control plane for somebody who asks for something.
    package func asked(by origin: Origin) -> Operator { Operator(control: self, origin: origin) }
}

/// The operator's changes. Each `done` is called on the control loop, when the change is durable and every
/// loop has it.
extension Operator {
    package typealias Done = ControlPlane.Done

    func change(
        _ decide: @escaping (Catalog, Timestamp) throws(CatalogError) -> [ControlRecord], done: @escaping Done
    ) {
        control.submit(
            ControlJob(
                work: .change(by: origin) { catalog, now throws(CatalogError) in
                    Proposal(records: try decide(catalog, now))
                },
                done: { result in done(result.map { _ in }) }))
    }

    package func createList(
        name: String, kind: List.Kind, expiresAt: Timestamp?, warnAt: UInt64?, done: @escaping Done
    ) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideCreateList(
                    name: name, kind: kind, expiresAt: expiresAt, warnAt: warnAt, now: now)
            }, done: done)
    }

    /// - Parameter expiresAt: nil: never.
    package func setExpiry(list: String, expiresAt: Timestamp?, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSetExpiry(list: list, expiresAt: expiresAt, now: now)
            }, done: done)
    }

    /// - Parameter warnAt: nil: no warning.
    package func setWarning(list: String, warnAt: UInt64?, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSetWarning(list: list, warnAt: warnAt, now: now)
            }, done: done)
    }

    package func renameList(_ list: String, to newName: String, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideRename(list: list, to: newName, now: now)
            }, done: done)
    }

    /// Changes a fixed list's code, or how often it is given in all; users keep what they were given.
    ///
    /// - Parameters:
    ///   - code: as a line of a file may have it; nil: as it is.
    ///   - limit: up to ``Limits/fixedLimit``; nil: as it is.
    package func setFixed(list: String, code: [UInt8]?, limit: UInt32?, done: @escaping Done) {
        let engine = control.engine
        control.changeFreezing(
            list, by: origin,
            { catalog, now throws(CatalogError) in
                try catalog.decideSetFixed(
                    list: list, code: code, limit: limit, taken: { engine.ledgers(of: [$0])[0].ledger.taken }, now: now)
            }, done: done)
    }

    /// Takes the free codes of an upload out of its list. Nothing changes when that was done before.
    package func withdrawUpload(
        _ upload: UInt64, of list: String,
        done: @escaping (Result<(list: List, upload: UploadReceipt), ControlError>) -> Void
    ) {
        control.submit(
            ControlJob(
                work: .change(by: origin) { catalog, now throws(CatalogError) in
                    Proposal(records: try catalog.decideWithdraw(upload: upload, of: list, now: now))
                },
                done: { result in
                    done(
                        result.map { cut in
                            guard let list = cut.catalog.list(named: list),
                                let receipt = list.uploads(from: upload, count: 1).first
                            else { preconditionFailure("an upload that was withdrawn is there") }
                            return (list, receipt)
                        })
                }))
    }

    package func setList(_ list: String, edits: [ListEdit], done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSet(list: list, edits: edits, now: now)
            }, done: done)
    }

    package func setWarning(list: String, _ edit: WarningEdit, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSet(list: list, warning: edit, now: now)
            }, done: done)
    }

    package func add(recipient: Recipient, to list: String, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideAdd(recipient: recipient, to: list, now: now)
            }, done: done)
    }

    package func remove(recipient address: String, of list: String, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideRemove(recipient: address, of: list, now: now)
            }, done: done)
    }

    /// - Parameters:
    ///   - rule, returns: nil: as it is.
    package func setCampaign(
        name: String, rule: RetriggerRule?, returns: ReturnRule?, edits: [CampaignEdit] = [], done: @escaping Done
    ) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSet(campaign: name, rule: rule, returns: returns, edits: edits, now: now)
            }, done: done)
    }

    package func createCampaign(
        name: String, list: String, rule: RetriggerRule, returns: ReturnRule, edits: [CampaignEdit] = [],
        done: @escaping Done
    ) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideCreateCampaign(
                    name: name, list: list, rule: rule, returns: returns, edits: edits, now: now)
            }, done: done)
    }

    package func finishCampaign(name: String, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in try catalog.decideFinish(campaign: name, now: now) },
            done: done)
    }

    package func resumeCampaign(name: String, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in try catalog.decideResume(campaign: name, now: now) },
            done: done)
    }
}

/// What changes no list and no campaign, and is in the audit trail all the same: before it is done, so that none of it
/// is done without a trace.
extension Operator {
    /// Writes a snapshot.
    ///
    /// - Parameter done: called on some thread.
    package func snapshot(done: @escaping @Sendable (Result<SnapshotReceipt, ControlError>) -> Void) {
        let snapshots = control.snapshots
        guard snapshots.start() else { return done(.failure(.busy)) }
        let latest = snapshots.latestNumber
        let act = Act(.snapshot, before: "snapshot=\(latest)", after: "snapshot=\(latest + 1)")
        note(act) { [control] result in
            switch result {
            case .success:
                control.writeSnapshot { result in
                    snapshots.end()
                    done(result)
                }
            case .failure(let error):
                snapshots.end()
                done(.failure(error))
            }
        }
    }

    /// Writes down that an export was begun. Nothing of it may be told before `done` says that this is durable.
    package func noteExport(_ query: ExportQuery, done: @escaping Done) {
        note(query.act(in: control.engine.latestCatalog), done: done)
    }

    /// Sends each recipient of a list a test, once.
    ///
    /// - Parameter done: called on some thread.
    package func testRecipients(
        of list: List, at desk: DeliveryDesk,
        done: @escaping @Sendable (Result<[DeliveryTest], ControlError>) -> Void
    ) {
        note(Act(.listRecipient, object: list.name, after: "test=sent")) { result in
            switch result {
            case .success: desk.test(list, done: done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// Tries dead letters anew.
    ///
    /// - Parameters:
    ///   - number: of one; nil: as many as there is room for.
    ///   - done: called on some thread, with how many there are; 0: none of that number.
    package func retryDelivery(
        _ number: UInt64?, at desk: DeliveryDesk, done: @escaping @Sendable (Result<Int, ControlError>) -> Void
    ) {
        note(Act(.deliveryRetry, after: "delivery=\(number.map(String.init) ?? "all")")) { result in
            switch result {
            case .success: desk.retry(number, done: done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// Writes down that the server is to stop.
    package func noteShutdown(done: @escaping Done) { note(Act(.shutdown), done: done) }

    func note(_ act: Act, done: @escaping Done) {
        control.submit(
            ControlJob(work: .note(act, by: origin), done: { result in done(result.map { _ in }) }))
    }
}
