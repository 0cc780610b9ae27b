/// What a repeated request of the same user in the same campaign gets.
package enum RetriggerRule: Hashable, Sendable {
    /// The same code while the earlier allocation is younger than this; then a new one.
    case window(milliseconds: UInt64)
    /// The same code for ever.
    case once
    /// A new code each time.
    case always
    /// The same code until it expires; when the list goes on after an expiry, a new one.
    case untilExpiry

    /// 24 hours, counted from when the code was given.
    package static let standard = RetriggerRule.window(milliseconds: 86_400_000)

    /// Whether an allocation given at `givenAt` is to be repeated at `now`.
    ///
    /// - Parameter lapsedAt: the last expiry of the list that has passed, if any.
    func repeats(givenAt: Timestamp, now: Timestamp, lapsedAt: Timestamp?) -> Bool {
        switch self {
        case .window(let milliseconds): now.millisecondsSince(givenAt) < milliseconds
        case .once: true
        case .always: false
        case .untilExpiry: lapsedAt.map { givenAt > $0 } ?? true
        }
    }
}
