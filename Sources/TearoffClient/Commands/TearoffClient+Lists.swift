import TearoffProtocol

extension TearoffClient {
    /// Makes an empty list, or one with its fixed code.
    ///
    /// - Parameters:
    ///   - name: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
    ///   - warnAt: the list counts as low when no more than so many codes are free.
    /// - Throws: ``TearoffError/Code/exists``; ``TearoffError/Code/syntax`` for a name or date that is none.
    public func createList(
        _ name: String, _ kind: ListKind = .unique, expires: Expiry = .never, warnAt: Int? = nil
    ) async throws(TearoffError) {
        var words = ["LIST", "CREATE", name]
        switch kind {
        case .unique: words.append("UNIQUE")
        case .fixed(let code, let limit): words += ["FIXED", code, "\(limit)"]
        }
        if let date = expires.argument { words += ["EXPIRES", date] }
        if let warnAt { words += ["WARN", "\(warnAt)"] }
        try await call(Command(words), timeout: options.replyTimeout).requireOK()
    }

    /// - Throws: ``TearoffError/Code/noList``.
    public func listInfo(_ name: String) async throws(TearoffError) -> ListInfo {
        try ListInfo(Fields(await call("LIST", "INFO", name)))
    }

    /// The files that a list was loaded from, oldest first.
    ///
    /// - Parameters:
    ///   - from: begins at that upload id: one more than the last one that was read brings the next page.
    ///   - count: most to bring, 1 to ``Limits/uploadsPage``.
    /// - Throws: ``TearoffError/Code/noList``.
    public func listUploads(
        _ name: String, from: Int = 0, count: Int = Limits.uploadsPage
    ) async throws(TearoffError) -> [ListUpload] {
        try await call("LIST", "UPLOADS", name, "FROM", "\(from)", "COUNT", "\(count)")
            .records(ListUpload.init)
    }

    /// Takes the free codes of an upload out of its list; codes that users have stay theirs. Nothing changes when
    /// that was done before.
    ///
    /// - Returns: the upload as it is now.
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/noUpload``.
    public func undoUpload(_ upload: Int, of list: String) async throws(TearoffError) -> ListUpload {
        let uploads = try await call("LIST", "UNDO", list, "\(upload)").records(ListUpload.init)
        guard let upload = uploads.first else { throw .invalid("it tells of no upload") }
        return upload
    }

    /// Takes the codes of an expired list out of the server's memory. Its history stays readable.
    ///
    /// - Throws: ``TearoffError/Code/noList``; ``TearoffError/Code/inUse`` when it is not past its expiry, or codes of it
    ///   are held; ``TearoffError/Code/archived`` when it is archived already.
    public func archiveList(_ name: String) async throws(TearoffError) {
        try await call("LIST", "ARCHIVE", name).requireOK()
    }

    /// Brings the codes of an archived list back; the list is past its expiry as before.
    ///
    /// - Throws: ``TearoffError/Code/noList``; ``TearoffError/Code/active`` when it is not archived;
    ///   ``TearoffError/Code/damaged`` when its codes cannot be read.
    public func returnList(_ name: String) async throws(TearoffError) {
        try await call("LIST", "RETURN", name).requireOK()
    }

    /// Removes a list and its campaigns for good.
    ///
    /// - Throws: ``TearoffError/Code/noList``; ``TearoffError/Code/inUse`` when a campaign that draws from it is active,
    ///   or codes of it are held.
    public func deleteList(_ name: String) async throws(TearoffError) {
        try await call("LIST", "DELETE", name, "CONFIRM", name).requireOK()
    }

    /// Every list.
    public func lists() async throws(TearoffError) -> [ListInfo] {
        try await call("LIST", "ALL").records(ListInfo.init)
    }

    /// Changes when a list expires. A later expiry does not restart campaigns that are finished: see
    /// ``resumeCampaign(_:)``.
    ///
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListExpiry(_ name: String, _ expiry: Expiry) async throws(TearoffError) {
        try await call("LIST", "SET", name, "EXPIRES", expiry.argument ?? "NEVER").requireOK()
    }

    /// Changes when a list counts as low.
    ///
    /// - Parameter warnAt: nil: never.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListWarning(_ name: String, at warnAt: Int?) async throws(TearoffError) {
        try await call("LIST", "SET", name, "WARN", warnAt.map(String.init) ?? "NEVER").requireOK()
    }

    /// Changes how many days before its expiry a list's campaigns give no new codes any more.
    ///
    /// - Parameter days: nil: they give until it expires.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListStop(_ name: String, daysBeforeExpiry days: Int?) async throws(TearoffError) {
        try await call("LIST", "SET", name, "STOP", days.map(String.init) ?? "NONE").requireOK()
    }

    /// Changes how many of a list's codes one user gets at most, over all campaigns.
    ///
    /// - Parameter count: nil: no such limit.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListCodesPerUser(_ name: String, _ count: Int?) async throws(TearoffError) {
        try await call("LIST", "SET", name, "PERUSER", count.map(String.init) ?? "NONE").requireOK()
    }

    /// Changes whether a list refuses lines of a file whose codes stand in another list. What is in it stays.
    ///
    /// - Throws: ``TearoffError/Code/noList``.
    public func setList(_ name: String, refusesCodesOfOthers refuses: Bool) async throws(TearoffError) {
        try await call("LIST", "SET", name, "OTHERLISTS", refuses ? "refuse" : "allow").requireOK()
    }

    /// Changes the code of a fixed list, or how often it is given in all; users keep what they were given. Campaigns
    /// that are finished stay so: see ``resumeCampaign(_:)``.
    ///
    /// - Parameters:
    ///   - code: nil: as it is.
    ///   - limit: no less than were given, are held or burned; nil: as it is. One of the two at least.
    /// - Throws: ``TearoffError/Code/noList``; ``TearoffError/Code/syntax`` for a list that is not fixed, or a limit
    ///   that is too low.
    public func setFixedCode(
        _ name: String, code: String? = nil, limit: Int? = nil
    ) async throws(TearoffError) {
        let words = (code.map { ["CODE", $0] } ?? []) + (limit.map { ["LIMIT", "\($0)"] } ?? [])
        try await call(Command(["LIST", "SET", name] + words), timeout: options.replyTimeout).requireOK()
    }

    /// Gives a list another name; its campaigns and its codes stay what they are.
    ///
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/exists``.
    public func renameList(_ name: String, to newName: String) async throws(TearoffError) {
        try await call("LIST", "SET", name, "NAME", newName).requireOK()
    }
}
