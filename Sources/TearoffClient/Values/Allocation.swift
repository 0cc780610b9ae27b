public import Foundation
import TearoffProtocol

extension TearoffClient {
    /// A code that a user was given.
    public struct Allocation: Sendable, Hashable {
        /// The coupon code: a bearer value, so keep it out of logs.
        public let code: String
        /// Whether the user had it already: an earlier request inside the campaign's window, or a retry.
        public let isRepeat: Bool
        /// Whether the campaign is tried out: ``code`` is its text then, and nobody was given anything.
        public let isTest: Bool
        /// Whether the same request was answered before, under its key; nil when it had none.
        public let isReplayed: Bool?
        /// When the user got it first.
        public let givenAt: Date
        /// Until when the user can redeem it; nil: for ever.
        public let expiresAt: Date?
        /// The list that it came from.
        public let list: String
        /// Its number in the upload that it came with; nil for a text that is tried out.
        public let ordinal: Int?

        /// Its status, as the server tells it.
        public var status: String { isTest ? "test" : isRepeat ? "repeat" : "new" }

        init(_ fields: Fields) throws(TearoffError) {
            code = try fields.text("code")
            switch try fields.text("status") {
            case "new": (isRepeat, isTest) = (false, false)
            case "repeat": (isRepeat, isTest) = (true, false)
            case "test": (isRepeat, isTest) = (false, true)
            default: throw .invalid("a status that is neither new, repeat nor test")
            }
            isReplayed = try fields.optionalBoolean("replayed")
            givenAt = try fields.time("given-at")
            expiresAt = try fields.optionalTime("expires-at")
            list = try fields.text("list")
            ordinal = try isTest ? nil : fields.integer("ordinal")
        }
    }

    /// A code that is kept for a user.
    public struct Hold: Sendable, Hashable {
        /// The code, and when it was held or, when the user has it for good, given.
        public let allocation: Allocation
        /// The last moment at which it can be confirmed; nil when the user has it for good.
        public let until: Date?

        init(_ fields: Fields) throws(TearoffError) {
            allocation = try Allocation(fields)
            until = try fields.optionalTime("hold-until")
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
        /// Whether the user has it.
        public let status: Status
        /// When the user got it; of one that was not confirmed, when it was held.
        public let givenAt: Date
        /// The last moment at which it can, or could, be confirmed; nil when the user has it for good.
        public let holdUntil: Date?
        /// When it went back.
        public let returnedAt: Date?
        /// Until when the user can redeem it; nil: for ever.
        public let expiresAt: Date?

        /// Whether a user has a code.
        public enum Status: String, Sendable, Hashable {
            /// For good.
            case given
            /// Until its deadline, unless it is confirmed.
            case held
            /// It was held and given back.
            case released
            /// It was held, and nobody confirmed it in time.
            case lapsed
        }

        init(_ fields: Fields) throws(TearoffError) {
            campaign = try fields.text("campaign")
            list = try fields.text("list")
            code = try fields.text("code")
            ordinal = try fields.integer("ordinal")
            userID = try fields.optionalText("user-id")
            guard let status = Status(rawValue: try fields.text("status")) else {
                throw .invalid("an allocation's status that this client does not know")
            }
            self.status = status
            givenAt = try fields.time("given-at")
            holdUntil = try fields.optionalTime("hold-until")
            returnedAt = try fields.optionalTime("returned-at")
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
        /// Whether somebody has it.
        public let state: State
        /// Who has it, or had it held last. Nil for a free code, and for a fixed list's, which many users have.
        public let owner: Owner?

        /// Whether a code is to be had.
        public enum State: String, Sendable, Hashable {
            /// It will be given.
            case free
            /// It is kept for somebody who has yet to confirm it.
            case held
            /// Somebody has it for good.
            case given
            /// Its upload was taken out of the list before anybody got it.
            case withdrawn
            /// It was held and went back, and is not given again.
            case burned
        }

        /// Who has a code.
        public struct Owner: Sendable, Hashable {
            /// The caller's key of the user.
            public let user: String
            /// The marketing system's own id of the user, if one was given with the request.
            public let userID: String?
            /// The campaign that gave it.
            public let campaign: String
            /// When the user got it; of one that was not confirmed, when it was held.
            public let givenAt: Date
            /// The last moment at which it can, or could, be confirmed; nil when the user has it for good.
            public let holdUntil: Date?
            /// Until when the user can redeem it; nil: for ever.
            public let expiresAt: Date?

            /// - Returns: nil when the row names no user.
            fileprivate static func read(_ fields: Fields) throws(TearoffError) -> Owner? {
                guard let user = try fields.optionalText("user") else { return nil }
                return Owner(
                    user: user, userID: try fields.optionalText("user-id"),
                    campaign: try fields.text("campaign"), givenAt: try fields.time("given-at"),
                    holdUntil: try fields.optionalTime("hold-until"),
                    expiresAt: try fields.optionalTime("expires-at"))
            }
        }

        /// - Returns: nil for the one row that says that the code is unknown.
        static func read(_ fields: Fields) throws(TearoffError) -> CodePlace? {
            let state = try fields.text("state")
            guard state != "unknown" else { return nil }
            guard let state = State(rawValue: state) else {
                throw .invalid("a code's state that this client does not know")
            }
            return CodePlace(
                list: try fields.text("list"), upload: try fields.integer("upload"),
                ordinal: try fields.integer("ordinal"), state: state,
                owner: try Owner.read(fields))
        }
    }
}
