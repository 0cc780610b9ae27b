/// Lists whose codes leave the memory, come back, or go for good.
extension Catalog {
    /// - Parameter held: how many codes of a list are held.
    /// - Precondition: the list is frozen: who has which code stays as it is until the record is applied.
    package func decideArchive(
        list name: String, held: (List) -> UInt64, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if list.isArchived { throw .listArchived(name) }
        guard list.isExpired(at: now) else { throw .listNotExpired(name) }
        try checkNothingComesBack(to: list, held: held)
        return [ControlRecord(.listArchived(list.id), at: now)]
    }

    /// - Returns: the list.
    package func checkReturn(list name: String) throws(CatalogError) -> List {
        guard let list = list(named: name) else { throw .noList(name) }
        guard list.isArchived else { throw .listNotArchived(name) }
        return list
    }

    /// - Parameters:
    ///   - held: as above.
    ///   - ledger: of a list.
    /// - Precondition: as above.
    package func decideDelete(
        list name: String, held: (List) -> UInt64, ledger: (List) -> Ledger, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let list = list(named: name) else { throw .noList(name) }
        if let user = campaigns.first(where: { $0.isActive && chain(of: $0).contains(list.id) }) {
            throw .listInUse(name, campaign: user.name)
        }
        try checkNothingComesBack(to: list, held: held)
        return [ControlRecord(.listDeleted(list.id, ledger: ledger(list)), at: now)]
    }

    /// A code that goes back goes to a strip of now, and not to the one that takes its place.
    private func checkNothingComesBack(to list: List, held: (List) -> UInt64) throws(CatalogError) {
        if held(list) > 0 || list.pool.awaitsReturns { throw .listHeld(list.name) }
    }
}
