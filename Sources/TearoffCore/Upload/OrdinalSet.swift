/// Some of an upload's codes: a bit for each.
package struct OrdinalSet: Sendable {
    private var words: [UInt64]

    /// - Parameter count: codes of the upload; ordinals are below it.
    package init(count: Int) {
        words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    package func contains(_ ordinal: Ordinal) -> Bool {
        words[Int(ordinal / 64)] & 1 << UInt64(ordinal % 64) != 0
    }

    /// - Returns: false when it was there already.
    @discardableResult
    package mutating func insert(_ ordinal: Ordinal) -> Bool {
        if contains(ordinal) { return false }
        words[Int(ordinal / 64)] |= 1 << UInt64(ordinal % 64)
        return true
    }
}
