import TearoffProtocol

extension TearoffClient {
    /// Gives the user a code of the campaign, or the same one again inside the campaign's window. It is on
    /// disk when this returns.
    ///
    /// - Parameters:
    ///   - user: the caller's key of the user, 1 to 255 bytes.
    ///   - userID: the marketing system's own id of the user, kept beside it.
    /// - Throws: ``TearoffError/Code/noCampaign``, ``TearoffError/Code/exhausted``,
    ///   ``TearoffError/Code/expired``, ``TearoffError/Code/finished`` and what any command may throw.
    public func allocate(
        campaign: String, user: String, userID: String? = nil
    ) async throws(TearoffError) -> Allocation {
        let command = Self.allocation(campaign: campaign, user: user, userID: userID, isFull: true)
        return try Allocation(Fields(await call(command, timeout: options.replyTimeout)))
    }

    /// As ``allocate(campaign:user:userID:)``, but brings the code only: the cheapest way.
    public func allocateCode(
        campaign: String, user: String, userID: String? = nil
    ) async throws(TearoffError) -> String {
        let command = Self.allocation(campaign: campaign, user: user, userID: userID, isFull: false)
        return try await call(command, timeout: options.replyTimeout).requiredText()
    }

    /// A code for each of many users, in one write.
    ///
    /// - Returns: as many results as users, in their order. Each allocation stands for itself.
    public func allocateCodes(
        campaign: String, users: [String]
    ) async -> [Result<String, TearoffError>] {
        let commands = users.map {
            Self.allocation(campaign: campaign, user: $0, userID: nil, isFull: false)
        }
        return await replies(to: commands).map { result in
            result.flatMap { reply in
                reply.text.map { .success($0) } ?? .failure(.invalid("no text"))
            }
        }
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
        campaign: String, user: String, userID: String?, isFull: Bool
    ) -> Command {
        var words = ["ALLOC", campaign, user]
        if let userID { words += ["USERID", userID] }
        if isFull { words.append("FULL") }
        return Command(words)
    }
}
