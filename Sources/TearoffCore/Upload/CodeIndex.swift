/// Finds a code's ordinal in one upload: an open-addressing table of four bytes a slot, sized once.
///
/// A slot holds 1 + ordinal in its low bits and, in the bits that the ordinals leave free, some of the code's
/// hash, so that a look-up touches the text of few other codes. At 5 slots for 4 codes it takes 5 bytes a
/// code.
package struct CodeIndex: Sendable {
    private var slots: [UInt32]
    private let ordinalBits: UInt32
    private let seed: UInt64

    /// - Parameter capacity: codes that will be inserted at most, up to ``Limits/uploadCodes``.
    package init(capacity: Int, seed: UInt64) {
        precondition(capacity >= 0 && capacity < Limits.uploadCodes, "an index for \(capacity) codes")
        slots = [UInt32](repeating: 0, count: max(8, capacity + capacity / 4))
        ordinalBits = UInt32(UInt32.bitWidth - UInt32(capacity).leadingZeroBitCount)
        self.seed = seed
    }

    package var byteCount: Int { slots.count * 4 }

    package func hash(_ code: Span<UInt8>) -> UInt64 { ByteHash.hash(code, seed: seed) }

    /// - Parameter isSame: whether the code of that ordinal is the one looked for.
    /// - Complexity: O(1) expected.
    package func find(hash: UInt64, isSame: (Ordinal) -> Bool) -> Ordinal? {
        switch locate(hash: hash, isSame: isSame) {
        case .found(let ordinal): ordinal
        case .absent: nil
        }
    }

    /// - Returns: the ordinal that has the same code already, or nil when `ordinal` was inserted.
    package mutating func insert(_ ordinal: Ordinal, hash: UInt64, isSame: (Ordinal) -> Bool) -> Ordinal? {
        precondition(ordinal < ordinalMask, "ordinal \(ordinal) in an index of \(ordinalBits) bits")
        switch locate(hash: hash, isSame: isSame) {
        case .found(let existing): return existing
        case .absent(let slot):
            slots[slot] = tag(of: hash) | (ordinal + 1)
            return nil
        }
    }

    private enum Location {
        case found(Ordinal)
        case absent(slot: Int)
    }

    private var ordinalMask: UInt32 { (1 << ordinalBits) - 1 }

    private func tag(of hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: hash) << ordinalBits
    }

    private func locate(hash: UInt64, isSame: (Ordinal) -> Bool) -> Location {
        // The upper half of the hash chooses the slot without a division; the lower half is the tag.
        var slot = Int(((hash >> 32) * UInt64(slots.count)) >> 32)
        let tag = tag(of: hash)
        while slots[slot] != 0 {
            let entry = slots[slot]
            let ordinal = (entry & ordinalMask) - 1
            if entry & ~ordinalMask == tag && isSame(ordinal) { return .found(ordinal) }
            slot = slot + 1 == slots.count ? 0 : slot + 1
        }
        return .absent(slot: slot)
    }
}
