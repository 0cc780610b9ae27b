import Synchronization
import TearoffCore
import TearoffEngine
import TearoffLog

/// Damage that must lead to a refusal by name, or be repaired from a second copy: never to a loss in silence, never to
/// a code with two users.
extension Story {
    /// Tries each kind of damage that was rolled on a copy of the medium. The story goes on without.
    mutating func checkHarms() throws {
        guard !harms.isEmpty else { return }
        let undamaged: Digest
        do throws(RecoveryError) {
            undamaged = Digest(try World(copyOf: world).recover())
        } catch {
            throw Broken(.refusal, "an undamaged directory is refused: \(error)")
        }
        for (kind, dice) in harms { try check(kind, dice, against: undamaged) }
        harms = []
    }

    private mutating func check(_ kind: StepKind, _ dice: SplitMix64, against undamaged: Digest) throws {
        var dice = dice
        let copy = World(copyOf: world)
        guard let harm = try copy.harm(kind, &dice) else { return }
        let words = "\(kind.rawValue) \(harm.what) \(harm.names)"
        let state: RecoveredState
        do throws(RecoveryError) {
            state = try copy.recover()
        } catch {
            counters.refusals += 1
            trace.note("\(words): refused, \(error.kind)")
            if harm.mustBeRepaired {
                throw Broken(.repair, "\(words): refused, though there is a second copy: \(error)")
            }
            guard harm.isNamed(in: error) else { throw Broken(.naming, "\(words): refused for another: \(error)") }
            return
        }
        counters.repairs += 1
        let users = try Self.users(of: state.shards, in: state.catalog)
        let digest = Digest(state)
        trace.note("\(words): \(digest.checksum)")
        let differences = digest.differences(from: undamaged)
        if differences.isEmpty { return }
        if harm.isLie {
            // What a drive said was durable is gone, and nothing that is left tells of it: but what a snapshot has.
            guard ownersInSnapshot.allSatisfy({ users[$0.key] == $0.value }) else {
                throw Broken(.silence, "\(words): codes that a snapshot has are lost, and nobody was told")
            }
            return
        }
        if let tail = harm.unvouched {
            // The last frame of its lane, and nothing later says that it was durable: as if it had not been written.
            let cut = World(copyOf: world)
            cut.log.blank(tail)
            if let state = try? cut.recover(), digest.differences(from: Digest(state)).isEmpty { return }
        }
        throw Broken(.silence, "\(words): \(differences) are others, and nobody was told")
    }

    /// Who has each code, by campaign and user. Each time that a fixed one is given counts as a code.
    static func users(of shards: [ShardCell], in catalog: Catalog) throws -> [CodeID: String] {
        var users: [CodeID: String] = [:]
        for cell in shards {
            try cell.state.withLock { state in
                for number in 0..<UInt32(state.shard.rows.count) {
                    let row = state.shard.rows[RowNumber(rawValue: number)]
                    let standing = state.shard.standing(of: RowNumber(rawValue: number))
                    guard standing.status == .given || standing.status == .held else { continue }
                    var user: [UInt8] = []
                    state.shard.appendUser(of: row, to: &user)
                    let name = catalog[row.campaign].name
                    let key = "\(name)/\(String(decoding: user, as: UTF8.self))"
                    if let other = users.updateValue(key, forKey: row.code) {
                        throw Broken(.twoUsers, "\(row.code) is \(other)'s and \(key)'s")
                    }
                }
            }
        }
        return users
    }
}
