import TearoffCore
import TearoffLog

/// How the book changes; what stands in it, and its bytes, are in `DeliveryBook`.
extension DeliveryBook {
    /// For how many more deliveries.
    var room: Int { max(0, DeliveryLimits.open - open.count) }

    mutating func add(_ told: ToldWarning, to address: String, due: Timestamp) {
        lastNumber += 1
        open.append(
            Delivery(
                number: lastNumber, sequence: told.sequence, at: told.at, list: told.list, warning: told.warning,
                address: address, due: due))
    }

    /// Strikes out what was sent, and puts off what was not.
    ///
    /// - Returns: the delivery, if it has become a dead letter.
    mutating func settle(
        _ number: UInt64, _ receipt: CourierReceipt?, at now: Timestamp, _ settings: DeliverySettings
    ) -> Delivery? {
        guard let index = open.firstIndex(where: { $0.number == number }) else { return nil }
        var delivery = open[index]
        delivery.attempts += 1
        switch receipt {
        case .delivered, nil:
            open.remove(at: index)
            return nil
        case .failed(let problem):
            delivery.problem = problem.cut(toBytes: Self.problemBytesMax)
            guard delivery.attempts >= settings.attemptsMaximum else {
                delivery.due = now.adding(milliseconds: settings.pause(after: delivery.attempts))
                open[index] = delivery
                return nil
            }
        case .gone(let problem): delivery.problem = problem.cut(toBytes: Self.problemBytesMax)
        }
        delivery.due = now
        open.remove(at: index)
        dead.append(delivery)
        if dead.count > DeliveryLimits.dead {
            dead.removeFirst()
            droppedCount += 1
        }
        return delivery
    }

    /// Has dead letters open again.
    ///
    /// - Parameter number: of one; nil: as many as there is room for.
    /// - Returns: how many.
    mutating func revive(_ number: UInt64?, at now: Timestamp) -> Int {
        let chosen = dead.filter { number == nil || $0.number == number }.prefix(room)
        dead.removeAll { delivery in chosen.contains { $0.number == delivery.number } }
        open += chosen.map { delivery in
            var delivery = delivery
            delivery.attempts = 0
            delivery.due = now
            return delivery
        }
        return chosen.count
    }
}
