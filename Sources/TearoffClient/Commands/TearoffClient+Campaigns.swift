import TearoffProtocol

extension TearoffClient {
    /// Makes an active campaign that draws from a list.
    ///
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/exists``, ``TearoffError/Code/expired``.
    public func createCampaign(
        _ name: String, list: String, rule: RetriggerRule = .standard, returns: ReturnRule = .quarantine,
        edits: [CampaignEdit] = []
    ) async throws(TearoffError) {
        let words =
            ["CAMPAIGN", "CREATE", name, "LIST", list, "RETRIGGER"] + rule.arguments
            + ["RETURNS", returns.rawValue] + edits.flatMap(\.arguments)
        try await call(Command(words), timeout: options.replyTimeout).requireOK()
    }

    /// Changes a campaign's rules and settings, for what is asked for from then on.
    ///
    /// - Parameters:
    ///   - rule, returns: nil: as it is.
    /// - Throws: ``TearoffError/Code/noCampaign``; ``TearoffError/Code/syntax`` when nothing is to be changed.
    public func setCampaign(
        _ name: String, rule: RetriggerRule? = nil, returns: ReturnRule? = nil, edits: [CampaignEdit] = []
    ) async throws(TearoffError) {
        var words = ["CAMPAIGN", "SET", name]
        if let rule { words += ["RETRIGGER"] + rule.arguments }
        if let returns { words += ["RETURNS", returns.rawValue] }
        words += edits.flatMap(\.arguments)
        try await call(Command(words), timeout: options.replyTimeout).requireOK()
    }

    /// - Throws: ``TearoffError/Code/noCampaign``.
    public func campaignInfo(_ name: String) async throws(TearoffError) -> CampaignInfo {
        try CampaignInfo(Fields(await call("CAMPAIGN", "INFO", name)))
    }

    /// Every campaign.
    public func campaigns() async throws(TearoffError) -> [CampaignInfo] {
        try await call("CAMPAIGN", "ALL").records(CampaignInfo.init)
    }

    /// Stops a campaign: from then on it gives no new code; repeats inside the window still get theirs.
    ///
    /// - Throws: ``TearoffError/Code/noCampaign``, ``TearoffError/Code/finished``.
    public func finishCampaign(_ name: String) async throws(TearoffError) {
        try await call("CAMPAIGN", "FINISH", name).requireOK()
    }

    /// Makes a finished campaign active again, when its list has codes and is not expired.
    ///
    /// - Throws: ``TearoffError/Code/noCampaign``, ``TearoffError/Code/active``,
    ///   ``TearoffError/Code/exhausted``, ``TearoffError/Code/expired``.
    public func resumeCampaign(_ name: String) async throws(TearoffError) {
        try await call("CAMPAIGN", "RESUME", name).requireOK()
    }
}
