/// Somebody who may log in, a person or a program. (A *user* is whom a code is given to.)
package struct Account: Hashable, Sendable {
    package let name: String
    package let password: PasswordHash
    package let roles: Roles
    package let reach: Reach

    package init(name: String, password: PasswordHash, roles: Roles, reach: Reach) {
        self.name = name
        self.password = password
        self.roles = roles
        self.reach = reach
    }

    /// Names that the server itself goes by: whoever has only its password or needs none, who comes by the socket of the
    /// administration, and what happens by itself.
    package static let everybody = "default"
    package static let administrator = "administrator"
    package static let reservedNames: Set = [everybody, administrator, Origin.system.user]
}

/// One thing of an account to be changed.
package enum AccountEdit: Hashable, Sendable {
    case roles(Roles)
    case password(PasswordHash)
    /// None of them: every one.
    case lists([String])
    case campaigns([String])
}

/// What a catalog knows of accounts.
package struct Accounts: Sendable {
    private var byName: [String: (account: Account, changedAt: Timestamp)] = [:]
    /// Grows with every change of an account. Not part of the state.
    package private(set) var generation: UInt64 = 0

    package var isEmpty: Bool { byName.isEmpty }
    package var count: Int { byName.count }

    package subscript(_ name: String) -> Account? { byName[name]?.account }

    /// In the order of their names, each with the time since which it is as it is.
    package var all: [(account: Account, changedAt: Timestamp)] {
        byName.values.sorted { $0.account.name < $1.account.name }
    }

    mutating func set(_ account: Account, at time: Timestamp) {
        generation += 1
        byName[account.name] = (account, time)
    }

    mutating func remove(_ name: String) {
        generation += 1
        byName[name] = nil
    }
}
