/// The times of an allocation that stands.
package struct AllocationTimes: Equatable, Sendable {
    /// Of a hold: when it was confirmed, and before that when it was made.
    package let givenAt: Timestamp
    /// 0: none.
    private let holdUntilMilliseconds: UInt64

    package init(givenAt: Timestamp, holdUntil: Timestamp?) {
        self.givenAt = givenAt
        holdUntilMilliseconds = holdUntil?.milliseconds ?? 0
    }

    /// The last millisecond at which it can be confirmed; nil when it is given.
    package var holdUntil: Timestamp? {
        holdUntilMilliseconds == 0 ? nil : Timestamp(milliseconds: holdUntilMilliseconds)
    }
}

/// How an allocation stands, and since when, as a look-up tells it.
package struct AllocationStanding: Equatable, Sendable {
    package enum Status: Sendable {
        case given, held
        /// It was held and went back: by a command, or because its deadline had passed.
        case released, lapsed
    }

    package let status: Status
    /// Of a hold: when it was confirmed; of one that was not, when it was made.
    package let givenAt: Timestamp
    /// The last millisecond at which it can, or could, be confirmed; nil when it is given.
    package let holdUntil: Timestamp?
    /// When it went back.
    package let returnedAt: Timestamp?

    /// - Parameter hold: the row's; nil when it is none.
    init(of row: Row, _ hold: Hold?) {
        guard let hold else {
            self = .given(at: row.givenAt)
            return
        }
        switch hold.end {
        case nil: self = .held(at: row.givenAt, until: hold.deadline)
        case .some(let end) where end.reason == .confirmed: self = .given(at: end.at)
        case .some(let end):
            self.init(
                status: end.reason == .released ? .released : .lapsed, givenAt: row.givenAt,
                holdUntil: hold.deadline, returnedAt: end.at)
        }
    }

    private init(status: Status, givenAt: Timestamp, holdUntil: Timestamp?, returnedAt: Timestamp?) {
        self.status = status
        self.givenAt = givenAt
        self.holdUntil = holdUntil
        self.returnedAt = returnedAt
    }

    package static func given(at givenAt: Timestamp) -> AllocationStanding {
        AllocationStanding(status: .given, givenAt: givenAt, holdUntil: nil, returnedAt: nil)
    }

    package static func held(at heldAt: Timestamp, until deadline: Timestamp) -> AllocationStanding {
        AllocationStanding(status: .held, givenAt: heldAt, holdUntil: deadline, returnedAt: nil)
    }
}
