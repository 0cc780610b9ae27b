public import Foundation

extension TearoffClient {
    /// Something that happened: what of it there is depends on ``event``; docs/PROTOCOL.md lists it.
    public struct FeedEvent: Sendable, Hashable {
        /// 1, 2, 3 …: never used for another event.
        public let sequence: Int
        /// When it happened.
        public let at: Date
        /// `given`, `held`, `low` and so on. A newer server may tell of more.
        public let event: String
        /// The list, as it is called now.
        public let list: String?
        /// The campaign, as it is called now.
        public let campaign: String?
        /// Whose code it is.
        public let user: String?
        /// The same in the marketing system.
        public let userID: String?
        /// The code.
        public let code: String?
        /// Until when it was held.
        public let holdUntil: Date?
        /// Whether a code that went back is given again; else it is burned.
        public let isReturned: Bool?
        /// The upload's id.
        public let upload: Int?
        /// Codes of the upload.
        public let codes: Int?
        /// The upload's file.
        public let file: String?
        /// Why a campaign finished.
        public let reason: String?
        /// What was edited.
        public let setting: String?
        /// Codes that the list had left.
        public let remaining: Int?
        /// The part of its codes, in a hundred, that is still free.
        public let percent: Int?
        /// Within how many hours the list will be empty.
        public let hours: Int?
        /// Within how many days the list expires.
        public let days: Int?
        /// When the list expires, as it is set now.
        public let expiresAt: Date?

        init(_ fields: Fields) throws(TearoffError) {
            sequence = try fields.integer("sequence")
            at = try fields.time("at")
            event = try fields.text("event")
            list = try fields.optionalText("list")
            campaign = try fields.optionalText("campaign")
            user = try fields.optionalText("user")
            userID = try fields.optionalText("user-id")
            code = try fields.optionalText("code")
            holdUntil = try fields.optionalTime("hold-until")
            isReturned = fields.has("returned") ? try fields.boolean("returned") : nil
            upload = try fields.optionalInteger("upload")
            codes = try fields.optionalInteger("codes")
            file = try fields.optionalText("file")
            reason = try fields.optionalText("reason")
            setting = try fields.optionalText("setting")
            remaining = try fields.optionalInteger("remaining")
            percent = try fields.optionalInteger("percent")
            hours = try fields.optionalInteger("hours")
            days = try fields.optionalInteger("days")
            expiresAt = try fields.optionalTime("expires-at")
        }
    }

    /// A stretch of the feed.
    public struct FeedPage: Sendable, Hashable {
        /// In the order of their numbers.
        public let events: [FeedEvent]
        /// Where to go on.
        public let next: Int
        /// How many events before the first of these, from the number that was asked for on, cannot be read any more.
        public let missed: Int

        init(_ fields: Fields) throws(TearoffError) {
            events = try fields.records("events", FeedEvent.init)
            next = try fields.integer("next")
            missed = try fields.integer("missed")
        }
    }

    /// How far back the feed goes.
    public struct FeedInfo: Sendable, Hashable {
        /// Number of the oldest event; nil when there is none.
        public let oldest: Int?
        /// Number of the newest event; nil when there never was any.
        public let newest: Int?
        /// Bytes on the server's disk.
        public let bytes: Int
        /// Why nothing new is told for now; nil when all is well.
        public let problem: String?

        init(_ fields: Fields) throws(TearoffError) {
            oldest = try fields.optionalInteger("oldest")
            newest = try fields.optionalInteger("newest")
            bytes = try fields.integer("bytes")
            problem = try fields.optionalText("problem")
        }
    }
}
