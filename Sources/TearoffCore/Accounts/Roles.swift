/// What an account may do: any of these, each told by its bit.
///
/// On disk by its bits, so one may be added and none may change.
package struct Roles: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Gives codes: `ALLOC`, `HOLD` and their kin.
    package static let allocate = Roles(rawValue: 1)
    /// Changes lists and campaigns, loads files, writes snapshots.
    package static let operate = Roles(rawValue: 2)
    /// Looks: at lists, users, codes, the feed, the audit trail.
    package static let audit = Roles(rawValue: 4)
    /// Sees codes whole where it may look.
    package static let reveal = Roles(rawValue: 8)
    /// Takes codes out of the house.
    package static let export = Roles(rawValue: 16)
    /// May do everything, accounts included.
    package static let admin = Roles(rawValue: 32)

    package static let all: Roles = [.allocate, .operate, .audit, .reveal, .export, .admin]

    private static let words: [(Roles, String)] = [
        (.allocate, "allocate"), (.operate, "operate"), (.audit, "audit"), (.reveal, "reveal"), (.export, "export"),
        (.admin, "admin"),
    ]

    /// The words of all that are in it, with commas between them.
    package var text: String { Self.words.filter { contains($0.0) }.map(\.1).joined(separator: ",") }

    /// All that it comes to: an administrator may do everything.
    package var granted: Roles { contains(.admin) ? .all : self }
}
