import TearoffCore
import TearoffEngine
import TearoffLog

/// Whether what was acknowledged is there, and nobody else has it.
extension Story {
    /// After each step.
    func checkLedgers() throws {
        for list in life.engine.latestCatalog.presentLists {
            let ledger = life.engine.ledgers(of: [list])[0].ledger
            guard ledger.holds else {
                throw Broken(.ledger, "the ledger of \(list.name) does not hold: \(ledger)")
            }
        }
    }

    /// A snapshot that was acknowledged, in an empty directory, has all that was acknowledged before it was asked
    /// for, as a backup must.
    func checkSnapshot(_ number: UInt64) throws {
        let medium = World(copyOf: world)
        // Another two may be there by now.
        guard let bytes = try? medium.blobs.readNamed(SnapshotDesk.name(of: number)) else { return }
        let alone = World(shardCount: world.shardCount, directory: world.directory)
        let users: [CodeID: String]
        do {
            let manifest = try Manifest(decoding: bytes.span, directory: world.directory)
            for blob in manifest.blobs { _ = try alone.blobs.copy(blob, from: medium.blobs) }
            let state = try Recovery.read(manifest, from: alone.source)
            users = try Self.users(of: state.shards, in: state.catalog)
        } catch {
            throw Broken(.restore, "snapshot \(number) does not read back alone: \(error)")
        }
        for (code, key) in ownersInSnapshot where users[code] != key {
            throw Broken(.restore, "\(code) of \(key) is \(users[code] ?? "nobody")'s in snapshot \(number)")
        }
    }

    /// After each recovery.
    mutating func check() throws {
        try checkCatalog()
        if try life.list().isArchived {
            let counts = try life.counts()
            try life.bringBack()
            guard try life.counts() == counts else {
                throw Broken(.ledger, "\(counts) came back as \(try life.counts())")
            }
            counters.archives += 1
            facts[.archived] = nil
        }
        try checkBookings()
        try checkUsers()
        try checkLookUps()
        try checkLists()
        try checkFixed()
        try checkFeed()
    }

    /// No code is held for, or given to, two users, not even from two uploads that have it; what was acknowledged is
    /// its user's for good, and so is what a crash could have taken and did not.
    private mutating func checkUsers() throws {
        let users = try Self.users(of: life.engine.shards, in: life.engine.latestCatalog)
        var owners: [String: String] = [:]
        for (code, key) in users where !isFixed(code) {
            if let other = owners.updateValue(key, forKey: life.text(code)) {
                throw Broken(.twoUsers, "the text of \(code) is \(other)'s and \(key)'s")
            }
        }
        for given in inDoubt.given where users[given.code] == given.key { try acknowledge(given) }
        inDoubt.given = []
        for (code, key) in self.owners where users[code] != key {
            throw Broken(.lost, "\(code) of \(key) is \(users[code] ?? "nobody")'s")
        }
    }

    /// The look-up of a code agrees with the rows.
    private func checkLookUps() throws {
        for (code, owner) in owners where !isFixed(code) {
            let place = life.find(life.text(code))
            // The code may stand in an upload that was withdrawn before, too.
            guard let found = place.found.first(where: { $0.code == code })?.owner else {
                throw Broken(.lost, "\(code) of \(owner) is lost")
            }
            let key = life.engine.latestCatalog[found.campaign].name + "/" + place.text(found.user)
            if key != owner { throw Broken(.twoUsers, "\(code) of \(owner) is found as \(key)'s") }
        }
    }

    private func checkLists() throws {
        let catalog = life.engine.latestCatalog
        try checkLedgers()
        for list in catalog.lists {
            let ledger = life.engine.ledgers(of: [list])[0].ledger
            let parts = life.engine.checkedLedgers(of: list.uploads[...], in: list)
            // The pool counted the one side, the shards' tallies the other.
            guard parts.reduce(0, { $0 + $1.free }) == ledger.free,
                parts.reduce(0, { $0 + $1.withdrawn }) == ledger.withdrawn
            else {
                throw Broken(
                    .ledger, "the uploads of \(list.name) have other free codes than it: \(parts), \(ledger)")
            }
        }
        let uploads = try life.list().uploads
        for (id, count) in loaded where uploads.first(where: { $0.id == id })?.count != count {
            throw Broken(.lost, "upload \(id) with \(count) codes is lost: \(uploads)")
        }
    }

    /// Whether it is one that many users have.
    private func isFixed(_ code: CodeID) -> Bool {
        let catalog = life.engine.latestCatalog
        return catalog[catalog[code.upload].list].kind != .unique
    }

    /// The fixed code went out no more often than its latest limit says, and no less often than was acknowledged.
    private func checkFixed() throws {
        guard let list = life.engine.latestCatalog.list(named: "fixed"),
            case .fixed(_, let limit) = list.kind
        else {
            throw Broken(.lost, "the fixed list is gone")
        }
        let ledger = life.engine.ledgers(of: [list])[0].ledger
        guard ledger.taken <= limit, ledger.taken + ledger.free <= limit else {
            throw Broken(.ledger, "a fixed code with limit \(limit): \(ledger)")
        }
        let acknowledged = owners.keys.count(where: isFixed)
        guard ledger.given >= acknowledged else {
            throw Broken(.lost, "a fixed code was given \(acknowledged) times: \(ledger)")
        }
    }
}
