import TearoffProtocol

extension TearoffClient {
    /// One file on its way into a list: chunks in their order, then ``commit(skipBad:replace:)``,
    /// ``dryRun(skipBad:replace:)`` or ``abort()``.
    ///
    /// For one task: chunks that several tasks send have no order. Nothing is kept of an upload that is not
    /// committed; it ends with its connection.
    ///
    ///     let upload = try await client.beginUpload(list: "june", fileName: "june.txt")
    ///     try await upload.send([UInt8]("K7QP-2M4X\nB3RT-9W1Z\n".utf8))
    ///     let report = try await upload.commit()
    public actor Upload {
        /// The list that it is for.
        public nonisolated let list: String
        /// The server's number of it.
        public nonisolated let id: Int
        /// Bytes that the server has read.
        public private(set) var bytesReceived = 0

        private let client: TearoffClient
        /// Chunks without a reply, oldest first; at most ``TearoffClient/Limits/uploadWindow``.
        private var inFlight: [Call] = []

        init(client: TearoffClient, list: String, id: Int) {
            self.client = client
            self.list = list
            self.id = id
        }
    }

    /// Opens an upload.
    ///
    /// - Parameter fileName: kept with the upload, at most 255 bytes; nil for none.
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/busy``.
    public func beginUpload(
        list: String, fileName: String? = nil
    ) async throws(TearoffError) -> Upload {
        let words = ["LIST", "LOAD", list, "BEGIN"] + (fileName.map { [$0] } ?? [])
        let id = try await call(Command(words), timeout: options.replyTimeout).requiredInteger()
        return Upload(client: self, list: list, id: id)
    }

    /// Opens an import of codes that another system gave: `code,user,campaign,given_at` in each line of a CSV file. It
    /// goes on as an upload does, without `replace`.
    ///
    /// - Parameter fileName: as of ``beginUpload(list:fileName:)``.
    /// - Throws: ``TearoffError/Code/noList``, ``TearoffError/Code/busy``.
    public func beginImport(
        list: String, fileName: String? = nil
    ) async throws(TearoffError) -> Upload {
        let words = ["LIST", "IMPORT", list] + (fileName.map { [$0] } ?? [])
        let id = try await call(Command(words), timeout: options.replyTimeout).requiredInteger()
        return Upload(client: self, list: list, id: id)
    }

    /// Uploads a whole file: one code per line.
    ///
    /// - Parameters:
    ///   - skipBad: leaves bad lines out; else one bad line refuses the whole upload.
    ///   - replace: as of ``Upload/commit(skipBad:replace:)``.
    ///   - chunks: the file's bytes in their order, each at most 1 MiB, cut anywhere.
    ///   - progress: called with the bytes that the server has read, after each chunk.
    /// - Throws: as ``beginUpload(list:fileName:)`` and ``Upload/commit(skipBad:replace:)``; nothing is kept then,
    ///   unless ``TearoffError/outcomeIsUnknown``. A file that cannot be read is the caller's matter: use
    ///   ``Upload`` itself.
    public func upload(
        list: String, fileName: String? = nil, skipBad: Bool = false, replace: Bool = false,
        chunks: some AsyncSequence<[UInt8], Never> & Sendable,
        progress: @Sendable (_ bytesReceived: Int) -> Void = { _ in }
    ) async throws(TearoffError) -> UploadReport {
        let upload = try await beginUpload(list: list, fileName: fileName)
        for await chunk in chunks {
            try await upload.send(chunk)
            progress(await upload.bytesReceived)
        }
        return try await upload.commit(skipBad: skipBad, replace: replace)
    }
}

extension TearoffClient.Upload {
    /// Sends the file's next bytes, and returns as soon as there is room for more.
    ///
    /// - Parameter chunk: at most 1 MiB, cut anywhere, also inside a line or a character.
    /// - Throws: the server's answer to an earlier chunk, such as ``TearoffError/Code/badLines`` when there
    ///   are too many to count: the upload is over then.
    public func send(_ chunk: [UInt8]) async throws(TearoffError) {
        while inFlight.count >= TearoffClient.Limits.uploadWindow { try await settleOldest() }
        var words = ["LIST", "LOAD", list, "CHUNK", "\(id)"].map { [UInt8]($0.utf8) }
        words.append(chunk)
        let command = TearoffClient.Command(bytes: words)
        inFlight.append(try client.start(command, timeout: client.options.operationTimeout))
    }

    /// Judges the whole file and adds its codes to the list, on disk, all or nothing.
    ///
    /// - Parameters:
    ///   - skipBad: leaves bad lines out; else one bad line refuses the whole upload.
    ///   - replace: takes the free codes of all earlier files out of the list. Codes that users have stay theirs, and
    ///     are left out of this file.
    /// - Returns: also when the upload was refused for its lines: then ``badLines(from:count:)`` tells them.
    public func commit(
        skipBad: Bool = false, replace: Bool = false
    ) async throws(TearoffError) -> TearoffClient.UploadReport {
        try await judge(skipBad, replace, options: [])
    }

    /// Judges the whole file as ``commit(skipBad:replace:)`` does, and keeps nothing. The upload is over then: what
    /// is to be loaded is sent anew.
    ///
    /// - Parameters:
    ///   - skipBad, replace: as of ``commit(skipBad:replace:)``.
    /// - Returns: what the commit would have come to, without an upload's id; ``badLines(from:count:)`` tells
    ///   the bad lines.
    public func dryRun(
        skipBad: Bool = false, replace: Bool = false
    ) async throws(TearoffError) -> TearoffClient.UploadReport {
        try await judge(skipBad, replace, options: ["DRYRUN"])
    }

    private func judge(
        _ skipBad: Bool, _ replace: Bool, options: [String]
    ) async throws(TearoffError) -> TearoffClient.UploadReport {
        let options = (skipBad ? ["SKIPBAD"] : []) + (replace ? ["REPLACE"] : []) + options
        while !inFlight.isEmpty { try await settleOldest() }
        let command = TearoffClient.Command(["LIST", "LOAD", list, "COMMIT", "\(id)"] + options)
        let reply = try await client.call(command, timeout: client.options.operationTimeout)
        return try TearoffClient.UploadReport(Fields(reply))
    }

    /// Drops the upload: nothing is kept.
    public func abort() async throws(TearoffError) {
        inFlight.removeAll()
        try await client.call("LIST", "LOAD", list, "ABORT", "\(id)").requireOK()
    }

    /// Some of the bad lines, after a commit that was refused or left them out, or a dry run.
    ///
    /// - Parameters:
    ///   - from: how many to pass over; 0 for the first one.
    ///   - count: most to bring, 1 to ``TearoffClient/Limits/badLinesPage``.
    /// - Returns: in the file's order; empty when there are no more.
    public func badLines(
        from: Int = 0, count: Int
    ) async throws(TearoffError) -> [TearoffClient.BadLine] {
        let reply = try await client.call("LIST", "LOAD", list, "ERRORS", "\(id)", "\(from)", "\(count)")
        guard case .array(let rows) = reply else { throw .invalid("no array") }
        var lines: [TearoffClient.BadLine] = []
        lines.reserveCapacity(rows.count)
        for row in rows {
            guard case .array(let cells) = row, cells.count == 2, case .integer(let line) = cells[0],
                let reason = cells[1].text
            else { throw .invalid("a bad line is no line number and reason") }
            lines.append(TearoffClient.BadLine(line: Int(line), reason: reason))
        }
        return lines
    }

    private func settleOldest() async throws(TearoffError) {
        bytesReceived = try await inFlight.removeFirst().reply().requiredInteger()
    }
}
