public import Foundation

extension TearoffClient {
    /// What a new list holds.
    public enum ListKind: Sendable, Hashable {
        /// Uploaded codes, each given once.
        case unique
        /// One code, given up to `limit` times.
        case fixed(code: String, limit: Int)
    }

    /// When a list stops giving codes.
    public enum Expiry: Sendable, Hashable {
        case never
        case at(Date)
        /// As the server reads it, such as `2026-12-31`: the end of that day in the server's zone.
        case text(String)

        /// As it stands behind `EXPIRES`; nil for never.
        var argument: String? {
            switch self {
            case .never: nil
            case .at(let date): ServerTime.text(date)
            case .text(let text): text
            }
        }
    }

    /// A list's settings and its ledger: `uploaded = free + held + given + withdrawn + burned`.
    public struct ListInfo: Sendable, Hashable {
        /// As it was created.
        public let name: String
        /// Whether it has one fixed code; else each of its codes is given once.
        public let isFixed: Bool
        /// Codes that came in, by all its uploads, or the limit of a fixed list.
        public let uploaded: Int
        /// Codes that can be given.
        public let free: Int
        /// Codes that wait to be confirmed.
        public let held: Int
        /// Codes that users have.
        public let given: Int
        /// Codes that an operator took back before they were given.
        public let withdrawn: Int
        /// Codes that nobody will get, to be sure that nobody gets one twice.
        public let burned: Int
        /// When it stops giving codes; nil: never.
        public let expiresAt: Date?
        /// Whether that time has come.
        public let isExpired: Bool
        /// When it was archived; nil: its codes are in memory.
        public let archivedAt: Date?
        /// The count of free codes from which on ``isLow`` holds; nil: no warning is set.
        public let warnAt: Int?
        /// Whether no more than ``warnAt`` codes are free.
        public let isLow: Bool
        /// The share of free codes in a hundred that recipients are told of; nil: none.
        public let warnPercent: Int?
        /// Recipients are told when it will be empty within so many hours; nil: they are not.
        public let warnHours: Int?
        /// The days before its expiry on which recipients are told, as `7,3,1`.
        public let warnDays: String
        /// How many are told of its warnings.
        public let recipients: Int
        /// So many days before it expires its campaigns give no new codes any more; nil: they give until then.
        public let stopDays: Int?
        /// Codes of it that one user gets at most; nil: no such limit.
        public let codesPerUser: Int?
        /// Whether it refuses lines of a file whose codes stand in another list.
        public let refusesCodesOfOthers: Bool
        /// How many uploads it has.
        public let uploads: Int
        /// How many campaigns draw from it.
        public let campaigns: Int

        init(_ fields: Fields) throws(TearoffError) {
            name = try fields.text("name")
            switch try fields.text("kind") {
            case "unique": isFixed = false
            case "fixed": isFixed = true
            default: throw .invalid("a kind that is neither unique nor fixed")
            }
            uploaded = try fields.integer("uploaded")
            free = try fields.integer("free")
            held = try fields.integer("held")
            given = try fields.integer("given")
            withdrawn = try fields.integer("withdrawn")
            burned = try fields.integer("burned")
            expiresAt = try fields.optionalTime("expires-at")
            isExpired = try fields.boolean("expired")
            archivedAt = try fields.optionalTime("archived-at")
            warnAt = try fields.optionalInteger("warn-at")
            isLow = try fields.boolean("low")
            warnPercent = try fields.optionalInteger("warn-percent")
            warnHours = try fields.optionalInteger("warn-hours")
            warnDays = try fields.text("warn-days")
            recipients = try fields.integer("recipients")
            stopDays = try fields.optionalInteger("stop-days")
            codesPerUser = try fields.optionalInteger("per-user")
            refusesCodesOfOthers = try fields.optionalText("other-lists") == "refuse"
            uploads = try fields.integer("uploads")
            campaigns = try fields.integer("campaigns")
        }
    }
}
