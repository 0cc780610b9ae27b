import TearoffCore
import TearoffProtocol

/// Whom a connection acts for, and what that allows.
struct Identity: Equatable, Sendable {
    /// How it came to be, which says when it ends.
    private enum Source: Equatable {
        /// Nobody needs to log in: there is neither a password nor an account.
        case open
        /// The server is loading, so it is not known whether there are accounts.
        case loading
        case serverPassword
        case account(PasswordHash)
        case unixSocket
    }

    /// By which way a connection comes that needs no password.
    enum Door {
        /// Only who owns the server can open it: the file system sees to that.
        case unixSocket
    }

    /// As the audit trail tells it.
    let name: String
    let roles: Roles
    /// nil: every list and campaign.
    let reach: Reach?
    private let source: Source

    private init(name: String, roles: Roles, reach: Reach? = nil, _ source: Source) {
        self.name = name
        self.roles = roles
        self.reach = reach
        self.source = source
    }

    private init(_ account: Account) {
        let isLimited = account.reach != .everything && !account.roles.contains(.admin)
        self.init(
            name: account.name, roles: account.roles.granted, reach: isLimited ? account.reach : nil,
            .account(account.password))
    }

    static func administrator(of door: Door) -> Identity {
        switch door {
        case .unixSocket: Identity(name: Account.administrator, roles: .all, .unixSocket)
        }
    }

    /// Who has sent the server's own password.
    static let serverPassword = Identity(name: Account.everybody, roles: .all, .serverPassword)

    static func account(_ account: Account) -> Identity { Identity(account) }

    /// Who has not logged in: everybody where nobody needs to, and else nobody.
    ///
    /// - Parameters:
    ///   - hasPassword: whether the server has one of its own.
    ///   - accounts: nil while it is loading.
    static func withoutLogin(hasPassword: Bool, _ accounts: Accounts?) -> Identity? {
        if hasPassword { return nil }
        guard let accounts else { return Identity(name: Account.everybody, roles: [], .loading) }
        return accounts.isEmpty ? Identity(name: Account.everybody, roles: .all, .open) : nil
    }

    /// What becomes of it when accounts have changed: an account that is gone, or has another password, is out.
    func renewed(hasPassword: Bool, _ accounts: Accounts) -> Identity? {
        switch source {
        case .open, .loading: Self.withoutLogin(hasPassword: hasPassword, accounts)
        case .serverPassword, .unixSocket: self
        case .account(let password):
            accounts[name].flatMap { $0.password == password ? Identity($0) : nil }
                ?? Self.withoutLogin(hasPassword: hasPassword, accounts)
        }
    }
}

extension Identity {
    func may(_ need: RoleNeed) -> Bool {
        switch need {
        case .none: true
        case .role(let role): roles.contains(Roles(role))
        case .either(let first, let second): !roles.isDisjoint(with: [Roles(first), Roles(second)])
        }
    }

    var sight: Sight { Sight(showsCodes: roles.contains(.reveal), reach: reach) }
}

/// What somebody sees who looks.
struct Sight: Sendable {
    /// Whether codes are shown whole.
    let showsCodes: Bool
    /// nil: everything.
    let reach: Reach?

    /// Of nobody: what is asked for is refused before.
    static let none = Sight(showsCodes: false, reach: nil)

    func sees(_ list: List) -> Bool { reach?.reaches(list) ?? true }
    func sees(_ campaign: Campaign, in catalog: Catalog) -> Bool { reach?.reaches(campaign, in: catalog) ?? true }
}

extension Roles {
    init(_ role: Role) {
        switch role {
        case .allocate: self = .allocate
        case .operate: self = .operate
        case .audit: self = .audit
        case .reveal: self = .reveal
        case .export: self = .export
        case .admin: self = .admin
        }
    }

    init(_ roles: [Role]) { self = roles.reduce(into: []) { $0.formUnion(Roles($1)) } }
}
