public import Foundation

extension TearoffClient {
    /// Who is told of a list's warnings.
    public struct Recipient: Sendable, Hashable {
        /// `email` or `webhook`.
        public let kind: String
        /// The e-mail address, or the URL.
        public let address: String
        /// What a webhook's messages are signed with, when the server has just made it: it is not told again.
        public let secret: String?
        /// Why nothing is sent there; nil when all is well.
        public let problem: String?

        init(_ fields: Fields) throws(TearoffError) {
            kind = try fields.text("kind")
            address = try fields.text("address")
            secret = try fields.optionalText("secret")
            problem = try fields.optionalText("problem")
        }
    }

    /// What a test message to a recipient came to.
    public struct RecipientTest: Sendable, Hashable {
        /// `email` or `webhook`.
        public let kind: String
        /// The e-mail address, or the URL.
        public let address: String
        /// Whether it was taken.
        public let isDelivered: Bool
        /// Why it was not.
        public let problem: String?

        init(_ fields: Fields) throws(TearoffError) {
            kind = try fields.text("kind")
            address = try fields.text("address")
            isDelivered = try fields.boolean("delivered")
            problem = try fields.optionalText("problem")
        }
    }

    /// A warning that is still to be sent to a recipient, or could not be.
    public struct Delivery: Sendable, Hashable {
        /// Never another delivery's.
        public let number: Int
        /// Whether it is not tried any more.
        public let isDead: Bool
        /// The warning's number in the feed.
        public let sequence: Int
        /// When the warning came true.
        public let at: Date
        /// The kind of warning, as the feed has it.
        public let event: String
        /// The list, as it is called now.
        public let list: String
        /// The recipient's.
        public let address: String
        /// Tries that failed.
        public let attempts: Int
        /// When it is tried next; nil for a dead letter.
        public let nextTry: Date?
        /// What the last try came to; nil before.
        public let problem: String?

        init(_ fields: Fields) throws(TearoffError) {
            number = try fields.integer("delivery")
            isDead = try fields.text("state") == "dead"
            sequence = try fields.integer("sequence")
            at = try fields.time("at")
            event = try fields.text("event")
            list = try fields.text("list")
            address = try fields.text("address")
            attempts = try fields.integer("attempts")
            nextTry = try fields.optionalTime("next-try")
            problem = try fields.optionalText("problem")
        }
    }

    /// How the sending of warnings goes.
    public struct DeliveryInfo: Sendable, Hashable {
        /// Deliveries that are still to be sent.
        public let open: Int
        /// Those that are not tried any more.
        public let dead: Int
        /// Dead letters that had to make room for newer ones.
        public let dropped: Int
        /// Events of the feed that were gone before they were looked at.
        public let missed: Int
        /// Sent since the server's start.
        public let sent: Int
        /// Why no e-mail is sent; nil when it is.
        public let mailProblem: String?
        /// Why nothing is sent for now; nil when all is well.
        public let problem: String?

        init(_ fields: Fields) throws(TearoffError) {
            open = try fields.integer("open")
            dead = try fields.integer("dead")
            dropped = try fields.integer("dropped")
            missed = try fields.integer("missed")
            sent = try fields.integer("sent")
            mailProblem = try fields.optionalText("mail")
            problem = try fields.optionalText("problem")
        }
    }
}
