import TearoffCore
import TearoffDelivery
import TearoffEngine
import TearoffLog
import TearoffProtocol

/// Who is told of warnings, and what is sent.
extension Session {
    func runRecipients(
        _ command: Command, _ engine: LoopEngine, _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        switch command {
        case .recipientAdd(let list, let argument): return add(argument, to: list, later, &writer)
        case .recipientRemove(let list, let address):
            later.change { control, done in control.remove(recipient: address, of: list, done: done) }
        case .recipientTest(let name):
            guard let list = list(named: name, engine, &writer), let desk = desk(&writer) else { return .answered }
            later.control { control in
                control.testRecipients(of: list, at: desk) {
                    later.reply($0) { writer, tests in writer.tests(tests) }
                }
            }
        case .listRecipients(let name):
            guard let list = list(named: name, engine, &writer) else { return .answered }
            let problem = server.mailProblem
            writer.array(list.recipients.count)
            for recipient in list.recipients { writer.recipient(recipient, mailProblem: problem) }
            return .answered
        default: preconditionFailure("not a command on recipients")
        }
        return .later
    }

    func runDeliveries(
        _ command: Command, _ engine: Engine, _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = desk(&writer) else { return .answered }
        switch command {
        case .deliveryInfo:
            writer.deliveries(desk.info)
            return .answered
        case .deliveryList:
            writer.deliveryList(desk.info, in: engine.latestCatalog, seenBy: sight)
            return .answered
        case .deliveryRetry(let number):
            later.control { control in
                control.retryDelivery(number, at: desk) {
                    later.reply($0) { writer, count in
                        if let number, count == 0 {
                            writer.error(.noDelivery, "there is no dead letter \(number)")
                        } else {
                            writer.integer(Int64(count))
                        }
                    }
                }
            }
            return .later
        default: preconditionFailure("not a command on deliveries")
        }
    }

    private func desk(_ writer: inout ReplyWriter) -> DeliveryDesk? {
        if server.deliveries == nil {
            writer.error(.noFeed, "the server keeps no feed, from which warnings are sent")
        }
        return server.deliveries
    }

    /// No error shows what was sent: it may be the secret.
    private func add(
        _ argument: RecipientArgument, to list: String, _ later: Later, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        let recipient: Recipient
        var madeSecret: [UInt8]?
        switch argument {
        case .email(let address):
            guard let email = Recipient.email(address) else {
                writer.error(
                    .syntax,
                    "the address must be one e-mail address like name@example.org, up to \(Limits.emailBytes) bytes of "
                        + "printable ASCII")
                return .answered
            }
            recipient = email
        case .webhook(let url, let text):
            if text == nil { madeSecret = Self.newSecret() }
            guard let secret = text.map({ Webhook.secret(ofText: $0) }) ?? madeSecret else {
                let range = Limits.webhookSecretBytes
                writer.error(
                    .syntax,
                    "the secret must be \(Webhook.secretPrefix) and \(range.lowerBound) to \(range.upperBound) bytes "
                        + "in base64")
                return .answered
            }
            guard let webhook = Recipient.webhook(url, secret: secret) else {
                writer.error(
                    .syntax,
                    "the URL must begin with http:// or https://, have no user or fragment, and up to "
                        + "\(Limits.webhookBytes) bytes of printable ASCII")
                return .answered
            }
            recipient = webhook
        }
        let (problem, shown) = (server.mailProblem, madeSecret)
        later.control { control in
            control.add(recipient: recipient, to: list) {
                later.reply($0) { writer, _ in
                    writer.recipient(recipient, mailProblem: problem, secret: .some(shown))
                }
            }
        }
        return .later
    }

    /// The system's generator, which is fit for keys.
    private static func newSecret() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: 0...255) } }
}

/// The replies: `docs/PROTOCOL.md` lists their keys.
extension ReplyWriter {
    /// - Parameters:
    ///   - mailProblem: why no e-mail is sent.
    ///   - secret: nil: the reply has no such key. It is told once, when the server has made it.
    fileprivate mutating func recipient(_ recipient: Recipient, mailProblem: String?, secret: [UInt8]?? = nil) {
        map(secret == nil ? 3 : 4)
        pair("kind", recipient.kindWord)
        pair("address", recipient.address)
        if let secret { pair("secret", secret.map { Webhook.text(ofSecret: $0) }) }
        pair("problem", recipient.kind == .email ? mailProblem : nil)
    }

    fileprivate mutating func tests(_ tests: [DeliveryTest]) {
        array(tests.count)
        for test in tests {
            map(4)
            pair("kind", test.recipient.kindWord)
            pair("address", test.recipient.address)
            pair("delivered", test.receipt == .delivered)
            switch test.receipt {
            case .delivered: pair("problem", String?.none)
            case .failed(let problem), .gone(let problem): pair("problem", problem)
            }
        }
    }

    fileprivate mutating func deliveries(_ info: DeliveryInfo) {
        map(8)
        pair("next", optional: info.next)
        pair("open", UInt64(info.open.count))
        pair("dead", UInt64(info.dead.count))
        pair("dropped", info.droppedCount)
        pair("missed", info.missedCount)
        pair("sent", info.sentCount)
        pair("mail", info.mailProblem)
        pair("problem", info.fault?.description)
    }

    fileprivate mutating func deliveryList(_ info: DeliveryInfo, in catalog: Catalog, seenBy sight: Sight) {
        let open = info.open.filter { sight.sees(catalog[$0.list]) }
        let dead = info.dead.filter { sight.sees(catalog[$0.list]) }
        array(open.count + dead.count)
        for (deliveries, isDead) in [(open, false), (dead, true)] {
            for delivery in deliveries {
                map(10)
                pair("delivery", delivery.number)
                pair("state", isDead ? "dead" : "open")
                pair("sequence", delivery.sequence.rawValue)
                pair("at", delivery.at)
                pair("event", delivery.warning.word)
                pair("list", catalog[delivery.list].name)
                pair("address", delivery.address)
                pair("attempts", UInt64(delivery.attempts))
                pair(isDead ? "tried-at" : "next-try", delivery.due)
                pair("problem", delivery.problem.isEmpty ? nil : delivery.problem)
            }
        }
    }
}

extension Recipient {
    fileprivate var kindWord: String { kind == .email ? "email" : "webhook" }
}
