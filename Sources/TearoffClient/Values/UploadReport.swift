extension TearoffClient {
    /// What a commit of an upload came to, or would have come to in a dry run.
    public struct UploadReport: Sendable, Hashable {
        /// Whether the codes are in the list.
        public enum Status: String, Sendable, Hashable {
            /// The codes are in the list, on disk.
            case loaded
            /// The list has this very file already: nothing changed.
            case unchanged
            /// There are bad lines, or no code at all: nothing of the file is kept.
            case refused
        }

        /// Whether the codes are in the list.
        public let status: Status
        /// Good codes in the file.
        public let codes: Int
        /// Blank lines, skipped.
        public let blank: Int
        /// Bad lines in all.
        public let bad: Int
        /// Bad lines of each kind that occurs.
        public let badByKind: [BadLineKind: Int]
        /// The upload's id in the list; nil when it was refused, and in a dry run.
        public let upload: Int?
        /// Free codes of earlier files that went, or would have; nil unless the upload was to replace them.
        public let withdrawn: Int?
        /// Rows of an import that were written, or would have been; nil when it was none.
        public let given: Int?
        /// Rows of an import that are there already; nil when it was none.
        public let already: Int?

        init(_ fields: Fields) throws(TearoffError) {
            guard let status = Status(rawValue: try fields.text("status")) else {
                throw .invalid("an upload's status that this client does not know")
            }
            self.status = status
            codes = try fields.integer("codes")
            blank = try fields.integer("blank")
            bad = try fields.integer("bad")
            badByKind = try BadLineKind.counts(fields)
            upload = try fields.optionalInteger("upload")
            withdrawn = try fields.optionalInteger("withdrawn")
            given = try fields.optionalInteger("given")
            already = try fields.optionalInteger("already")
        }
    }

    /// Why a line is no code; the raw value is the protocol's key.
    public enum BadLineKind: String, CaseIterable, Sendable, Hashable {
        case invalidUTF8 = "invalid-utf8"
        case comma
        case whitespace
        case control
        case tooLong = "too-long"
        case duplicateInFile = "duplicate-in-file"
        case duplicateInList = "duplicate-in-list"
        case inOtherList = "in-other-list"
        // Of an import only.
        case columns
        case user = "bad-user"
        case campaign = "bad-campaign"
        case time = "bad-time"
        case future

        /// Those of a file of codes.
        static let ofCodes: [Self] = [
            .invalidUTF8, .comma, .whitespace, .control, .tooLong, .duplicateInFile, .duplicateInList, .inOtherList,
        ]

        /// - Parameter isImport: whether codes that another system gave were to be taken over.
        public static func all(isImport: Bool) -> [Self] { isImport ? allCases : ofCodes }

        /// How many lines there are of each kind that occurs.
        static func counts(_ fields: Fields) throws(TearoffError) -> [Self: Int] {
            var counts: [Self: Int] = [:]
            for kind in allCases {
                if let count = try fields.optionalInteger(kind.rawValue), count > 0 { counts[kind] = count }
            }
            return counts
        }
    }

    /// A line of an upload that is no code.
    public struct BadLine: Sendable, Hashable {
        /// Its number in the file, from 1.
        public let line: Int
        /// Why, for a person; never the line's text.
        public let reason: String
    }
}
