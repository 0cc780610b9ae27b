public import Foundation
import TearoffProtocol

extension TearoffClient {
    /// A code that a user was given.
    public struct Allocation: Sendable, Hashable {
        /// The coupon code: a bearer value, so keep it out of logs.
        public let code: String
        /// Whether the user had it already: an earlier request inside the campaign's window, or a retry.
        public let isRepeat: Bool
        /// When the user got it first.
        public let givenAt: Date
        /// When its list expires; nil: never.
        public let expiresAt: Date?
        /// The list that it came from.
        public let list: String
        /// Its number in the list.
        public let ordinal: Int

        init(_ fields: Fields) throws(TearoffError) {
            code = try fields.text("code")
            switch try fields.text("status") {
            case "new": isRepeat = false
            case "repeat": isRepeat = true
            default: throw .invalid("a status that is neither new nor repeat")
            }
            givenAt = try fields.time("given-at")
            expiresAt = try fields.optionalTime("expires-at")
            list = try fields.text("list")
            ordinal = try fields.integer("ordinal")
        }
    }

    /// One code of a user's history.
    public struct HistoryEntry: Sendable, Hashable {
        /// The campaign that gave it.
        public let campaign: String
        /// The list that it came from.
        public let list: String
        /// The coupon code: a bearer value, so keep it out of logs.
        public let code: String
        /// Its number in the list.
        public let ordinal: Int
        /// The marketing system's own id of the user, if one was given with the request.
        public let userID: String?
        /// When the user got it.
        public let givenAt: Date
        /// When its list expires; nil: never.
        public let expiresAt: Date?

        init(_ fields: Fields) throws(TearoffError) {
            campaign = try fields.text("campaign")
            list = try fields.text("list")
            code = try fields.text("code")
            ordinal = try fields.integer("ordinal")
            userID = try fields.optionalText("user-id")
            givenAt = try fields.time("given-at")
            expiresAt = try fields.optionalTime("expires-at")
        }
    }

    /// Where a code stands. A code may stand in several lists.
    public struct CodePlace: Sendable, Hashable {
        /// The list that it stands in.
        public let list: String
        /// The id of the upload that brought it.
        public let upload: Int
        /// Its number in the list.
        public let ordinal: Int
        /// Whether somebody has it; else it is free.
        public let isGiven: Bool
        /// Who has it. Nil for a free code, and for a fixed list's, which many users have.
        public let owner: Owner?

        /// Who has a code.
        public struct Owner: Sendable, Hashable {
            /// The caller's key of the user.
            public let user: String
            /// The marketing system's own id of the user, if one was given with the request.
            public let userID: String?
            /// The campaign that gave it.
            public let campaign: String
            /// When the user got it.
            public let givenAt: Date

            /// - Returns: nil when the row names no user.
            fileprivate static func read(_ fields: Fields) throws(TearoffError) -> Owner? {
                guard let user = try fields.optionalText("user") else { return nil }
                return Owner(
                    user: user, userID: try fields.optionalText("user-id"),
                    campaign: try fields.text("campaign"), givenAt: try fields.time("given-at"))
            }
        }

        /// - Returns: nil for the one row that says that the code is unknown.
        static func read(_ fields: Fields) throws(TearoffError) -> CodePlace? {
            let state = try fields.text("state")
            guard state != "unknown" else { return nil }
            guard state == "given" || state == "free" else {
                throw .invalid("a code's state is neither free nor given")
            }
            return CodePlace(
                list: try fields.text("list"), upload: try fields.integer("upload"),
                ordinal: try fields.integer("ordinal"), isGiven: state == "given",
                owner: try Owner.read(fields))
        }
    }
}
