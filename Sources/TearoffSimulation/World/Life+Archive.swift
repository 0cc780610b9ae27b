package import TearoffCore
package import TearoffEngine
import TearoffLog

extension Life {
    package func askToArchive(_ list: String = "l") -> Reply<Change> {
        let reply = Reply<Change>()
        control.asked(by: Self.origin).archive(list: list) { reply.set($0) }
        return reply
    }

    package func archive(_ list: String = "l") throws { try done(askToArchive(list)) }

    package func askToDelete(_ list: String = "l") -> Reply<Change> {
        let reply = Reply<Change>()
        control.asked(by: Self.origin).delete(list: list) { reply.set($0) }
        return reply
    }

    package func delete(_ list: String = "l") throws { try done(askToDelete(list)) }

    private func done(_ reply: Reply<Change>) throws {
        settle()
        try required(reply.value).get()
    }

    package func askToBringBack(_ list: String = "l") -> Reply<Change> {
        let reply = Reply<Change>()
        control.uploads.bringBack(list, by: Self.origin) { reply.set($0) }
        return reply
    }

    package func bringBack(_ list: String = "l") throws { try done(askToBringBack(list)) }

    /// Why a change is refused.
    package func refusal(of reply: Reply<Change>) -> CatalogError? {
        settle()
        guard case .catalog(let error)? = reply.value?.error else { return nil }
        return error
    }

    package func list(_ name: String = "l") throws -> List { try required(engine.latestCatalog.list(named: name)) }

    /// Whether the codes of all uploads of a list that have a blob are on disk alone, on every loop.
    package func isAway(_ name: String = "l") throws -> Bool {
        let uploads = try list(name).uploads.map(\.id)
        let away = ([engine.latestCatalog] + loops.map(\.catalog)).flatMap { catalog in
            uploads.map { catalog[$0].codes.isAway }
        }
        guard Set(away).count == 1, let isAway = away.first else { throw Broken("loops differ: \(away)") }
        return isAway
    }

    /// The text of codes as a look-up of a user gets it.
    package func texts(of codes: [CodeID]) throws -> [String] {
        let reply = Reply<Result<[CodeID: [UInt8]], ControlError>>()
        control.archive.texts(of: codes, in: loops[0].archivedUploads) { reply.set($0) }
        settle()
        let found = try required(reply.value).get()
        return codes.map { String(decoding: found[$0] ?? [], as: UTF8.self) }
    }

    /// Where a code stands, as `CODE FIND` finds it with archived lists.
    package func findOnDisk(_ code: String, loop: Int = 0) throws -> LookUp<CodePlace> {
        let reply = Reply<Result<[CodeID], ControlError>>()
        control.archive.find(Array(code.utf8), in: loops[loop].archivedUploads) { reply.set($0) }
        settle()
        var lookUp = LookUp<CodePlace>()
        let archived = try required(reply.value).get()
        loops[loop].lookUp(code: Array(code.utf8).span, archived: archived, in: &lookUp)
        return lookUp
    }

    /// Gives to new users until the list is empty. - Returns: the codes.
    package func drain(_ prefix: String = "new", in campaign: String = "c", loop: Int = 0) throws -> [String] {
        var codes: [String] = []
        while case .given(let allocation) = try decide("\(prefix)\(codes.count)", in: campaign, loop: loop) {
            _ = try loops[loop].commit()
            codes.append(text(allocation.code, loop: loop))
        }
        return codes
    }
}
