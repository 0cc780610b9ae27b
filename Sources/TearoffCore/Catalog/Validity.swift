/// For how many days a campaign's codes are good, counted from the day on which each was given; what was in force
/// when a code was given stays so for that code.
package struct Validity: Hashable, Sendable {
    package struct Step: Hashable, Sendable {
        package let since: Timestamp
        /// nil: as long as the list.
        package let days: UInt32?
    }

    /// In the order of time.
    package private(set) var steps: [Step] = []

    package init() {}

    mutating func set(_ days: UInt32?, at time: Timestamp) {
        if days != steps.last?.days { steps.append(Step(since: time, days: days)) }
    }

    /// The last millisecond at which a code is good.
    ///
    /// - Parameters:
    ///   - listExpiresAt: of the code's list; no code is good longer.
    ///   - day: the day of the server's zone that an instant is in.
    package func expiry(
        givenAt: Timestamp, listExpiresAt: Timestamp?, day: (Timestamp) -> Day
    ) -> Timestamp? {
        guard let days = steps.last(where: { $0.since <= givenAt })?.days else { return listExpiresAt }
        // By noons: days on which clocks are set have another length.
        let noon = day(givenAt).first.adding(milliseconds: UInt64(days) * Day.milliseconds + Day.milliseconds / 2)
        let end = day(noon).last
        return listExpiresAt.map { min($0, end) } ?? end
    }
}
