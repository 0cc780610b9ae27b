/// Accounts that are made, changed and deleted.
extension Catalog {
    /// - Parameter hasPassword: whether the server has a password of its own, whose owner may do everything.
    package func decideCreate(
        account: Account, hasPassword: Bool, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        if Account.reservedNames.contains(account.name) { throw .accountReserved(account.name) }
        if accounts[account.name] != nil { throw .accountExists(account.name) }
        if accounts.count >= Limits.accounts { throw .tooMany(what: "accounts", maximum: Limits.accounts) }
        try check(hasPassword, administratorsWithout: account.name, and: account.roles)
        return [ControlRecord(.accountSet(account), at: now)]
    }

    package func decideSet(
        account name: String, edits: [AccountEdit], hasPassword: Bool, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard let account = accounts[name] else { throw .noAccount(name) }
        var (password, roles, reach) = (account.password, account.roles, account.reach)
        for edit in edits {
            switch edit {
            case .roles(let new): roles = new
            case .password(let new): password = new
            case .lists(let new): reach = Reach(lists: new, campaigns: reach.campaigns)
            case .campaigns(let new): reach = Reach(lists: reach.lists, campaigns: new)
            }
        }
        try check(hasPassword, administratorsWithout: name, and: roles)
        return [
            ControlRecord(.accountSet(Account(name: name, password: password, roles: roles, reach: reach)), at: now)
        ]
    }

    package func decideDelete(
        account name: String, hasPassword: Bool, now: Timestamp
    ) throws(CatalogError) -> [ControlRecord] {
        guard accounts[name] != nil else { throw .noAccount(name) }
        // Without any account and without a password everybody may do everything, as before the first one.
        if accounts.count > 1 { try check(hasPassword, administratorsWithout: name, and: []) }
        return [ControlRecord(.accountDeleted(name: name), at: now)]
    }

    /// Somebody must be able to change accounts: the server's password, or an account.
    private func check(
        _ hasPassword: Bool, administratorsWithout name: String, and roles: Roles
    ) throws(CatalogError) {
        if hasPassword || roles.contains(.admin) { return }
        let others = accounts.all.map(\.account).filter { $0.name != name }
        guard others.contains(where: { $0.roles.contains(.admin) }) else { throw .noAdministrator(name) }
    }

    /// The records that lead to these accounts.
    var accountRecords: [ControlRecord] {
        accounts.all.map { ControlRecord(.accountSet($0.account), at: $0.changedAt) }
    }
}
