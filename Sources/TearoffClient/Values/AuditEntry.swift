public import Foundation

extension TearoffClient {
    /// One act of the audit trail: who did what, from where and when.
    public struct AuditEntry: Sendable, Hashable {
        /// 1, 2, 3 … without a gap.
        public let number: Int
        /// When it was done.
        public let at: Date
        /// `default`, or `system` for what the server does by itself.
        public let user: String
        /// As the client called itself; nil when it did not.
        public let client: String?
        /// Host and port; nil for the server itself.
        public let address: String?
        /// The command.
        public let act: String
        /// The list or campaign by the name that it had before; nil for an act on the server.
        public let object: String?
        /// `name=value` texts of what the act changed; nil for what was not there.
        public let before: String?
        /// The same as it is since.
        public let after: String?
        /// The hash of the record before, 64 hex digits.
        public let previous: String
        /// This record's own, which the next one holds.
        public let hash: String

        init(_ fields: Fields) throws(TearoffError) {
            number = try fields.integer("number")
            at = try fields.time("at")
            user = try fields.text("user")
            client = try fields.optionalText("client")
            address = try fields.optionalText("address")
            act = try fields.text("act")
            object = try fields.optionalText("object")
            before = try fields.optionalText("before")
            after = try fields.optionalText("after")
            previous = try fields.text("previous")
            hash = try fields.text("hash")
        }
    }

    /// What the server found when it followed the whole chain of the audit trail.
    public struct AuditVerdict: Sendable, Hashable {
        /// How many records there are.
        public let records: Int
        /// Nil when every record follows on the one before; else the first that does not, and why.
        public let fault: Fault?
        /// The last record's hash, 64 hex digits; zeros when there is none.
        public let hash: String

        /// Where a chain is broken.
        public struct Fault: Sendable, Hashable {
            /// The record's number.
            public let number: Int
            /// What is wrong there.
            public let problem: String
        }

        init(_ fields: Fields) throws(TearoffError) {
            records = try fields.integer("records")
            hash = try fields.text("hash")
            guard try !fields.boolean("intact") else {
                fault = nil
                return
            }
            fault = Fault(number: try fields.integer("broken-at"), problem: try fields.text("problem"))
        }
    }
}
