import Synchronization
package import TearoffCore
package import TearoffEngine
import TearoffLog

/// Recipients in memory: they answer as they are told to, at once or when the test lets them.
package final class FakeCourier: Courier {
    package struct Letter: Sendable {
        package let notice: Notice
        package let address: String
    }

    private struct State {
        var letters: [Letter] = []
        var answers: [String: [CourierReceipt]] = [:]
        var isSlow = false
        var waiting: [@Sendable () -> Void] = []
        var mostAtOnce = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var mailProblem: String? { nil }

    package func send(
        _ notice: Notice, to recipient: Recipient, done: @escaping @Sendable (CourierReceipt) -> Void
    ) {
        let receipt = state.withLock { state -> CourierReceipt? in
            state.letters.append(Letter(notice: notice, address: recipient.address))
            var answers = state.answers[recipient.address] ?? []
            let receipt = answers.isEmpty ? CourierReceipt.delivered : answers.removeFirst()
            state.answers[recipient.address] = answers
            guard state.isSlow else { return receipt }
            state.waiting.append { done(receipt) }
            state.mostAtOnce = max(state.mostAtOnce, state.waiting.count)
            return nil
        }
        if let receipt { done(receipt) }
    }

    package var letters: [Letter] { state.withLock { $0.letters } }
    package var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

    /// Each try from now on, in words.
    package var words: [String] {
        letters.map { letter in
            guard case .warning(let warning) = letter.notice.kind else { return "test \(letter.address)" }
            return "\(warning.word) \(letter.notice.free) \(letter.address)"
        }
    }

    package func answer(_ address: String, _ receipts: CourierReceipt...) {
        state.withLock { $0.answers[address] = receipts }
    }

    package func beSlow() { state.withLock { $0.isSlow = true } }

    /// Lets all that wait have their answers.
    package func answerAll() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in waiting { answer() }
    }
}

extension Life {
    package var deliveries: DeliveryDesk {
        get throws { try required(control.deliveries) }
    }

    package func addMail(_ address: String = "ops@example.org", to list: String = "l") throws {
        let recipient = try required(Recipient.email(address))
        try changed { $0.add(recipient: recipient, to: list, done: $1) }
    }

    package func addWebhook(_ url: String, to list: String = "l") throws {
        let recipient = try required(Recipient.webhook(url, secret: [UInt8](repeating: 7, count: 32)))
        try changed { $0.add(recipient: recipient, to: list, done: $1) }
    }

    package func setWarning(_ edit: WarningEdit, of list: String = "l") throws {
        try changed { $0.setWarning(list: list, edit, done: $1) }
    }

    /// List `l` with so many codes that is low at `warnAt`, campaign `c`, and one who is told by mail.
    package func supplyWatched(codes: Int, warnAt: UInt64? = nil) throws {
        try createList(warnAt: warnAt)
        try upload((0..<codes).map { "K\($0)" })
        try createCampaign()
        try addMail()
        tellAll()
    }

    package func refill(_ codes: Int, prefix: String) throws {
        try upload((0..<codes).map { "\(prefix)\($0)" })
        if try finishReason() != nil { try changed { $0.resumeCampaign(name: "c", done: $1) } }
        tellAll()
    }

    package func give(count: Int, prefix: String) throws {
        for number in 0..<count { try give("\(prefix)\(number)") }
        tellAll()
    }
}
