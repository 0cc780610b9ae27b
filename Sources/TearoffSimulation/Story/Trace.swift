/// What happened in a story, as one number that two runs of a seed must agree on, and in words for whoever looks.
package struct Trace: Sendable {
    /// FNV-1a over all lines.
    ///
    /// - Source: Fowler, Noll, Vo; constants from http://www.isthe.com/chongo/tech/comp/fnv/.
    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Called with each line.
    private let tell: (@Sendable (String) -> Void)?

    package init(tell: (@Sendable (String) -> Void)? = nil) { self.tell = tell }

    mutating func note(_ line: String) {
        for byte in line.utf8 { mix(byte) }
        mix(UInt8(ascii: "\n"))
        tell?(line)
    }

    private mutating func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
}
