extension TearoffClient {
    /// One setting of a campaign to be changed; nil takes it away.
    public enum CampaignEdit: Sendable, Hashable {
        /// Gives nothing before; written as an expiry is, and a date alone means its beginning.
        case start(String?)
        /// Gives no new codes after; a date alone means its end.
        case end(String?)
        /// How many codes it gives at most: in all, in a day of the server's zone, in a second.
        case quota(Int?)
        case dayQuota(Int?)
        case rate(Int?)
        /// For how many days a code is good from the day on which it was given.
        case validity(days: Int?)
        /// Further lists that it draws from, in order, when its own has no free code; none takes the setting away.
        case overflow([String])
        /// A text that everybody gets instead of a code while the campaign is tried out.
        case test(String?)

        /// As it stands in a command.
        var arguments: [String] {
            switch self {
            case .start(let date): ["START", date ?? Self.none]
            case .end(let date): ["END", date ?? Self.none]
            case .quota(let count): ["QUOTA", count.map(String.init) ?? Self.none]
            case .dayQuota(let count): ["DAYQUOTA", count.map(String.init) ?? Self.none]
            case .rate(let count): ["RATE", count.map(String.init) ?? Self.none]
            case .validity(let days): ["VALIDITY", days.map(String.init) ?? Self.none]
            case .overflow(let lists): ["OVERFLOW", lists.isEmpty ? Self.none : lists.joined(separator: ",")]
            case .test(let text): ["TEST", text ?? Self.none]
            }
        }

        private static let none = "NONE"
    }
}
