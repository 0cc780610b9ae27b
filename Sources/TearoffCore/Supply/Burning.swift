/// What a directory that is made of a backup does not give: nobody knows what was given after the backup.
package enum Burning: Equatable, Sendable {
    /// Of each list the codes that went out before its next one and that nobody had (they went back, and may have been
    /// given again), and so many from that one on.
    case next(UInt64)
    /// All free codes of every list.
    case all
    /// Somebody vouches that nothing was given after the backup.
    case nothing
}
