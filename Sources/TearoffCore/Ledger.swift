/// Where every code of a list is. At every moment: uploaded = free + held + given + withdrawn + burned.
package struct Ledger: Equatable, Sendable {
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

    /// Each figure is counted where it lives (uploads in the catalog, free codes in the pool, given ones in
    /// the shards), so a code that was lost or given twice shows here.
    package var holds: Bool { uploaded == free + held + given + withdrawn + burned }
}
