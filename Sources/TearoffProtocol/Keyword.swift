/// Words that are compared on the hot path, packed so that a comparison is one of two integers: the
/// capitals of a word of at most eight bytes, the first byte highest. Unique only together with the length.
enum Keyword {
    static let alloc: UInt64 = 0x41_4C_4C_4F_43
    /// `ALLOCMANY` behind its first letter.
    static let allocManyTail: UInt64 = 0x4C_4C_4F_43_4D_41_4E_59
    static let allocManyCount = 9
    static let full: UInt64 = 0x46_55_4C_4C
    static let userID: UInt64 = 0x55_53_45_52_49_44
    static let key: UInt64 = 0x4B_45_59
    static let user: UInt64 = 0x55_53_45_52
    static let history: UInt64 = 0x48_49_53_54_4F_52_59
    static let code: UInt64 = 0x43_4F_44_45
    static let find: UInt64 = 0x46_49_4E_44
    static let list: UInt64 = 0x4C_49_53_54
    static let post: UInt64 = 0x50_4F_53_54
    static let host: UInt64 = 0x48_4F_53_54_3A
}

extension Span<UInt8> {
    /// Whether the bytes in `range` are the word `packed` of `count` letters, in capitals or not.
    @inline(__always)
    func isWord(at range: Range<Int>, _ packed: UInt64, count: Int) -> Bool {
        guard range.count == count else { return false }
        var word: UInt64 = 0
        for index in range { word = word << 8 | UInt64(ASCII.uppercased(self[index])) }
        return word == packed
    }

    /// Whether the bytes in `range` are `ALLOCMANY`, whose nine letters one word has no room for.
    func isAllocMany(at range: Range<Int>) -> Bool {
        guard range.count == Keyword.allocManyCount,
            ASCII.uppercased(self[range.lowerBound]) == UInt8(ascii: "A")
        else { return false }
        return isWord(at: range.dropFirst(), Keyword.allocManyTail, count: Keyword.allocManyCount - 1)
    }
}
