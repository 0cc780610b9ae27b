import TearoffCore
import TearoffEngine
import TearoffProtocol

/// Look-ups that need the texts of archived codes: those are read from disk in the background, and the reply is written
/// on the connection's loop once they are there.
extension Session {
    func find(
        _ code: [UInt8], in archived: [UploadReceipt], on connection: ConnectionHandler, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = archiveDesk(&writer) else { return .answered }
        Self.find(code, in: archived, desk, seenBy: sight, Later(connection, server, writer.version, origin: origin))
        return .later
    }

    private static func find(
        _ code: [UInt8], in archived: [UploadReceipt], _ desk: ArchiveDesk, seenBy sight: Sight, _ later: Later
    ) {
        desk.find(code, in: archived) { result in
            later.onLoop(result) { engine, found in
                // A list that was archived while others were read is neither in what was found nor in memory.
                let now = engine.archivedUploads
                guard Set(archived.map(\.id)).isSuperset(of: now.map(\.id)) else {
                    return find(code, in: now, desk, seenBy: sight, later)
                }
                var lookUp = LookUp<CodePlace>()
                engine.lookUp(code: code.span, archived: found, in: &lookUp)
                if let reach = sight.reach { engine.limit(&lookUp, to: reach) }
                later.report(behind: lookUp.frames(ofLoop: engine.index), engine.engine) { writer in
                    writer.places(lookUp, of: engine)
                }
            }
        }
    }

    func history(
        _ lookUp: LookUp<HistoryEntry>, textsOf archived: [CodeID], _ engine: LoopEngine,
        on connection: ConnectionHandler, _ writer: inout ReplyWriter
    ) -> SessionOutcome {
        guard let desk = archiveDesk(&writer) else { return .answered }
        let later = Later(connection, server, writer.version, origin: origin)
        let sight = sight
        desk.texts(of: archived, in: engine.archivedUploads) { result in
            later.onLoop(result) { engine, texts in
                later.report(behind: lookUp.frames(ofLoop: engine.index), engine.engine) { writer in
                    writer.history(lookUp, archived: texts, of: engine, seenBy: sight)
                }
            }
        }
        return .later
    }

    private func archiveDesk(_ writer: inout ReplyWriter) -> ArchiveDesk? {
        if let desk = server.archive { return desk }
        writer.error(.loading, "the server is not ready")
        return nil
    }
}
