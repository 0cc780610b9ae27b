package import TearoffCore
import TearoffLog

/// The operator's changes. Each `done` is called on the control loop, when the change is durable and every
/// loop has it.
extension ControlPlane {
    package typealias Done = (Result<Void, ControlError>) -> Void

    private func change(
        _ decide: @escaping (Catalog, Timestamp) throws(CatalogError) -> [ControlRecord], done: @escaping Done
    ) {
        submit(
            ControlJob(
                work: .change { catalog, now throws(CatalogError) in
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
        freeze(list) { [self] frozen in
            switch frozen {
            case .success(let id):
                changeFrozen(
                    id,
                    { [engine] catalog, now throws(CatalogError) in
                        let records = try catalog.decideSetFixed(
                            list: list, code: code, limit: limit,
                            taken: { engine.ledgers(of: [$0])[0].taken }, now: now)
                        return Proposal(records: records)
                    }, done: done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// Takes the free codes of an upload out of its list. Nothing changes when that was done before.
    package func withdrawUpload(
        _ upload: UInt64, of list: String,
        done: @escaping (Result<(list: List, upload: UploadReceipt), ControlError>) -> Void
    ) {
        submit(
            ControlJob(
                work: .change { catalog, now throws(CatalogError) in
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

    /// - Parameters:
    ///   - rule, returns: nil: as it is.
    package func setCampaign(
        name: String, rule: RetriggerRule?, returns: ReturnRule?, done: @escaping Done
    ) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSet(campaign: name, rule: rule, returns: returns, now: now)
            }, done: done)
    }

    package func createCampaign(
        name: String, list: String, rule: RetriggerRule, returns: ReturnRule, done: @escaping Done
    ) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideCreateCampaign(
                    name: name, list: list, rule: rule, returns: returns, now: now)
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
