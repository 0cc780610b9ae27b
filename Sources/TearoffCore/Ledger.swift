/// Where every code of a list is. At every moment: uploaded = free + held + given + withdrawn + burned.
package struct Ledger: Hashable, Sendable {
    package var uploaded: UInt64
    package var free: UInt64
    package var held: UInt64 = 0
    package var given: UInt64
    package var withdrawn: UInt64 = 0
    package var burned: UInt64 = 0

    package init(uploaded: UInt64, free: UInt64, given: UInt64) {
        self.uploaded = uploaded
        self.free = free
        self.given = given
    }

    /// Each figure is counted where it lives (uploads in the catalog, codes that nobody ever had in the pool, all
    /// others in the shards), so a code that was lost or given twice shows here.
    package var holds: Bool { uploaded == free + held + given + withdrawn + burned }

    /// Codes that users have, had last, or may still get for good.
    package var taken: UInt64 { held + given + burned }

    package mutating func add(_ supply: PoolCounts) {
        free += supply.free
        withdrawn += supply.withdrawn
        burned += supply.burned
    }

    package mutating func add(_ tally: CodeTally) {
        held += tally.held
        given += tally.given
        burned += tally.burned
    }
}

/// Where a code counts in the ledger.
package enum CodeState: Equatable, Sendable {
    case free, held, given, withdrawn, burned

    /// As look-ups and exports tell it.
    package var text: String {
        switch self {
        case .free: "free"
        case .held: "held"
        case .given: "given"
        case .withdrawn: "withdrawn"
        case .burned: "burned"
        }
    }
}

/// A shard's codes of one upload that are not free.
package struct CodeTally: Equatable, Sendable {
    package private(set) var held: UInt64 = 0
    package private(set) var given: UInt64 = 0
    package private(set) var burned: UInt64 = 0

    package init() {}

    /// A code went from one state to another.
    @inline(__always)
    mutating func move(from old: CodeState, to new: CodeState) {
        switch old {
        case .free, .withdrawn: break
        case .held: held -= 1
        case .given: given -= 1
        case .burned: burned -= 1
        }
        switch new {
        case .free, .withdrawn: break
        case .held: held += 1
        case .given: given += 1
        case .burned: burned += 1
        }
    }
}
