import NIOCore
import TearoffAccounts
import TearoffCore
import TearoffEngine
import TearoffProtocol

/// The commands on accounts. No reply shows what is kept of a password.
extension Session {
    func runAccounts(
        _ command: Command, _ engine: LoopEngine, _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        let accounts = engine.catalog.accounts
        let hasPassword = server.settings.password != nil
        switch command {
        case .accountCreate(let name, let arguments):
            let reach = Reach(lists: arguments.lists ?? [], campaigns: arguments.campaigns ?? [])
            let roles = Roles(arguments.roles ?? [])
            hash(arguments.password, later) { hash, later in
                guard let hash else { preconditionFailure("an account without a password") }
                let account = Account(name: name, password: hash, roles: roles, reach: reach)
                later.change { $0.create(account: account, hasPassword: hasPassword, done: $1) }
            }
        case .accountSet(let name, let arguments):
            let edits = [
                arguments.roles.map { AccountEdit.roles(Roles($0)) }, arguments.lists.map { .lists($0) },
                arguments.campaigns.map { .campaigns($0) },
            ].compactMap { $0 }
            hash(arguments.password, later) { hash, later in
                let edits = edits + (hash.map { [.password($0)] } ?? [])
                later.change { $0.set(account: name, edits: edits, hasPassword: hasPassword, done: $1) }
            }
        case .accountDelete(let name):
            later.change { $0.delete(account: name, hasPassword: hasPassword, done: $1) }
        case .accountList:
            writer.array(accounts.count)
            for (account, changedAt) in accounts.all { writer.account(account, changedAt) }
            return .answered
        case .accountShow(let name):
            guard let found = accounts.all.first(where: { $0.account.name == name }) else {
                writer.error(CatalogError.noAccount(name))
                return .answered
            }
            writer.account(found.account, found.changedAt)
            return .answered
        default: preconditionFailure("not a command on accounts")
        }
        return .later
    }

    /// Hashes the password, if there is one, before the change is asked for.
    private func hash(
        _ password: Secret?, _ later: Later, _ change: @escaping @Sendable (PasswordHash?, Later) -> Void
    ) {
        guard let password else { return change(nil, later) }
        server.logins.passwords.hash(password.bytes) { hash in
            if let hash { change(hash, later) } else { later.refuse(.busy) }
        }
    }
}

extension ReplyWriter {
    fileprivate mutating func account(_ account: Account, _ changedAt: Timestamp) {
        map(5)
        pair("name", account.name)
        pair("roles", account.roles.text)
        pair("lists", account.reach.lists.isEmpty ? "*" : account.reach.lists.joined(separator: ","))
        pair("campaigns", account.reach.campaigns.isEmpty ? "*" : account.reach.campaigns.joined(separator: ","))
        pair("changed-at", changedAt)
    }
}
