public import Foundation

extension TearoffClient {
    /// One file that a list was loaded from, and where its codes are:
    /// `codes = free + held + given + withdrawn + burned`.
    public struct ListUpload: Sendable, Hashable {
        /// Its id; those of all lists are one sequence.
        public let upload: Int
        /// The file's name as it was sent; nil for none.
        public let file: String?
        /// SHA-256 of the file as it was sent, 64 hex digits; nil for a fixed list's own code, and without
        /// the role `reveal`.
        public let hash: String?
        /// Codes that it brought, or the limit of a fixed list.
        public let codes: Int
        /// Codes that can be given.
        public let free: Int
        /// Codes that wait to be confirmed.
        public let held: Int
        /// Codes that users have.
        public let given: Int
        /// Codes that were free when the upload was withdrawn.
        public let withdrawn: Int
        /// Codes that nobody will get, to be sure that nobody gets one twice.
        public let burned: Int
        /// When it was added to the list.
        public let committedAt: Date
        /// When its free codes were taken out of the list; nil when they were not.
        public let withdrawnAt: Date?
        /// Whether another system gave its codes: see ``TearoffClient/beginImport(list:fileName:)``.
        public let isImport: Bool
        /// Who sent it; nil for a fixed list's own code, and for what was loaded before that was kept.
        public let user: String?
        /// As the connection that sent it called itself; nil when it did not.
        public let client: String?
        /// From where it was sent: host and port.
        public let address: String?
        /// Blank lines of the file; nil where ``user`` is.
        public let blank: Int?
        /// Bad lines that were left out; nil where ``user`` is.
        public let bad: Int?
        /// Bad lines of each kind that occurred.
        public let badByKind: [BadLineKind: Int]

        init(_ fields: Fields) throws(TearoffError) {
            upload = try fields.integer("upload")
            file = try fields.optionalText("file")
            hash = try fields.optionalText("hash")
            codes = try fields.integer("codes")
            free = try fields.integer("free")
            held = try fields.integer("held")
            given = try fields.integer("given")
            withdrawn = try fields.integer("withdrawn")
            burned = try fields.integer("burned")
            committedAt = try fields.time("committed-at")
            withdrawnAt = try fields.optionalTime("withdrawn-at")
            isImport = try fields.boolean("imported")
            user = try fields.optionalText("user")
            client = try fields.optionalText("client")
            address = try fields.optionalText("address")
            blank = try fields.optionalInteger("blank")
            bad = try fields.optionalInteger("bad")
            badByKind = try BadLineKind.counts(fields)
        }
    }
}
