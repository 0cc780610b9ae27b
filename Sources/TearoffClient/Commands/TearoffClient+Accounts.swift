extension TearoffClient {
    /// Makes an account that may log in.
    ///
    /// - Parameters:
    ///   - roles: of `allocate`, `operate`, `audit`, `reveal`, `export` and `admin`.
    ///   - password: 8 to 1,024 bytes.
    ///   - lists, campaigns: names, each perhaps with a `*` at its end, that the account is limited to; none: all.
    /// - Throws: ``TearoffError/Code/exists``, ``TearoffError/Code/inUse``, ``TearoffError/Code/limit``,
    ///   ``TearoffError/Code/busy``.
    public func createAccount(
        _ name: String, roles: [String], password: String, lists: [String] = [], campaigns: [String] = []
    ) async throws(TearoffError) {
        var words = ["ACCOUNT", "CREATE", name, "ROLES", roles.joined(separator: ","), "PASSWORD", password]
        if !lists.isEmpty { words += ["LISTS", lists.joined(separator: ",")] }
        if !campaigns.isEmpty { words += ["CAMPAIGNS", campaigns.joined(separator: ",")] }
        try await call(Command(words), timeout: options.replyTimeout).requireOK()
    }

    /// Changes an account; what is nil stays as it is, and one of them at least is not.
    ///
    /// - Parameters: as for ``createAccount(_:roles:password:lists:campaigns:)``; no list or campaign: all.
    /// - Throws: ``TearoffError/Code/noAccount``, ``TearoffError/Code/inUse``, ``TearoffError/Code/busy``.
    public func setAccount(
        _ name: String, roles: [String]? = nil, password: String? = nil, lists: [String]? = nil,
        campaigns: [String]? = nil
    ) async throws(TearoffError) {
        var words = ["ACCOUNT", "SET", name]
        if let roles { words += ["ROLES", roles.joined(separator: ",")] }
        if let password { words += ["PASSWORD", password] }
        if let lists { words += ["LISTS", lists.isEmpty ? "*" : lists.joined(separator: ",")] }
        if let campaigns { words += ["CAMPAIGNS", campaigns.isEmpty ? "*" : campaigns.joined(separator: ",")] }
        try await call(Command(words), timeout: options.replyTimeout).requireOK()
    }

    /// - Throws: ``TearoffError/Code/noAccount``, ``TearoffError/Code/inUse``.
    public func deleteAccount(_ name: String) async throws(TearoffError) {
        try await call("ACCOUNT", "DELETE", name).requireOK()
    }

    /// Every account, in the order of their names.
    public func accounts() async throws(TearoffError) -> [Account] {
        try await call("ACCOUNT", "LIST").records(Account.init)
    }

    /// - Throws: ``TearoffError/Code/noAccount``.
    public func account(_ name: String) async throws(TearoffError) -> Account {
        try Account(Fields(await call("ACCOUNT", "SHOW", name)))
    }
}
