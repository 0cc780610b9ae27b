import Synchronization
package import TearoffCore
import TearoffLog

/// What a test came to.
package struct DeliveryTest: Sendable {
    package let recipient: Recipient
    package let receipt: CourierReceipt
}

/// What an operator may ask for.
extension DeliveryDesk {
    /// Tries dead letters anew.
    ///
    /// - Parameters:
    ///   - number: of one; nil: as many as there is room for.
    ///   - done: called on some thread, with how many there are, when that is on disk. 0: there is none of that number.
    func retry(_ number: UInt64?, done: @escaping @Sendable (Result<Int, ControlError>) -> Void) {
        let now = wallTime
        let count = book.withLock { book in book?.change { $0.revive(number, at: now) } }
        guard let count else { return done(.failure(.feed(.notReady))) }
        if count == 0 { return done(noneRevived(number)) }
        work.withLock { work in
            work.waiting.append { error in done(error.map { .failure(.storage($0)) } ?? .success(count)) }
        }
        goOn()
    }

    /// One that is there, and finds no room, is another answer than one that is not there.
    private func noneRevived(_ number: UInt64?) -> Result<Int, ControlError> {
        let isDead = book.withLock { book in book?.book.dead.contains { $0.number == number } ?? false }
        guard isDead else { return .success(0) }
        return .failure(.catalog(.tooMany(what: "deliveries on their way", maximum: DeliveryLimits.open)))
    }

    /// Tries each recipient of a list once.
    ///
    /// - Parameter done: called on some thread.
    func test(
        _ list: List, done: @escaping @Sendable (Result<[DeliveryTest], ControlError>) -> Void
    ) {
        let isFree = work.withLock { work in
            defer { work.isTesting = true }
            return !work.isTesting
        }
        guard isFree else { return done(.failure(.busy)) }
        test(list, from: 0, []) { [self] tests in
            work.withLock { $0.isTesting = false }
            done(.success(tests))
        }
    }

    /// One after the other: threads are for warnings.
    private func test(
        _ list: List, from index: Int, _ tests: [DeliveryTest], done: @escaping @Sendable ([DeliveryTest]) -> Void
    ) {
        guard index < list.recipients.count else { return done(tests) }
        let recipient = list.recipients[index]
        let notice = Notice(testOf: list, for: recipient.address, at: engine.now(), directory: directory)
        courier.send(notice, to: recipient) { [self] receipt in
            let told = tests + [DeliveryTest(recipient: recipient, receipt: receipt)]
            test(list, from: index + 1, told, done: done)
        }
    }
}
