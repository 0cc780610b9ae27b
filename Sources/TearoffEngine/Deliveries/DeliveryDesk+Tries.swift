import Synchronization
import TearoffCore
import TearoffLog

/// Each try, from when it is due to what it came to.
extension DeliveryDesk {
    /// Strikes out what was sent, and puts off what was not.
    func settle() {
        let receipts = work.withLock { work in
            defer { work.receipts = [] }
            return work.receipts
        }
        let now = wallTime
        for (number, receipt) in receipts {
            let dead = book.withLock { book in book?.change { $0.settle(number, receipt, at: now, settings) } }
            if let dead { reportDead(dead) }
            work.withLock { work in
                work.underWay[number] = nil
                if receipt == .delivered { work.sentCount += 1 }
            }
        }
    }

    private func reportDead(_ delivery: Delivery) {
        engine.host.report(
            .deliveryDead(
                list: engine.latestCatalog[delivery.list].name, recipient: Recipient.shown(delivery.address),
                problem: delivery.problem))
    }

    /// Begins what is due, as far as there is room; the rest when that is done, or its time has come.
    func beginTries() {
        let open = book.withLock { $0?.book.open } ?? []
        let now = engine.host.wallMilliseconds()
        let due = work.withLock { work -> [Delivery] in
            guard !work.isStopping else { return [] }
            var due: [Delivery] = []
            for delivery in open
            where work.underWay.count < DeliveryLimits.underWay && isDue(delivery, now)
                && !work.underWay.values.contains(delivery.address)
            {
                work.underWay[delivery.number] = delivery.address
                due.append(delivery)
            }
            return due
        }
        for delivery in due { begin(delivery) }
        let waits = open.filter { !isDue($0, now) }.map { $0.due.milliseconds - now }
        if let wait = waits.min() { setTimer(wait, now) }
    }

    /// What lies further ahead than any pause was put off by a clock that was wrong.
    private func isDue(_ delivery: Delivery, _ now: UInt64) -> Bool {
        delivery.due.milliseconds <= now || delivery.due.milliseconds > now + DeliverySettings.longestPause
    }

    private func begin(_ delivery: Delivery) {
        let list = engine.latestCatalog[delivery.list]
        // A recipient that was removed is told nothing more.
        guard let recipient = list.recipient(delivery.address) else { return end(delivery.number, nil) }
        courier.send(Notice(delivery, of: list, directory: directory), to: recipient) { [weak self] receipt in
            self?.end(delivery.number, receipt)
        }
    }

    private func end(_ number: UInt64, _ receipt: CourierReceipt?) {
        work.withLock { $0.receipts.append((number, receipt)) }
        goOn()
    }

    private func setTimer(_ wait: UInt64, _ now: UInt64) {
        guard let time = work.withLock({ $0.timer.set(in: wait, now: now) }) else { return }
        engine.host.later(time - now) { [weak self] in
            self?.work.withLock { $0.timer.rang(time) }
            self?.goOn()
        }
    }
}
