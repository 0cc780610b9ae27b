import TearoffProtocol

extension TearoffClient {
    /// Gives the user a code of the campaign, or the same one again inside the campaign's window. It is on
    /// disk when this returns.
    ///
    /// - Parameters:
    ///   - user: the caller's key of the user, 1 to 255 bytes.
    ///   - userID: the marketing system's own id of the user, kept beside it.
    ///   - key: an idempotency key, 1 to 255 bytes, that no other request has. For 24 hours the same call brings the same
    ///     allocation with it, whatever the campaign's window and state, and any other call
    ///     ``TearoffError/Code/keyReuse``.
    /// - Throws: ``TearoffError/Code/noCampaign``, ``TearoffError/Code/exhausted``,
    ///   ``TearoffError/Code/expired``, ``TearoffError/Code/finished`` and what any command may throw.
    public func allocate(
        campaign: String, user: String, userID: String? = nil, key: String? = nil
    ) async throws(TearoffError) -> Allocation {
        let command = Self.allocation(campaign: campaign, user: user, userID: userID, key: key, isFull: true)
        return try Allocation(Fields(await call(command, timeout: options.replyTimeout)))
    }

    /// As ``allocate(campaign:user:userID:key:)``, but brings the code only: the cheapest way.
    public func allocateCode(
        campaign: String, user: String, userID: String? = nil, key: String? = nil
    ) async throws(TearoffError) -> String {
        let command = Self.allocation(campaign: campaign, user: user, userID: userID, key: key, isFull: false)
        return try await call(command, timeout: options.replyTimeout).requiredText()
    }

    /// Keeps a code of the campaign for the user: from ``confirm(campaign:user:)`` on it is the user's; without that
    /// it goes back at the deadline, or with ``release(campaign:user:)``. It is on disk when this returns.
    ///
    /// A user who has a code inside the campaign's window, held or given, gets the same one; a deadline that is
    /// running does not change.
    ///
    /// - Parameters:
    ///   - user, userID, key: as for ``allocate(campaign:user:userID:key:)``.
    ///   - duration: at least 1 ms, at most 31 days.
    /// - Throws: as ``allocate(campaign:user:userID:key:)``.
    public func hold(
        campaign: String, user: String, for duration: Duration, userID: String? = nil, key: String? = nil
    ) async throws(TearoffError) -> Hold {
        var words = ["HOLD", campaign, user, "FOR", "\(RetriggerRule.milliseconds(duration))ms"]
        if let userID { words += ["USERID", userID] }
        if let key { words += ["KEY", key] }
        let command = Command(words + ["FULL"])
        return try Hold(Fields(await call(command, timeout: options.replyTimeout)))
    }

    /// Gives the user the code that is held, for good: as if it had been given now. Once more, it changes nothing.
    ///
    /// - Throws: ``TearoffError/Code/noHold`` when it has gone back, or there was none;
    ///   ``TearoffError/Code/noCampaign``, ``TearoffError/Code/expired``.
    public func confirm(campaign: String, user: String) async throws(TearoffError) {
        try await call("CONFIRM", campaign, user).requireOK()
    }

    /// Gives back the code that is held for the user.
    ///
    /// - Throws: ``TearoffError/Code/noHold`` when nothing is held, also when it was given back before;
    ///   ``TearoffError/Code/given`` when the user has it for good; ``TearoffError/Code/noCampaign``.
    public func release(campaign: String, user: String) async throws(TearoffError) {
        try await call("RELEASE", campaign, user).requireOK()
    }

    /// A code for each of many users, in one write.
    ///
    /// - Returns: as many results as users, in their order. Each allocation stands for itself.
    public func allocateCodes(
        campaign: String, users: [String]
    ) async -> [Result<String, TearoffError>] {
        let commands = users.map {
            Self.allocation(campaign: campaign, user: $0, userID: nil, key: nil, isFull: false)
        }
        return await replies(to: commands).map { result in
            result.flatMap { reply in
                reply.text.map { .success($0) } ?? .failure(.invalid("no text"))
            }
        }
    }

    /// A code for each of many users in one command, on disk as one step when this returns: all of it or, when the
    /// server fails, nothing. It may be repeated as ``allocate(campaign:user:userID:key:)`` may.
    ///
    /// - Parameter users: 1 to ``Limits/usersOfOneCall``, each 1 to 255 bytes; one who stands there twice gets one
    ///   code.
    /// - Returns: as many as users, in their order.
    /// - Throws: ``TearoffError/Code/noCampaign``; ``TearoffError/Code/limit`` when one step cannot hold as many users
    ///   of that length; what any command may throw. No user was given anything by a call that the server refused.
    public func allocateMany(
        campaign: String, users: [String]
    ) async throws(TearoffError) -> [UserAllocation] {
        try await startAllocateMany(campaign: campaign, users: users).results()
    }

    /// Sends what ``allocateMany(campaign:users:)`` does without waiting for the reply: calls that are started one after
    /// the other are carried out in that order.
    public func startAllocateMany(
        campaign: String, users: [String]
    ) throws(TearoffError) -> PendingAllocations {
        let command = Command(["ALLOCMANY", campaign] + users)
        return PendingAllocations(
            call: try start(command, timeout: options.replyTimeout), userCount: users.count)
    }

    /// What ``allocate(campaign:user:userID:key:)`` would bring now, whatever the campaign's state. Nothing is
    /// given, however often it is asked; until the allocation, another user may get the code.
    ///
    /// - Parameter user: nil for any user to whom the campaign has given nothing.
    /// - Throws: ``TearoffError/Code/noCampaign`` and what any command may throw.
    public func preview(campaign: String, user: String? = nil) async throws(TearoffError) -> Preview {
        let words = ["PREVIEW", campaign] + (user.map { [$0] } ?? [])
        return try Preview(Fields(await call(Command(words), timeout: options.replyTimeout)))
    }

    /// Every code that a user was given, by any campaign, oldest first; empty for an unknown user.
    public func userHistory(_ user: String) async throws(TearoffError) -> [HistoryEntry] {
        try await call("USER", "HISTORY", user).records(HistoryEntry.init)
    }

    /// Where a code stands and who has it; empty for an unknown code.
    public func findCode(_ code: String) async throws(TearoffError) -> [CodePlace] {
        try await call("CODE", "FIND", code).records(CodePlace.read).compactMap { $0 }
    }

    private static func allocation(
        campaign: String, user: String, userID: String?, key: String?, isFull: Bool
    ) -> Command {
        var words = ["ALLOC", campaign, user]
        if let userID { words += ["USERID", userID] }
        if let key { words += ["KEY", key] }
        if isFull { words.append("FULL") }
        return Command(words)
    }
}
