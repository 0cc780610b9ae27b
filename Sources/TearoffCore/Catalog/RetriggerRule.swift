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

extension RetriggerRule {
    /// As the operator writes it after `RETRIGGER`.
    package var text: String {
        switch self {
        case .window(let milliseconds): "window \(Self.text(milliseconds))"
        case .once: "once"
        case .always: "always"
        case .untilExpiry: "until-expiry"
        }
    }

    /// The duration in the largest unit that is exact; days from two on, so that the default reads `24h`.
    private static func text(_ milliseconds: UInt64) -> String {
        let units: [(String, UInt64)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        for (name, size) in units where milliseconds % size == 0 && milliseconds >= size {
            if name == "d" && milliseconds == size { continue }
            return "\(milliseconds / size)\(name)"
        }
        return "\(milliseconds)ms"
    }
}
