extension TearoffClient {
    /// Has an e-mail address told of a list's warnings.
    ///
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/exists``, ``TearoffError/Code/limit``;
    ///   ``TearoffError/Code/syntax`` for what is no address.
    public func addRecipient(email: String, to list: String) async throws(TearoffError) -> Recipient {
        try Recipient(Fields(await call("LIST", "RECIPIENT", list, "ADD", "EMAIL", email)))
    }

    /// Has a webhook told of a list's warnings.
    ///
    /// - Parameter secret: `whsec_` and base64; nil: the server makes one, and tells it in the reply.
    /// - Throws: as for an e-mail address.
    public func addRecipient(
        webhook url: String, secret: String? = nil, to list: String
    ) async throws(TearoffError) -> Recipient {
        let words = ["LIST", "RECIPIENT", list, "ADD", "WEBHOOK", url] + (secret.map { ["SECRET", $0] } ?? [])
        return try Recipient(Fields(await call(Command(words), timeout: options.replyTimeout)))
    }

    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/noRecipient``.
    public func removeRecipient(_ address: String, from list: String) async throws(TearoffError) {
        try await call("LIST", "RECIPIENT", list, "REMOVE", address).requireOK()
    }

    /// Sends each recipient a test message, one after the other.
    ///
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/noFeed``, ``TearoffError/Code/busy``.
    public func testRecipients(of list: String) async throws(TearoffError) -> [RecipientTest] {
        // Each may take as long as the server tries.
        try await call(Command(["LIST", "RECIPIENT", list, "TEST"]), timeout: nil).records(RecipientTest.init)
    }

    /// - Throws: ``TearoffError/Code/noList``.
    public func recipients(of list: String) async throws(TearoffError) -> [Recipient] {
        try await call("LIST", "RECIPIENTS", list).records(Recipient.init)
    }

    /// Has the recipients told when no more than so many of a hundred codes are free.
    ///
    /// - Parameter percent: 1 to 99; nil: never.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListWarning(_ name: String, percent: Int?) async throws(TearoffError) {
        try await call("LIST", "SET", name, "WARNPERCENT", percent.map(String.init) ?? "NEVER").requireOK()
    }

    /// Has the recipients told when the list will be empty within so many hours.
    ///
    /// - Parameter hours: 1 to 8760; nil: never.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListWarning(_ name: String, hoursLeft hours: Int?) async throws(TearoffError) {
        try await call("LIST", "SET", name, "WARNHOURS", hours.map(String.init) ?? "NEVER").requireOK()
    }

    /// Has the recipients told so many days before the list expires.
    ///
    /// - Parameter days: up to 8 different ones; none: never; nil: the usual ones.
    /// - Throws: ``TearoffError/Code/noList``.
    public func setListWarning(_ name: String, daysBeforeExpiry days: [Int]?) async throws(TearoffError) {
        let text = days.map { $0.isEmpty ? "NEVER" : $0.map(String.init).joined(separator: ",") }
        try await call("LIST", "SET", name, "WARNDAYS", text ?? "DEFAULT").requireOK()
    }

    /// How the sending of warnings goes.
    ///
    /// - Throws: ``TearoffError/Code/noFeed``.
    public func deliveryInfo() async throws(TearoffError) -> DeliveryInfo {
        try DeliveryInfo(Fields(await call("DELIVERY", "INFO")))
    }

    /// What is still to be sent, and what could not be.
    ///
    /// - Throws: ``TearoffError/Code/noFeed``.
    public func deliveries() async throws(TearoffError) -> [Delivery] {
        try await call("DELIVERY", "LIST").records(Delivery.init)
    }

    /// Has dead letters tried anew.
    ///
    /// - Parameter number: of one; nil: as many as there is room for.
    /// - Returns: how many.
    /// - Throws: ``TearoffError/Code/noFeed``, ``TearoffError/Code/noDelivery``.
    public func retryDeliveries(_ number: Int? = nil) async throws(TearoffError) -> Int {
        try await call("DELIVERY", "RETRY", number.map(String.init) ?? "ALL").requiredInteger()
    }
}
