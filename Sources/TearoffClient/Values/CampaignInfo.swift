public import Foundation

extension TearoffClient {
    /// When a user who has a code of a campaign gets another one.
    public enum RetriggerRule: Sendable, Hashable, LosslessStringConvertible {
        /// When this time has passed since the code was given: at least 1 ms, at most 3650 days.
        case window(Duration)
        /// Never.
        case once
        /// At every request.
        case always
        /// Not before the list expires.
        case untilExpiry

        /// 24 hours, as a campaign has it that was created without a rule.
        public static let standard = RetriggerRule.window(.seconds(86_400))

        /// Reads `window 24h`, `once`, `always` or `until-expiry`; durations are `500ms`, `30s`, `15m`,
        /// `24h`, `7d` or plain seconds.
        public init?(_ text: String) {
            switch text {
            case "once": self = .once
            case "always": self = .always
            case "until-expiry": self = .untilExpiry
            default:
                let words = text.split(separator: " ", omittingEmptySubsequences: false)
                guard words.count == 2, words[0] == "window" else { return nil }
                let digits = words[1].prefix { $0.isASCII && $0.isNumber }
                guard let value = Int64(digits), value > 0,
                    let unit = Self.units.first(where: { $0.name == words[1][digits.endIndex...] })
                else { return nil }
                let (milliseconds, overflow) = value.multipliedReportingOverflow(by: unit.milliseconds)
                guard !overflow else { return nil }
                self = .window(.milliseconds(milliseconds))
            }
        }

        /// As ``init(_:)`` reads it.
        public var description: String {
            switch self {
            case .window(let duration): "window \(Self.text(Self.milliseconds(duration)))"
            case .once: "once"
            case .always: "always"
            case .untilExpiry: "until-expiry"
            }
        }

        /// As it stands behind `RETRIGGER`.
        var arguments: [String] { description.split(separator: " ").map(String.init) }

        private static let units: [(name: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1), ("", 1_000),
        ]

        /// Saturates: the server refuses what is too long.
        static func milliseconds(_ duration: Duration) -> Int64 {
            let (seconds, attoseconds) = duration.components
            let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
            let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
            return overflow || overflowed ? .max : sum
        }

        /// In the largest unit that is exact; days from two on, so that the default reads `24h`.
        private static func text(_ milliseconds: Int64) -> String {
            let unit = units.first { unit in
                milliseconds.isMultiple(of: unit.milliseconds) && milliseconds >= unit.milliseconds
                    && !(unit.name == "d" && milliseconds == unit.milliseconds)
            }
            guard let unit else { return "\(milliseconds)ms" }
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
    }

    /// What becomes of a code that was held and goes back.
    public enum ReturnRule: String, Sendable, Hashable, CaseIterable {
        /// It is burned: whoever it was held for may have seen it.
        case quarantine
        /// It is given again.
        case reuse
    }

    /// A campaign's settings and state.
    public struct CampaignInfo: Sendable, Hashable {
        /// As it was created.
        public let name: String
        /// The list that it draws from.
        public let list: String
        /// When a user who has a code gets another one.
        public let retrigger: RetriggerRule
        /// What becomes of its codes that were held and go back.
        public let returns: ReturnRule
        /// Whether it gives codes.
        public let state: State
        /// When it was created.
        public let createdAt: Date
        /// When it begins to give codes; nil: at once.
        public let startsAt: Date?
        /// The last moment at which it gives new codes, by its own end or for its list's sake; nil: none.
        public let endsAt: Date?
        /// For how many days a code is good from the day on which it was given; nil: as long as its list.
        public let validityDays: Int?
        /// How many codes it gives at most in all; nil: no such limit.
        public let quota: Int?
        /// In a day of the server's time zone; nil: no such limit.
        public let dayQuota: Int?
        /// In a second; nil: no such limit.
        public let rate: Int?
        /// Further lists that it draws from when its own has no free code.
        public let overflow: [String]
        /// The text that everybody gets instead of a code; nil when codes are given.
        public let test: String?

        /// Whether a campaign gives codes.
        public enum State: Sendable, Hashable {
            case active
            case finished(FinishReason, at: Date)
        }

        /// Why a campaign gives no more codes.
        public enum FinishReason: String, Sendable, Hashable {
            /// The list had no free code left.
            case exhausted
            /// The list expired.
            case expired
            /// An operator stopped it.
            case stopped
            /// Its time is over.
            case closed
        }

        init(_ fields: Fields) throws(TearoffError) {
            name = try fields.text("name")
            list = try fields.text("list")
            guard let rule = RetriggerRule(try fields.text("retrigger")) else {
                throw .invalid("a re-trigger rule that this client does not know")
            }
            retrigger = rule
            guard let returns = ReturnRule(rawValue: try fields.text("returns")) else {
                throw .invalid("a return rule that this client does not know")
            }
            self.returns = returns
            switch try fields.text("state") {
            case "active": state = .active
            case "finished":
                guard let reason = FinishReason(rawValue: try fields.text("reason")) else {
                    throw .invalid("a campaign finished for a reason that this client does not know")
                }
                state = .finished(reason, at: try fields.time("finished-at"))
            default: throw .invalid("a state that is neither active nor finished")
            }
            createdAt = try fields.time("created-at")
            startsAt = try fields.optionalTime("starts-at")
            endsAt = try fields.optionalTime("ends-at")
            validityDays = try fields.optionalInteger("validity-days")
            quota = try fields.optionalInteger("quota")
            dayQuota = try fields.optionalInteger("day-quota")
            rate = try fields.optionalInteger("rate")
            overflow = try fields.optionalText("overflow")?.split(separator: ",").map(String.init) ?? []
            test = try fields.optionalText("test")
        }
    }
}
