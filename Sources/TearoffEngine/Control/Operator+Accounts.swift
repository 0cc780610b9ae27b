package import TearoffCore

/// Changes of who may log in, and of what they may do then.
extension Operator {
    /// - Parameters:
    ///   - hasPassword: whether the server has a password of its own, whose owner may do everything.
    ///   - done: called on the control loop, when the change is durable and every loop has it.
    package func create(account: Account, hasPassword: Bool, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideCreate(account: account, hasPassword: hasPassword, now: now)
            }, done: done)
    }

    package func set(account name: String, edits: [AccountEdit], hasPassword: Bool, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideSet(account: name, edits: edits, hasPassword: hasPassword, now: now)
            }, done: done)
    }

    package func delete(account name: String, hasPassword: Bool, done: @escaping Done) {
        change(
            { catalog, now throws(CatalogError) in
                try catalog.decideDelete(account: name, hasPassword: hasPassword, now: now)
            }, done: done)
    }
}
