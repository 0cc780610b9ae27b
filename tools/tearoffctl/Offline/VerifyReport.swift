import TearoffLog
import TearoffOffline
import TearoffStorage

/// A check of a data directory as it is shown: the whole of it as JSON, parts of it as tables and words.
struct VerifyReport: Encodable {
    let directory: String
    let format: Int
    let parts: [Record]
    let lists: [Record]
    let tornTails: [Record]
    let damage: [Record]
    let setsAside: [UInt64]
    let removes: [String]
    let foreignFiles: [String]
    let starts: Bool
    let whole: Bool
    /// For the person, a line each.
    let words: [String]

    private enum CodingKeys: String, CodingKey {
        case directory, format, parts, lists, damage, removes, starts, whole
        case tornTails = "torn-tails"
        case setsAside = "sets-aside"
        case foreignFiles = "foreign-files"
    }

    init(_ found: Verification, _ identity: DataIdentity) {
        directory = "\(identity.id)"
        format = identity.version
        parts = found.parts.map { Record($0) }
        tornTails = found.tails.map { Record($0) }
        damage = found.damage.map { Record($0) }
        removes = found.leftovers
        foreignFiles = found.foreignFiles
        whole = found.isWhole
        switch found.start {
        case .serves(let state):
            starts = true
            setsAside = state.setsAside
            lists = state.lists.map { Record(list: $0.name, $0.ledger) }
        case .refused:
            starts = false
            setsAside = []
            lists = []
        }
        words = Self.words(of: found, identity)
    }

    /// The last word.
    var verdict: String {
        if whole { return "Whole: a server would start, and nothing that was acknowledged is missing." }
        return starts
            ? "Damaged: a server would start without what is damaged. Bring the files back from a copy all the same."
            : "Damaged: a server would refuse to start. Nothing was changed."
    }

    private static func words(of found: Verification, _ identity: DataIdentity) -> [String] {
        var words = found.damage.map { "Damage: \($0)" }
        words += found.tails.map { "Torn tail, \($0.byteCount) bytes: \($0.tail)." }
        if case .serves(let state) = found.start {
            words += state.setsAside.map {
                "A start would set snapshot \($0) aside and use an older one, or the log."
            }
            if state.gaps > 0 {
                words.append(
                    "A crash took \(state.gaps) records that nobody was told of: their codes are free.")
            }
        }
        if !found.leftovers.isEmpty {
            words.append(
                "A start would remove what is half-written: \(found.leftovers.joined(separator: ", ")).")
        }
        words += found.foreignFiles.map { "wal/\($0) is no segment; it is left alone." }
        if identity.version != DataIdentity.formatVersion {
            words.append(
                "A start would make it of format \(DataIdentity.formatVersion), which older programs cannot read."
            )
        }
        return words
    }
}

extension Record: Encodable {
    func encode(to encoder: any Encoder) throws { try dictionary.encode(to: encoder) }
}
