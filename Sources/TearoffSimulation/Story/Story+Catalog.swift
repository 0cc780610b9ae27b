import TearoffCore
import TearoffEngine
import TearoffLog

/// A change that was asked for, and what is so once it was made.
struct Asked {
    let reply: Reply<Change>
    /// nil: nothing that is looked at.
    let effect: Effect?
}

enum Effect {
    case created(String), deleted(String)
    case withdrawn(UploadID)
    /// nil: whatever comes.
    case set(Fact, String?)
}

/// What operators set, and nothing else changes.
enum Fact: Hashable {
    case expiry, warning, archived, fixed
    /// Why a campaign ended.
    case end(of: String)

    func value(in catalog: Catalog) throws -> String {
        let list = try required(catalog.list(named: "l"))
        switch self {
        case .expiry: return "\(list.expiresAt?.milliseconds ?? 0)"
        case .warning: return "\(list.warnings.percent ?? 0)"
        case .archived: return list.isArchived ? "yes" : "no"
        case .fixed:
            guard case .fixed(let code, let limit)? = catalog.list(named: "fixed")?.kind else { return "gone" }
            return "\(String(decoding: code, as: UTF8.self)) \(limit)"
        case .end(let campaign):
            guard case .finished(let reason, _) = try required(catalog.campaign(named: campaign)).state else {
                return "none"
            }
            return reason.text
        }
    }
}

/// What operators changed.
extension Story {
    mutating func acknowledge(_ effect: Effect?) {
        switch effect {
        case .created(let list)?: lists.insert(list)
        case .deleted(let list)?:
            lists.remove(list)
            deletedLists.insert(list)
        case .withdrawn(let upload)?: withdrawn.insert(upload)
        case .set(let fact, let value)?: facts[fact] = value
        case nil: break
        }
    }

    /// It may be so, or not.
    mutating func doubt(_ effect: Effect?) {
        switch effect {
        case .deleted(let list)?: lists.remove(list)
        case .set(let fact, _)?: facts[fact] = nil
        case .created?, .withdrawn?, nil: break
        }
    }

    /// After a recovery: every change that was acknowledged is there.
    mutating func checkCatalog() throws {
        let catalog = life.engine.latestCatalog
        for name in lists where catalog.list(named: name) == nil { throw Broken(.lost, "list \(name) is lost") }
        for name in deletedLists where catalog.list(named: name) != nil {
            throw Broken(.lost, "list \(name) was deleted, and is there")
        }
        for upload in try life.list().uploads where withdrawn.contains(upload.id) {
            guard upload.withdrawnAt != nil || upload.isImport else {
                throw Broken(.withdrawn, "upload \(upload.id) was withdrawn, and is there")
            }
        }
        for (fact, value) in facts {
            let found = try fact.value(in: catalog)
            guard found == value else { throw Broken(.lost, "\(fact) was \(value), and is \(found)") }
        }
        // Also what nobody was told of stays as it is now.
        lists.formUnion(catalog.presentLists.map(\.name))
        for fact in [Fact.expiry, .warning, .archived, .fixed] { facts[fact] = try fact.value(in: catalog) }
    }
}
