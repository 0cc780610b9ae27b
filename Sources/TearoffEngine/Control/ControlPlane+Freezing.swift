import TearoffCore

/// Changes that must know who has which code of a list: nobody is given a new one of it meanwhile.
///
/// Repeats, the ends of holds and look-ups go on. A campaign whose list is frozen neither finishes nor counts as empty;
/// that is looked at again behind the thaw.
extension ControlPlane {
    /// Freezes a list. It stays so until ``changeFrozen(_:_:done:)`` or ``thaw(_:done:)``, one of which must follow.
    ///
    /// - Parameter done: called on this loop when no loop claims from it any more.
    func freeze(_ name: String, done: @escaping (Result<ListID, ControlError>) -> Void) {
        submit(
            ControlJob(
                work: .unrecorded { catalog throws(CatalogError) in
                    guard let list = catalog.list(named: name) else { throw .noList(name) }
                    catalog.freeze(list.id)
                },
                done: { result in
                    done(
                        result.map { cut in
                            guard let list = cut.catalog.list(named: name) else {
                                preconditionFailure("a list was frozen that is not there")
                            }
                            return list.id
                        })
                }))
    }

    /// Makes a change of a list while nobody is given a code of it, when that is all that the change needs.
    func changeFreezing(
        _ name: String, by origin: Origin,
        _ decide: @escaping (Catalog, Timestamp) throws(CatalogError) -> [ControlRecord],
        done: @escaping (Result<Void, ControlError>) -> Void
    ) {
        freeze(name) { [self] frozen in
            switch frozen {
            case .success(let id):
                changeFrozen(
                    id, by: origin,
                    { catalog, now throws(CatalogError) in Proposal(records: try decide(catalog, now)) }, done: done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// Makes a change of a frozen list, and thaws it whether that succeeded or not; then `done` is called.
    func changeFrozen(
        _ list: ListID, by origin: Origin, _ decide: @escaping (Catalog, Timestamp) throws(CatalogError) -> Proposal,
        done: @escaping (Result<Void, ControlError>) -> Void
    ) {
        submitNext(
            ControlJob(
                work: .change(by: origin, decide),
                done: { [self] result in thaw(list) { done(result.map { _ in }) } }))
    }

    /// - Parameter done: called on this loop when every loop gives codes of the list again, or the engine has failed.
    func thaw(_ list: ListID, done: @escaping () -> Void) {
        submitNext(
            ControlJob(
                work: .unrecorded { $0.thaw(list) },
                done: { [self] result in
                    if case .success = result { listIsDrained(list) }
                    done()
                }))
    }
}
