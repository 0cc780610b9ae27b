/// The number of a user in a run: what a seed turns into an id.
package struct UserNumber: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Turns user numbers into ids that read like random UUIDs.
package struct UserText: Sendable {
    package static let byteCount = 36
    /// What stands where an id will be written: the hyphens are never written again.
    static let placeholder = [UInt8]("00000000-0000-4000-8000-000000000000".utf8)

    private let seed: UInt64

    package init(seed: UInt64) {
        self.seed = mixed(seed &+ LoadRandom.increment)
    }

    /// Writes the id of a user over ``placeholder``. Different numbers give different ids: the first group
    /// and the last eight digits together are a bijection of the number.
    @inline(__always)
    func write(_ user: UserNumber, at offset: Int, of output: inout MutableRawSpan) {
        let word = mixed(user.rawValue &+ seed)
        let other = mixed(word ^ seed)
        let head = Self.hex(UInt32(truncatingIfNeeded: word >> 32))
        output.storeBytes(of: head, toByteOffset: offset, as: UInt64.self)
        let middle = Self.hex(UInt32(truncatingIfNeeded: other >> 32))
        store(middle, at: offset + 9, of: &output)
        // Behind the version's digit, which stays a 4, and the variant's, which stays an 8.
        let rest = Self.hex(UInt32(truncatingIfNeeded: other))
        store(rest, count: 3, at: offset + 15, of: &output)
        store(rest >> 24, count: 3, at: offset + 20, of: &output)
        store(middle >> 32, at: offset + 24, of: &output)
        let tail = Self.hex(UInt32(truncatingIfNeeded: word))
        output.storeBytes(of: tail, toByteOffset: offset + 28, as: UInt64.self)
    }

    @inline(__always)
    private func store(_ digits: UInt64, at offset: Int, of output: inout MutableRawSpan) {
        output.storeBytes(of: UInt32(truncatingIfNeeded: digits), toByteOffset: offset, as: UInt32.self)
    }

    @inline(__always)
    private func store(_ digits: UInt64, count: Int, at offset: Int, of output: inout MutableRawSpan) {
        for index in 0..<count {
            let digit = UInt8(truncatingIfNeeded: digits >> (8 * UInt64(index)))
            output.storeBytes(of: digit, toByteOffset: offset + index, as: UInt8.self)
        }
    }

    /// Eight lower-case digits, the first in the lowest byte, all at once: each nibble moves to a byte of its
    /// own, and those above 9 get the distance from `9` to `a` on top.
    @inline(__always)
    private static func hex(_ word: UInt32) -> UInt64 {
        var nibbles = UInt64(word.byteSwapped)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles >> 4 | nibbles << 8) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = ((nibbles &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* 39).littleEndian
    }

    /// The id as text, for tests and messages.
    package func text(_ user: UserNumber) -> String {
        var bytes = Self.placeholder
        write(user, into: &bytes, at: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    @inline(__always)
    func write(_ user: UserNumber, into bytes: inout [UInt8], at offset: Int) {
        var span = bytes.mutableSpan
        // SAFETY: any bits make a byte.
        var raw = unsafe span.mutableBytes
        write(user, at: offset, of: &raw)
    }
}
