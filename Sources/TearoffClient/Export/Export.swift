public import Foundation
import TearoffProtocol

extension TearoffClient {
    /// What an export is to hold.
    public struct ExportQuery: Sendable, Hashable {
        /// Which codes of a list an export has.
        public enum Selection: String, Sendable, Hashable {
            /// Those that users have for good.
            case given
            /// Those that are still to be had; none of a list with one fixed code.
            case free
            /// Both, and those that are held, withdrawn or burned.
            case all
        }

        /// How an export is written.
        public enum Format: String, Sendable, Hashable {
            /// RFC 4180 with a head line, safe against spreadsheet formulas.
            case csv
            /// An object a line.
            case jsonLines = "jsonl"
        }

        /// A column.
        public enum Column: String, Sendable, Hashable, CaseIterable {
            case code = "coupon-code"
            case user = "external-id"
            case userID = "user-id"
            case givenAt = "coupon-given-date"
            case expiresAt = "coupon-expiry-date"
            case campaign
            case status
        }

        /// Which codes.
        public var selection: Selection
        /// Only what that campaign gave; nil: every campaign.
        public var campaign: String?
        /// Only what was given later than this date, which is written as an expiry is.
        public var after: String?
        /// Only what was given up to this date.
        public var until: String?
        /// Only what was given behind the export that had this cursor.
        public var since: String?
        /// Only codes of that upload; nil: of every one.
        public var upload: Int?
        /// How it is written.
        public var format: Format
        /// In their order; nil: the first five.
        public var columns: [Column]?

        /// Every code that users have for good, as CSV, unless an argument says otherwise.
        public init(
            selection: Selection = .given, campaign: String? = nil, after: String? = nil, until: String? = nil,
            since: String? = nil, upload: Int? = nil, format: Format = .csv, columns: [Column]? = nil
        ) {
            self.selection = selection
            self.campaign = campaign
            self.after = after
            self.until = until
            self.since = since
            self.upload = upload
            self.format = format
            self.columns = columns
        }

        func words(list: String) -> [String] {
            var words = ["EXPORT", "BEGIN", list, selection.rawValue.uppercased(), "FORMAT", format.rawValue]
            for (name, value) in [
                ("CAMPAIGN", campaign), ("AFTER", after), ("UNTIL", until), ("SINCE", since),
                ("UPLOAD", upload.map(String.init)),
                ("COLUMNS", columns?.map(\.rawValue).joined(separator: ",")),
            ] {
                if let value { words += [name, value] }
            }
            return words
        }
    }

    /// An export that is being read: the list as it was when it began, however long that takes.
    ///
    ///     let export = try await client.beginExport(list: "june")
    ///     while let piece = try await export.next() { file.write(piece) }
    public actor Export {
        /// The server's number of it.
        public nonisolated let id: Int
        /// What the next export is to be given, to have only what came later.
        public nonisolated let cursor: String
        /// The instant that it shows.
        public nonisolated let at: Date

        private let client: TearoffClient
        /// Asked for while the piece before is being used.
        private var ahead: Call?
        private var isOver = false

        init(client: TearoffClient, _ fields: Fields) throws(TearoffError) {
            self.client = client
            id = try fields.integer("export")
            cursor = try fields.text("cursor")
            at = try fields.time("at")
        }
    }

    /// Begins an export of a list.
    ///
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/noCampaign``, ``TearoffError/Code/syntax``,
    ///   ``TearoffError/Code/busy``.
    public func beginExport(
        list: String, _ query: ExportQuery = ExportQuery()
    ) async throws(TearoffError) -> Export {
        let command = Command(query.words(list: list))
        return try Export(client: self, Fields(await call(command, timeout: options.replyTimeout)))
    }
}

extension TearoffClient.Export {
    /// The next bytes, cut between rows; nil at the end.
    public func next() async throws(TearoffError) -> [UInt8]? {
        if isOver { return nil }
        let call: Call
        if let ahead { call = ahead } else { call = try read() }
        ahead = nil
        guard case .bulk(let piece) = try await call.reply() else { throw .invalid("no bytes") }
        if piece.isEmpty {
            isOver = true
            return nil
        }
        ahead = try read()
        return piece
    }

    /// Ends it before its end; its memory is let go.
    public func cancel() async throws(TearoffError) {
        isOver = true
        ahead = nil
        try await client.call("EXPORT", "END", "\(id)").requireOK()
    }

    private func read() throws(TearoffError) -> Call {
        let command = TearoffClient.Command(["EXPORT", "READ", "\(id)"])
        return try client.start(command, timeout: client.options.operationTimeout)
    }
}
