extension TearoffClient {
    /// Reads events of the feed.
    ///
    /// - Parameters:
    ///   - from: number of the first.
    ///   - count: most to bring, 1 to ``Limits/feedPage``; nil: a hundred.
    ///   - wait: how long to wait for one when there is none, up to a minute; nil: not at all.
    /// - Throws: ``TearoffError/Code/noFeed`` when the server keeps none; ``TearoffError/Code/feedAhead`` when the feed
    ///   has not come that far.
    public func feed(
        from: Int, count: Int? = nil, wait: Duration? = nil
    ) async throws(TearoffError) -> FeedPage {
        var words = ["FEED", "READ", "\(from)"]
        if let count { words += ["COUNT", "\(count)"] }
        if let wait { words += ["BLOCK", "\(max(1, wait.components.seconds * 1_000))"] }
        let patience = options.replyTimeout.map { $0 + (wait ?? .zero) }
        return try FeedPage(Fields(await call(Command(words), timeout: patience)))
    }

    /// How far back the feed goes.
    public func feedInfo() async throws(TearoffError) -> FeedInfo {
        try FeedInfo(Fields(await call("FEED", "INFO")))
    }
}
