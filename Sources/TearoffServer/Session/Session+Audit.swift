import TearoffEngine
import TearoffProtocol

/// Looks into the audit trail; read in the background, since it may be long.
extension Session {
    func runAudit(_ command: Command, _ later: Later, _ writer: inout ReplyWriter) -> SessionOutcome {
        guard let desk = server.audit, let engine = server.engine else {
            writer.error(.loading, "the server is not ready")
            return .answered
        }
        let sight = sight
        switch command {
        case .auditRead(let from, let count):
            desk.read(from: from, count: Int(count)) {
                later.reply($0) { writer, entries in writer.audit(entries, seenBy: sight, in: engine.latestCatalog) }
            }
        case .auditCheck:
            desk.check { later.reply($0) { writer, verdict in writer.verdict(verdict) } }
        default: preconditionFailure("not a command of the audit trail")
        }
        return .later
    }
}
