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

        init(_ fields: Fields) throws(TearoffError) {
            guard let status = Status(rawValue: try fields.text("status")) else {
                throw .invalid("an upload's status that this client does not know")
            }
            self.status = status
            codes = try fields.integer("codes")
            blank = try fields.integer("blank")
            bad = try fields.integer("bad")
            var counts: [BadLineKind: Int] = [:]
            for kind in BadLineKind.allCases {
                let count = try fields.integer(kind.rawValue)
                if count > 0 { counts[kind] = count }
            }
            badByKind = counts
            upload = try fields.optionalInteger("upload")
            withdrawn = try fields.optionalInteger("withdrawn")
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
    }

    /// A line of an upload that is no code.
    public struct BadLine: Sendable, Hashable {
        /// Its number in the file, from 1.
        public let line: Int
        /// Why, for a person; never the line's text.
        public let reason: String
    }
}
