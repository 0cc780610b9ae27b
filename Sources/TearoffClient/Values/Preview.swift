public import Foundation

extension TearoffClient {
    /// What a request would be given. Nobody was given anything.
    public struct Preview: Sendable, Hashable {
        /// What would come of the request.
        public enum Outcome: Sendable, Hashable {
            /// The list's next code, which another user may get before.
            case new(code: String)
            /// The code that the user was given then, once more.
            case again(code: String, givenAt: Date)
            /// The text that everybody is given while the campaign is tried out.
            case test(text: String)
            /// Nothing: the error that the request would be answered with.
            case refused(TearoffError)
        }

        /// What would come of the request.
        public let outcome: Outcome
        /// When the list expires; nil: never.
        public let expiresAt: Date?
        /// The list that the campaign draws from.
        public let list: String
        /// The code that the list has next, whatever the campaign's state; nil when it has none left.
        public let nextCode: String?

        init(_ fields: Fields) throws(TearoffError) {
            switch try fields.text("status") {
            case "new": outcome = .new(code: try fields.text("code"))
            case "repeat":
                outcome = .again(code: try fields.text("code"), givenAt: try fields.time("given-at"))
            case "test": outcome = .test(text: try fields.text("code"))
            case "refused": outcome = .refused(TearoffError(reply: try fields.text("reason")))
            default: throw .invalid("a status that is neither new, repeat, test nor refused")
            }
            expiresAt = try fields.optionalTime("expires-at")
            list = try fields.text("list")
            nextCode = try fields.optionalText("next-code")
        }
    }
}
