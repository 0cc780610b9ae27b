import NIOCore
import TearoffCore
import TearoffEngine
import TearoffProtocol

/// Exports belong to the connection that began them.
extension Session {
    func runExport(
        _ command: Command, _ engine: LoopEngine, on connection: ConnectionHandler, _ later: Later,
        _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = server.exports else {
            writer.error(.loading, "the server is not ready")
            return .answered
        }
        switch command {
        case .exportBegin(let arguments):
            guard let query = query(arguments, engine, &writer) else { return .answered }
            switch desk.begin(query) {
            case .failure(let error): writer.error(error)
            case .success(let ticket):
                exports.insert(ticket.id)
                tell(ticket, of: query, engine.engine, desk, later)
                return .later
            }
            return .answered
        case .exportRead(let id):
            guard owns(export: id, &writer) else { return .answered }
            guard let piece = desk.read(id, done: { later.bulk($0) }) else { return .later }
            switch piece {
            case .success(let bytes): writer.bulk(bytes.span)
            case .failure(let error): writer.error(error)
            }
            return .answered
        case .exportEnd(let id):
            guard owns(export: id, &writer) else { return .answered }
            exports.remove(id)
            desk.end([id])
            writer.ok()
            return .answered
        default: preconditionFailure("not a command of exports")
        }
    }

    /// Answers with the ticket once it is durable that this export was begun, and all that it will tell.
    private func tell(
        _ ticket: ExportTicket, of query: ExportQuery, _ engine: Engine, _ desk: ExportDesk, _ later: Later
    ) {
        let rows = engine.barrier()
        later.control { control in
            control.noteExport(query) { noted in
                switch noted {
                case .failure:
                    desk.end([ticket.id])
                    later.reply(noted) { _, _ in }
                case .success:
                    engine.whenDurable(rows) { later.reply(noted) { writer, _ in writer.ticket(ticket) } }
                }
            }
        }
    }

    private func owns(export id: UInt64, _ writer: inout ReplyWriter) -> Bool {
        if exports.contains(id) { return true }
        writer.error(.noExport, "no export \(id) on this connection")
        return false
    }

    /// - Returns: nil when an error was written.
    private func query(
        _ arguments: ExportArguments, _ engine: LoopEngine, _ writer: inout ReplyWriter
    ) -> ExportQuery? {
        guard let list = list(named: arguments.list, engine, &writer) else { return nil }
        var campaign: CampaignID?
        if let name = arguments.campaign {
            guard let found = engine.catalog.campaign(named: name) else {
                writer.error(.noCampaign, "no campaign '\(name)'")
                return nil
            }
            campaign = found.id
        }
        var upload: UploadID?
        if let number = arguments.upload {
            guard let found = list.uploads(from: number, count: 1).first, UInt64(found.id.rawValue) == number
            else {
                writer.error(.noUpload, "list '\(list.name)' has no upload \(number)")
                return nil
            }
            upload = found.id
        }
        guard let after = readExpiry(arguments.after, &writer), let until = readExpiry(arguments.until, &writer)
        else { return nil }
        var since: ExportCursor?
        if let text = arguments.since {
            since = ExportCursor(text, shardCount: engine.engine.shards.count)
            if since == nil {
                writer.error(.syntax, "the cursor must be what an earlier export of this server gave")
                return nil
            }
        }
        guard let columns = columns(arguments.columns, &writer) else { return nil }
        let selection: ExportQuery.Selection =
            switch arguments.selection {
            case .given: .given
            case .free: .free
            case .all: .all
            }
        return ExportQuery(
            list: list.id, selection: selection, campaign: campaign, upload: upload, after: after.value,
            until: until.value,
            since: since, columns: columns, format: arguments.isJSONLines ? .jsonLines : .csv,
            hiddenCampaigns: Set(engine.catalog.campaigns.filter { !sight.sees($0, in: engine.catalog) }.map(\.id)))
    }

    private func columns(_ names: String?, _ writer: inout ReplyWriter) -> [ExportColumn]? {
        guard let names else { return ExportColumn.standard }
        let words = names.split(separator: ",", omittingEmptySubsequences: false)
        let columns = words.compactMap { ExportColumn(rawValue: String($0)) }
        guard columns.count == words.count, Set(columns).count == columns.count else {
            let all = ExportColumn.allCases.map(\.rawValue).joined(separator: ", ")
            writer.error(.syntax, "columns must be names with commas between them, each once, of: \(all)")
            return nil
        }
        return columns
    }
}
